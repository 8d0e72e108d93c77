/** Beyond this many different texts nothing more is remembered, so that a hostile input can't fill the memory. */
const MOST = 1 << 16
/** Nor are texts longer than this. */
const LONGEST = 512

/** What an entry has before its bytes. */
const HEADER = 3

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
  /**
   * The texts remembered, one behind the other, since the window that they came from moves on. Of each its hash, its length in bytes, the
   * number of its value, and its bytes, padded with zeros. The first place is no entry's.
   */
  #entries = new Int32Array(1024)
  #used = 1
  /** Where entries begin, by hash; 0 is free. Never more than half full. */
  #table = new Int32Array(512)
  /** Where what `upToBlank` found ends. */
  end = 0

  constructor(bytes: Uint8Array, make: (text: string) => T) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#make = make
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get(from: number, to: number): T {
    const view = this.#view
    let hash = 0
    let at = from
    for (; at + 4 <= to; at += 4) hash = mixed(hash, view.getInt32(at, true))
    return this.#find(from, to, mixed(hash, view.getInt32(at, true) & firstBytes(to - at)))
  }

  /** What stands from there to the next blank: a space, or a control byte as a line's end is. */
  upToBlank(from: number): T {
    const view = this.#view
    let hash = 0
    for (let at = from; ; at += 4) {
      const word = view.getInt32(at, true)
      const blanks = blanksIn(word)
      if (blanks === 0) hash = mixed(hash, word)
      else {
        const rest = bytesBefore(blanks)
        this.end = at + rest
        return this.#find(from, at + rest, mixed(hash, word & firstBytes(rest)))
      }
    }
  }

  #find(from: number, to: number, mix: number): T {
    const hash = spread(mix)
    const table = this.#table
    const entries = this.#entries
    const mask = table.length - 1
    let place = hash & mask
    for (let entry = table[place]!; entry > 0; entry = table[place]!) {
      if (entries[entry] === hash && entries[entry + 1] === to - from && this.#stands(entry + HEADER, from, to))
        return this.#values[entries[entry + 2]!]!
      place = (place + 1) & mask
    }
    const value = this.#make(this.#buffer.toString('utf8', from, to))
    if (this.#values.length < MOST && to - from <= LONGEST) this.#remember(from, to, hash, value)
    return value
  }

  /** Whether the bytes from there on are those words. */
  #stands(word: number, from: number, to: number): boolean {
    const view = this.#view
    const entries = this.#entries
    let at = from
    for (; at + 4 <= to; at += 4) if (view.getInt32(at, true) !== entries[word++]) return false
    return at === to || (view.getInt32(at, true) & firstBytes(to - at)) === entries[word]
  }

  #remember(from: number, to: number, hash: number, value: T): void {
    const entry = this.#used
    const end = entry + HEADER + ((to - from + 3) >>> 2)
    if (end > this.#entries.length) {
      const entries = new Int32Array(Math.max(end, this.#entries.length * 2))
      entries.set(this.#entries)
      this.#entries = entries
    }
    const entries = this.#entries
    entries[entry] = hash
    entries[entry + 1] = to - from
    entries[entry + 2] = this.#values.push(value) - 1
    for (let at = from, word = entry + HEADER; at < to; at += 4)
      entries[word++] = this.#view.getInt32(at, true) & firstBytes(to - at)
    this.#used = end
    if (this.#values.length * 2 <= this.#table.length) this.#place(entry)
    else this.#grow()
  }

  #place(entry: number): void {
    const mask = this.#table.length - 1
    let place = this.#entries[entry]! & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = entry
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2)
    for (let entry = 1; entry < this.#used; entry += HEADER + ((this.#entries[entry + 1]! + 3) >>> 2))
      this.#place(entry)
  }
}

/** Mask of the first so many bytes, up to four, of a word. */
export const firstBytes = (count: number): number => (count >= 4 ? -1 : (1 << (count * 8)) - 1)

const mixed = (hash: number, word: number): number => Math.imul(hash ^ word, 0x2c1b3c6d)

/** Brings what the upper bits tell into the lower ones, by which places are found. */
function spread(mix: number): number {
  const product = Math.imul(mix ^ (mix >>> 15), 0x297a2d39)
  return product ^ (product >>> 15)
}
