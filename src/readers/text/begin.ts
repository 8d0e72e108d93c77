import { PADDING } from '../byte-memo.ts'
import { paddedCommAt } from './common-prefix.ts'
import { Head } from './head.ts'
import type { Layout } from './layouts/layout.ts'
import { isEnd } from './lines.ts'
import { DUBIOUS_COMM, labelAt, noPlan, type PrefixPlan, stepsOf } from './prefixes.ts'

/** Lines looked at. */
const MOST_LINES = 1500
/** Of a line, as much as a head may have. */
const MOST_BYTES = 1024

export interface Line {
  readonly text: string
  readonly from: number
  readonly to: number
}

function linesOf(head: Buffer, length: number): Line[] {
  const lines: Line[] = []
  for (let from = 0; from < length && lines.length < MOST_LINES; ) {
    const newline = head.indexOf(0x0a, from)
    const end = newline < 0 || newline > length ? length : newline
    let to = end
    while (to > from && isEnd(head[to - 1]!)) to--
    lines.push({ text: head.toString('latin1', from, Math.min(to, from + MOST_BYTES)).trimEnd(), from, to })
    from = end + 1
  }
  return lines
}

/** The first bytes of a text, as its encoding has them. */
export class Begin {
  /** With room behind them for readers of words. */
  readonly bytes: Buffer
  readonly length: number
  #lines: Line[] | undefined
  #text: string | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.concat([bytes, new Uint8Array(PADDING)])
    this.length = bytes.length
  }

  get lines(): Line[] {
    this.#lines ??= linesOf(this.bytes, this.length)
    return this.#lines
  }

  get text(): string {
    this.#text ??= this.bytes.toString('latin1', 0, this.length)
    return this.#text
  }
}

/** An event in a line: where it begins behind the prefix, and what its head says. */
interface Found {
  readonly at: number
  readonly comm: string
  readonly isDubious: boolean
  /** What it stands behind, if that is only guessed to be a label. */
  readonly guessed?: { readonly label: string; readonly form: string }
  /** What stands before it that no style of prefixes explains. */
  readonly unexplained?: string
}

const LONGEST_PREFIX = 200
/** Words that may stand before an event for no known reason. */
const MOST_WORDS = 12

/** Tries a layout on the first lines of a text. */
export class Trial {
  readonly layout: Layout
  readonly #head: Buffer
  readonly #plan: PrefixPlan

  constructor({ bytes }: Begin, layoutOf: (head: Head) => Layout, plan: PrefixPlan = noPlan) {
    this.#head = bytes
    this.layout = layoutOf(new Head(this.#head))
    this.#plan = plan
  }

  /** The event in a line; the head and the name are filled in. */
  eventIn({ text, from, to }: Line): Found | undefined {
    let dubious: Found | undefined
    // Most lines have no prefix: its steps are looked for only where one may be.
    if (text[0] !== '#' && this.layout.readHead(from, to)) {
      const found = this.#found(0)
      if (!found.isDubious) return found
    }
    const places = [0, ...[...stepsOf(text, this.#plan)].map(({ at }) => at)]
    for (const at of places) {
      if (text[at] === '#' || !this.layout.readHead(from + at, to)) continue
      const found = this.#found(at)
      if (!found.isDubious) return found
      dubious = found
    }
    if (dubious !== undefined) {
      this.layout.readHead(from + dubious.at, to)
      const { commTo, relative } = this.layout.head
      const padded = paddedCommAt(text, commTo - from, relative)
      return padded === undefined || padded > LONGEST_PREFIX
        ? dubious
        : { ...dubious, unexplained: text.slice(0, padded) }
    }
    const last = places.at(-1)!
    const guessed = labelAt(text, last)
    if (guessed !== undefined && this.layout.readHead(from + guessed.end, to)) return { ...this.#found(last), guessed }
    return this.#behindWords({ text, from, to })
  }

  /** An event behind words that no style explains, in layouts whose lines do not begin with a name. */
  #behindWords({ text, from, to }: Line): Found | undefined {
    const words = /\S+[ \t]+/y
    for (let count = 0; count < MOST_WORDS && words.test(text); count++) {
      const at = words.lastIndex
      if (this.layout.readHead(from + at, to)) return { ...this.#found(at), unexplained: text.slice(0, at) }
    }
    return undefined
  }

  #found(at: number): Found {
    const { commFrom, commTo } = this.layout.head
    const comm = this.layout.commOf(this.#head.toString('utf8', commFrom, commTo)) ?? ''
    return { at, comm, isDubious: DUBIOUS_COMM.test(comm) }
  }

  /** What a line that is no event says, behind its prefix. */
  oddIn({ text }: Line): boolean {
    if (this.layout.odd(text) !== undefined) return true
    for (const { at } of stepsOf(text, this.#plan)) if (this.layout.odd(` ${text.slice(at)}`) !== undefined) return true
    return false
  }
}
