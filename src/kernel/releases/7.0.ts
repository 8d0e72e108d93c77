import type { KernelRelease } from './types.ts'

export const linux70: KernelRelease = {
  version: '7.0',
  changes: [
    {
      what: 'kvfree_rcu() puts objects of most slab caches into sheaves',
      // Seen in v7.2, mm/slub.c; which release from 6.19 on brought it is taken from the series' merge window.
      source: '"slab: replace cpu (partial) slabs with sheaves", Vlastimil Babka, Jan 2026',
      facts: { kvfree: 'linux-7.2' },
    },
  ],
}
