import type { KernelRelease } from './types.ts'

export const linux518: KernelRelease = {
  version: '5.18',
  changes: [
    {
      what: 'a bulk free empties the list just freed to, then the next',
      source:
        'd61372bc41cf "mm/page_alloc: drain the requested list first during bulk free", fd56eef258a1 "mm/page_alloc: simplify how many pages are selected per pcp list during bulk free"',
      facts: { lists: 'linux-5.18' },
    },
    {
      what: 'a free of order 1 to 3 after others empties the pageset',
      source: 'f26b3fa04611 "mm/page_alloc: limit number of high-order pages on PCP during bulk free"',
    },
    {
      what: 'a CPU’s partial slabs are limited by their number (from 5.16 on)',
      source: 'b47291ef02b0 "mm, slub: change percpu partial accounting from objects to pages"',
      facts: { slab: 'cpu-partial', slabLimitInObjects: false },
    },
    {
      what: 'flags of memory tagging',
      source:
        '53ae233c30a6 "kasan, page_alloc: allow skipping unpoisoning for HW_TAGS", 9353ffa6e9e9 "kasan, page_alloc: allow skipping memory init for HW_TAGS"',
      gfp: {
        __GFP_SKIP_ZERO: 0x1000000,
        __GFP_SKIP_KASAN_UNPOISON: 0x2000000,
        __GFP_SKIP_KASAN_POISON: 0x4000000,
        __GFP_NOLOCKDEP: 0x8000000,
      },
    },
  ],
}
