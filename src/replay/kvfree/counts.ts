import type { KvfreeCounts } from '#policies/kvfree'

export const noCounts = (): KvfreeCounts => ({
  batches: 0,
  listFallbacks: 0,
  inlineWaits: 0,
  slotsBusy: 0,
  readyEarly: 0,
  pagesByRefill: 0,
  pagesByCaller: 0,
  pagesByPcp: 0,
  pagesReturned: 0,
  pagesWasted: 0,
  throttledCallers: 0,
  throttledNs: 0,
  shrinks: 0,
  shrunkObjects: 0,
  shrunkPages: 0,
  pcpMisses: 0,
})
