import type { Zone } from '#kernel'
import type { Buddy } from '#sim'

const MOVABLE = 1

/**
 * Compaction's free scanner over one zone of a recording: which free page it took, of those that the record does not show again. A page
 * that it shows again was not taken, or came back since, and then the record tells which it was.
 * Source: isolate_freepages(), suitable_migration_target(), mm/compaction.c, v5.10 to v7.2.
 */
export class FreeScanner {
  readonly #buddy: Buddy
  readonly #pageblockOrder: number
  /** By page: free, and not shown again. */
  readonly #settled: Uint8Array
  /** By pageblock: how many such pages it has. */
  readonly #settledIn: Int32Array
  /** Pageblock that it stands at. It stays there for the next time. */
  #block: number

  constructor(buddy: Buddy, { startPfn, spanned }: Zone, pageblockOrder: number) {
    this.#buddy = buddy
    this.#pageblockOrder = pageblockOrder
    const blocks = Math.ceil((startPfn + spanned - buddy.base) / (1 << pageblockOrder))
    this.#settled = new Uint8Array(blocks << pageblockOrder)
    this.#settledIn = new Int32Array(blocks)
    this.#block = blocks - 1
  }

  /** A free page is not shown again. */
  settle(pfn: number): void {
    const at = pfn - this.#buddy.base
    this.#settled[at] = 1
    this.#settledIn[at >> this.#pageblockOrder]!++
  }

  /**
   * Takes one page: from where it stands down, after the zone's first pageblock from its last, out of MOVABLE pageblocks that do not begin
   * with a free block of a pageblock or more. False where there is none.
   */
  take(): boolean {
    const blocks = this.#settledIn.length
    for (let tried = 0; tried < blocks; tried++) {
      const start = this.#block << this.#pageblockOrder
      const pfn = start + this.#buddy.base
      if (
        this.#settledIn[this.#block]! > 0 &&
        this.#buddy.typeOf(pfn) === MOVABLE &&
        this.#buddy.orderAround(pfn) < this.#pageblockOrder
      ) {
        const at = this.#settled.indexOf(1, start)
        this.#settled[at] = 0
        this.#settledIn[this.#block]!--
        return this.#buddy.takeAt(at + this.#buddy.base, 0)
      }
      this.#block = (this.#block === 0 ? blocks : this.#block) - 1
    }
    return false
  }
}
