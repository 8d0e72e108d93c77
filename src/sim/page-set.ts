import type { Pages, Pfn } from '#kernel'

const SHIFT = 12
const SIZE = 1 << SHIFT

/** A set of pages. Takes memory only around those that it holds. */
export class PageSet {
  readonly #chunks = new Map<number, Uint8Array>()
  #last = -1
  #chunk: Uint8Array = new Uint8Array(0)

  /** Adds pages that follow one another. Returns how many of them were there already. */
  add(first: Pfn, pages: Pages): Pages {
    let twice = 0
    for (let page = first; page < first + pages; ) {
      const chunk = this.#chunkOf(page >>> SHIFT)
      const from = page & (SIZE - 1)
      const to = Math.min(SIZE, from + first + pages - page)
      for (let at = from; at < to; at++) {
        twice += chunk[at]!
        chunk[at] = 1
      }
      page += to - from
    }
    return twice
  }

  #chunkOf(number: number): Uint8Array {
    if (number === this.#last) return this.#chunk
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) {
      chunk = new Uint8Array(SIZE)
      this.#chunks.set(number, chunk)
    }
    this.#last = number
    this.#chunk = chunk
    return chunk
  }
}
