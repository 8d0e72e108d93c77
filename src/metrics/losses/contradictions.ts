import { type Events, Kind } from '#events'
import { FREED, PageRows } from '#events/columns'

/** Pages whose events contradict each other: between them an event is missing. */
export interface Contradictions {
  /** Pages allocated while they were allocated: their free is missing. */
  readonly reallocated: number
  /** Pages freed that were allocated before. */
  readonly matched: number
  /** Rows at which the former were found, in order. */
  readonly rows: Uint32Array
}

/**
 * Allocations of pages that are allocated already. A complete trace has none: who holds a page frees it before somebody else gets it.
 * (Frees of free pages prove nothing: before 6.x the bulk allocator hands out pages without an event.)
 */
export function contradictionsOf(events: Events): Contradictions {
  const { kind, slot, length } = events
  const { pfn: allocPfn, order: allocOrder } = events.tables.mm_page_alloc.column
  const { pfn: freePfn, order: freeOrder } = events.tables.mm_page_free.column
  const pages = new PageRows()
  let [reallocated, matched, found] = [0, 0, 0]
  let rows = new Uint32Array(1024)
  for (let row = 0; row < length; row++) {
    const at = slot[row]!
    if (kind[row] === Kind.mm_page_alloc) {
      const first = allocPfn.data[at]!
      const end = first + (1 << allocOrder.data[at]!)
      let here = 0
      for (let pfn = first; pfn < end; pfn++) {
        if (pages.get(pfn) >= 0) here++
        pages.set(pfn, row)
      }
      if (here === 0) continue
      reallocated += here
      if (found === rows.length) {
        const more = new Uint32Array(found * 2)
        more.set(rows)
        rows = more
      }
      rows[found++] = row
    } else if (kind[row] === Kind.mm_page_free) {
      const first = freePfn.data[at]!
      const end = first + (1 << freeOrder.data[at]!)
      for (let pfn = first; pfn < end; pfn++) {
        if (pages.get(pfn) >= 0) matched++
        pages.set(pfn, FREED)
      }
    }
  }
  return { reallocated, matched, rows: rows.subarray(0, found) }
}
