/** Beyond this many different texts nothing more is remembered, so that a hostile input can't fill the memory. */
const MOST = 1 << 16
/** Nor are texts longer than this. */
const LONGEST = 512

/** What a stretch of bytes means, worked out once for each different stretch: no string is made for one seen before. */
export class ByteMemo<T> {
  readonly #bytes: Uint8Array
  readonly #make: (text: string) => T
  readonly #buffer: Buffer
  readonly #values: T[] = []
  /** The texts remembered, one behind the other: the window that they came from moves on. */
  #texts = new Uint8Array(4096)
  #end = 0
  #from = new Uint32Array(256)
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
    const last = this.#last
    if (last >= 0 && this.#length[last] === to - from && this.#stands(last, from, to)) return this.#values[last]!
    const table = this.#table
    const mask = table.length - 1
    let place = hashOf(this.#bytes, from, to) & mask
    for (let entry = table[place]!; entry !== 0; entry = table[place]!) {
      if (this.#length[entry - 1] === to - from && this.#stands(entry - 1, from, to)) {
        this.#last = entry - 1
        return this.#values[entry - 1]!
      }
      place = (place + 1) & mask
    }
    const value = this.#make(this.#buffer.toString('utf8', from, to))
    if (this.#values.length < MOST && to - from <= LONGEST) this.#remember(from, to, place, value)
    return value
  }

  /** Whether the text of that entry stands there; it has that length. */
  #stands(entry: number, from: number, to: number): boolean {
    const bytes = this.#bytes
    const texts = this.#texts
    let known = this.#from[entry]!
    let at = from
    while (at < to && bytes[at] === texts[known]) {
      at++
      known++
    }
    return at === to
  }

  #remember(from: number, to: number, place: number, value: T): void {
    const entry = this.#values.push(value)
    if (this.#end + to - from > this.#texts.length) {
      const texts = new Uint8Array(this.#texts.length * 2)
      texts.set(this.#texts)
      this.#texts = texts
    }
    this.#texts.set(this.#bytes.subarray(from, to), this.#end)
    this.#from[entry - 1] = this.#end
    this.#length[entry - 1] = to - from
    this.#end += to - from
    this.#table[place] = entry
    if (entry === this.#from.length) this.#grow()
  }

  #grow(): void {
    const size = this.#from.length * 2
    const from = new Uint32Array(size)
    from.set(this.#from)
    const length = new Uint32Array(size)
    length.set(this.#length)
    this.#from = from
    this.#length = length
    this.#table = new Int32Array(size * 2)
    const mask = size * 2 - 1
    for (let entry = 1; entry <= this.#values.length; entry++) {
      let place = hashOf(this.#texts, from[entry - 1]!, from[entry - 1]! + length[entry - 1]!) & mask
      while (this.#table[place] !== 0) place = (place + 1) & mask
      this.#table[place] = entry
    }
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash ^ (hash >>> 15)
}
