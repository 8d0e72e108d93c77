import type { Cpu, Pages } from '#kernel'

const PAGE_SIZE = 4096

/** Sizes of the page lists of each CPU. */
export interface PageListSizes {
  /** At so many pages a batch goes back to the zone. */
  readonly pcpHigh: Pages
  /** So many come from the zone, or go back, at a time. */
  readonly pcpBatch: Pages
}

/**
 * Pages of order 0 on each CPU's lists, as counts: what objects, and pages for their pointers, take from and give to them. Pages on
 * lists are not available memory, and all that an allocation finds which may take no lock.
 *
 * Source: rmqueue_bulk(), free_unref_page_commit(), mm/page_alloc.c, 5.10; order 0 is the same later, but for bulk frees that grow.
 * Leaves out: what anything else allocates and frees, slabs of a higher order, and empty slabs that the slab allocator keeps.
 */
export class PageLists {
  readonly #sizes: PageListSizes
  readonly #count: Float64Array
  /** Bytes left in the slab from which the CPU allocates. */
  readonly #open: Float64Array
  /** Bytes freed on the CPU that don't fill a slab yet. */
  readonly #freed: Float64Array
  /** Out of the zone: in use or on a list. */
  outside: Pages = 0

  constructor(cpus: number, sizes: PageListSizes) {
    this.#sizes = sizes
    this.#count = new Float64Array(cpus)
    this.#open = new Float64Array(cpus)
    this.#freed = new Float64Array(cpus)
  }

  /** Objects of so many bytes were allocated on a CPU. */
  allocated(cpu: Cpu, bytes: number): void {
    const missing = bytes - this.#open[cpu]!
    const pages = Math.max(0, Math.ceil(missing / PAGE_SIZE))
    this.#open[cpu] = pages * PAGE_SIZE - missing
    if (pages > 0) this.take(cpu, pages)
  }

  /** Objects of so many bytes were freed on a CPU, slab by slab. */
  freed(cpu: Cpu, bytes: number): void {
    const all = this.#freed[cpu]! + bytes
    const pages = Math.floor(all / PAGE_SIZE)
    this.#freed[cpu] = all - pages * PAGE_SIZE
    if (pages > 0) this.give(cpu, pages)
  }

  take(cpu: Cpu, pages: Pages): void {
    const { pcpBatch } = this.#sizes
    const missing = pages - this.#count[cpu]!
    const refills = Math.max(0, Math.ceil(missing / pcpBatch))
    this.outside += refills * pcpBatch
    this.#count[cpu] = refills * pcpBatch - missing
  }

  give(cpu: Cpu, pages: Pages): void {
    const { pcpHigh, pcpBatch } = this.#sizes
    const count = this.#count[cpu]! + pages
    const bursts = count < pcpHigh ? 0 : Math.trunc((count - pcpHigh) / pcpBatch) + 1
    this.outside -= bursts * pcpBatch
    this.#count[cpu] = count - bursts * pcpBatch
  }

  /** Takes a page where one is on the list: no lock, no refill. */
  takeListed(cpu: Cpu): boolean {
    if (this.#count[cpu] === 0) return false
    this.#count[cpu]!--
    return true
  }
}
