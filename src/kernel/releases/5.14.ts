import type { KernelRelease } from './types.ts'

export const linux514: KernelRelease = {
  version: '5.14',
  changes: [
    {
      what: 'the lists keep blocks of order 1 to 3 and huge pages, three lists for each order',
      source: '44042b449872 "mm/page_alloc: allow high-order pages to be stored on the per-cpu lists"',
      facts: { lists: 'linux-5.14', thpLists: 3 },
    },
    {
      what: '`high` is the low watermark ÷ CPUs of the node; percpu_pagelist_high_fraction replaces percpu_pagelist_fraction',
      source:
        'b92ca18e8ca5 "mm/page_alloc: disassociate the pcp->high from pcp->batch", 74f44822097c "mm/page_alloc: introduce vm.percpu_pagelist_high_fraction"',
      facts: { highFrom: 'low watermark' },
    },
    {
      what: 'bulk frees double while no allocation comes between',
      source: '3b12e7e97938 "mm/page_alloc: scale the number of pages that are batch freed"',
      facts: { freeFactorMax: 16 },
    },
    {
      what: 'lists are short while kswapd reclaims',
      source: 'c49c2c47dab6 "mm/page_alloc: limit the number of pages on PCP lists when reclaim is active"',
      facts: { reclaimActive: true },
    },
    {
      what: 'flags of memory tagging',
      source:
        '013bb59dbb7c "arm64: mte: handle tags zeroing at page allocation time", c275c5c6d50a "kasan: disable freed user page poisoning with HW tags"',
      gfp: { __GFP_ZEROTAGS: 0x800000, __GFP_SKIP_KASAN_POISON: 0x1000000, __GFP_NOLOCKDEP: 0x2000000 },
    },
  ],
}
