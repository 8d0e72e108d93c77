/** What is known of a page or object: the row that allocated it, or one of these. */
export const NEVER_SEEN = -1
export const FREED = -2

const CHUNK = 4096

/** The row of the event that allocated each page frame. Memory goes by the frames met, not by the highest of them. */
export class PageRows {
  readonly #chunks = new Map<number, Int32Array>()
  #chunk: Int32Array = new Int32Array(0)
  #number = -1

  get(pfn: number): number {
    return this.#find(pfn)[pfn & (CHUNK - 1)]!
  }

  set(pfn: number, row: number): void {
    this.#find(pfn)[pfn & (CHUNK - 1)] = row
  }

  #find(pfn: number): Int32Array {
    const number = Math.trunc(pfn / CHUNK)
    if (number !== this.#number) {
      let chunk = this.#chunks.get(number)
      if (chunk === undefined) {
        chunk = new Int32Array(CHUNK).fill(NEVER_SEEN)
        this.#chunks.set(number, chunk)
      }
      this.#chunk = chunk
      this.#number = number
    }
    return this.#chunk
  }
}

/** Addresses of a `u64` column as numbers: the lower 53 bits. Of the rest kernels and hashes keep only copies of one bit. */
export class Addresses {
  readonly #halves: Uint32Array
  readonly #low: 0 | 1

  constructor(column: BigUint64Array) {
    this.#halves = new Uint32Array(column.buffer, column.byteOffset, column.length * 2)
    this.#low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1
  }

  /** Undefined where the text hid it; 0 is the null pointer. */
  at(slot: number): number | undefined {
    const low = this.#halves[slot * 2 + this.#low]!
    const high = this.#halves[slot * 2 + 1 - this.#low]!
    if (low === 0xffffffff && high === 0xffffffff) return undefined
    return (high & 0x1fffff) * 2 ** 32 + low
  }
}

/** The row of the event that allocated or queued what lies at each address. Open addressing: no object per address. */
export class AddressRows {
  #keys = new Float64Array(1024)
  #rows = new Int32Array(1024).fill(NEVER_SEEN)
  #used = 0

  get(address: number): number {
    return this.#rows[this.#place(address)]!
  }

  set(address: number, row: number): void {
    let place = this.#place(address)
    if (this.#keys[place] !== address) {
      if (++this.#used * 2 > this.#keys.length) {
        this.#grow()
        place = this.#place(address)
      }
      this.#keys[place] = address
    }
    this.#rows[place] = row
  }

  /** No address is 0: null pointers never come here. */
  #place(address: number): number {
    const mask = this.#keys.length - 1
    const mixed = Math.imul((address % 2 ** 32) ^ Math.floor(address / 2 ** 32), 0x9e3779b1)
    let place = (mixed ^ (mixed >>> 15)) & mask
    for (let key = this.#keys[place]!; key !== 0 && key !== address; key = this.#keys[place]!)
      place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const [keys, rows] = [this.#keys, this.#rows]
    this.#keys = new Float64Array(keys.length * 2)
    this.#rows = new Int32Array(rows.length * 2).fill(NEVER_SEEN)
    for (let old = 0; old < keys.length; old++) {
      const key = keys[old]!
      if (key === 0) continue
      const place = this.#place(key)
      this.#keys[place] = key
      this.#rows[place] = rows[old]!
    }
  }
}
