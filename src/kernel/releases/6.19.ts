import type { KernelRelease } from './types.ts'

export const linux619: KernelRelease = {
  version: '6.19',
  changes: [
    {
      what: 'a vmstat tick gives back a batch per hold of the lock',
      // Announcements of 23 Jan 2026: Linux 6.12.67 and Linux 6.18.7.
      source: '"mm/page_alloc: batch page freeing in decay_pcp_high", Joshua Hahn, 14 Oct 2025',
      backports: { '6.12': 67, '6.18': 7 },
      facts: { tickInBatches: true },
    },
    {
      what: 'a bulk free gives up the lock after each batch',
      source: '"mm/page_alloc: batch page freeing in free_frozen_page_commit", Joshua Hahn, 14 Oct 2025',
      facts: { lists: 'linux-6.19' },
    },
  ],
}
