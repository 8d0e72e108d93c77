/** Bytes that grow, with places to fill in later. */
export class Bytes {
  #bytes = Buffer.alloc(1024)
  length = 0
  readonly little: boolean

  constructor(little = true) {
    this.little = little
  }

  #room(size: number): number {
    const at = this.length
    while (at + size > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)])
    this.length = at + size
    return at
  }

  number(value: number | bigint, size: 1 | 2 | 4 | 8, at = this.#room(size)): this {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)
    const unsigned = BigInt.asUintN(size * 8, BigInt(value))
    if (size === 8) view.setBigUint64(at, unsigned, this.little)
    else if (size === 4) view.setUint32(at, Number(unsigned), this.little)
    else if (size === 2) view.setUint16(at, Number(unsigned), this.little)
    else view.setUint8(at, Number(unsigned))
    return this
  }

  u16 = (value: number) => this.number(value, 2)
  u32 = (value: number) => this.number(value, 4)
  u64 = (value: number | bigint) => this.number(value, 8)

  add(bytes: Uint8Array | string): this {
    const from = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const at = this.#room(from.length)
    this.#bytes.set(from, at)
    return this
  }

  z = (text: string) => this.add(`${text}\0`)

  align(size: number): this {
    this.#room((size - (this.length % size)) % size)
    return this
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }
}
