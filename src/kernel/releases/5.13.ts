import type { KernelRelease } from './types.ts'

export const linux513: KernelRelease = {
  version: '5.13',
  changes: [
    {
      what: 'alloc_pages_bulk() takes pages from a list without an event',
      source: '387ba26fb1cb "mm/page_alloc: add a bulk page allocator"',
      facts: { bulkAllocator: true },
    },
    {
      what: 'vmstat counts CMA allocations',
      source: 'bbb269206f3c "mm: vmstat: add cma statistics"',
      facts: { countsCma: true },
    },
  ],
}
