import { z } from 'zod'
import type { LockPrices } from '#sim'

const line = z.object({ baseNs: z.number(), pageNs: z.number() })

/** A price list: what one unit of work costs on one machine, and how anybody knows. */
export const pricesSchema = z.object({
  id: z.string(),
  machine: z.string(),
  method: z.string(),
  source: z.string(),
  /** Time zone->lock is held for one bulk free or one refill: [pages, mean or median µs, 99 % µs] points; a line is fitted. */
  bulkFreeUs: z.array(z.tuple([z.number(), z.number(), z.number()])).min(2),
  refillUs: z.array(z.tuple([z.number(), z.number(), z.number()])).min(2),
  /** hold = baseNs + pageNs · pages, in place of the line through the points. */
  lines: z.object({ bulkFree: line, refill: line }).optional(),
  /** What a requester waits for, per drain request that queues work items, in ns. */
  drainWorkNs: z.number().optional(),
})
/** A price list. Times in µs or ns as each field of `pricesSchema` says. */
export type Prices = z.infer<typeof pricesSchema>

const huangYing = {
  method: 'zone->lock held per bulk operation at batch 63 to 2047, mean and 99 %',
  source: 'Huang Ying, "mm, pcp: reduce lock contention", patch 04/10, 20 Sep 2023',
}

/** Published machines. Users add their own with `--prices FILE.json`. */
export const publishedPrices: readonly Prices[] = [
  {
    id: 'spr',
    machine: 'Sapphire Rapids',
    ...huangYing,
    bulkFreeUs: [
      [63, 2.33, 3.57],
      [255, 8.29, 13.32],
      [1023, 30.25, 44.19],
      [2047, 59.39, 84.5],
    ],
    refillUs: [
      [63, 2.67, 6.83],
      [255, 7.52, 25.24],
      [1023, 25.36, 94.88],
      [2047, 45.22, 140.81],
    ],
  },
  {
    id: 'icx',
    machine: 'Ice Lake',
    ...huangYing,
    bulkFreeUs: [
      [63, 2.21, 3.68],
      [255, 7.7, 13.5],
      [1023, 28.55, 42.02],
      [2047, 56.54, 84.06],
    ],
    refillUs: [
      [63, 2.02, 4.35],
      [255, 6.17, 15.97],
      [1023, 20.81, 54.36],
      [2047, 39.28, 91.68],
    ],
  },
  {
    id: 'clx',
    machine: 'Cascade Lake',
    ...huangYing,
    bulkFreeUs: [
      [63, 3.29, 5.03],
      [255, 11.68, 16.97],
      [1023, 43.39, 62.52],
      [2047, 86.64, 120.34],
    ],
    refillUs: [
      [63, 3.53, 4.75],
      [255, 10.9, 16.39],
      [1023, 40.0, 66.33],
      [2047, 71.14, 106.08],
    ],
  },
  {
    id: 'cml',
    machine: 'Comet Lake',
    ...huangYing,
    bulkFreeUs: [
      [63, 2.18, 3.55],
      [255, 7.35, 10.8],
      [1023, 27.72, 40.1],
    ],
    refillUs: [
      [63, 2.03, 3.05],
      [255, 7.14, 10.2],
      [1023, 27.89, 46.28],
    ],
  },
  {
    id: 'cfl',
    machine: 'Coffee Lake',
    ...huangYing,
    bulkFreeUs: [
      [63, 3.13, 4.4],
      [255, 11.86, 15.58],
      [1023, 45.3, 52.51],
      [2047, 90.63, 104.0],
    ],
    refillUs: [
      [63, 2.48, 3.43],
      [255, 8.96, 12.55],
      [1023, 33.19, 45.95],
      [2047, 65.26, 81.74],
    ],
  },
]

/** The least-squares line through the published means. */
function holdLine(points: Prices['bulkFreeUs']): LockPrices['refill'] {
  let [sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0]
  for (const [x, meanUs] of points) {
    const y = meanUs * 1000
    sumX += x
    sumY += y
    sumXX += x * x
    sumXY += x * y
  }
  const n = points.length
  const pageNs = (n * sumXY - sumX * sumY) / (n * sumXX - sumX * sumX)
  return { baseNs: sumY / n - (pageNs * sumX) / n, pageNs }
}

/** ns for one operation on so many pages, by the line through the points. */
export const holdTime = (points: Prices['bulkFreeUs']): ((pages: number) => number) => holdBy(holdLine(points))

const holdBy =
  ({ baseNs, pageNs }: LockPrices['refill']): ((pages: number) => number) =>
  (pages) =>
    Math.max(0, baseNs + pages * pageNs)

const leastPages = (points: Prices['bulkFreeUs']): number => Math.min(...points.map(([pages]) => pages))

/**
 * The least that an operation can take where fewer pages were moved than were measured: in proportion to the smallest published
 * size, as if none of it were fixed.
 */
function leastHoldTime(points: Prices['bulkFreeUs'], hold: (pages: number) => number): (pages: number) => number {
  const from = leastPages(points)
  return (pages) => (pages >= from ? hold(pages) : Math.min(hold(pages), (hold(from) * pages) / from))
}

/** What a replay in time needs of a price list. */
export const lockPricesOf = ({ id, bulkFreeUs, refillUs, lines }: Prices): LockPrices => ({
  id,
  bulkFree: lines?.bulkFree ?? holdLine(bulkFreeUs),
  refill: lines?.refill ?? holdLine(refillUs),
})

/** What prices need to know of a run. */
export interface PriceableWork {
  readonly refillSizes: ReadonlyMap<number, number>
  readonly burstSizes: ReadonlyMap<number, number>
  readonly allocsFromBuddy: number
  readonly freesToBuddy: number
  readonly drainRequests: number
  readonly drainRequestsSkipped: number
  readonly workItemWaits: number
  readonly gracePeriodWaits: number
  readonly irqSaves: number
  readonly pcpLocks: number
  readonly dereferences: number
  readonly interruptions: number
}

export interface Priced {
  readonly prices: string
  readonly machine: string
  readonly source: string
  /** Absent where all lock work is without a price. */
  readonly zoneLockHoldNs?: number
  readonly longestHoldNs?: number
  readonly smallHolds?: {
    readonly holds: number
    readonly of: number
    readonly belowPages: number
    readonly leastNs: number
  }
  readonly requesterWaitNs?: number
  readonly unpriced: string[]
}

/** Prices the work of one run. What has no published price stays a count and is named in `unpriced`. */
export function priceOf(work: PriceableWork, prices: Prices): Priced {
  const lines = lockPricesOf(prices)
  const [free, refill] = [holdBy(lines.bulkFree), holdBy(lines.refill)]
  let sum = 0
  let longest = 0
  const small = {
    holds: 0,
    of: 0,
    belowPages: Math.min(leastPages(prices.bulkFreeUs), leastPages(prices.refillUs)),
    leastNs: 0,
  }
  for (const [sizes, hold, least] of [
    [work.burstSizes, free, leastHoldTime(prices.bulkFreeUs, free)],
    [work.refillSizes, refill, leastHoldTime(prices.refillUs, refill)],
  ] as const) {
    for (const [pages, times] of sizes) {
      sum += times * hold(pages)
      longest = Math.max(longest, hold(pages))
      small.of += times
      small.leastNs += times * least(pages)
      if (pages < small.belowPages) small.holds += times
    }
  }
  const waits = work.workItemWaits > 0 ? work.drainRequests - work.drainRequestsSkipped : 0
  const wait = prices.drainWorkNs === undefined || waits === 0 ? undefined : prices.drainWorkNs * waits
  const counts = [
    'allocsFromBuddy',
    'freesToBuddy',
    'workItemWaits',
    'gracePeriodWaits',
    'irqSaves',
    'pcpLocks',
    'dereferences',
    'interruptions',
  ] as const
  return {
    prices: prices.id,
    machine: prices.machine,
    source: prices.source,
    ...(longest === 0 && work.allocsFromBuddy + work.freesToBuddy > 0 ? {} : { zoneLockHoldNs: Math.round(sum) }),
    ...(longest === 0 ? {} : { longestHoldNs: Math.round(longest) }),
    ...(small.holds === 0 ? {} : { smallHolds: { ...small, leastNs: Math.round(small.leastNs) } }),
    ...(wait === undefined ? {} : { requesterWaitNs: wait }),
    unpriced: counts.filter((name) => work[name] > 0 && !(name === 'workItemWaits' && wait !== undefined)),
  }
}
