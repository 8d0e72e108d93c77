import type { KernelRelease } from './types.ts'

export const linux616: KernelRelease = {
  version: '6.16',
  changes: [
    {
      what: 'frees of order 1 to 3 empty a pageset only from free_count = batch + high_min ÷ 2 on',
      source: 'c544a952ba61 "mm: pcp: increase pcp->free_count threshold to trigger free_high"',
      facts: { lists: 'linux-6.16' },
    },
  ],
}
