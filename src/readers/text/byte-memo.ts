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
  /** The texts remembered, one behind the other, each padded with zeros: the window that they came from moves on. */
  #words = new Int32Array(1024)
  #used = 0
  /** Of each entry its first word, its length in bytes and its hash. */
  #from = new Uint32Array(256)
  #length = new Uint32Array(256)
  #hashes = new Int32Array(256)
  /** Entry + 1; 0 is free. */
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

  #find(from: number, to: number, hash: number): T {
    const table = this.#table
    const mask = table.length - 1
    let place = hash & mask
    for (let entry = table[place]! - 1; entry >= 0; entry = table[place]! - 1) {
      if (this.#hashes[entry] === hash && this.#length[entry] === to - from && this.#stands(entry, from, to))
        return this.#values[entry]!
      place = (place + 1) & mask
    }
    const value = this.#make(this.#buffer.toString('utf8', from, to))
    if (this.#values.length < MOST && to - from <= LONGEST) this.#remember(from, to, hash, value)
    return value
  }

  /** Whether the text of that entry stands there; it has that length. */
  #stands(entry: number, from: number, to: number): boolean {
    const view = this.#view
    const words = this.#words
    let word = this.#from[entry]!
    let at = from
    for (; at + 4 <= to; at += 4) if (view.getInt32(at, true) !== words[word++]) return false
    return at === to || (view.getInt32(at, true) & firstBytes(to - at)) === words[word]
  }

  #remember(from: number, to: number, hash: number, value: T): void {
    const entry = this.#values.push(value) - 1
    const needed = this.#used + ((to - from + 3) >>> 2)
    if (needed > this.#words.length) {
      const words = new Int32Array(this.#words.length * 2)
      words.set(this.#words)
      this.#words = words
    }
    this.#from[entry] = this.#used
    for (let at = from; at < to; at += 4)
      this.#words[this.#used++] = this.#view.getInt32(at, true) & firstBytes(Math.min(4, to - at))
    this.#length[entry] = to - from
    this.#hashes[entry] = hash
    this.#place(entry)
    if (this.#values.length === this.#from.length) this.#grow()
  }

  #place(entry: number): void {
    const mask = this.#table.length - 1
    let place = this.#hashes[entry]! & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = entry + 1
  }

  #grow(): void {
    const size = this.#from.length * 2
    const [from, length, hashes] = [this.#from, this.#length, this.#hashes]
    this.#from = new Uint32Array(size)
    this.#from.set(from)
    this.#length = new Uint32Array(size)
    this.#length.set(length)
    this.#hashes = new Int32Array(size)
    this.#hashes.set(hashes)
    this.#table = new Int32Array(size * 2)
    for (let entry = 0; entry < this.#values.length; entry++) this.#place(entry)
  }
}

/** Mask of the first so many bytes, up to four, of a word. */
export const firstBytes = (count: number): number => (count >= 4 ? -1 : (1 << (count * 8)) - 1)

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x2c1b3c6d)
  return product ^ (product >>> 15)
}
