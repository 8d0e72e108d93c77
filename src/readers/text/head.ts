import type { KnownHeads } from './known-heads.ts'
import { LONGEST_HEAD, type OtherHead } from './other-heads.ts'
import { Stamp } from './stamp.ts'

const NEWLINE = 0x0a
const SPACE = 0x20
const DASH = 0x2d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN = 0x28
const CLOSE = 0x29
const DOT = 0x2e
const COLON = 0x3a
const PLUS = 0x2b

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
/** NUL and other control bytes count as space: files cut by a crash have holes of them. */
const isSpace = (byte: number): boolean => byte <= SPACE

/**
 * Reads what stands before the payload of an event line:
 *
 *     comm-pid [(tgid)] [cpu] [flags] seconds.fraction: [(+delta)] name:
 *
 * A comm may hold anything, so the line is read from its `[cpu]` to both sides.
 */
export class HeadReader {
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  readonly #other: ((line: string) => OtherHead | undefined) | undefined
  readonly #known: KnownHeads | undefined
  commFrom = 0
  commTo = 0
  pid = 0
  cpu = 0
  flagsFrom = 0
  /** Equal to `flagsFrom` where the layout has no flags. */
  flagsTo = 0
  readonly stamp: Stamp
  /** Behind the stamp's colon. */
  bodyFrom = 0
  nameFrom = 0
  nameTo = 0
  payloadFrom = 0
  /** The record's flag bits, where the layout prints them as a number; else −1. */
  flagBits = -1
  /** Whether the stamp counts from the trace's first event. */
  relative = false
  #payloadFrom = 0

  /** `other` reads the heads that are of another layout; `known` remembers those of the usual one. */
  constructor(bytes: Uint8Array, other?: (line: string) => OtherHead | undefined, known?: KnownHeads) {
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#other = other
    this.#known = known
    this.stamp = new Stamp(bytes)
  }

  /** Whether the line has a head up to its stamp. */
  read(from: number, to: number): boolean {
    const known = this.#known === undefined ? -1 : this.#known.read(from, this)
    if (known >= 0) return this.#readRest(known, to)
    const bytes = this.#bytes
    for (let bracket = from; bracket < to; bracket++) {
      if (bytes[bracket] !== OPEN_BRACKET) continue
      let at = bracket + 1
      let cpu = 0
      while (at < to && isDigit(bytes[at]!)) cpu = cpu * 10 + bytes[at++]! - 0x30
      if (at === bracket + 1 || at >= to || bytes[at] !== CLOSE_BRACKET || cpu > 0xfffe) continue
      if (!this.#readTask(from, bracket)) continue
      this.cpu = cpu
      this.#known?.remember(from, bracket, at + 1, this)
      return this.#readRest(at + 1, to)
    }
    return this.#other !== undefined && this.#readOther(this.#other, from, to)
  }

  /** The same for a line of which the end is not known, if it begins as one read before. */
  readKnown(from: number): boolean {
    const known = this.#known === undefined ? -1 : this.#known.read(from, this)
    return known >= 0 && this.#readRest(known, this.#bytes.length)
  }

  /** What stands behind `[cpu]`; no further than the line's end. */
  #readRest(from: number, to: number): boolean {
    this.flagBits = -1
    this.relative = false
    this.#payloadFrom = 0
    return this.#readStamp(from, to)
  }

  #readOther(read: (line: string) => OtherHead | undefined, from: number, to: number): boolean {
    const head = read(this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD)))
    if (head === undefined || head.cpu > 0xfffe || head.pid > 0x7fffffff) return false
    this.commFrom = from + head.commFrom
    this.commTo = from + head.commTo
    this.pid = head.pid
    this.cpu = head.cpu
    this.flagsFrom = from + head.flagsFrom
    this.flagsTo = from + head.flagsTo
    this.flagBits = head.flagBits ?? -1
    this.stamp.seconds = head.seconds
    this.stamp.nanoseconds = head.nanoseconds
    this.stamp.digits = head.digits
    this.relative = head.relative
    this.bodyFrom = from + head.bodyFrom
    this.#payloadFrom = head.payloadFrom === undefined ? 0 : from + head.payloadFrom
    return true
  }

  /** Begin of the word behind the stamp; −1 where the name is not just that. */
  wordFrom(): number {
    if (this.#payloadFrom > 0) return -1
    let at = this.bodyFrom
    while (this.#bytes[at] === SPACE) at++
    return at
  }

  /** Takes the word from there to `end` as the name and its colon. */
  takeName(from: number, end: number, to: number): void {
    let at = end
    while (at < to && isSpace(this.#bytes[at]!)) at++
    this.nameFrom = from
    this.nameTo = end - 1
    this.payloadFrom = at
  }

  /** Whether an event's name follows the stamp; sets where it and its payload stand. */
  readName(to: number): boolean {
    const bytes = this.#bytes
    let at = this.bodyFrom
    while (at < to && isSpace(bytes[at]!)) at++
    if (bytes[at] === OPEN && bytes[at + 1] === PLUS) {
      while (at < to && bytes[at] !== CLOSE) at++
      at++
      while (at < to && isSpace(bytes[at]!)) at++
    }
    this.nameFrom = at
    // Letters, digits, `_`, `.`
    while (at < to) {
      const byte = bytes[at]!
      const letter = byte | 0x20
      if (!((letter >= 0x61 && letter <= 0x7a) || isDigit(byte) || byte === 0x5f || byte === DOT)) break
      at++
    }
    this.nameTo = at
    if (at === this.nameFrom || at >= to || bytes[at] !== COLON) return false
    at = Math.max(at + 1, this.#payloadFrom)
    while (at < to && isSpace(bytes[at]!)) at++
    this.payloadFrom = at
    return true
  }

  /** `  comm-pid  (tgid) ` in front of `[cpu]`, from its end. */
  #readTask(from: number, bracket: number): boolean {
    const bytes = this.#bytes
    let at = bracket - 1
    while (at >= from && bytes[at] === SPACE) at--
    if (at >= from && bytes[at] === CLOSE) {
      while (at >= from && bytes[at] !== OPEN) at--
      at--
      while (at >= from && bytes[at] === SPACE) at--
    }
    let pid = 0
    let place = 1
    const end = at
    while (at >= from && isDigit(bytes[at]!)) {
      pid += (bytes[at--]! - 0x30) * place
      place *= 10
    }
    if (at === end || at < from || bytes[at] !== DASH || pid > 0x7fffffff) return false
    this.commTo = at
    at = from
    while (at < this.commTo && isSpace(bytes[at]!)) at++
    this.commFrom = at
    this.pid = pid
    return true
  }

  #readStamp(from: number, to: number): boolean {
    const bytes = this.#bytes
    let at = from
    while (at < to && bytes[at] === SPACE) at++
    this.flagsFrom = at
    if (at < to && !isDigit(bytes[at]!)) while (at < to && bytes[at] !== SPACE && bytes[at] !== NEWLINE) at++
    this.flagsTo = at
    while (at < to && bytes[at] === SPACE) at++
    this.bodyFrom = this.stamp.read(at, to)
    return this.bodyFrom >= 0
  }
}
