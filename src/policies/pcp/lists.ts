import type { Machine, Order, Pages } from '#kernel'
import { type BulkOrder, MIGRATE_PCPTYPES, PAGE_ALLOC_COSTLY_ORDER } from './types.ts'

/**
 * One list per migratetype, order 0 only (before 5.13).
 * Source: enum migratetype and struct per_cpu_pages, include/linux/mmzone.h, v5.10.
 */
export const orderZeroLists = {
  lists: MIGRATE_PCPTYPES,
  allowed: (order: number): boolean => order === 0,
  listOf: (_order: number, migratetype: number): number => migratetype,
  orderOf: (_list: number): number => 0,
  drainsFrom: 'tail',
} as const

/** First of the lists of huge pages. */
const NR_LOWORDER_PCP_LISTS = MIGRATE_PCPTYPES * (PAGE_ALLOC_COSTLY_ORDER + 1)

/** How many lists of huge pages a pageset has: one by migratetype (3), one for all (1), or movable and others (2). */
export type ThpLists = 1 | 2 | 3

/** Of 5.14 to 6.9 huge pages on the lists have the order of a pageblock, later HPAGE_PMD_ORDER. */
export const pageblockThp = ({ thpOrder, pageblockOrder }: Machine): Order | undefined =>
  thpOrder === undefined ? undefined : pageblockOrder
export const pmdThp = ({ thpOrder }: Machine): Order | undefined => thpOrder

/**
 * Orders 0 to 3 by migratetype, then the lists of huge pages, if the kernel has such pages.
 * Source: order_to_pindex(), mm/page_alloc.c, v5.14 to v7.2.
 */
export function allOrderLists(thpOrder: Order | undefined, thpLists: ThpLists = 2) {
  const thpListOf = (migratetype: number): number =>
    thpLists === 3 ? migratetype : thpLists === 2 && migratetype === 1 ? 1 : 0
  return {
    lists: NR_LOWORDER_PCP_LISTS + (thpOrder === undefined ? 0 : thpLists),
    allowed: (order: number): boolean => order <= PAGE_ALLOC_COSTLY_ORDER || order === thpOrder,
    listOf: (order: number, migratetype: number): number =>
      order <= PAGE_ALLOC_COSTLY_ORDER
        ? MIGRATE_PCPTYPES * order + migratetype
        : NR_LOWORDER_PCP_LISTS + thpListOf(migratetype),
    drainsFrom: 'tail' as const,
    orderOf: (list: number): number =>
      list < NR_LOWORDER_PCP_LISTS ? Math.trunc(list / MIGRATE_PCPTYPES) : (thpOrder ?? 0),
  }
}

/**
 * Takes from the next list in turn, one page more for each empty list passed, all the rest once only one is left.
 * Source: free_pcppages_bulk(), mm/page_alloc.c, v5.10 to v5.17.
 */
export class QuotaOrder implements BulkOrder {
  readonly #lists: number
  #list = 0
  #quota = 0

  constructor(lists: number = MIGRATE_PCPTYPES) {
    this.#lists = lists
  }

  begin(): void {
    this.#list = 0
    this.#quota = 0
  }

  next(lens: Int32Array, base: number, left: Pages): number {
    if (this.#quota === 0 || lens[base + this.#list]! === 0) {
      do {
        this.#quota++
        this.#list = (this.#list + 1) % this.#lists
      } while (lens[base + this.#list]! === 0)
      if (this.#quota === this.#lists) this.#quota = left
    }
    this.#quota--
    return this.#list
  }
}

/**
 * Empties the list just freed to, then the next one that holds pages, and so on around.
 * Source: free_pcppages_bulk(), mm/page_alloc.c, v5.18 to v7.2.
 */
export class SweepOrder implements BulkOrder {
  readonly sweeps = true
  readonly #lists: number
  #list = 0

  constructor(lists: number) {
    this.#lists = lists
  }

  begin(_n: Pages, list: number): void {
    this.#list = list
  }

  next(lens: Int32Array, base: number, _left: Pages): number {
    while (lens[base + this.#list]! === 0) this.#list = (this.#list + 1) % this.#lists
    return this.#list
  }
}

/** Pages of one bulk free that are still to go, chunk by chunk: the last block of each may overshoot it. */
export class Quota {
  /** Pages of this chunk that are still to go; 0 or less once all have gone. */
  left: Pages
  readonly #chunk: Pages
  #later: Pages

  constructor(n: Pages, chunk: Pages = n) {
    this.#chunk = Math.max(1, chunk)
    this.left = Math.min(n, this.#chunk)
    this.#later = n - this.left
  }

  /** A block of `size` pages goes. True: it ended a chunk, and the next begins. */
  take(size: Pages): boolean {
    this.left -= size
    if (this.left > 0 || this.#later === 0) return false
    this.left = Math.min(this.#chunk, this.#later)
    this.#later -= this.left
    return true
  }

  /** Pages still to go in all. */
  get rest(): Pages {
    return Math.max(0, this.left) + this.#later
  }
}
