import type { KernelRelease } from './types.ts'

export const linux67: KernelRelease = {
  version: '6.7',
  changes: [
    {
      what: '`high` tunes itself between two bounds; refills grow; free_count paces bulk frees; vmstat ticks let `high` decay',
      source:
        '90b41691b988 "mm: add framework for PCP high auto-tuning", 51a755c56dc0 "mm: tune PCP high automatically", 57c0419c5f0e "mm, pcp: decrease PCP high if free pages < high watermark", c0a242394cb9 "mm, page_alloc: scale the number of pages that are batch allocated", 6ccdcb6d3a74 "mm, pcp: reduce detecting time of consecutive high order page freeing"',
      facts: { lists: 'linux-6.7', highFrom: 'bounds', decay: true },
    },
    {
      what: 'bulk frees double up to batch << 5',
      source: '52166607ecc9 "mm: restrict the pcp batch scale factor to avoid too long latency"',
      backports: { '6.1': 104, '6.6': 45 },
      facts: { freeFactorMax: 5 },
    },
    {
      what: 'GFP_NOWAIT does not warn',
      source: '16f5dfbc851b "gfp: include __GFP_NOWARN in GFP_NOWAIT"',
      gfp: { GFP_NOWAIT: 0x2800 },
    },
  ],
}
