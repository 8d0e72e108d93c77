import { ABSENT_COMM, type Dictionary } from '#events/columns'
import { ByteMemo } from '../byte-memo.ts'
import { paddedCommAt } from './common-prefix.ts'
import { LONGEST_HEAD } from './head.ts'
import { skipSpaces } from './layouts/bytes.ts'
import type { Layout, OddLine } from './layouts/layout.ts'
import { DUBIOUS_COMM, isPlanned, type Step, stepsOf } from './prefixes.ts'
import type { Recognised } from './recognise.ts'

/** In place of a comm's number. */
const DUBIOUS = -1

/** What a line is, and where it begins behind its prefix. */
export type Place =
  | { readonly is: 'event'; readonly at: number; readonly step: Step | undefined }
  | { readonly is: 'odd'; readonly odd: OddLine; readonly at: number; readonly step: Step | undefined }
  | { readonly is: 'comment'; readonly at: number }
  | { readonly is: 'unknown'; readonly kind: Step['kind'] | undefined }

/** Finds where lines begin behind what stands before them, and which process their heads name. */
export class Places {
  /** Number of the process name in the head read last. */
  comm = ABSENT_COMM
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  readonly #layout: Layout
  readonly #recognised: Recognised
  readonly #noteFile: (file: string | undefined) => void
  #idle = ABSENT_COMM
  /** DUBIOUS for names that may have taken a prefix in. */
  #comms!: ByteMemo<number>
  /** The same names as they stand. */
  #plainComms!: ByteMemo<number>

  /** `noteFile` takes what lines say they are of. */
  constructor(layout: Layout, recognised: Recognised, noteFile: (file: string | undefined) => void) {
    const { bytes } = layout.head
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#layout = layout
    this.#recognised = recognised
    this.#noteFile = noteFile
  }

  /** Begins to keep in mind which number a process name has. */
  remember(strings: Dictionary): void {
    const layout = this.#layout
    if (layout.idle !== undefined) this.#idle = strings.add(layout.idle)
    const numberOf = (comm: string | undefined) => (comm === undefined ? ABSENT_COMM : strings.add(comm))
    this.#plainComms = new ByteMemo(this.#bytes, (text) => numberOf(layout.commOf(text)))
    this.#comms = new ByteMemo(this.#bytes, (text) => {
      const comm = layout.commOf(text)
      if ((comm !== undefined && DUBIOUS_COMM.test(comm)) || isPlanned(text, this.#recognised.plan)) return DUBIOUS
      this.#noteFile(layout.sourceOf(text))
      return numberOf(comm)
    })
  }

  /** Whether the head has a name that is surely the process's own. */
  isPlain(): boolean {
    const { commFrom, commTo, pid } = this.#layout.head
    this.comm = pid === 0 && this.#idle !== ABSENT_COMM ? this.#idle : this.#comms.get(commFrom, commTo)
    return this.comm !== DUBIOUS
  }

  /** Where a line begins behind its prefix: where the first step leaves something that can be read, with a likely name. */
  find(from: number, to: number): Place {
    const line = this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD))
    const { plan } = this.#recognised
    const layout = this.#layout
    let best: Place = { is: 'unknown', kind: undefined }
    let at = 0
    let step: Step | undefined
    const steps = stepsOf(line, plan)
    for (;;) {
      if (line[at] === '#' && !(plan.isCommented && at === 0)) return { is: 'comment', at }
      if (layout.readHead(from + at, to)) {
        if (this.isPlain()) return { is: 'event', at, step }
        best = { is: 'event', at, step }
      } else if (best.is === 'unknown') {
        if (/^[ \t]+#/.test(line.slice(at))) return { is: 'comment', at }
        if (
          at > 0 &&
          line.slice(at).trim() === '' &&
          !line.includes('-') &&
          best.kind !== 'log' &&
          step?.kind !== 'log'
        )
          return { is: 'odd', odd: { is: 'comment' }, at, step: undefined }
        // A step may have taken the blanks that a line begins with.
        const odd = layout.odd(at === 0 ? this.#text(from, to) : ` ${this.#text(from + at, to)}`)
        // Behind one more step there may be an event.
        if (odd?.is === 'skipped') best = { is: 'odd', odd, at, step }
        else if (odd !== undefined) return { is: 'odd', odd, at, step }
        else best = { is: 'unknown', kind: best.kind === 'log' ? best.kind : step?.kind }
      }
      const next = steps.next()
      if (next.done === true) break
      step = next.value
      at = step.at
    }
    if (best.is !== 'event') return best
    // No name is likely: it is taken as its padding has it, or as it stands.
    layout.readHead(from + best.at, to)
    const { head } = layout
    const padded = paddedCommAt(line, head.commTo - from, head.relative)
    if (padded !== undefined) head.commFrom = skipSpaces(this.#bytes, from + padded, head.commTo)
    this.comm = this.#plainComms.get(head.commFrom, head.commTo)
    return best
  }

  #text(from: number, to: number): string {
    return this.#buffer.toString('utf8', from, to)
  }
}
