/** A stream of bytes that is read by length. What it returns holds until the next call. */
export class PackedInput {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** The next bytes, which stay: so many, or fewer at the end. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#rest.length < length) {
      // The next piece is read into the same memory.
      const before = Uint8Array.from(this.#rest)
      const { value, done } = await this.#pieces.next()
      if (done === true) break
      this.#rest = before.length === 0 ? value : Buffer.concat([before, value])
    }
    return this.#rest.subarray(0, length)
  }

  /** All bytes that are left. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) yield piece
  }

  /** Some of the next bytes, at most so many; undefined at the end. */
  async next(most = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done === true) return undefined
      this.#rest = value
    }
    const part = this.#rest.subarray(0, Math.min(most, this.#rest.length))
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  /** The next bytes, so many, in parts. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      const part = await this.next(left)
      if (part === undefined) throw new Error('unexpected end of file')
      left -= part.length
      yield part
    }
  }

  giveBack(part: Uint8Array): void {
    if (part.length > 0) this.#rest = this.#rest.length === 0 ? part : Buffer.concat([part, this.#rest])
  }

  /** Zeros that fill up a block of a tape or disk. */
  async skipZeros(): Promise<void> {
    for (let part = await this.next(); part !== undefined; part = await this.next()) {
      const other = part.findIndex((byte) => byte !== 0)
      if (other < 0) continue
      this.giveBack(part.subarray(other))
      return
    }
  }
}
