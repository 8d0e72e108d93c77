const ZERO = 0x30
const X = 0x78
const MINUS = 0x2d
const OPEN = 0x28
const CLOSE = 0x29
const SLASH = 0x2f
const SPACE = 0x20
const CLOSE_BRACKET = 0x5d

const NO_DIGIT = 0x80
const HEX_DIGITS = new Uint8Array(256).fill(NO_DIGIT)
for (const [value, digits] of [...'0123456789abcdef'].entries())
  for (const digit of [digits, digits.toUpperCase()]) HEX_DIGITS[digit.charCodeAt(0)] = value

/** Hexadecimal digits; NaN if anything else stands there. */
function hexIn(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = HEX_DIGITS[bytes[at]!]!
    if (digit === NO_DIGIT) return Number.NaN
    value = value * 16 + digit
  }
  return value
}

// Four digits at a time, in one word of which the first byte is the lowest. Adding a number to each byte sets the highest bit of those
// from a certain one on. A byte of 0x80 and above may run over into the next, but is no digit by either sum.
const HIGH_BITS = 0x80808080 | 0

/** Four decimal digits; −1 if anything else stands there. */
export function fourDigits(word: number): number {
  // From '0' on, and beyond '9'
  const isDigit = (word + 0x50505050) & ~(word + 0x46464646) & HIGH_BITS
  if (isDigit !== HIGH_BITS) return -1
  const digits = word & 0x0f0f0f0f
  const pairs = Math.imul(digits, 10) + (digits >>> 8)
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff)
}

/** Four hexadecimal digits, small letters; −1 if anything else stands there. */
function fourHexDigits(word: number): number {
  const isDigit = (word + 0x50505050) & ~(word + 0x46464646)
  // From 'a' on, and beyond 'f'
  const isLetter = (word + 0x1f1f1f1f) & ~(word + 0x19191919)
  if (((isDigit | isLetter) & HIGH_BITS) !== HIGH_BITS) return -1
  const digits = (word & 0x0f0f0f0f) + Math.imul((word >>> 6) & 0x01010101, 9)
  const pairs = (digits << 4) | (digits >>> 8)
  return ((pairs & 0xff) << 8) | ((pairs >>> 16) & 0xff)
}

/** Decimal, or hexadecimal after `0x`; NaN if it is neither. */
export function numberIn(bytes: Uint8Array, from: number, to: number): number {
  if (bytes[from] === ZERO && bytes[from + 1] === X) return from + 2 === to ? Number.NaN : hexIn(bytes, from + 2, to)
  const negative = bytes[from] === MINUS
  let at = negative ? from + 1 : from
  if (at === to) return Number.NaN
  let value = 0
  for (; at < to; at++) {
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return negative ? -value : value
}

/** `(nil)`, `(null)`, `0x0`, `0000000000000000` */
export function isNullIn(bytes: Uint8Array, from: number, to: number): boolean {
  // n
  if (bytes[from] === OPEN) return bytes[from + 1] === 0x6e && to - from <= 6
  if (from === to) return false
  for (let at = from; at < to; at++) if (bytes[at] !== ZERO && !(at === from + 1 && bytes[at] === X)) return false
  return true
}

/** Kernels before 4.15 pad a null: `ptr=          (null)`. Where it begins, or `from` if it is none. */
export function paddedNullIn(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] === SPACE) at++
  return bytes[at] === OPEN ? at : from
}

/** Behind the ` [module]` that begins at `from`, or `from` if it is none. */
export function moduleEndIn(bytes: Uint8Array, from: number, to: number): number {
  let end = from + 2
  while (end < to && bytes[end] !== CLOSE_BRACKET && bytes[end]! > SPACE) end++
  return end < to && bytes[end] === CLOSE_BRACKET ? end + 1 : from
}

/** `1`, `true`, and with the option `fields`, `0x1` and `(1)`: 0 or 1, NaN if it is no flag. */
export function flagIn(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from]
  // t, f
  if (first === 0x74) return 1
  if (first === 0x66) return 0
  const isInBrackets = first === OPEN && bytes[to - 1] === CLOSE
  const value = isInBrackets ? numberIn(bytes, from + 1, to - 1) : numberIn(bytes, from, to)
  return value === 0 || value === 1 ? value : Number.NaN
}

/** A 64-bit number, as its halves. */
export class Wide {
  high = 0
  low = 0

  /** Hexadecimal, with and without `0x`, and `(nil)`. Whether it is one. */
  readHex(bytes: Uint8Array, from: number, to: number): boolean {
    if (bytes[from] === OPEN) {
      this.high = 0
      this.low = 0
      return isNullIn(bytes, from, to)
    }
    let start = from
    // trace-cmd prints the `0x%p` of some formats as `0x0x…`.
    while (bytes[start] === ZERO && bytes[start + 1] === X) start += 2
    if (to <= start || to - start > 16) return false
    const split = Math.max(start, to - 8)
    this.high = hexIn(bytes, start, split)
    this.low = hexIn(bytes, split, to)
    return !Number.isNaN(this.high) && !Number.isNaN(this.low)
  }

  /** Sixteen hexadecimal digits, small letters. Whether they stand there. */
  readDigits(view: DataView, from: number): boolean {
    const first = fourHexDigits(view.getInt32(from, true))
    const second = fourHexDigits(view.getInt32(from + 4, true))
    const third = fourHexDigits(view.getInt32(from + 8, true))
    const fourth = fourHexDigits(view.getInt32(from + 12, true))
    this.high = ((first << 16) | second) >>> 0
    this.low = ((third << 16) | fourth) >>> 0
    return (first | second | third | fourth) >= 0
  }

  /** Decimal, or hexadecimal after `0x`. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    if (bytes[from] === ZERO && bytes[from + 1] === X) return this.readHex(bytes, from, to)
    const value = numberIn(bytes, from, to)
    if (!Number.isSafeInteger(value)) return this.#readLong(bytes, from, to)
    this.high = Math.floor(value / 2 ** 32) >>> 0
    this.low = value >>> 0
    return true
  }

  #readLong(bytes: Uint8Array, from: number, to: number): boolean {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
    if (!/^-?\d{1,20}$/.test(text)) return false
    const value = BigInt(text)
    if (BigInt.asUintN(64, value) !== value && BigInt.asIntN(64, value) !== value) return false
    this.high = Number(BigInt.asUintN(64, value) >> 32n)
    this.low = Number(value & 0xffff_ffffn)
    return true
  }
}

/** A `long`: decimal; hexadecimal, of which the highest bit is the sign; or the total in `lazy/total`, as 4.x prints queues. */
export function longIn(bytes: Uint8Array, from: number, to: number, wide: Wide): number {
  if (bytes[from] === ZERO && bytes[from + 1] === X) {
    if (!wide.readHex(bytes, from, to)) return Number.NaN
    return (to - from === 18 ? wide.high | 0 : wide.high) * 2 ** 32 + wide.low
  }
  for (let at = to - 1; at > from; at--) if (bytes[at] === SLASH) return numberIn(bytes, at + 1, to)
  return numberIn(bytes, from, to)
}
