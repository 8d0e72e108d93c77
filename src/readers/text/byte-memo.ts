/** Beyond this many different texts nothing more is remembered, so that a hostile input can't fill the memory. */
const MOST = 1 << 16

/** What a stretch of bytes means, worked out once for each different stretch: no string is made for one seen before. */
export class ByteMemo<T> {
  readonly #bytes: Uint8Array
  readonly #make: (text: string) => T
  readonly #buffer: Buffer
  readonly #values: T[] = []
  #from = new Float64Array(256)
  #length = new Uint32Array(256)
  /** The entry asked for last: comms and flags come in runs. */
  #last = -1
  /** Entry + 1; 0 is free. */
  #table = new Int32Array(512)

  constructor(bytes: Uint8Array, make: (text: string) => T) {
    this.#bytes = bytes
    this.#make = make
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get(from: number, to: number): T {
    const bytes = this.#bytes
    const length = to - from
    const last = this.#last
    if (last >= 0 && this.#length[last] === length) {
      let known = this.#from[last]!
      let at = from
      while (at < to && bytes[at] === bytes[known]) {
        at++
        known++
      }
      if (at === to) return this.#values[last]!
    }
    const table = this.#table
    const mask = table.length - 1
    let place = this.#hash(from, to) & mask
    for (let entry = table[place]!; entry !== 0; entry = table[place]!) {
      if (this.#length[entry - 1] === length) {
        let known = this.#from[entry - 1]!
        let at = from
        while (at < to && bytes[at] === bytes[known]) {
          at++
          known++
        }
        if (at === to) {
          this.#last = entry - 1
          return this.#values[entry - 1]!
        }
      }
      place = (place + 1) & mask
    }
    const value = this.#make(this.#buffer.toString('utf8', from, to))
    if (this.#values.length < MOST) this.#remember(from, length, place, value)
    return value
  }

  #hash(from: number, to: number): number {
    const bytes = this.#bytes
    let hash = to - from
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    return hash ^ (hash >>> 15)
  }

  #remember(from: number, length: number, place: number, value: T): void {
    const entry = this.#values.push(value)
    this.#from[entry - 1] = from
    this.#length[entry - 1] = length
    this.#table[place] = entry
    if (entry === this.#from.length) this.#grow()
  }

  #grow(): void {
    const size = this.#from.length * 2
    const from = new Float64Array(size)
    from.set(this.#from)
    const length = new Uint32Array(size)
    length.set(this.#length)
    this.#from = from
    this.#length = length
    this.#table = new Int32Array(size * 2)
    const mask = size * 2 - 1
    for (let entry = 1; entry <= this.#values.length; entry++) {
      let place = this.#hash(from[entry - 1]!, from[entry - 1]! + length[entry - 1]!) & mask
      while (this.#table[place] !== 0) place = (place + 1) & mask
      this.#table[place] = entry
    }
  }
}
