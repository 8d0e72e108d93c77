/** Doubly linked lists of pages by index, all in one set of arrays. Head: most recently freed. */
export class PageLists {
  readonly lens: Int32Array
  readonly #head: Int32Array
  readonly #tail: Int32Array
  readonly #next: Int32Array
  readonly #prev: Int32Array
  /** The list a page is on; −1: on none. */
  readonly where: Int32Array

  constructor(lists: number, pages: number) {
    this.lens = new Int32Array(lists)
    this.#head = new Int32Array(lists).fill(-1)
    this.#tail = new Int32Array(lists).fill(-1)
    // Written when a page comes to a list.
    this.#next = new Int32Array(pages)
    this.#prev = new Int32Array(pages)
    this.where = new Int32Array(pages).fill(-1)
  }

  head(list: number): number {
    return this.#head[list]!
  }

  tail(list: number): number {
    return this.#tail[list]!
  }

  /** The page below (nearer the tail); −1 at the tail. */
  below(page: number): number {
    return this.#next[page]!
  }

  pushHead(list: number, page: number): void {
    const old = this.#head[list]!
    this.#next[page] = old
    this.#prev[page] = -1
    this.#head[list] = page
    if (old < 0) this.#tail[list] = page
    else this.#prev[old] = page
    this.where[page] = list
    this.lens[list]!++
  }

  pushTail(list: number, page: number): void {
    const old = this.#tail[list]!
    this.#prev[page] = old
    this.#next[page] = -1
    this.#tail[list] = page
    if (old < 0) this.#head[list] = page
    else this.#next[old] = page
    this.where[page] = list
    this.lens[list]!++
  }

  remove(page: number): void {
    const list = this.where[page]!
    const prev = this.#prev[page]!
    const next = this.#next[page]!
    if (prev < 0) this.#head[list] = next
    else this.#next[prev] = next
    if (next < 0) this.#tail[list] = prev
    else this.#prev[next] = prev
    this.where[page] = -1
    this.lens[list]!--
  }

  /** Puts `other`, which is on no list, where `page` is. */
  replace(page: number, other: number): void {
    const list = this.where[page]!
    const prev = this.#prev[page]!
    const next = this.#next[page]!
    this.#prev[other] = prev
    this.#next[other] = next
    if (prev < 0) this.#head[list] = other
    else this.#next[prev] = other
    if (next < 0) this.#tail[list] = other
    else this.#prev[next] = other
    this.where[other] = list
    this.where[page] = -1
  }
}
