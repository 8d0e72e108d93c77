import type { KernelRelease } from './types.ts'

export const linux64: KernelRelease = {
  version: '6.4',
  changes: [
    {
      what: 'one flag instead of two for skipping KASAN',
      source: '0a54864f8dfb "kasan: remove PG_skip_kasan_poison flag"',
      gfp: {
        __GFP_SKIP_KASAN_UNPOISON: null,
        __GFP_SKIP_KASAN_POISON: null,
        __GFP_SKIP_KASAN: 0x2000000,
        __GFP_NOLOCKDEP: 0x4000000,
      },
    },
    {
      what: 'MAX_ORDER is the largest order',
      source: '23baf831a32c "mm, treewide: redefine MAX_ORDER sanely"',
      facts: { maxOrderInclusive: true },
    },
  ],
}
