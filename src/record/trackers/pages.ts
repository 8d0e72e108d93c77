import { type Ahead, cpuOf, lookAhead, Next, nextOf, orderOf, typeOf } from '../ahead.ts'
import type { Context } from '../context.ts'
import type { RowWriter } from '../row-writer.ts'
import { Op } from '../script.ts'
import { tasksNamed } from '../ticks.ts'
import { type BlockTypes, listType } from './block-types.ts'
import { type ContiguousFrees, contiguousFrees, SWALLOWED, UNCHANGED } from './vfree.ts'

/**
 * Allocations and frees. A page freed in a batch reaches its list at its `mm_page_free_batched`, with the order of its `mm_page_free`.
 */
export class PageTracker {
  readonly #context: Context
  readonly #writer: RowWriter
  readonly #types: BlockTypes
  readonly #ahead: Ahead
  readonly #contiguous: ContiguousFrees | undefined
  readonly #compactors: ReadonlySet<number>
  readonly #allocs
  readonly #frees
  readonly #batched: Uint32Array
  /** By page: the row of its announced free that an mm_page_free_batched commits later; −1: none. */
  readonly #announced: Int32Array
  /** By page: 1 from its allocation until its free. */
  readonly #held: Uint8Array
  /** Pages allocated while they were: an event of each was lost. A complete trace has none. */
  reallocated = 0
  /** By page: the row that put it on its list, until it leaves; −1: on none. */
  readonly #freedAt: Int32Array

  constructor(context: Context, writer: RowWriter, types: BlockTypes) {
    const { events, index, traits } = context
    this.#context = context
    this.#writer = writer
    this.#types = types
    this.#ahead = lookAhead(events, index)
    this.#contiguous = traits.contiguousFrees
      ? contiguousFrees(events, index, tasksNamed(events, 'kworker/'))
      : undefined
    this.#compactors = tasksNamed(events, 'kcompactd')
    this.#allocs = events.tables.mm_page_alloc.column
    this.#frees = events.tables.mm_page_free.column
    this.#batched = events.tables.mm_page_free_batched.column.pfn.data
    this.#announced = new Int32Array(index.size).fill(-1)
    this.#freedAt = new Int32Array(index.size).fill(-1)
    this.#held = new Uint8Array(index.size)
  }

  /** Index into the zones; −1, counted, where the page lies in none. */
  #zoneOf(pfn: number): number {
    const zone = this.#context.index.zone(pfn)
    if (zone < 0) this.#context.tally.count('outside-zones')
    return zone
  }

  /** `preemptedAt`: the first row after the task was last seen, if others ran since. */
  alloc(slot: number, time: number, cpu: number, preemptedAt: number | undefined): void {
    const pfn = this.#allocs.pfn.data[slot]!
    const zone = this.#zoneOf(pfn)
    if (zone < 0) return
    const order = this.#allocs.order.data[slot]!
    const type = this.#allocs.migratetype.data[slot]!
    const { rows } = this.#writer
    const page = this.#context.index.at(pfn, zone)
    const held = this.#held
    for (let of = page; of < page + (1 << order); of++) {
      if (held[of] === 1) this.reallocated++
      held[of] = 1
    }
    this.#announced[page] = -1
    const freed = this.#freedAt[page]!
    this.#freedAt[page] = -1
    // Handed out again from the list of its type.
    if (freed >= 0 && order === 0 && rows.order[freed] === 0 && type < 3 && this.#context.traits.cachesType)
      this.#types.shown(pfn, zone, type)
    const row = this.#writer.add(time, Op.alloc, cpu, zone, pfn, order, type < 3 ? type : 1)
    if (preemptedAt !== undefined) rows.preemptedAtRow[row] = preemptedAt
  }

  free(slot: number, time: number, cpu: number, comm: number): void {
    const pfn = this.#frees.pfn.data[slot]!
    const zone = this.#zoneOf(pfn)
    if (zone < 0) return
    const blockType = this.#types.of(pfn, zone)
    if (blockType > 3) this.#context.tally.count('foreign-block-type')
    const next = this.#ahead.ofFree[slot]!
    const batched = this.#ahead.batched[slot] === 1
    let order = this.#frees.order.data[slot]!
    const first = this.#context.index.at(pfn, zone)
    this.#held.fill(0, first, first + (1 << order))
    let freedPfn = pfn
    let none = batched
    if (this.#compactors.has(comm)) {
      // It went back to compaction's own pages, not to a list, if it is freed again or never seen again; last references to pages on their
      // way to the LRU lists, which compaction flushes first, go in batches.
      none ||= nextOf(next) === Next.free || nextOf(next) === Next.nothing
      this.#writer.add(time, none ? Op.none : Op.compactionTook, cpu, zone, pfn, order)
    }
    const run = this.#contiguous?.order[slot] ?? UNCHANGED
    if (run === SWALLOWED) none = true
    else if (run !== UNCHANGED) {
      order = run
      freedPfn = this.#contiguous!.pfn[slot]!
    }
    const type = batched
      ? listType(blockType, this.#context.cma)
      : this.#typeShown(listType(blockType, this.#context.cma), next, order, cpu)
    const row = this.#writer.add(time, none ? Op.none : Op.free, cpu, zone, freedPfn, order, type)
    this.#announced[first] = row
    this.#freedAt[first] = row
  }

  batched(slot: number, time: number, cpu: number): void {
    const pfn = this.#batched[slot]!
    const zone = this.#zoneOf(pfn)
    if (zone < 0) return
    const page = this.#context.index.at(pfn, zone)
    // Its task may have moved on to another CPU since it announced the page.
    const earlier = this.#announced[page]!
    this.#announced[page] = -1
    // The announcement was lost, and the page is freed all the same: by its event alone, as one page. What was not held is freed already.
    const isLost = earlier < 0
    if (isLost && this.#held[page] === 0) return
    this.#held[page] = 0
    const { rows } = this.#writer
    const order = isLost ? 0 : rows.order[earlier]!
    // Before 6.10 the type is kept in the page as it is prepared; since then it is looked up here.
    const known =
      this.#context.traits.cachesType && !isLost
        ? rows.migratetype[earlier]!
        : listType(this.#types.of(pfn, zone), this.#context.cma)
    const type = this.#typeShown(known, this.#ahead.ofBatched[slot]!, order, cpu)
    this.#freedAt[page] = this.#writer.add(time, Op.free, cpu, zone, pfn, order, type)
  }

  /** The list a freed page went to: the next event of the page shows it, else the known type of its block. */
  #typeShown(known: number, next: number, order: number, cpu: number): number {
    const { tally, traits } = this.#context
    if (nextOf(next) === Next.drain && traits.cachesType) {
      const type = listType(typeOf(next), this.#context.cma)
      if (type !== known) tally.count('type-from-drain')
      return type
    }
    if (nextOf(next) === Next.alloc && orderOf(next) === order && cpuOf(next) === cpu && typeOf(next) < 3) {
      if (typeOf(next) !== known) tally.count('type-from-alloc')
      return typeOf(next)
    }
    return known
  }

  /** The page leaves the buddy, or comes to it: it lies on no list. */
  left(pfn: number, zone: number): void {
    this.#freedAt[this.#context.index.at(pfn, zone)] = -1
  }
}
