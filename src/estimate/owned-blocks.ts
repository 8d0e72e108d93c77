import { moved } from '#events/columns'
import type { Ns, Order } from '#kernel'

/** First page, order and time of allocation of each block of a demand, by block number. Grows; pages of the columns that are never written take no memory. */
export class OwnedBlocks {
  #first: Uint32Array
  #order: Uint8Array
  #since: Float64Array

  /** `blocks`: about as many as will come. */
  constructor(blocks: number) {
    this.#first = new Uint32Array(blocks)
    this.#order = new Uint8Array(blocks)
    this.#since = new Float64Array(blocks)
  }

  /** `order` and `since`, when it was taken, of a block that an event shows allocated. */
  set(block: number, first: number, order: Order = 0, since: Ns = 0): void {
    if (block >= this.#first.length) this.#grow(2 * block + 1)
    this.#first[block] = first
    this.#order[block] = order
    this.#since[block] = since
  }

  #grow(blocks: number): void {
    this.#first = moved(this.#first, blocks)
    this.#order = moved(this.#order, blocks)
    this.#since = moved(this.#since, blocks)
  }

  /** Its first page. */
  first(block: number): number {
    return this.#first[block]!
  }

  order(block: number): Order {
    return this.#order[block]!
  }

  since(block: number): Ns {
    return this.#since[block]!
  }
}
