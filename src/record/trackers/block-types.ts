import type { Context } from '../context.ts'
import { firstTypes } from '../places.ts'
import { BYPASS } from '../script.ts'

const HIGHATOMIC = 3
const CMA = 4

/** The type under which lists keep a page of a block of this type: HIGHATOMIC and CMA go to the movable ones. */
export const listType = (type: number, cma: boolean): number =>
  type < HIGHATOMIC ? type : type === HIGHATOMIC || (cma && type === CMA) ? 1 : BYPASS

/**
 * Migratetype of each pageblock by now: learnt from drains, else from refills, else from allocations; changed by
 * mm_page_alloc_extfrag with change_ownership.
 */
export class BlockTypes {
  /** By block, as `BlockIndex` counts, when the trace began. */
  readonly atStart: Uint8Array
  readonly #now: Uint8Array
  readonly #blocks: Context['blocks']
  readonly #pageblockOrder: number

  constructor({ events, index, blocks, machine, traits }: Context) {
    this.#blocks = blocks
    this.#pageblockOrder = machine.pageblockOrder
    this.#now = firstTypes(events, index, blocks, traits.fallbackIsPage)
    this.atStart = this.#now.slice()
  }

  of(pfn: number, zone: number): number {
    return this.#now[this.#blocks.at(pfn, zone)]!
  }

  shown(pfn: number, zone: number, migratetype: number): void {
    this.#now[this.#blocks.at(pfn, zone)] = migratetype
  }

  /** A fallback claims the block of `order`: one larger than a pageblock changes the type of all that it covers. */
  claimed(pfn: number, zone: number, order: number, migratetype: number): void {
    const block = this.#blocks.at(pfn, zone)
    this.#now.fill(migratetype, block, block + Math.max(1, (1 << order) >>> this.#pageblockOrder))
  }
}
