import { type PolicyRun, WorkCounts } from '#replay'
import { measureIds } from './measures.ts'
import { type Prices, priceOf } from './prices/prices.ts'
import { totalsOf } from './totals.ts'

/** Names that `pcpMeasures` may give. */
export const pcpMeasureNames: readonly string[] = [
  ...new Set([...measureIds, ...Object.keys(new WorkCounts()), 'zoneLockHoldNs', 'longestHoldNs']),
]

/**
 * All numbers of one run by name, for tables of thousands of runs: its counts of work, the measures that `compare` judges (these win
 * where both have one name), and how long zone->lock is held by the price list, ns.
 */
export function pcpMeasures(run: PolicyRun, isolated: readonly number[], prices: Prices): Record<string, number> {
  const { work, refillSizes, burstSizes } = run.result
  const { zoneLockHoldNs, longestHoldNs } = priceOf({ ...work, refillSizes, burstSizes }, prices)
  const totals = Object.entries(totalsOf(run, isolated)).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  )
  return {
    ...(Object.fromEntries(Object.entries(work)) as Record<string, number>),
    ...Object.fromEntries(totals),
    ...(zoneLockHoldNs === undefined ? {} : { zoneLockHoldNs }),
    ...(longestHoldNs === undefined ? {} : { longestHoldNs }),
  }
}
