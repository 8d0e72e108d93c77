/** Bytes; kvfree traces are read as of a machine with pages of this size. */
export const PAGE = 4096

/** Upper and lower 32 bits of a column of addresses, so that no bigint is made. */
export class Halves {
  readonly #words: Uint32Array
  readonly #low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

  constructor({ buffer, byteOffset, length }: BigUint64Array) {
    this.#words = new Uint32Array(buffer, byteOffset, length * 2)
  }

  low(slot: number): number {
    return this.#words[slot * 2 + this.#low]!
  }

  high(slot: number): number {
    return this.#words[slot * 2 + 1 - this.#low]!
  }
}

/** An address as a number, from its halves of 32 bits. The upper 16 bits are left out: they are the same for all kernel addresses. */
const keyOf = (high: number, low: number): number => (high & 0xffff) * 2 ** 32 + low

/** The address at a slot of a column, as `Objects.key`. */
export const keyAt = (halves: Halves, slot: number): number => keyOf(halves.high(slot), halves.low(slot))

/** Objects that the probe's two arguments name, by kernel: up to 6.1 the second is the offset of the rcu_head where there is one. */
export class Objects {
  readonly #heads: Halves
  readonly #args: Halves
  high = 0
  low = 0
  isSingle = false

  constructor(heads: BigUint64Array, args: BigUint64Array) {
    this.#heads = new Halves(heads)
    this.#args = new Halves(args)
  }

  /** Sets the fields to the object of the call at a slot. */
  read(slot: number): void {
    const [head, arg] = [this.#heads, this.#args]
    const [high, low] = [head.high(slot), head.low(slot)]
    this.isSingle = high === 0 && low === 0
    this.high = arg.high(slot)
    this.low = arg.low(slot)
    if (this.isSingle || this.high > 0 || this.low >= PAGE) return
    const offset = this.low
    this.high = low < offset ? high - 1 : high
    this.low = (low - offset) >>> 0
  }

  get page(): number {
    return this.high * 2 ** 20 + (this.low >>> 12)
  }

  get key(): number {
    return keyOf(this.high, this.low)
  }

  get offset(): number {
    return this.low & (PAGE - 1)
  }
}
