/** Mask of the first so many bytes, up to four, of a word. */
export const firstBytes = (count: number): number => (count >= 4 ? -1 : (1 << (count * 8)) - 1)

/** One step of a hash: takes the next four bytes. */
export const mixed = (hash: number, word: number): number => Math.imul(hash ^ word, 0x2c1b3c6d)

/** Brings what the upper bits tell into the lower ones, by which places are found. */
function spread(mix: number): number {
  const product = Math.imul(mix ^ (mix >>> 15), 0x297a2d39)
  return product ^ (product >>> 15)
}

/** The last bytes of a stretch, up to three, as a word; no byte behind the view is read. */
function restOf(view: DataView, at: number, to: number): number {
  if (at + 4 <= view.byteLength) return view.getInt32(at, true) & firstBytes(to - at)
  let word = 0
  for (let place = at; place < to; place++) word |= view.getUint8(place) << ((place - at) * 8)
  return word
}

/** What an entry has before its bytes: hash, length, number. */
const HEADER = 3

export interface Limits {
  /** Beyond so many different stretches, or bytes of them, nothing more is remembered: a hostile input can't fill the memory. */
  readonly most: number
  readonly mostBytes: number
}

/** Numbers of stretches of bytes that come again and again: a table of hashes over copies of them. */
export class KnownBytes {
  readonly #limits: Limits
  /** Entries, one behind the other: header, then the bytes as words, padded with zeros. The first place is no entry's. */
  #entries = new Int32Array(1024)
  #used = 1
  /** Where entries begin, by hash; 0 is free. Never more than half full. */
  #table = new Int32Array(512)
  #size = 0
  // What `find` asked for last.
  #view: DataView = new DataView(new ArrayBuffer(0))
  #from = 0
  #to = 0
  #hash = 0

  constructor(limits: Limits = { most: 1 << 17, mostBytes: 1 << 24 }) {
    this.#limits = limits
  }

  /** The number of a stretch; −1 for one not remembered, which `remember` may be called for next. */
  find(view: DataView, from: number, to: number): number {
    let mix = 0
    let at = from
    for (; at + 4 <= to; at += 4) mix = mixed(mix, view.getInt32(at, true))
    return this.findMixed(view, from, to, mixed(mix, restOf(view, at, to)))
  }

  /** The same for one who took the steps of the hash already: each word, and then the rest, even if it is empty. */
  findMixed(view: DataView, from: number, to: number, mix: number): number {
    const hash = spread(mix)
    const table = this.#table
    const entries = this.#entries
    const mask = table.length - 1
    let place = hash & mask
    for (let entry = table[place]!; entry > 0; entry = table[place]!) {
      if (entries[entry] === hash && entries[entry + 1] === to - from && this.#stands(entry + HEADER, view, from, to))
        return entries[entry + 2]!
      place = (place + 1) & mask
    }
    this.#view = view
    this.#from = from
    this.#to = to
    this.#hash = hash
    return -1
  }

  /** Whether one more can be remembered, of the length asked for last. */
  get hasRoom(): boolean {
    const { most, mostBytes } = this.#limits
    return this.#size < most && this.#used * 4 + this.#to - this.#from <= mostBytes
  }

  /** Where the entry stands that is remembered next. */
  get next(): number {
    return this.#used
  }

  /** The bytes of an entry. */
  bytesOf(entry: number): Uint8Array {
    const length = this.#entries[entry + 1]!
    const copy = new DataView(new ArrayBuffer(length + 3))
    for (let at = 0; at < length; at += 4) copy.setInt32(at, this.#entries[entry + HEADER + (at >>> 2)]!, true)
    return new Uint8Array(copy.buffer, 0, length)
  }

  remember(number: number): void {
    if (!this.hasRoom) return
    const length = this.#to - this.#from
    const entry = this.#used
    const end = entry + HEADER + ((length + 3) >>> 2)
    if (end > this.#entries.length) {
      const entries = new Int32Array(Math.max(end, this.#entries.length * 2))
      entries.set(this.#entries)
      this.#entries = entries
    }
    const entries = this.#entries
    entries[entry] = this.#hash
    entries[entry + 1] = length
    entries[entry + 2] = number
    let word = entry + HEADER
    let at = this.#from
    for (; at + 4 <= this.#to; at += 4) entries[word++] = this.#view.getInt32(at, true)
    if (at < this.#to) entries[word] = restOf(this.#view, at, this.#to)
    this.#used = end
    if (++this.#size * 2 <= this.#table.length) this.#place(entry)
    else this.#grow()
  }

  /** Whether the bytes from there on are those words. */
  #stands(word: number, view: DataView, from: number, to: number): boolean {
    const entries = this.#entries
    let at = from
    for (; at + 4 <= to; at += 4) if (view.getInt32(at, true) !== entries[word++]) return false
    return at === to || restOf(view, at, to) === entries[word]
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
