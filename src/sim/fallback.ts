/** How a request takes pages of another type. `steal`: 5.10 and 6.1; `claim`: 6.12 and 7.2. */
export type FallbackFamily = 'steal' | 'claim'

/** What mm_page_alloc_extfrag tells of a fallback. */
export interface Fallback {
  /** 5.10 and 6.1: the block found; later: the page taken. */
  readonly pfn: number
  /** Order and list of the block found. */
  readonly order: number
  readonly migratetype: number
  /** Whether its pageblock is of the request’s type now. */
  readonly changeOwnership: boolean
}

/** Where a request looks when its own type is used up: UNMOVABLE, MOVABLE, RECLAIMABLE. Source: `fallbacks`, mm/page_alloc.c, v5.10 to v7.2. */
export const FALLBACKS = [
  [2, 1],
  [2, 0],
  [0, 1],
] as const

/** Blocks of a type that others may claim whole. Source: can_steal_fallback(), mm/page_alloc.c, v5.10; should_try_claim_block(), v7.2. */
export const worthClaiming = (order: number, type: number, pageblockOrder: number): boolean =>
  order >= pageblockOrder >> 1 || type === 0 || type === 2
