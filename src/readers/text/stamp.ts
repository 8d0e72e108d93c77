import { NS_PER_SECOND } from '#kernel'
import { type Place, TraceError } from '#kernel/messages'
import { fourDigits } from './numbers.ts'

const ZERO = 0x30
const DOT = 0x2e
const COLON = 0x3a

/** Reads a line's stamp: `seconds.fraction:`, or a whole number, which has no unit. */
export class Stamp {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  seconds = 0
  /** ns in that second */
  nanoseconds = 0
  /** Digits of the fraction: 6 or 9; 0 of a whole number */
  digits = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** ns since that second. */
  since(second: number): number {
    return (this.seconds - second) * NS_PER_SECOND + this.nanoseconds
  }

  /** Returns what stands behind the stamp's colon, that before `to`; −1 if no stamp begins there. */
  read(from: number, to: number): number {
    const bytes = this.#bytes
    let at = from
    let seconds = 0
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      seconds = seconds * 10 + digit
    if (at === from || at - from > 20) return -1
    this.seconds = seconds
    this.nanoseconds = 0
    this.digits = 0
    if (bytes[at] === DOT) {
      at = this.#readFraction(at + 1, to)
      if (at < 0) return -1
    }
    return at < to && bytes[at] === COLON ? at + 1 : -1
  }

  #readFraction(from: number, to: number): number {
    const bytes = this.#bytes
    let at = from
    let fraction = 0
    while (at + 4 < to) {
      const four = fourDigits(this.#view.getInt32(at, true))
      if (four < 0) break
      fraction = fraction * 10_000 + four
      at += 4
    }
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      fraction = fraction * 10 + digit
    this.digits = at - from
    this.nanoseconds = this.digits === 6 ? fraction * 1000 : fraction
    return this.digits === 6 || this.digits === 9 ? at : -1
  }
}

/** Counts the days of a text that tells only times of day, which begin again at midnight. */
export class Days {
  #count = 0
  #last = 0

  /** Adds the days that have passed to a stamp's seconds. */
  addTo(stamp: Stamp): void {
    if (stamp.seconds < this.#last - 43_200) this.#count++
    this.#last = stamp.seconds
    stamp.seconds += this.#count * 86_400
  }
}

/** Stamps without a unit make a whole file unusable. */
export const unitlessStamps = (place: Place): TraceError =>
  new TraceError({
    place,
    what: 'the stamps are whole numbers without a unit, as the trace clocks "counter", "uptime" and "x86-tsc" make them',
    hint: 'record with a clock in seconds: `trace-cmd record -C mono …`, or `echo mono > trace_clock`; trace-cmd report: leave --raw-ts out',
  })
