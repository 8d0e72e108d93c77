/** Most lists of a large machine never hold a page. */
const NO_ROOM = new Uint32Array(0)

/** Lists of pages that are pushed and popped at both ends, never in between. Head: most recently freed. */
export class Rings {
  /** Entries of each list. */
  readonly lens: Int32Array
  readonly #items: Uint32Array[]
  /** Where the head of each list is; the tail is `lens` − 1 further on, around. */
  readonly #heads: Int32Array

  constructor(lists: number) {
    this.lens = new Int32Array(lists)
    this.#heads = new Int32Array(lists)
    this.#items = new Array<Uint32Array>(lists).fill(NO_ROOM)
  }

  #grow(list: number): void {
    const old = this.#items[list]!
    const items = new Uint32Array(Math.max(64, old.length * 2))
    const head = this.#heads[list]!
    items.set(old.subarray(head))
    items.set(old.subarray(0, head), old.length - head)
    this.#items[list] = items
    this.#heads[list] = 0
  }

  pushHead(list: number, page: number): void {
    if (this.lens[list]! === this.#items[list]!.length) this.#grow(list)
    const items = this.#items[list]!
    const head = (this.#heads[list]! - 1) & (items.length - 1)
    items[head] = page
    this.#heads[list] = head
    this.lens[list]!++
  }

  pushTail(list: number, page: number): void {
    if (this.lens[list]! === this.#items[list]!.length) this.#grow(list)
    const items = this.#items[list]!
    items[(this.#heads[list]! + this.lens[list]!) & (items.length - 1)] = page
    this.lens[list]!++
  }

  /** The list must not be empty. */
  popHead(list: number): number {
    const items = this.#items[list]!
    const head = this.#heads[list]!
    this.#heads[list] = (head + 1) & (items.length - 1)
    this.lens[list]!--
    return items[head]!
  }

  /** The list must not be empty. */
  popTail(list: number): number {
    const items = this.#items[list]!
    return items[(this.#heads[list]! + --this.lens[list]!) & (items.length - 1)]!
  }

  /** Calls back for every page, head first. */
  each(list: number, visit: (page: number) => void): void {
    const items = this.#items[list]!
    for (let at = 0; at < this.lens[list]!; at++) visit(items[(this.#heads[list]! + at) & (items.length - 1)]!)
  }
}
