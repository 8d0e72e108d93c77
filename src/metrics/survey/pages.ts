import { type Events, Kind } from '#events'
import { ABSENT } from '#events/columns'
import { formatGfp, type Machine, migratetypeName } from '#kernel'
import { surveyCallers } from './callers.ts'
import { mostFirst, Sums } from './sums.ts'
import { FREED, NEVER_SEEN, PageRows } from './whereabouts.ts'

const fields = ['allocs', 'pagesAllocated', 'frees', 'pagesFreed', 'failures'] as const

/**
 * How many pages were allocated and freed, of which order, migratetype and flags, and which frees belong to which allocations?
 *
 * Pages are base pages: an event of order n counts 2ⁿ. mm_page_free_batched tells the path of a free that mm_page_free has told
 * already, so it is no free of its own. Allocations and frees are matched page by page, since a block may be freed in parts.
 */
export function surveyPages(events: Events, machine: Machine) {
  const { kind: kinds, cpu: cpus, slot: slots, tables } = events
  const {
    mm_page_alloc: alloc,
    mm_page_alloc_failed: failed,
    mm_page_free: free,
    mm_page_free_batched: batched,
  } = tables
  if (alloc.length + failed.length + free.length + batched.length === 0) return undefined
  const [allocPfn, allocOrder] = [alloc.column.pfn.data, alloc.column.order.data] as [Uint32Array, Uint8Array]
  const [allocType, allocGfp] = [alloc.column.migratetype.data, alloc.column.gfpFlags.data] as [Uint8Array, Uint32Array]
  const [freePfn, freeOrder] = [free.column.pfn.data, free.column.order.data] as [Uint32Array, Uint8Array]
  const byOrder = new Sums(fields)
  const byMigratetype = new Sums(['allocs', 'pagesAllocated', 'failures'])
  const byGfp = new Sums(['allocs', 'pagesAllocated', 'failures'])
  const byOrderAndType = new Sums(['allocs'])
  const rows = new PageRows()
  let [matched, crossCpu, neverSeen, alreadyFree, reallocated] = [0, 0, 0, 0, 0]

  for (let row = 0; row < events.length; row++) {
    // row < length, so every column has it
    const slot = slots[row]!
    switch (kinds[row]!) {
      case Kind.mm_page_alloc: {
        const first = allocPfn[slot]!,
          order = allocOrder[slot]!,
          type = allocType[slot]!,
          gfp = allocGfp[slot]!
        const pages = 2 ** order
        byOrder.add('allocs', order)
        byOrder.add('pagesAllocated', order, pages)
        byMigratetype.add('allocs', type)
        byMigratetype.add('pagesAllocated', type, pages)
        byGfp.add('allocs', gfp)
        byGfp.add('pagesAllocated', gfp, pages)
        byOrderAndType.add('allocs', order * 256 + type)
        for (let pfn = first; pfn < first + pages; pfn++) {
          if (rows.get(pfn) >= 0) reallocated++
          rows.set(pfn, row)
        }
        break
      }
      case Kind.mm_page_free: {
        const first = freePfn[slot]!,
          order = freeOrder[slot]!
        const pages = 2 ** order
        byOrder.add('frees', order)
        byOrder.add('pagesFreed', order, pages)
        for (let pfn = first; pfn < first + pages; pfn++) {
          const from = rows.get(pfn)
          if (from === NEVER_SEEN) neverSeen++
          else if (from === FREED) alreadyFree++
          else {
            matched++
            if (cpus[from] !== cpus[row]) crossCpu++
          }
          rows.set(pfn, FREED)
        }
        break
      }
      case Kind.mm_page_alloc_failed: {
        byOrder.add('failures', failed.column.order.data[slot]!)
        byMigratetype.add('failures', failed.column.migratetype.data[slot]!)
        byGfp.add('failures', failed.column.gfpFlags.data[slot]!)
      }
    }
  }
  const sum = (of: keyof typeof byOrder.column): number => byOrder.column[of].reduce((a, b) => a + b, 0)
  const pagesAllocated = sum('pagesAllocated')
  const nameOf = (type: number) => migratetypeName(type, machine)
  const nameOfGfp = (gfp: number) => (gfp === ABSENT.u32 ? '(not printed)' : formatGfp(gfp, machine.release))
  return {
    allocs: alloc.length,
    pagesAllocated,
    frees: free.length,
    pagesFreed: sum('pagesFreed'),
    /** Frees among `frees` that came by a batch. */
    freesBatched: batched.length,
    failures: failed.length,
    matching: {
      /** Pages freed of which the allocation was recorded. */
      matched,
      /** Those among them freed on another CPU than they were allocated on. */
      crossCpu,
      /** Pages freed that were never seen before: allocated before the trace. */
      neverSeen,
      /** Pages freed that were free already: their allocation was not recorded. */
      alreadyFree,
      /** Pages allocated that were allocated already: their free was not recorded. */
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
    /** Where stacks were recorded. */
    byCallSite: surveyCallers(events),
  }
}

function countOf(sums: Sums<'allocs'>, key: number): number {
  const at = sums.keys.indexOf(key)
  return at < 0 ? 0 : sums.column.allocs[at]!
}

export type PageSurvey = NonNullable<ReturnType<typeof surveyPages>>
