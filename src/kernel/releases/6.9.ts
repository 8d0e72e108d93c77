import type { KernelRelease } from './types.ts'

export const linux69: KernelRelease = {
  version: '6.9',
  changes: [
    {
      what: 'lists of frees are folio batches of at most 31',
      source: '"Rearrange batched folio freeing", Matthew Wilcox, v3 of 27 Feb 2024; PAGEVEC_SIZE',
      facts: { freeListMax: 31 },
    },
  ],
}
