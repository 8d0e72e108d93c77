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
