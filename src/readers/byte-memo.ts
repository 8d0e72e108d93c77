import { firstBytes, KnownBytes, mixed } from './known-bytes.ts'

/** Beyond this many different texts nothing more is remembered, so that a hostile input can't fill the memory. */
const MOST = 1 << 16
/** Nor are texts longer than this. */
const LONGEST = 512

/** Words are read up to so many bytes behind what is asked for: any bytes given to a `ByteMemo` end in as many of no meaning. */
export const PADDING = 8

/** Whether a word of four bytes holds one up to a space; if so, the highest bit of the first such byte is the lowest set. */
export const blanksIn = (word: number): number => (word - 0x21212121) & ~word & 0x80808080

/** How many bytes stand before the first that `blanksIn` found. */
export const bytesBefore = (blanks: number): number => (31 - Math.clz32(blanks & -blanks)) >>> 3

/** What a stretch of bytes means, worked out once for each different stretch: no string is made for one seen before. */
export class ByteMemo<T> {
  readonly #view: DataView
  readonly #make: (text: string) => T
  readonly #buffer: Buffer
  readonly #values: T[] = []
  readonly #known = new KnownBytes({ most: MOST, mostBytes: MOST * LONGEST })
  /** Where what `upToBlank` found ends. */
  end = 0

  constructor(bytes: Uint8Array, make: (text: string) => T) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#make = make
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get(from: number, to: number): T {
    const number = this.#known.find(this.#view, from, to)
    return number >= 0 ? this.#values[number]! : this.#makeOf(from, to)
  }

  /** What stands from there to the next blank: a space, or a control byte as a line's end is. */
  upToBlank(from: number): T {
    const view = this.#view
    let mix = 0
    for (let at = from; ; at += 4) {
      const word = view.getInt32(at, true)
      const blanks = blanksIn(word)
      if (blanks === 0) mix = mixed(mix, word)
      else {
        const rest = bytesBefore(blanks)
        const end = at + rest
        this.end = end
        const number = this.#known.findMixed(view, from, end, mixed(mix, word & firstBytes(rest)))
        return number >= 0 ? this.#values[number]! : this.#makeOf(from, end)
      }
    }
  }

  #makeOf(from: number, to: number): T {
    const value = this.#make(this.#buffer.toString('utf8', from, to))
    if (to - from <= LONGEST && this.#known.hasRoom) this.#known.remember(this.#values.push(value) - 1)
    return value
  }
}
