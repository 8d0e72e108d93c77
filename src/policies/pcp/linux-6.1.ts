import { z } from 'zod'
import { allOrderLists, SweepOrder } from './lists.ts'
import { sizes61 } from './sizes.ts'
import {
  clamp,
  defineListPolicy,
  PAGE_ALLOC_COSTLY_ORDER,
  PCP_BATCH_SCALE_MAX,
  type Pcp,
  type ZoneFlags,
} from './types.ts'

const params = z.object({
  high: z.int().min(1).max(1e6).optional().meta({
    unit: 'pages',
    help: 'Give pages back at this count. Default: as recorded where that kernel ran these rules, else low watermark ÷ CPUs.',
  }),
  batch: z
    .int()
    .min(1)
    .max(1e5)
    .optional()
    .meta({ unit: 'pages', help: 'Pages per refill; bulk frees start here. Default: as recorded.' }),
  freeFactorMax: z
    .int()
    .min(0)
    .max(10)
    .default(PCP_BATCH_SCALE_MAX)
    .meta({ help: 'Bulk frees double up to batch << this. 0: they never grow.' }),
})

/** Source: nr_pcp_high(), mm/page_alloc.c, v6.1. 0 empties the pageset: the caller passes `freeHigh`. */
function limitOf(pcp: Pcp, freeHigh: boolean, zone: ZoneFlags): number {
  if (pcp.high === 0 || freeHigh) return 0
  return zone.reclaimActive ? Math.min(4 * pcp.batch, pcp.high) : pcp.high
}

/** The lists of 6.1: orders 0 to 3 and THP; bulk frees double while no allocation comes in between. */
export const linux61 = defineListPolicy({
  id: 'linux-6.1',
  title: 'lists of order 0 to 3 and THP, bulk frees doubling by `free_factor`',
  source: 'nr_pcp_alloc(), nr_pcp_free(), nr_pcp_high(), free_unref_page_commit(), mm/page_alloc.c, v6.1.192',
  leavesOut: 'expiry of remote NUMA nodes’ pages; CPU and memory hotplug',
  params,
  sizes: ({ high, batch }, context) => {
    const own = sizes61(context)
    const newBatch = batch ?? own.batch
    const newHigh = high ?? Math.max(own.high, 4 * newBatch)
    return { batch: newBatch, high: newHigh, highMin: newHigh, highMax: newHigh }
  },
  create: ({ freeFactorMax }, { machine }) => {
    const lists = allOrderLists(machine.pageblockOrder)
    return {
      ...lists,
      onAlloc: (pcp) => {
        pcp.freeFactor >>= 1
      },
      nrAlloc: ({ batch }, order) => (batch <= 1 ? batch : Math.max(batch >> order, 2)),
      nrFree: (pcp, order, zone) => {
        const freeHigh = pcp.freeFactor !== 0 && order > 0 && order <= PAGE_ALLOC_COSTLY_ORDER
        const limit = limitOf(pcp, freeHigh, zone)
        if (pcp.count < limit) return 0
        if (freeHigh) return pcp.count
        if (limit < pcp.batch) return 1
        const most = limit - pcp.batch
        const shifted = pcp.batch << pcp.freeFactor
        if (shifted < most && pcp.freeFactor < freeFactorMax) pcp.freeFactor++
        return clamp(shifted, pcp.batch, most)
      },
      limit: (pcp, zone) => limitOf(pcp, false, zone),
      learn: (pcp, n) => {
        const factor = Math.log2(n / pcp.batch)
        if (Number.isInteger(factor) && factor >= 0 && factor <= freeFactorMax)
          pcp.freeFactor = Math.min(factor + 1, freeFactorMax)
      },
      bulkOrder: () => new SweepOrder(lists.lists),
    }
  },
})
