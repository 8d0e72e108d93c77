import type { Pfn } from '#kernel'

const SHIFT = 12

/** A set of pages. Takes memory only around those that it holds. */
export class PageSet {
  readonly #chunks = new Map<number, Uint8Array>()
  #last = -1
  #chunk: Uint8Array = new Uint8Array(0)

  /** False where the page was there already. */
  add(page: Pfn): boolean {
    const number = page >>> SHIFT
    if (number !== this.#last) {
      this.#last = number
      let chunk = this.#chunks.get(number)
      if (chunk === undefined) {
        chunk = new Uint8Array(1 << SHIFT)
        this.#chunks.set(number, chunk)
      }
      this.#chunk = chunk
    }
    const at = page & ((1 << SHIFT) - 1)
    if (this.#chunk[at] === 1) return false
    this.#chunk[at] = 1
    return true
  }
}
