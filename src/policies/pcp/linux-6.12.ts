import { z } from 'zod'
import { allOrderLists, pmdThp, SweepOrder, type ThpLists } from './lists.ts'
import { thpListsParam } from './params.ts'
import { sizesTuned } from './sizes.ts'
import {
  clamp,
  defineListPolicy,
  type ListRules,
  PAGE_ALLOC_COSTLY_ORDER,
  type PagesetContext,
  PCP_BATCH_SCALE_MAX,
  type Pcp,
  type Sizes,
  type ZoneContext,
  type ZoneFlags,
} from './types.ts'

/** Parameters of lists that tune themselves. */
export const tunedParams = (defaults: { readonly thpLists: ThpLists; readonly tickInBatches: boolean }) =>
  z.object({
    batch: z.int().min(1).max(1e5).optional().meta({ unit: 'pages', help: 'Pages per refill. Default: as recorded.' }),
    highMin: z.int().min(1).max(1e7).optional().meta({
      unit: 'pages',
      help: 'Lower bound of `high`. Default: as recorded where that kernel ran these rules, else low watermark ÷ CPUs of the node.',
    }),
    highMax: z.int().min(1).max(1e7).optional().meta({
      unit: 'pages',
      help: 'Upper bound of `high`. Default: as recorded where that kernel ran these rules, else 1/8 of the zone ÷ CPUs of the node.',
    }),
    tickInBatches: z.boolean().default(defaults.tickInBatches).meta({
      help: 'A vmstat tick gives back a batch per hold of zone->lock, as 6.19, 6.18.7 and 6.12.67 do; false: all at once.',
    }),
    ...thpListsParam(defaults.thpLists),
  })

/** The limit in use. */
export const clampedHigh = (pcp: Pcp): number => clamp(pcp.high, pcp.highMin, pcp.highMax)

/** Entries to fetch. Source: nr_pcp_alloc(), mm/page_alloc.c, v6.12. */
function nrAlloc(pcp: Pcp, order: number, zone: ZoneFlags): number {
  const { batch } = pcp
  const high = clampedHigh(pcp)
  if (high < batch) return 1
  let want = order > 0 ? batch : batch << pcp.allocFactor
  let newHigh = high
  if (pcp.highMin !== pcp.highMax && !zone.belowHigh) newHigh = pcp.high = Math.min(high + want, pcp.highMax)
  if (order === 0) {
    const most = Math.max(newHigh - pcp.count - batch, batch)
    if (want <= most && pcp.allocFactor < PCP_BATCH_SCALE_MAX) pcp.allocFactor++
    want = Math.min(want, most)
  }
  return want > 1 ? Math.max(want >> order, 2) : want
}

/** What a free does to `high`, and the limit it leaves. Source: nr_pcp_high(), mm/page_alloc.c, v6.12. */
function nrHigh(pcp: Pcp, freeHigh: boolean, zone: ZoneFlags): number {
  const { batch, highMin, highMax } = pcp
  const high = clampedHigh(pcp)
  if (pcp.high === 0 && highMax === 0) return 0
  if (freeHigh) {
    pcp.high = Math.max(high - (batch << PCP_BATCH_SCALE_MAX), highMin)
    return 0
  }
  const step = Math.max(pcp.freeCount, batch)
  if (zone.reclaimActive) {
    pcp.high = Math.max(high - step, highMin)
    return Math.min(4 * batch, pcp.high)
  }
  if (highMin === highMax) return high
  if (zone.belowHigh) {
    pcp.high = Math.max(high - step, highMin)
    return Math.max(pcp.count, highMin)
  }
  if (pcp.count >= high && high < pcp.freeCount + batch) pcp.high = clamp(pcp.freeCount + batch, highMin, highMax)
  return high
}

/** Lowers `high` by an eighth and gives back what lies above it. Source: decay_pcp_high(), mm/page_alloc.c, v6.12. */
function onTick(pcp: Pcp): number {
  const { batch, highMin } = pcp
  if (pcp.high > highMin)
    pcp.high = Math.max(pcp.count - (batch << PCP_BATCH_SCALE_MAX), pcp.high - (pcp.high >> 3), highMin)
  return Math.max(0, pcp.count - pcp.high)
}

/** The rules of lists that tune themselves. */
export function tunedRules(
  { machine }: ZoneContext,
  { eagerness, freeChunk }: Pacing,
  { thpLists, tickInBatches }: { readonly thpLists: ThpLists; readonly tickInBatches: boolean },
): ListRules {
  const lists = allOrderLists(pmdThp(machine), thpLists)
  return {
    ...lists,
    onAlloc: (pcp) => {
      pcp.freeCount >>= 1
    },
    nrAlloc,
    nrFree: (pcp, order, zone) => {
      const { batch } = pcp
      pcp.allocFactor >>= 1
      let freeHigh = false
      if (order > 0 && order <= PAGE_ALLOC_COSTLY_ORDER) {
        freeHigh =
          pcp.freeCount >= eagerness(pcp) && pcp.prevFreeHighOrder && (!pcp.freeHighBatch || pcp.count >= batch)
        pcp.prevFreeHighOrder = true
      } else {
        pcp.prevFreeHighOrder = false
      }
      if (pcp.freeCount < batch << PCP_BATCH_SCALE_MAX) pcp.freeCount += 1 << order
      const limit = nrHigh(pcp, freeHigh, zone)
      if (pcp.count < limit) return 0
      if (freeHigh) return Math.min(pcp.count, batch << PCP_BATCH_SCALE_MAX)
      return limit < batch ? 1 : clamp(pcp.freeCount, batch, limit - batch)
    },
    onTick,
    ...(tickInBatches ? { tickChunk: (pcp: Pcp) => pcp.batch } : {}),
    ...(freeChunk === undefined ? {} : { freeChunk }),
    bulkOrder: () => new SweepOrder(lists.lists),
  }
}

/** What differs between kernels of this kind. */
interface Pacing {
  /** free_count from which a free of order 1 to 3 may empty the pageset. */
  readonly eagerness: (pcp: Pcp) => number
  readonly freeChunk?: (pcp: Pcp) => number
}

interface Family extends Pacing {
  readonly version: string
  readonly title: string
  readonly thpLists: ThpLists
  readonly tickInBatches: boolean
}

/** What such lists begin with. */
export function tunedSizesOf(
  {
    batch,
    highMin,
    highMax,
  }: {
    readonly batch?: number | undefined
    readonly highMin?: number | undefined
    readonly highMax?: number | undefined
  },
  context: PagesetContext,
): Sizes {
  const own = sizesTuned(context)
  const low = highMin ?? own.highMin
  return { batch: batch ?? own.batch, highMin: low, highMax: Math.max(low, highMax ?? own.highMax), high: own.high }
}

function tuned(family: Family) {
  const { version, title, freeChunk, ...defaults } = family
  return defineListPolicy({
    id: `linux-${version}`,
    title,
    source: `nr_pcp_alloc(), nr_pcp_high(), nr_pcp_free(), free_frozen_page_commit(), mm/page_alloc.c, v${version}`,
    leavesOut: freeChunk === undefined ? 'nothing known' : 'chunks of a bulk free given up half-way',
    params: tunedParams(defaults),
    sizes: tunedSizesOf,
    create: (given, context) => tunedRules(context, family, given),
  })
}

/** A batch per hold of zone->lock. */
export const batchOf = (pcp: Pcp): number => pcp.batch
/** As 6.16 and later. */
export const batchAndHalfHighMin = (pcp: Pcp): number => pcp.batch + (pcp.highMin >> 1)

/** The first self-tuning lists: `high` grows with each refill and shrinks under pressure. */
export const linux67 = tuned({
  version: '6.7',
  title: 'self-tuning `high`, refills doubling by `alloc_factor`, one list for huge pages',
  thpLists: 1,
  tickInBatches: false,
  eagerness: batchOf,
})

/** As 6.7 with two lists for huge pages. */
export const linux612 = tuned({
  version: '6.12',
  title: 'self-tuning `high`, refills doubling by `alloc_factor`',
  thpLists: 2,
  tickInBatches: true,
  eagerness: batchOf,
})

/** As 6.12, less eager to empty a pageset at high-order frees. */
export const linux616 = tuned({
  version: '6.16',
  title: 'as 6.12, less eager to empty a pageset at high-order frees',
  thpLists: 2,
  tickInBatches: true,
  eagerness: batchAndHalfHighMin,
})

/** As 6.16; a bulk free gives up the lock after each batch. */
export const linux619 = tuned({
  version: '6.19',
  title: 'as 6.16, bulk frees a batch at a time',
  thpLists: 2,
  tickInBatches: true,
  eagerness: batchAndHalfHighMin,
  freeChunk: batchOf,
})

/** As 6.12, less eager to empty a pageset at high-order frees; a bulk free gives up zone->lock after each batch. */
export const linux72 = tuned({
  version: '7.2',
  title: 'as 6.12, less eager to empty a pageset at high-order frees, which go a batch at a time',
  thpLists: 2,
  tickInBatches: true,
  eagerness: batchAndHalfHighMin,
  freeChunk: batchOf,
})
