import { z } from 'zod'
import { UNLIMITED_FACTOR } from './linux-6.1.ts'
import { allOrderLists, pageblockThp, QuotaOrder } from './lists.ts'
import { thpListsParam } from './params.ts'
import { sizes61 } from './sizes.ts'
import { clamp, defineListPolicy } from './types.ts'

const params = z.object({
  high: z.int().min(1).max(1e6).optional().meta({
    unit: 'pages',
    help: 'Give pages back at this count. Default: as recorded where that kernel ran these rules, else low watermark ÷ CPUs of the node.',
  }),
  batch: z
    .int()
    .min(1)
    .max(1e5)
    .optional()
    .meta({ unit: 'pages', help: 'Pages per refill; bulk frees start here. Default: as recorded.' }),
  ...thpListsParam(3),
})

/** The lists of 5.14: orders 0 to 3 and huge pages; bulk frees double and go around the lists as in 5.10. */
export const linux514 = defineListPolicy({
  id: 'linux-5.14',
  title: 'lists of order 0 to 3 and THP, bulk frees doubling, page by page around the lists',
  source: 'nr_pcp_free(), nr_pcp_high(), free_unref_page_commit(), free_pcppages_bulk(), mm/page_alloc.c, v5.14',
  leavesOut: 'expiry of remote NUMA nodes’ pages; CPU and memory hotplug',
  params,
  sizes: ({ high, batch }, context) => {
    const own = sizes61(context)
    const newBatch = batch ?? own.batch
    const newHigh = high ?? Math.max(own.high, 4 * newBatch)
    return { batch: newBatch, high: newHigh, highMin: newHigh, highMax: newHigh }
  },
  create: ({ thpLists }, { machine }) => {
    const lists = allOrderLists(pageblockThp(machine), thpLists)
    return {
      ...lists,
      onAlloc: (pcp) => {
        pcp.freeFactor >>= 1
      },
      nrAlloc: ({ batch }, order) => (batch <= 1 ? batch : Math.max(batch >> order, 2)),
      nrFree: (pcp, _order, zone) => {
        const high = zone.reclaimActive ? Math.min(4 * pcp.batch, pcp.high) : pcp.high
        if (pcp.count < high) return 0
        if (high < pcp.batch) return 1
        const most = high - pcp.batch
        const shifted = pcp.batch << pcp.freeFactor
        if (shifted < most && pcp.freeFactor < UNLIMITED_FACTOR) pcp.freeFactor++
        return clamp(shifted, pcp.batch, most)
      },
      bulkOrder: () => new QuotaOrder(lists.lists),
    }
  },
})
