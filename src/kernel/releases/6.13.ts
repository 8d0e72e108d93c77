import type { KernelRelease } from './types.ts'

export const linux613: KernelRelease = {
  version: '6.13',
  changes: [
    {
      what: 'zoneinfo prints high_min and high_max',
      source: '"mm: add pcp high_min high_max to proc zoneinfo", MengEn Sun, 10 Oct 2024',
      facts: { printsHighBounds: true },
    },
    {
      what: 'lazy preemption',
      source: '7c70cb94d29c "sched: Add Lazy preemption model"',
      facts: { lazyPreemption: true },
    },
  ],
}
