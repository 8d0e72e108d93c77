import { percentiles, quantileOfCounts } from '#kernel/numbers'
import type { Burst, Foresight, PolicyRun } from '#replay'
import { boundsOf } from './bounds.ts'
import type { CaptureFacts } from './capture-facts.ts'
import { largeHolds } from './large-holds.ts'
import { type Prices, priceOf } from './prices/prices.ts'
import type { Run } from './schemas.ts'
import { stepSums, stepsOf, totalsOf } from './totals.ts'

/** Bursts that a chart shows; totals are never thinned. */
const BURSTS_SHOWN = 2000

/** Exact quantiles of sizes counted by value; undefined where nothing happened. */
export function quantilesOf(
  sizes: ReadonlyMap<number, number>,
): { p50?: number; p99?: number; max: number } | undefined {
  const sorted = [...sizes].sort(([a], [b]) => a - b)
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantileOfCounts(sorted, share))
  if (p50 === undefined || p99 === undefined || max === undefined) return undefined
  const count = sorted.reduce((sum, [, times]) => sum + times, 0)
  return { ...percentiles(count, () => ({ p50, p99 })), max }
}

/** At most `most` bursts, evenly over the trace; the largest of each stretch, so that peaks stay. */
function largestOfStretches(bursts: readonly Burst[], most: number): readonly Burst[] {
  if (bursts.length <= most) return bursts
  return Array.from({ length: most }, (_, part) => {
    const from = Math.trunc((part * bursts.length) / most)
    const to = Math.trunc(((part + 1) * bursts.length) / most)
    return bursts.slice(from, to).reduce((largest, burst) => (burst.pages > largest.pages ? burst : largest))
  })
}

/** At most `BURSTS_SHOWN`; requested ones are rarer and thinned by themselves. */
function thin(bursts: readonly Burst[]): readonly Burst[] {
  if (bursts.length <= BURSTS_SHOWN) return bursts
  const requested = largestOfStretches(
    bursts.filter((burst) => burst.requested),
    BURSTS_SHOWN / 4,
  )
  const own = largestOfStretches(
    bursts.filter((burst) => !burst.requested),
    BURSTS_SHOWN - requested.length,
  )
  return [...requested, ...own].sort((a, b) => a.time - b.time)
}

/** Free pages in blocks of `from` and above. */
const freePages = (blocks: readonly Int32Array[], step: number, from: number): number =>
  blocks.reduce((sum, of, order) => (order < from ? sum : sum + (of[step]! << order)), 0)

/** What holds of zone->lock take time for: pages one by one, or the blocks that hold them. */
const holdSizes = ({ refillSizes, burstSizes, refillBlocks, burstBlocks }: PolicyRun['result'], inBlocks: boolean) =>
  inBlocks ? { refillSizes: refillBlocks, burstSizes: burstBlocks } : { refillSizes, burstSizes }

/** One policy’s run as a comparison holds it. */
export function measure(
  {
    head: { name },
    cpus,
    pageblockOrder,
    isolated,
  }: Pick<CaptureFacts, 'head' | 'cpus' | 'pageblockOrder' | 'isolated'>,
  foresight: Foresight | undefined,
  { policy, lists, drain, isBound, sharesLists, params, sizes, result, times }: PolicyRun,
  prices: readonly Prices[],
): Run {
  const t = [...result.stepEnds]
  const bursts = thin(result.bursts)
  const burstPages = quantilesOf(result.burstSizes)
  const refillPages = quantilesOf(result.refillSizes)
  const stranded = t.map((_, step) => isolated.reduce((sum, cpu) => sum + (result.cached[cpu]?.[step] ?? 0), 0))
  return {
    capture: name,
    policy,
    params: { ...params },
    lists,
    sizes: [...sizes],
    drain,
    isBound,
    work: { ...result.work },
    totals: totalsOf({ result, times }, isolated),
    ...(sharesLists || foresight === undefined ? {} : { bounds: boundsOf(foresight, result) }),
    priced: prices.map((list) => priceOf({ ...result.work, ...holdSizes(result, sharesLists) }, list)),
    series: {
      cachedPages: { t, cpus: Object.fromEntries(result.cached.map((pages, cpu) => [cpu, [...pages]])) },
      zoneLockPages: { t, pages: [...result.zoneLockPages] },
      freePages: {
        t,
        pages: t.map((_, step) => freePages(result.freeBlocks, step, 0)),
        contiguous: t.map((_, step) => freePages(result.freeBlocks, step, pageblockOrder)),
      },
      strandedPages: { t, pages: stranded },
      sums: stepSums(result.stepEnds, stepsOf(result.sums, isolated), result.sums),
      bursts: {
        t: bursts.map(({ time }) => time),
        cpu: bursts.map(({ cpu }) => cpu),
        pages: bursts.map(({ pages }) => pages),
        requested: bursts.map(({ requested }) => requested),
      },
      ...(result.waits.time.length === 0
        ? {}
        : { drainWaits: { t: [...result.waits.time], durationNs: [...result.waits.ns] } }),
      burstsShown: bursts.length,
      burstsTotal: result.bursts.length,
    },
    quantiles: {
      ...(burstPages === undefined ? {} : { burstPages }),
      ...(refillPages === undefined ? {} : { refillPages }),
    },
    largeHolds: largeHolds(result.burstSizes, result.refillSizes),
    interruptions: Object.fromEntries(Array.from({ length: cpus }, (_, cpu) => [cpu, result.interruptions[cpu] ?? 0])),
    times: [...times],
    freeBlocksAtEnd: result.freeBlocks.map((blocks) => blocks.at(-1) ?? 0),
  }
}
