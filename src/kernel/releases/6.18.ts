import type { KernelRelease } from './types.ts'

export const linux618: KernelRelease = {
  version: '6.18',
  changes: [
    {
      what: 'kvfree_rcu() puts objects of the caches of maple nodes and VMAs into sheaves; all others go the old way',
      source: '"SLUB percpu sheaves", Vlastimil Babka, 2025',
    },
  ],
}
