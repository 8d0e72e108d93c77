import { flags510 } from './gfp-flags.ts'
import type { KernelFacts, KernelRelease } from './types.ts'

/** The oldest release whose rules are known. Source: mm/page_alloc.c, mm/vmstat.c, kernel/rcu/tree.c, v5.10. */
export const facts510: KernelFacts = {
  lists: 'linux-5.10',
  thpLists: 0,
  thpListOrder: 'pageblock',
  freeFactorMax: 0,
  tickInBatches: false,
  drain: 'work',
  drainInChunks: false,
  highFrom: 'batch',
  kvfree: 'linux-5.10',
  slab: 'cpu-partial{limitIn=objects}',
  slabLimitInObjects: true,
  bulkAllocator: false,
  remoteDrains: false,
  reclaimActive: false,
  cachesType: true,
  decay: false,
  contiguousFrees: false,
  fallbackIsPage: false,
  storesPercpuRefill: false,
  printsHighBounds: false,
  printsPromo: false,
  // The lists of release_pages() and reclaim, of any length.
  freeListMax: 512,
  countsCma: false,
  maxOrderInclusive: false,
  pageblockFollowsThp: false,
  lazyPreemption: false,
  migratetypes: ['UNMOVABLE', 'MOVABLE', 'RECLAIMABLE', 'HIGHATOMIC'],
  gfp: flags510,
}

export const linux510: KernelRelease = { version: '5.10', changes: [], recorded: true }
