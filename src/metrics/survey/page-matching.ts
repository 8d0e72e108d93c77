import { type Events, Kind } from '#events'
import { FREED, NEVER_SEEN, PageRows } from '#events/columns'
import { FlowSums } from './cpu-flows.ts'
import type { CpuFlows } from './cpu-flows-schema.ts'
import type { MemoryBlocks } from './memory-map.ts'

/** Pages freed, by what is known of their allocation; and allocations of pages that were not known to be free. */
export class PageMatching {
  readonly #rows = new PageRows()
  readonly #cpus: Events['cpu']
  readonly #memory: MemoryBlocks | undefined
  /** The CPUs that allocated and freed them. */
  readonly flows: FlowSums
  /** Pages freed of which the allocation was recorded. */
  matched = 0
  /** Those among them freed on another CPU than they were allocated on. */
  crossCpu = 0
  /** Pages freed that were never seen before: allocated before the trace. */
  neverSeen = 0
  /** Pages freed that were free already: their allocation was not recorded. */
  alreadyFree = 0
  /** Pages allocated that were allocated already: their free was not recorded. */
  reallocated = 0

  /** `memory`: notes where pages are in use. */
  constructor(events: Events, memory?: MemoryBlocks) {
    this.#cpus = events.cpu
    this.#memory = memory
    this.flows = new FlowSums(events)
  }

  allocated(row: number, first: number, pages: number): void {
    const step = this.#memory?.stepOf(row) ?? 0
    for (let pfn = first; pfn < first + pages; pfn++) {
      const from = this.#rows.get(pfn)
      if (from >= 0) this.reallocated++
      else this.#memory?.taken(pfn, from === NEVER_SEEN, step)
      this.#rows.set(pfn, row)
    }
  }

  freed(row: number, first: number, order: number): void {
    const step = this.#memory?.stepOf(row) ?? 0
    for (let pfn = first; pfn < first + 2 ** order; pfn++) {
      const from = this.#rows.get(pfn)
      if (from !== FREED) this.#memory?.given(pfn, from === NEVER_SEEN, step)
      if (from === NEVER_SEEN) this.neverSeen++
      else if (from === FREED) this.alreadyFree++
      else {
        this.matched++
        if (this.#cpus[from] !== this.#cpus[row]) this.crossCpu++
        this.flows.add(from, row, order, pfn === first)
      }
      this.#rows.set(pfn, FREED)
    }
  }
}

/** Which CPU frees what which CPU allocated? */
export function cpuFlowsOf(events: Events): CpuFlows | undefined {
  const { kind: kinds, slot: slots, tables } = events
  const { mm_page_alloc: alloc, mm_page_free: free } = tables
  if (alloc.length === 0 || free.length === 0) return undefined
  const matching = new PageMatching(events)
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    if (kinds[row] === Kind.mm_page_alloc)
      matching.allocated(row, alloc.column.pfn.data[slot] as number, 2 ** (alloc.column.order.data[slot] as number))
    else if (kinds[row] === Kind.mm_page_free)
      matching.freed(row, free.column.pfn.data[slot] as number, free.column.order.data[slot] as number)
  }
  return matching.flows.result()
}
