import type { Context } from '../context.ts'
import type { RowWriter } from '../row-writer.ts'
import type { BlockTypes } from './block-types.ts'
import type { PageTracker } from './pages.ts'

/** Pages that leave the buddy: mm_page_alloc_zone_locked, and mm_page_alloc_extfrag where a fallback records nothing else. */
export class RefillTracker {
  readonly #context: Context
  readonly #writer: RowWriter
  readonly #types: BlockTypes
  readonly #pages: PageTracker
  readonly #locked
  readonly #frag

  constructor(context: Context, writer: RowWriter, types: BlockTypes, pages: PageTracker) {
    this.#context = context
    this.#writer = writer
    this.#types = types
    this.#pages = pages
    this.#locked = context.events.tables.mm_page_alloc_zone_locked.column
    this.#frag = context.events.tables.mm_page_alloc_extfrag.column
  }

  locked(slot: number, cpu: number): void {
    const pfn = this.#locked.pfn.data[slot]!
    const type = this.#locked.migratetype.data[slot]!
    const zone = this.#context.index.zone(pfn)
    if (zone >= 0) {
      this.#pages.left(pfn, zone)
      // From 6.10 on its free list shows its block's type.
      if (this.#context.traits.fallbackIsPage) this.#types.shown(pfn, zone, type)
    }
    this.#writer.refilled(cpu, zone, pfn, this.#locked.order.data[slot]!, type)
  }

  fallback(slot: number, cpu: number): void {
    const { index, tally, traits } = this.#context
    const frag = this.#frag
    const pfn = frag.pfn.data[slot]!
    const zone = index.zone(pfn)
    if (zone < 0) {
      tally.count('outside-zones')
      return
    }
    const type = frag.allocMigratetype.data[slot]!
    const from = frag.fallbackOrder.data[slot]!
    const claimed = frag.changeOwnership.data[slot]!
    if (claimed === 1) this.#types.claimed(pfn, zone, from, type)
    if (!traits.fallbackIsPage) return
    if (this.#writer.lastRefilled(cpu, pfn) === undefined)
      this.#writer.refilled(cpu, zone, pfn, frag.allocOrder.data[slot]!, type)
    const moved = this.#writer.lastRefilled(cpu, pfn)!
    this.#writer.flow.fallback[moved] = from + 1
    this.#writer.flow.claimed[moved] = claimed
  }
}
