import type { KernelRelease } from './types.ts'

export const linux63: KernelRelease = {
  version: '6.3',
  changes: [
    {
      what: 'kvfree_rcu() frees at once what is ready, and batches the rest',
      source: '2ca836b1da17 "rcu/kvfree: Split ready for reclaim objects from a batch"',
      facts: { kvfree: 'split-ready' },
    },
    {
      what: '__GFP_ATOMIC is gone',
      source: '2973d8229b78 "mm: discard __GFP_ATOMIC"',
      gfp: { __GFP_ATOMIC: null, GFP_ATOMIC: 0x820 },
    },
  ],
}
