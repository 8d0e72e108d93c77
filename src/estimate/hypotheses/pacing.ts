import { PCP_BATCH_SCALE_MAX, type Pcp, type ZoneFlags } from '#policies/pcp'
import { pacings } from '../invert.ts'
import { outcomeOf } from './outcome.ts'
import type { BulkFreeSeen, Context, Hypothesis } from './types.ts'

/** The pageset after a free whose pacing was such that the record's pages went; undefined where none gives them, or it is proven. */
export function pacedOutcome(
  seen: BulkFreeSeen,
  pcp: Pcp,
  flags: ZoneFlags,
  context: Context,
  isProven = context.belief.psets[seen.pset]!.twin === undefined,
): Pcp | undefined {
  if (isProven || seen.recorded === 0) return undefined
  const rule = (trial: Pcp) => outcomeOf(seen, trial, flags, context)
  for (const after of pacings(pcp, seen.recorded, rule, PCP_BATCH_SCALE_MAX)) return after
  return undefined
}

/** `free_factor`, `free_count` and `alloc_factor`: small counters that no file shows. */
export const pacing: Hypothesis = {
  id: 'pacing',
  hidden: 'pacing',
  evidence: ['the size of a bulk free or refill'],
  help: 'free_factor, free_count or alloc_factor began at another value than believed.',
  refill: ({ pset, order, size, saved, flags }, { belief }) => {
    const rules = belief.rulesOf(pset)
    for (let allocFactor = 0; allocFactor <= PCP_BATCH_SCALE_MAX; allocFactor++) {
      const pcp = saved.clone()
      pcp.allocFactor = allocFactor
      if (rules.nrAlloc(pcp, order, flags) !== size) continue
      return () => belief.psets[pset]!.pcp.assign(pcp)
    }
    return undefined
  },
  bulkFree: (seen, context) => {
    const after = pacedOutcome(seen, seen.saved, context.state.flagsOf(seen.pset), context)
    if (after === undefined) return undefined
    return () => {
      context.belief.psets[seen.pset]!.pcp.assign(after)
      context.belief.provePacing(seen.pset)
    }
  },
}
