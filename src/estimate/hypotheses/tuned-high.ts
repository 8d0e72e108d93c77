import { firstWhere, highestHigh } from '../invert.ts'
import { outcomeOf } from './outcome.ts'
import { pacedOutcome } from './pacing.ts'
import type { BulkFreeSeen, Context, Correction, Hypothesis } from './types.ts'

/** Nothing was given back: `high` is above the count. Without its last decay, if that explains it; else as high as can be. */
function raised({ pset, saved, order }: BulkFreeSeen, { belief, state }: Context): Correction | undefined {
  const set = belief.psets[pset]!
  // While kswapd balances the limit is another.
  if (state.flagsOf(pset).reclaimActive || saved.count >= saved.highMax) return undefined
  const undone = Math.min(saved.high + set.decay, saved.highMax)
  const high = undone > saved.count ? undone : saved.highMax
  const pcp = saved.clone()
  pcp.high = high
  if (belief.rulesOf(pset).nrFree(pcp, order, state.flagsOf(pset)) > 0) return undefined
  return () => {
    set.pcp.assign(pcp)
    set.decay = 0
    set.high = undone > saved.count ? 'guessed' : 'unknown'
    set.isTied = false
  }
}

/** Pages were given back at a count that is known: `high` lies where the rule gives as many. */
function lowered(seen: BulkFreeSeen, context: Context): Correction | undefined {
  const { pset, order, saved, recorded, n } = seen
  const { belief, state } = context
  const rules = belief.rulesOf(pset)
  const flags = state.flagsOf(pset)
  const set = belief.psets[pset]!
  const pcp = saved.clone()
  if (n === 0) {
    const high = highestHigh(rules, saved, order, flags)
    if (high === undefined) return undefined
    pcp.high = high
  } else {
    const high = firstWhere(
      saved.highMin,
      Math.min(saved.highMax, saved.count),
      (value) => outcomeOf(seen, Object.assign(saved.clone(), { high: value }), flags, context) >= recorded,
    )
    if (high === undefined) return undefined
    pcp.high = high
  }
  const trial = pcp.clone()
  const paced = outcomeOf(seen, trial, flags, context) === recorded
  // Where none was due, what else is off shows in the size.
  const after = paced ? trial : pacedOutcome(seen, pcp, flags, context, n > 0 && set.twin === undefined)
  if (after === undefined) return undefined
  return () => {
    set.pcp.assign(after)
    if (!paced) belief.provePacing(pset)
    // At a guessed count it is as far off as that.
    set.isTied = set.isRelative = set.isRelative || !belief.isProven(pset)
    set.high = set.isTied ? 'guessed' : 'proven'
  }
}

/** `high` of self-tuning lists, which ticks and pressure lower at moments that no event shows. */
export const tunedHigh: Hypothesis = {
  id: 'tuned-high',
  hidden: 'high',
  evidence: ['a bulk free, or none, at a known count', 'the size of a refill'],
  help: 'Self-tuning had moved `high` otherwise than believed, as vmstat ticks do at moments that no event shows.',
  refill: ({ pset, order, size, saved, flags }, { belief }) => {
    if (saved.highMin >= saved.highMax) return undefined
    const rules = belief.rulesOf(pset)
    const fetched = (high: number) => rules.nrAlloc(Object.assign(saved.clone(), { high }), order, flags)
    const high = firstWhere(saved.highMin, saved.highMax, (value) => fetched(value) >= size)
    if (high === undefined || fetched(high) !== size) return undefined
    const pcp = saved.clone()
    pcp.high = high
    return () => {
      rules.nrAlloc(pcp, order, flags)
      belief.psets[pset]!.pcp.assign(pcp)
      belief.psets[pset]!.high = 'proven'
    }
  },
  bulkFree: (seen, context) => {
    const { saved, recorded, n } = seen
    if (saved.highMin >= saved.highMax) return undefined
    if (recorded === 0) return n > 0 ? raised(seen, context) : undefined
    return lowered(seen, context)
  },
}
