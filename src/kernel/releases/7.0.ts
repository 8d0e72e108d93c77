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
    {
      what: 'all slab caches have sheaves, and no CPU has slabs of its own',
      source: '241001db15ba "slab: add sheaves to most caches", 160cec517d49 "slab: remove SLUB_CPU_PARTIAL"',
      facts: { slab: 'sheaves{remainder=free}' },
    },
  ],
}
