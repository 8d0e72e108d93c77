import type { KnownHeads } from '../text/known-heads.ts'
import { Stamp } from '../text/stamp.ts'

const NEWLINE = 0x0a
const SPACE = 0x20
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SLASH = 0x2f
const DASH = 0x2d
const COLON = 0x3a

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
const isSpace = (byte: number): boolean => byte <= SPACE
const bytesOf = (letters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(letters)) table[byte] = 1
  return table
}
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const NAME = bytesOf(`${LETTERS}${LETTERS.toUpperCase()}0123456789_-.`)
/** `cycles:ppp`, `kmem:kmalloc:k`: what a user may put behind an event's name. */
const MODIFIER = bytesOf('ukhpPGHSDIebW')
const HEX = bytesOf('0123456789abcdef')

export const NO_PID = -1

/**
 * Reads what stands before the payload of a line of `perf script`:
 *
 *     comm tid|pid/tid [cpu] [misc] seconds.fraction: [period] group:name: payload
 *
 * Comm and tid may be missing. A comm may hold anything, so the line is read from its `[cpu]` to both sides.
 */
export class ScriptHead {
  readonly #bytes: Uint8Array
  readonly #known: KnownHeads | undefined
  commFrom = 0
  commTo = 0
  /** NO_PID where it is missing, or −1 in perf's own words. */
  pid = 0
  cpu = 0
  readonly stamp: Stamp
  /** Behind the stamp's colon. */
  bodyFrom = 0
  nameFrom = 0
  nameTo = 0
  payloadFrom = 0

  constructor(bytes: Uint8Array, known?: KnownHeads) {
    this.#bytes = bytes
    this.#known = known
    this.stamp = new Stamp(bytes)
  }

  /** Whether the line has a head up to its stamp. */
  read(from: number, to: number): boolean {
    const known = this.#known === undefined ? -1 : this.#known.read(from, this)
    if (known >= 0 && this.#readStamp(known, to)) return true
    const bytes = this.#bytes
    for (let bracket = from; bracket < to; bracket++) {
      if (bytes[bracket] !== OPEN_BRACKET || (bracket > from && bytes[bracket - 1] !== SPACE)) continue
      let at = bracket + 1
      let cpu = 0
      while (at < to && isDigit(bytes[at]!)) cpu = cpu * 10 + bytes[at++]! - 0x30
      if (at === bracket + 1 || bytes[at] !== CLOSE_BRACKET || bytes[at + 1] !== SPACE || cpu > 0xfffe) continue
      if (!this.#readStamp(at + 1, to)) continue
      this.cpu = cpu
      this.#readTask(from, bracket)
      // With the space that must follow.
      this.#known?.remember(from, bracket, at + 2, this)
      return true
    }
    return false
  }

  /** The same for a line of which the end is not known, if it begins as one read before. */
  readKnown(from: number): boolean {
    const known = this.#known === undefined ? -1 : this.#known.read(from, this)
    return known >= 0 && this.#readStamp(known, this.#bytes.length)
  }

  /** Begin of the word behind the stamp. */
  wordFrom(): number {
    let at = this.bodyFrom
    while (this.#bytes[at] === SPACE) at++
    return at
  }

  /** Takes the word from there to `end` as a tracepoint: its group, its name of that length, a colon behind each. */
  takeName(end: number, length: number, to: number): void {
    this.nameFrom = end - 1 - length
    this.nameTo = end - 1
    this.payloadFrom = this.#skipSpaces(end, to)
  }

  /** What follows the stamp: a tracepoint, another event, or no event at all. */
  readName(to: number): 'tracepoint' | 'other' | undefined {
    const bytes = this.#bytes
    let at = this.#skipSpaces(this.bodyFrom, to)
    // The period, which no event's name is: those begin with a letter.
    if (at < to && isDigit(bytes[at]!)) {
      while (at < to && isDigit(bytes[at]!)) at++
      at = this.#skipSpaces(at, to)
    }
    const start = at
    at = this.#skipName(at, to)
    if (at === start || bytes[at] !== COLON) return undefined
    this.nameFrom = at + 1
    this.nameTo = this.#skipName(at + 1, to)
    if (this.nameTo === this.nameFrom || bytes[this.nameTo] !== COLON)
      return isSpace(bytes[at + 1] ?? 0) ? 'other' : undefined
    let letter = this.nameFrom
    while (letter < this.nameTo && MODIFIER[bytes[letter]!] === 1) letter++
    if (letter === this.nameTo) return 'other'
    at = this.nameTo + 1
    if (at < to && MODIFIER[bytes[at]!] === 1) {
      const end = this.#skipName(at, to)
      if (bytes[end] === COLON) at = end + 1
    }
    if (at < to && !isSpace(bytes[at]!)) return undefined
    this.payloadFrom = this.#skipSpaces(at, to)
    return 'tracepoint'
  }

  #skipSpaces(at: number, to: number): number {
    const bytes = this.#bytes
    while (at < to && isSpace(bytes[at]!) && bytes[at] !== NEWLINE) at++
    return at
  }

  #skipName(at: number, to: number): number {
    const bytes = this.#bytes
    while (at < to && NAME[bytes[at]!] === 1) at++
    return at
  }

  /** `  comm  tid ` or `  comm  pid/tid  ` in front of `[cpu]`, from its end. */
  #readTask(from: number, bracket: number): void {
    const bytes = this.#bytes
    let at = bracket - 1
    while (at >= from && isSpace(bytes[at]!)) at--
    const end = at
    let pid = 0
    let place = 1
    while (at >= from && isDigit(bytes[at]!)) {
      pid += (bytes[at--]! - 0x30) * place
      place *= 10
    }
    const found = at < end && pid <= 0x7fffffff
    const isNegative = found && at >= from && bytes[at] === DASH
    if (isNegative) at--
    if (found && at >= from && bytes[at] === SLASH) {
      at--
      while (at >= from && (isDigit(bytes[at]!) || bytes[at] === DASH)) at--
    }
    const isTask = found && (at < from || isSpace(bytes[at]!))
    this.pid = isTask && !isNegative ? pid : NO_PID
    this.commTo = isTask ? at + 1 : end + 1
    while (this.commTo > from && isSpace(bytes[this.commTo - 1]!)) this.commTo--
    this.commFrom = this.#skipSpaces(from, this.commTo)
  }

  #readStamp(from: number, to: number): boolean {
    const bytes = this.#bytes
    let at = this.#skipSpaces(from, to)
    // The column `misc` holds letters.
    if (at < to && !isDigit(bytes[at]!)) {
      while (at < to && !isSpace(bytes[at]!)) at++
      at = this.#skipSpaces(at, to)
    }
    this.bodyFrom = this.stamp.read(at, to)
    return this.bodyFrom >= 0 && this.stamp.digits > 0 && this.stamp.seconds < 1e12
  }
}

/** Where the payload ends: perf appends `%16lx symbol (object)`, or less of it, when asked for `ip` or `sym`. */
export function payloadEnd(bytes: Uint8Array, from: number, to: number): number {
  const end = trimmed(bytes, from, to)
  // `(object)`
  if (end > from && bytes[end - 1] === 0x29) {
    let at = end - 1
    while (at > from && bytes[at] !== SPACE && bytes[at] !== 0x28) at--
    if (bytes[at] === 0x28 && bytes[at - 1] === SPACE) {
      const before = addressBefore(bytes, from, trimmed(bytes, from, at))
      if (before >= 0) return before
    }
  }
  const before = addressBefore(bytes, from, end)
  return before < 0 ? end : before
}

/** Where `address` or `address symbol` at the end begins, with the space in front; −1 if nothing of the kind stands there. */
function addressBefore(bytes: Uint8Array, from: number, end: number): number {
  let at = end
  for (let word = 0; word < 2; word++) {
    const wordEnd = at
    let hex = true
    while (at > from && bytes[at - 1] !== SPACE) {
      if (HEX[bytes[--at]!] === 1) continue
      if (word === 1) return -1
      hex = false
    }
    const start = at
    while (at > from && bytes[at - 1] === SPACE) at--
    // One space parts it from the payload; the rest is the padding to 16 digits.
    if (hex && wordEnd - start >= 6 && wordEnd - at === 17) return at
  }
  return -1
}

function trimmed(bytes: Uint8Array, from: number, to: number): number {
  while (to > from && isSpace(bytes[to - 1]!)) to--
  return to
}
