import { type Events, Kind, type Recording } from '#events'
import { ABSENT } from '#events/columns'
import { formatGfp, migratetypeName } from '#kernel'
import { surveyCallers } from './callers.ts'
import { MemoryBlocks } from './memory-map.ts'
import { PageMatching } from './page-matching.ts'
import { mostFirst, Sums } from './sums.ts'

const fields = ['allocs', 'pagesAllocated', 'frees', 'pagesFreed', 'failures'] as const

interface Counted {
  readonly row: (key: number) => number
  readonly column: Readonly<Record<'allocs' | 'pagesAllocated', number[]>>
}

/** One allocation. */
function count(sums: Counted, key: number, pages: number): void {
  const at = sums.row(key)
  sums.column.allocs[at]!++
  sums.column.pagesAllocated[at]! += pages
}

/** Allocations, frees and failures by order, migratetype and flags. */
class PageSums {
  readonly byOrder = new Sums(fields)
  readonly byMigratetype = new Sums(['allocs', 'pagesAllocated', 'failures'])
  readonly byGfp = new Sums(['allocs', 'pagesAllocated', 'failures'])
  readonly byOrderAndType = new Sums(['allocs'])
  readonly matching: PageMatching
  readonly #tables: Events['tables']

  constructor(events: Events, memory: MemoryBlocks) {
    const { kind, slot, tables, length } = events
    this.matching = new PageMatching(events, memory)
    this.#tables = tables
    for (let row = 0; row < length; row++)
      switch (kind[row]!) {
        case Kind.mm_page_alloc:
          this.#alloc(row, slot[row]!)
          break
        case Kind.mm_page_free:
          this.#free(row, slot[row]!)
          break
        case Kind.mm_page_alloc_failed:
          this.#failed(slot[row]!)
      }
  }

  #alloc(row: number, slot: number): void {
    const { pfn, order: orders, migratetype, gfpFlags } = this.#tables.mm_page_alloc.column
    const order = orders.data[slot] as number
    const type = migratetype.data[slot] as number
    const gfp = gfpFlags.data[slot] as number
    const pages = 1 << order
    count(this.byOrder, order, pages)
    count(this.byMigratetype, type, pages)
    count(this.byGfp, gfp, pages)
    this.byOrderAndType.column.allocs[this.byOrderAndType.row(order * 256 + type)]!++
    this.matching.allocated(row, pfn.data[slot] as number, pages)
  }

  #free(row: number, slot: number): void {
    const { pfn, order: orders } = this.#tables.mm_page_free.column
    const order = orders.data[slot] as number
    const at = this.byOrder.row(order)
    this.byOrder.column.frees[at]!++
    this.byOrder.column.pagesFreed[at]! += 1 << order
    this.matching.freed(row, pfn.data[slot] as number, order)
  }

  #failed(slot: number): void {
    const { order, migratetype, gfpFlags } = this.#tables.mm_page_alloc_failed.column
    this.byOrder.add('failures', order.data[slot] as number)
    this.byMigratetype.add('failures', migratetype.data[slot] as number)
    this.byGfp.add('failures', gfpFlags.data[slot] as number)
  }
}

/**
 * How many pages were allocated and freed, of which order, migratetype and flags, and which frees belong to which allocations?
 *
 * Pages are base pages: an event of order n counts 2ⁿ. mm_page_free_batched repeats a free that mm_page_free has announced, so it is
 * no free of its own. Allocations and frees are matched page by page, since a block may be freed in parts.
 */
export function surveyPages({ events, machine, gfpNames }: Pick<Recording, 'events' | 'machine' | 'gfpNames'>) {
  const { mm_page_alloc: alloc, mm_page_alloc_failed: failed, mm_page_free: free } = events.tables
  const { mm_page_free_batched: batched } = events.tables
  if (alloc.length + failed.length + free.length + batched.length === 0) return undefined
  const memory = new MemoryBlocks(events, machine)
  const { byOrder, byMigratetype, byGfp, byOrderAndType, matching } = new PageSums(events, memory)
  const sum = (of: keyof typeof byOrder.column): number => byOrder.column[of].reduce((a, b) => a + b, 0)
  const pagesAllocated = sum('pagesAllocated')
  const nameOf = (type: number) => migratetypeName(type, machine)
  const nameOfGfp = (gfp: number) => (gfp === ABSENT.u32 ? '(not printed)' : formatGfp(gfp, machine.release, gfpNames))
  const { matched, crossCpu, neverSeen, alreadyFree, reallocated } = matching
  return {
    allocs: alloc.length,
    pagesAllocated,
    frees: free.length,
    pagesFreed: sum('pagesFreed'),
    /** Frees among `frees` that came by a batch. */
    freesBatched: batched.length,
    failures: failed.length,
    matching: {
      matched,
      crossCpu,
      neverSeen,
      alreadyFree,
      reallocated,
      aliveAtEnd: pagesAllocated - matched - reallocated,
    },
    byOrder: byOrder
      .list((order) => ({ order: order }))
      .sort((a, b) => a.order - b.order)
      .map((row) => ({
        ...row,
        byMigratetype: Object.fromEntries(
          byMigratetype.keys
            .map((type) => [nameOf(type), countOf(byOrderAndType, row.order * 256 + type)] as const)
            .filter(([, count]) => count > 0),
        ),
      })),
    byMigratetype: mostFirst(
      byMigratetype.list((type) => ({ migratetype: type, name: nameOf(type) })),
      (row) => row.pagesAllocated,
      (row) => row.failures,
    ),
    byGfp: mostFirst(
      byGfp.list((gfp) => ({
        ...(gfp === ABSENT.u32 ? {} : { gfpFlags: gfp }),
        names: nameOfGfp(gfp),
      })),
      (row) => row.pagesAllocated,
      (row) => row.failures,
    ),
    cpuFlows: matching.flows.result(),
    /** Where both allocations and frees were recorded. */
    memoryMap: alloc.length > 0 && free.length > 0 ? memory.result() : undefined,
    /** Where stacks were recorded. */
    byCallSite: surveyCallers(events),
  }
}

function countOf(sums: Sums<'allocs'>, key: number): number {
  const at = sums.keys.indexOf(key)
  return at < 0 ? 0 : sums.column.allocs[at]!
}

export type PageSurvey = NonNullable<ReturnType<typeof surveyPages>>
