import type { Miss } from '../scores.ts'
import type { EstimatorState } from '../state.ts'
import { bulkTaken } from './bulk-taken.ts'
import { count } from './count.ts'
import { highBound } from './high-bound.ts'
import { lockLost } from './lock-lost.ts'
import { pacing } from './pacing.ts'
import { preempted } from './preempted.ts'
import { takenUnseen } from './taken-unseen.ts'
import { tickTime } from './tick-time.ts'
import { tunedHigh } from './tuned-high.ts'
import type { BulkFreeSeen, Context, Hypothesis, RefillSeen } from './types.ts'
import { zoneFlags } from './zone-flags.ts'

export type { BulkFreeSeen, Hypothesis, RefillSeen } from './types.ts'

/** Every hypothesis, in the order in which they are asked. */
export const hypotheses: readonly Hypothesis[] = [
  bulkTaken,
  highBound,
  tickTime,
  preempted,
  takenUnseen,
  zoneFlags,
  lockLost,
  pacing,
  tunedHigh,
  count,
]

/** The same where the count is a guess: that is asked before `high`. */
const guessFirst = hypotheses.filter((each) => each !== count).toSpliced(-1, 0, count)

/** The order in which hypotheses are tried: those that correct a guess first where the pageset is not proven. */
function orderFor({ state: { belief } }: Context, pset: number): readonly Hypothesis[] {
  const { high, unknown } = belief.psets[pset]!
  return belief.isProven(pset) || (high === 'unknown' && unknown === 0) ? hypotheses : guessFirst
}

/** By hypothesis: what a miss that it explains is counted as. */
const refillCauses: Readonly<Record<string, Miss>> = {
  'zone-flags': 'refill-zone-flags',
  'tuned-high': 'refill-high',
  pacing: 'refill-pacing',
  count: 'refill-count',
}

interface BulkFreeCause {
  readonly burst: Miss
  /** Of a page beyond the number that was predicted. */
  readonly page: Miss
}

export const bulkFreeCauses: Readonly<Record<string, BulkFreeCause>> = {
  'zone-flags': { burst: 'burst-zone-flags', page: 'page-zone-flags' },
  'tuned-high': { burst: 'burst-high', page: 'page-high' },
  count: { burst: 'burst-count', page: 'page-count' },
  pacing: { burst: 'burst-pacing', page: 'page-pacing' },
  'lock-lost': { burst: 'burst-given-up', page: 'page-not-predicted' },
}

/** Finds what explains a refill's size and corrects the belief. Returns what the miss is counted as; undefined: nothing explains it. */
export function explainRefill(seen: RefillSeen, state: EstimatorState, sizes: Context['sizes']): Miss | undefined {
  const context = { state, belief: state.belief, sizes }
  const { twin } = state.belief.psets[seen.pset]!
  const proven = state.belief.isProven(seen.pset)
  const order = [...(proven ? [] : [count]), ...(twin === undefined ? [] : [pacing]), zoneFlags, tunedHigh, pacing]
  for (const hypothesis of order) {
    const correct = hypothesis.refill?.(seen, context)
    if (correct === undefined) continue
    correct()
    return refillCauses[hypothesis.id]
  }
  return undefined
}

/** A first bulk free that comes as predicted still shows the count, if an order-0 free crossed the limit there. */
export const proveCount = (seen: BulkFreeSeen, context: Context): void => count.bulkFree?.(seen, context)?.()

/** Hypotheses that explain why a bulk free came later than it was due, once it came. */
const delays: readonly Hypothesis[] = [tickTime, preempted, takenUnseen]

/**
 * The same for a bulk free, or for one that did not come. `isLate`: it is as predicted by now, but an earlier one that was due did not come.
 * Returns the hypothesis that explains it.
 */
export function explainBulkFree(seen: BulkFreeSeen, context: Context, isLate = false): Hypothesis | undefined {
  const asked = isLate ? delays : orderFor(context, seen.pset)
  for (const hypothesis of asked) {
    const correct = hypothesis.bulkFree?.(seen, context)
    if (correct === undefined) continue
    correct()
    return hypothesis
  }
  return undefined
}
