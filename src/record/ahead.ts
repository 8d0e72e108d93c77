import { type Events, Kind } from '#events'
import type { PageIndex } from './places.ts'

/** What a trace shows next of a page after it was freed. */
export const Next = { nothing: 0, alloc: 1, free: 2, drain: 3, refill: 4 } as const

/**
 * The next sighting of a page in one number: bits 0–2 `Next`, 3–7 migratetype (alloc and drain), 8–12 order, 13–28 CPU (alloc).
 */
const sighting = (next: number, type: number, order: number, cpu: number): number =>
  next | ((type & 31) << 3) | ((order & 31) << 8) | ((cpu & 0xffff) << 13)

export const nextOf = (sighting: number): number => sighting & 7
export const typeOf = (sighting: number): number => (sighting >>> 3) & 31
export const orderOf = (sighting: number): number => (sighting >>> 8) & 31
export const cpuOf = (sighting: number): number => sighting >>> 13

/** What the rest of the trace shows of each freed page; by slot of the events' tables. */
export interface Ahead {
  /** Whether an mm_page_free_batched commits this mm_page_free later. */
  readonly batched: Uint8Array
  /** Next sighting of the page of each mm_page_free, and of each mm_page_free_batched. */
  readonly ofFree: Uint32Array
  readonly ofBatched: Uint32Array
}

/** One pass from the end, so that each row of the record is written once with what is known of its page. */
export function lookAhead(events: Events, index: PageIndex): Ahead {
  const { kind: kinds, slot: slots, cpu: cpus, tables } = events
  const alloc = tables.mm_page_alloc.column
  const free = tables.mm_page_free.column.pfn.data
  const batchedPfn = tables.mm_page_free_batched.column.pfn.data
  const locked = tables.mm_page_alloc_zone_locked.column.pfn.data
  const drain = tables.mm_page_pcpu_drain.column
  const next = new Uint32Array(index.size)
  const committed = new Uint8Array(index.size)
  const batched = new Uint8Array(free.length)
  const ofFree = new Uint32Array(free.length)
  const ofBatched = new Uint32Array(batchedPfn.length)
  const pageOf = (pfn: number): number => {
    const zone = index.zone(pfn)
    return zone < 0 ? -1 : index.at(pfn, zone)
  }
  for (let at = events.length - 1; at >= 0; at--) {
    const slot = slots[at]!
    switch (kinds[at]!) {
      case Kind.mm_page_alloc: {
        const page = pageOf(alloc.pfn.data[slot]!)
        if (page < 0) break
        committed[page] = 0
        next[page] = sighting(Next.alloc, alloc.migratetype.data[slot]!, alloc.order.data[slot]!, cpus[at]!)
        break
      }
      case Kind.mm_page_free: {
        const page = pageOf(free[slot]!)
        if (page < 0) break
        batched[slot] = committed[page]!
        ofFree[slot] = next[page]!
        committed[page] = 0
        next[page] = Next.free
        break
      }
      case Kind.mm_page_free_batched: {
        const page = pageOf(batchedPfn[slot]!)
        if (page < 0) break
        ofBatched[slot] = next[page]!
        committed[page] = 1
        break
      }
      case Kind.mm_page_alloc_zone_locked: {
        const page = pageOf(locked[slot]!)
        if (page >= 0) next[page] = Next.refill
        break
      }
      case Kind.mm_page_pcpu_drain: {
        const page = pageOf(drain.pfn.data[slot]!)
        if (page >= 0) next[page] = sighting(Next.drain, drain.migratetype.data[slot]!, 0, 0)
        break
      }
    }
  }
  return { batched, ofFree, ofBatched }
}
