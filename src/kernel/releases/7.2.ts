import type { KernelRelease } from './types.ts'

export const linux72: KernelRelease = {
  version: '7.2',
  recorded: true,
  changes: [
    {
      what: 'vfree() and free_contig_range() free aligned runs of pages as blocks',
      // Seen in v7.2. Which release from 7.0 on brought it was not looked up.
      source: 'free_prepared_contig_range(), mm/page_alloc.c, v7.2',
      facts: { contiguousFrees: true, lists: 'linux-7.2' },
    },
    {
      what: 'a refill of a sheaf leaves in the slab what it does not need, and the slab heads its node’s list',
      source:
        '93a51a74d7de "mm, slab: simplify returning slab in __refill_objects_node()", 0fc52deec106 "mm/slub: detach and reattach partial slabs in batch"',
      facts: { slab: 'sheaves' },
    },
  ],
}
