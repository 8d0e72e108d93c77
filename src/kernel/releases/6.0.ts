import type { KernelRelease } from './types.ts'

export const linux60: KernelRelease = {
  version: '6.0',
  changes: [
    {
      what: 'a lock for each pageset, taken by trylock; drain_all_pages() empties the lists of other CPUs itself',
      source:
        '4b23a68f9536 "mm/page_alloc: protect PCP lists with a spinlock", 443c2accd1b6 "mm/page_alloc: remotely drain per-cpu lists"',
      facts: { drain: 'trylock', remoteDrains: true },
    },
    {
      what: 'one list for huge pages',
      source: '5d0a661d808f "mm/page_alloc: use only one PCP list for THP-sized allocations"',
      facts: { lists: 'linux-6.0', thpLists: 1 },
    },
    {
      what: 'mm_page_alloc_zone_locked stores percpu_refill',
      // Seen in the format files: not in 5.10.223, in 6.1.192. Which release between them brought it was not looked up.
      source: 'include/trace/events/kmem.h, v6.1',
      facts: { storesPercpuRefill: true },
    },
  ],
}
