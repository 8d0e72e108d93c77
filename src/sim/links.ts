/**
 * Lists of places, linked both ways, since a merge takes blocks from their middle. Links are place + 1 and 0 is none, so that memory
 * never touched costs none. Which list a place is on its owner knows.
 */
export class Links {
  #next: Int32Array
  #prev: Int32Array
  readonly #head: Int32Array
  readonly #tail: Int32Array

  constructor(lists: number, places: number) {
    this.#next = new Int32Array(places)
    this.#prev = new Int32Array(places)
    this.#head = new Int32Array(lists)
    this.#tail = new Int32Array(lists)
  }

  grow(places: number): void {
    const [next, prev] = [this.#next, this.#prev]
    this.#next = new Int32Array(places)
    this.#prev = new Int32Array(places)
    this.#next.set(next)
    this.#prev.set(prev)
  }

  /** First place of a list; −1: it is empty. */
  first(list: number): number {
    return this.#head[list]! - 1
  }

  last(list: number): number {
    return this.#tail[list]! - 1
  }

  /** The place after one on its list; −1: it is the last. */
  after(at: number): number {
    return this.#next[at]! - 1
  }

  /** Returns whether the list was empty. */
  add(at: number, list: number, toTail: boolean): boolean {
    const first = this.#head[list]!
    if (first === 0) {
      this.#next[at] = 0
      this.#prev[at] = 0
      this.#head[list] = at + 1
      this.#tail[list] = at + 1
      return true
    }
    if (toTail) {
      const last = this.#tail[list]!
      this.#next[last - 1] = at + 1
      this.#prev[at] = last
      this.#next[at] = 0
      this.#tail[list] = at + 1
    } else {
      this.#next[at] = first
      this.#prev[at] = 0
      this.#prev[first - 1] = at + 1
      this.#head[list] = at + 1
    }
    return false
  }

  /** Returns whether the list is empty now. */
  remove(at: number, list: number): boolean {
    const next = this.#next[at]!
    const prev = this.#prev[at]!
    if (prev === 0) this.#head[list] = next
    else this.#next[prev - 1] = next
    if (next === 0) this.#tail[list] = prev
    else this.#prev[next - 1] = prev
    return prev === 0 && next === 0
  }
}
