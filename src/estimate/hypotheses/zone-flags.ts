import type { ZoneFlags } from '#policies/pcp'
import { outcomeOf } from './outcome.ts'
import type { BulkFreeSeen, Context, Hypothesis } from './types.ts'

/** Whether flags explain that pages go now and none went at the last free: they began since, or the count crossed their limit. */
function mayHaveBegun(flags: ZoneFlags, { pset, order, saved }: BulkFreeSeen, { belief, state }: Context): boolean {
  const { lastSilentFreeRow } = belief.psets[pset]!
  if (lastSilentFreeRow < 0 || state.free.mayBegin(pset % belief.zones, flags, lastSilentFreeRow)) return true
  const before = belief.trial(saved)
  before.count -= 1 << order
  return belief.rulesOf(pset).nrFree(before, order, flags) === 0
}

export const zoneFlags: Hypothesis = {
  id: 'zone-flags',
  hidden: 'zone flags',
  evidence: ['free pages', 'kswapd events'],
  help: 'ZONE_BELOW_HIGH or ZONE_RECLAIM_ACTIVE is set, or clear, otherwise than free pages and kswapd’s events say; no event shows the flags.',
  refill: ({ pset, order, size, saved, flags }, { state, belief }) => {
    const { free } = state
    if (!belief.traits.decay) return undefined
    for (const other of free.otherFlags(pset % belief.zones, true, flags)) {
      const pcp = saved.clone()
      if (belief.rulesOf(pset).nrAlloc(pcp, order, other) !== size) continue
      return () => {
        belief.psets[pset]!.pcp.assign(pcp)
        free.learnAtRefill(pset, other)
      }
    }
    return undefined
  },
  bulkFree: (seen, context) => {
    const { state, belief } = context
    if (!belief.traits.reclaimActive) return undefined
    const zone = seen.pset % belief.zones
    for (const flags of state.free.otherFlags(zone, belief.traits.decay)) {
      const pcp = seen.saved.clone()
      if (outcomeOf(seen, pcp, flags, context) !== seen.recorded) continue
      if (seen.recorded > 0 && !mayHaveBegun(flags, seen, context)) continue
      const kept = { ...flags }
      return () => {
        belief.psets[seen.pset]!.pcp.assign(pcp)
        state.free.learn(zone, kept)
      }
    }
    return undefined
  },
}
