import type { Machine } from './machine.ts'

/** What differs between the kernels outside their list rules. */
export interface Traits {
  /** alloc_pages_bulk(), which records nothing of the pages it takes from a list. */
  readonly bulkAllocator: boolean
  /** drain_all_pages() runs on the requester; before 6.0 a work item runs on each CPU. */
  readonly remoteDrains: boolean
  /** ZONE_RECLAIM_ACTIVE shrinks the lists while kswapd balances. */
  readonly reclaimActive: boolean
  /** The type under which a freed page is kept, cached in the page, is what its drain records. */
  readonly cachesType: boolean
  /** vmstat ticks shrink `high` and give back what lies above it. */
  readonly decay: boolean
  /** vfree() frees pages that follow one another as blocks, announced page by page. */
  readonly contiguousFrees: boolean
  /** A fallback that steals a page records its mm_page_alloc_extfrag alone, no mm_page_alloc_zone_locked. */
  readonly fallbackIsPage: boolean
  /** mm_page_alloc_zone_locked holds percpu_refill. */
  readonly storesPercpuRefill: boolean
  /** zoneinfo prints high_min and high_max. */
  readonly printsHighBounds: boolean
  /** Pages of one list of frees, at most. */
  readonly freeListMax: number
}

/** Of the recording kernel; of 6.1 where its release is not known, as the policy taken for it is. */
export function traitsOf({ release }: Machine): Traits {
  const rules = release?.rules ?? '6.1'
  const before60 = rules === '5.10'
  const tuned = !before60 && rules !== '6.1'
  return {
    bulkAllocator: !before60,
    remoteDrains: !before60,
    reclaimActive: !before60,
    cachesType: !tuned,
    decay: tuned,
    contiguousFrees: rules === '7.2',
    fallbackIsPage: tuned,
    storesPercpuRefill: !before60,
    printsHighBounds: rules === '7.2',
    // PAGEVEC_SIZE; before that the lists of release_pages() and reclaim, of any length.
    freeListMax: before60 || rules === '6.1' ? 512 : 31,
  }
}
