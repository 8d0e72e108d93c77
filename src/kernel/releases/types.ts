/** A kernel by its number. Without `stable` the newest stable level of its branch is meant. */
export interface KernelNumber {
  readonly major: number
  readonly minor: number
  readonly stable?: number
}

/** Everything that differs between releases. Policies name the rest of a rule by its function. */
export interface KernelFacts {
  /** Id of the list rules, without `pcp/`. */
  readonly lists: string
  /** Lists of huge pages in each pageset: one by migratetype (3), one for all (1), or movable and others (2). 0: none. */
  readonly thpLists: 0 | 1 | 2 | 3
  /** Which order the huge pages on those lists have: that of a pageblock or HPAGE_PMD_ORDER. */
  readonly thpListOrder: 'pageblock' | 'pmd'
  /** Bulk frees double up to batch << this. 16 limits nothing: `high` less a batch does. */
  readonly freeFactorMax: number
  /** A vmstat tick gives back a batch per hold of the lock, instead of all at once. */
  readonly tickInBatches: boolean
  /** Id of the drain mechanism, without `pcp/`. */
  readonly drain: string
  /** A remote drain takes at most batch << 5 pages per hold of the lock, instead of all. */
  readonly drainInChunks: boolean
  /** How `high` comes about: 6 × batch; from the low watermark; or between two bounds. */
  readonly highFrom: 'batch' | 'low watermark' | 'bounds'
  /** Id of the kvfree_rcu() rules, without `kvfree/`. */
  readonly kvfree: string
  /** Id of the slab allocator's rules, without `slab/`. */
  readonly slab: string
  /** A CPU's partial slabs are limited by the free objects in them, instead of by their number. */
  readonly slabLimitInObjects: boolean
  /** alloc_pages_bulk(), which records nothing of the pages it takes from a list. */
  readonly bulkAllocator: boolean
  /** drain_all_pages() runs on the requester instead of in a work item on each CPU. */
  readonly remoteDrains: boolean
  /** ZONE_RECLAIM_ACTIVE shrinks the lists while kswapd balances. */
  readonly reclaimActive: boolean
  /** A drain records the type that the freed page cached, not that of its pageblock by then. */
  readonly cachesType: boolean
  /** vmstat ticks shrink `high` and give back what lies above it. */
  readonly decay: boolean
  /** vfree() frees pages that follow one another as blocks, announced page by page. */
  readonly contiguousFrees: boolean
  /** A fallback that takes a page records mm_page_alloc_extfrag alone, without mm_page_alloc_zone_locked. */
  readonly fallbackIsPage: boolean
  /** mm_page_alloc_zone_locked holds percpu_refill. */
  readonly storesPercpuRefill: boolean
  /** zoneinfo prints high_min and high_max. */
  readonly printsHighBounds: boolean
  /** zoneinfo prints the promotion watermark. */
  readonly printsPromo: boolean
  /** Pages of one list of frees, at most. */
  readonly freeListMax: number
  /** vmstat counts CMA allocations where the kernel has CMA. */
  readonly countsCma: boolean
  /** CONFIG_ARCH_FORCE_MAX_ORDER is the largest order, instead of one more. */
  readonly maxOrderInclusive: boolean
  /** Without hugetlb a pageblock is as large as a transparent huge page, instead of the largest block. */
  readonly pageblockFollowsThp: boolean
  /** PREEMPT in uname may mean lazy preemption. */
  readonly lazyPreemption: boolean
  /** Migratetypes by number. CMA and ISOLATE follow, by configuration. */
  readonly migratetypes: readonly string[]
  /** gfp flags by name. A flag that depends on the configuration has the bit it has with all of them on. */
  readonly gfp: Readonly<Record<string, number>>
}

/** One change between releases. */
export interface Change {
  /** What changed, in one sentence. */
  readonly what: string
  /** Commit and its subject, or the mail. */
  readonly source: string
  /** Stable levels from which older branches have it too: `{ '6.12': 67 }`. */
  readonly backports?: Readonly<Record<string, number>>
  readonly facts?: Partial<Omit<KernelFacts, 'gfp'>>
  /** Flags that came, or went (null). */
  readonly gfp?: Readonly<Record<string, number | null>>
}

/** A release at which rules changed. What it does not name holds as before. */
export interface KernelRelease {
  /** `6.12`. */
  readonly version: string
  readonly changes: readonly Change[]
  /** Recordings of this release are part of the tests: it takes part in comparisons by default. */
  readonly recorded?: true
}
