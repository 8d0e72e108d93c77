/** Beyond so many different stretches, or bytes of them, nothing more is remembered. */
const MOST = 1 << 17
const MOST_BYTES = 1 << 24

/** Numbers of stretches of bytes that come again and again: a table of hashes over copies of them. */
export class KnownBytes {
  #copies: Uint8Array = new Uint8Array(4096)
  #used = 0
  #from = new Uint32Array(64)
  #length = new Uint32Array(64)
  #hashes = new Int32Array(64)
  #numbers = new Uint32Array(64)
  #size = 0
  /** Entry + 1; 0 is free. */
  #table = new Uint32Array(128)
  /** What `find` asked for last. */
  #bytes: Uint8Array = this.#copies
  #asked = 0
  #askedEnd = 0
  #hash = 0

  /** The number of a stretch; −1 for one not remembered, which `remember` may be called for next. */
  find(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to)
    const mask = this.#table.length - 1
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const entry = this.#table[place]! - 1
      if (entry < 0) break
      if (this.#hashes[entry] === hash && this.#length[entry] === to - from && this.#isSame(entry, bytes, from, to))
        return this.#numbers[entry]!
    }
    this.#bytes = bytes
    this.#asked = from
    this.#askedEnd = to
    this.#hash = hash
    return -1
  }

  /** Whether one more can be remembered, of the length asked for last. */
  get hasRoom(): boolean {
    return this.#size < MOST && this.#used + this.#askedEnd - this.#asked <= MOST_BYTES
  }

  /** How many are remembered: the entry of the next. */
  get size(): number {
    return this.#size
  }

  /** The bytes of an entry. */
  bytesOf(entry: number): Uint8Array {
    const from = this.#from[entry]!
    return this.#copies.subarray(from, from + this.#length[entry]!)
  }

  remember(number: number): void {
    const length = this.#askedEnd - this.#asked
    if (!this.hasRoom) return
    if (this.#used + length > this.#copies.length) this.#copies = grown(this.#copies, this.#used + length)
    if (this.#size === this.#from.length) this.#growTable()
    const entry = this.#size++
    this.#copies.set(this.#bytes.subarray(this.#asked, this.#askedEnd), this.#used)
    this.#from[entry] = this.#used
    this.#length[entry] = length
    this.#hashes[entry] = this.#hash
    this.#numbers[entry] = number
    this.#used += length
    this.#place(entry)
  }

  #isSame(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    const copies = this.#copies
    let known = this.#from[entry]!
    for (let at = from; at < to; at++) if (bytes[at] !== copies[known++]) return false
    return true
  }

  #place(entry: number): void {
    const mask = this.#table.length - 1
    let place = this.#hashes[entry]! & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = entry + 1
  }

  #growTable(): void {
    this.#from = grown(this.#from, 0)
    this.#length = grown(this.#length, 0)
    this.#hashes = grown(this.#hashes, 0)
    this.#numbers = grown(this.#numbers, 0)
    this.#table = new Uint32Array(this.#from.length * 2)
    for (let entry = 0; entry < this.#size; entry++) this.#place(entry)
  }
}

/** By four bytes a step: one depends on the one before, so that steps count and not bytes. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  let at = from
  for (; at + 4 <= to; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

function grown<T extends Uint8Array | Uint32Array | Int32Array>(old: T, atLeast: number): T {
  const fresh = new (old.constructor as new (length: number) => T)(Math.max(old.length * 2, atLeast))
  fresh.set(old)
  return fresh
}
