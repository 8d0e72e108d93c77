import { z } from 'zod'
import type { Machine, Order } from '#kernel'
import { factsOf } from '#kernel/releases'
import { allOrderLists, pageblockThp, pmdThp, SweepOrder, type ThpLists } from './lists.ts'
import { thpListsParam } from './params.ts'
import { sizes61 } from './sizes.ts'
import {
  clamp,
  defineListPolicy,
  PAGE_ALLOC_COSTLY_ORDER,
  PCP_BATCH_SCALE_MAX,
  type Pcp,
  type ZoneFlags,
} from './types.ts'

/** A factor that no machine's `high` lets a bulk free reach. */
export const UNLIMITED_FACTOR = 16

interface Family {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly thpLists: ThpLists
  readonly freeFactorMax: number
}

/** Huge pages of the recording kernel that lists keep. */
const thpOrderOf = (machine: Machine): Order | undefined =>
  machine.release === undefined || factsOf(machine.release).thpListOrder === 'pageblock'
    ? pageblockThp(machine)
    : pmdThp(machine)

const params = (defaults: { readonly thpLists: ThpLists; readonly freeFactorMax: number }) =>
  z.object({
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
    freeFactorMax: z.int().min(0).max(UNLIMITED_FACTOR).default(defaults.freeFactorMax).meta({
      help: 'Bulk frees double up to batch << this. 0: they never grow; 16: nothing but `high` less a batch limits them.',
    }),
    ...thpListsParam(defaults.thpLists),
  })

/** Source: nr_pcp_high(), mm/page_alloc.c, v6.1. 0 empties the pageset: the caller passes `freeHigh`. */
function limitOf(pcp: Pcp, freeHigh: boolean, zone: ZoneFlags): number {
  if (pcp.high === 0 || freeHigh) return 0
  return zone.reclaimActive ? Math.min(4 * pcp.batch, pcp.high) : pcp.high
}

const freeFactor = ({ id, title, source, ...defaults }: Family) =>
  defineListPolicy({
    id,
    title,
    source,
    leavesOut: 'expiry of remote NUMA nodes’ pages; CPU and memory hotplug',
    params: params(defaults),
    sizes: ({ high, batch }, context) => {
      const own = sizes61(context)
      const newBatch = batch ?? own.batch
      const newHigh = high ?? Math.max(own.high, 4 * newBatch)
      return { batch: newBatch, high: newHigh, highMin: newHigh, highMax: newHigh }
    },
    create: ({ freeFactorMax, thpLists }, { machine }) => {
      const lists = allOrderLists(thpOrderOf(machine), thpLists)
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
        bulkOrder: () => new SweepOrder(lists.lists),
      }
    },
  })

/** As 5.14, but a bulk free empties the list just freed to first, and frees of order 1 to 3 may empty the pageset. */
export const linux518 = freeFactor({
  id: 'linux-5.18',
  title: 'as 5.14, bulk frees from the list just freed to; high-order frees may empty the pageset',
  source: 'nr_pcp_free(), nr_pcp_high(), free_unref_page_commit(), free_pcppages_bulk(), mm/page_alloc.c, v5.18',
  thpLists: 3,
  freeFactorMax: UNLIMITED_FACTOR,
})

/** As 5.18 with one list for huge pages. */
export const linux60 = freeFactor({
  id: 'linux-6.0',
  title: 'as 5.18 with one list for huge pages',
  source: 'order_to_pindex(), mm/page_alloc.c, v6.0',
  thpLists: 1,
  freeFactorMax: UNLIMITED_FACTOR,
})

/** The lists of 6.1: orders 0 to 3 and THP; bulk frees double while no allocation comes in between. */
export const linux61 = freeFactor({
  id: 'linux-6.1',
  title: 'lists of order 0 to 3 and THP, bulk frees doubling by `free_factor`',
  source: 'nr_pcp_alloc(), nr_pcp_free(), nr_pcp_high(), free_unref_page_commit(), mm/page_alloc.c, v6.1.192',
  thpLists: 2,
  freeFactorMax: PCP_BATCH_SCALE_MAX,
})
