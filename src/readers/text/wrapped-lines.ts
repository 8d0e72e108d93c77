import { ABSENT_PID } from '#events/columns'
import type { Layout } from './layouts/layout.ts'
import { LONGEST_LINE, SCRATCH } from './lines.ts'
import type { Reading } from './payload.ts'
import type { Places } from './places.ts'
import type { Step } from './prefixes.ts'
import { joined, type Pending, restOf, Stage } from './wraps.ts'

/** What only heads have, and where payloads have numbers in brackets too. */
const OWN_STAMP = /^\s*\[[\d:. -]*\.\d{9}\]|^\s*\d+\.\d{3,6} /
const OWN_HEAD = /\d\.\d{6}(?:\d{3})?[:\]]|\[\d{1,5}\](?: |$)/

/** Reads lines once it is known where they end. */
export interface WholeReader {
  readonly places: Places
  /** The event behind the head read last. */
  readName(to: number): Reading | 'sample' | undefined
  notePrefix(step: Step | undefined, isEvent: boolean): void
  /** A line that is neither wrapped nor the rest of one. */
  readWhole(from: number, to: number, ended: boolean): void
  /** The line that stands in SCRATCH. */
  readJoined(to: number, pending: Pending): void
  countJoin(): void
}

/** Puts the lines of a text together that a mailer or a terminal has wrapped. */
export class WrappedLines {
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  readonly #layout: Layout
  readonly #width: number | undefined
  readonly #reader: WholeReader
  /** A line that may go on in the next. */
  #pending: Pending | undefined

  /** `width`: the length at which lines were cut, if that is known. */
  constructor(layout: Layout, width: number | undefined, reader: WholeReader) {
    const { bytes } = layout.head
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#layout = layout
    this.#width = width
    this.#reader = reader
  }

  /** Keeps a line in hand until the next says whether it goes on there. */
  take(from: number, to: number, number: number, ended: boolean): void {
    const pending = this.#pending
    const line = this.#buffer.toString('latin1', from, to)
    if (pending !== undefined && line.trim() !== '' && this.#joins(pending, line, from, to)) return
    const place = line.trim() === '' ? undefined : this.#reader.places.find(from, to)
    this.flush()
    const rest = restOf(line, '')
    if (place?.is === 'event') {
      this.#reader.notePrefix(place.step, true)
      const text = line.slice(place.at)
      const prefix = line.slice(0, place.at)
      this.#pending = { text, prefix, width: to - from, line: number, ended }
    } else if (place?.is === 'unknown' && this.#layout.mayBegin(rest)) {
      const prefix = line.slice(0, line.length - rest.length)
      this.#pending = { text: rest, prefix, width: to - from, line: number, ended }
    } else this.#reader.readWhole(from, to, ended)
  }

  /** Joins a line to the one in hand, if it is the rest of it. */
  #joins(pending: Pending, line: string, from: number, to: number): boolean {
    const stage = this.#stageOf(pending.text)
    const place = this.#reader.places.find(from, to)
    if (place.is === 'comment' || (place.is === 'event' && (stage > Stage.none || !this.#isTaskless(from, to))))
      return false
    if (place.is === 'odd' && place.odd.is !== 'frame' && place.odd.is !== 'skipped') return false
    const rest = restOf(line, pending.prefix)
    // A line with a stamp or a CPU of its own is no rest of an event that has them.
    if (rest.trim() === '' || (stage > Stage.none && (this.#layout.isBracketed ? OWN_STAMP : OWN_HEAD).test(rest)))
      return false
    const text = joined(pending.text, rest, {
      stageOf: (candidate) => this.#stageOf(candidate),
      isCutByWidth: pending.width === this.#width && place.is === 'unknown',
      isBracketed: this.#layout.isBracketed,
    })
    if (text === undefined || text.length > LONGEST_LINE) return false
    this.#pending = { ...pending, text, width: to - from }
    this.#reader.countJoin()
    return true
  }

  /** Whether an event's head is only the rest of one. */
  #isTaskless(from: number, to: number): boolean {
    return this.#layout.readHead(from, to) && this.#layout.head.pid === ABSENT_PID
  }

  #put(text: string): number {
    return SCRATCH + this.#buffer.write(text, SCRATCH, LONGEST_LINE, 'latin1')
  }

  /** How far a text reads as an event. */
  #stageOf(text: string): number {
    const to = this.#put(text)
    this.#bytes[to] = 0
    const isWhole = this.#layout.isWhole(text)
    if (!this.#layout.readHead(SCRATCH, to)) return Stage.none
    const reading = this.#reader.readName(to)
    if (reading === undefined) return Stage.head
    if (!isWhole) return Stage.name
    const { payloadFrom, payloadTo } = this.#layout.head
    const { hidesZeros = false } = this.#layout
    return typeof reading === 'object' && !reading.read(payloadFrom, payloadTo, hidesZeros) ? Stage.name : Stage.whole
  }

  /** Reads the line in hand. */
  flush(): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    const to = this.#put(pending.text)
    this.#bytes[to] = 0
    this.#reader.readJoined(to, pending)
  }
}
