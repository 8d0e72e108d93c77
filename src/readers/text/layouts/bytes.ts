export const SPACE = 0x20

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

/** NUL and other control bytes count as space: files cut by a crash have holes of them. */
export const isSpace = (byte: number): boolean => byte <= SPACE

const WORD = new Uint8Array(256)
for (const byte of Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.')) WORD[byte] = 1

/** Letters, digits, `_`, `.`: what names of events are made of. */
export const isOfName = (byte: number): boolean => WORD[byte] === 1

export function skipSpaces(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && isSpace(bytes[at]!)) at++
  return at
}

/** Whether a word of four bytes has a zero byte; if so, the highest bit of the first is the lowest set. */
const zerosIn = (word: number): number => (word - 0x01010101) & ~word & 0x80808080

/** The first place of a byte, four at a time; `to` or beyond if there is none. Up to three bytes behind `to` are read. */
export function placeOf(view: DataView, byte: number, from: number, to: number): number {
  const four = Math.imul(byte, 0x01010101)
  for (let at = from; at < to; at += 4) {
    const zeros = zerosIn(view.getInt32(at, true) ^ four)
    if (zeros !== 0) return at + ((31 - Math.clz32(zeros & -zeros)) >>> 3)
  }
  return to
}
