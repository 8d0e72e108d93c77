import type { KernelRelease } from './types.ts'

export const linux610: KernelRelease = {
  version: '6.10',
  changes: [
    {
      what: 'two lists for huge pages: movable, and others',
      source: 'bf14ed81f571 "mm/page_alloc: Separate THP PCP into movable and non-movable categories"',
      backports: { '6.1': 97, '6.6': 37, '6.9': 8 },
      facts: { thpLists: 2 },
    },
    {
      what: 'the huge pages on the lists have HPAGE_PMD_ORDER',
      source: '6303d1c553c8 "mm: page_alloc: use the correct THP order for THP PCP"',
      facts: { thpListOrder: 'pmd' },
    },
    {
      what: 'a remote drain takes a chunk per hold of the lock',
      source: '55f77df7d715 "mm: page_alloc: control latency caused by zone PCP draining"',
      backports: { '6.1': 104, '6.6': 45 },
      facts: { drainInChunks: true },
    },
    {
      what: 'a page goes to the buddy as the type of its pageblock by then',
      source: '17edeb5d3f76 "mm: page_alloc: remove pcppage migratetype caching"',
      facts: { cachesType: false },
    },
    {
      what: 'a fallback returns the page it takes',
      source:
        '"mm: page_alloc: freelist migratetype hygiene", Johannes Weiner, 20 Mar 2024 (10 patches, of which 17edeb5d3f76 is the first)',
      facts: { fallbackIsPage: true },
    },
    {
      what: 'flags are numbered by an enum; those behind __GFP_ZEROTAGS depend on the configuration',
      source: '772dd0342727 "mm: enumerate all gfp flags", 21c690a349ba "mm: introduce slab_obj_ext …"',
      gfp: { __GFP_NO_OBJ_EXT: 0x8000000 },
    },
    {
      what: 'without hugetlb a pageblock has HPAGE_PMD_ORDER',
      source:
        '"mm: set pageblock_order to HPAGE_PMD_ORDER in case with !CONFIG_HUGETLB_PAGE but THP enabled", Baolin Wang, 5 Apr 2024',
      facts: { pageblockFollowsThp: true },
    },
  ],
}
