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
  ],
}
