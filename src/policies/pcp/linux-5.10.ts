import { z } from 'zod'
import { orderZeroLists, QuotaOrder } from './lists.ts'
import { sizes510 } from './sizes.ts'
import { defineListPolicy } from './types.ts'

const params = z.object({
  high: z.int().min(1).max(1e6).optional().meta({
    unit: 'pages',
    help: 'Give pages back at this count. Default: as recorded where that kernel ran these rules, else 6 × batch.',
  }),
  batch: z
    .int()
    .min(1)
    .max(1e5)
    .optional()
    .meta({ unit: 'pages', help: 'Pages per refill and per bulk free. Default: as recorded.' }),
})

/** The lists of 5.10: three of order 0; a full pageset gives back one batch. */
export const linux510 = defineListPolicy({
  id: 'linux-5.10',
  title: 'three order-0 lists, one batch back at `high`',
  source: 'rmqueue_bulk(), free_unref_page_commit(), free_pcppages_bulk(), mm/page_alloc.c, v5.10',
  leavesOut: 'expiry of remote NUMA nodes’ pages; CPU and memory hotplug',
  params,
  sizes: ({ high, batch }, context) => {
    const own = sizes510(context)
    const newBatch = batch ?? own.batch
    const newHigh = high ?? (batch === undefined ? own.high : 6 * newBatch)
    return { batch: newBatch, high: newHigh, highMin: newHigh, highMax: newHigh }
  },
  create: () => ({
    ...orderZeroLists,
    onAlloc: () => {},
    nrAlloc: (pcp) => pcp.batch,
    nrFree: (pcp) => (pcp.count >= pcp.high ? Math.min(pcp.batch, pcp.count) : 0),
    bulkOrder: () => new QuotaOrder(),
  }),
})
