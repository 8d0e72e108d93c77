import type { Machine } from '#kernel'

/** What differs between the kernels outside their list rules. */
export interface Traits {
  /** alloc_pages_bulk(), which records nothing of the pages it takes from a list. */
  readonly bulkAllocator: boolean
  /** drain_all_pages() runs on the requester; before 6.0 a work item runs on each CPU. */
  readonly remoteDrains: boolean
  /** ZONE_RECLAIM_ACTIVE shrinks the lists while kswapd balances. */
  readonly reclaimActive: boolean
  /** A fallback that steals a page records its mm_page_alloc_extfrag alone, no mm_page_alloc_zone_locked. */
  readonly fallbackIsPage: boolean
}

/** Of the recording kernel; of 6.1 where its release is not known, as the policy taken for it is. */
export function traitsOf({ release }: Machine): Traits {
  const rules = release?.rules ?? '6.1'
  const before60 = rules === '5.10'
  return {
    bulkAllocator: !before60,
    remoteDrains: !before60,
    reclaimActive: !before60,
    fallbackIsPage: !before60 && rules !== '6.1',
  }
}
