import type { ZoneFlags } from '#policies/pcp'
import { bulkFreeLimit, firstWhere } from '../invert.ts'
import { outcomeOf } from './outcome.ts'
import { pacedOutcome } from './pacing.ts'
import type { BulkFreeSeen, Context, Hypothesis } from './types.ts'

/** Whether the rule gives back all that there is, so that the record shows how much that was. */
function emptiesAt(seen: BulkFreeSeen, pages: number, flags: ZoneFlags, context: Context): boolean {
  return [pages, pages + 1].every((held) => {
    const pcp = seen.saved.clone()
    pcp.count = held
    return outcomeOf(seen, pcp, flags, context) === held
  })
}

export const count: Hypothesis = {
  id: 'count',
  hidden: 'count',
  evidence: ['a bulk free at an order-0 free crosses a limit exactly', 'a free without one stays below it'],
  help: 'Pages from before the trace were more or fewer than believed: zoneinfo was read before the trace began.',
  refill: ({ pset, order, size, saved, flags }, { belief, state }) => {
    // Near a shortage the flags may have cut it, and where `high` tunes itself, that.
    if (saved.highMin !== saved.highMax || !state.free.unpressed(pset % belief.zones)) return undefined
    const rules = belief.rulesOf(pset)
    const fetched = (held: number) => rules.nrAlloc(Object.assign(saved.clone(), { count: held }), order, flags)
    // The more the lists hold, the less a refill fetches.
    const held = firstWhere(belief.knownPages(pset), saved.highMax, (pages) => fetched(pages) <= size)
    if (held === undefined || fetched(held) !== size || fetched(held + 1) === size) return undefined
    return () => {
      belief.recount(pset, held)
      rules.nrAlloc(belief.psets[pset]!.pcp, order, flags)
    }
  },
  bulkFree: (seen, context) => {
    const { pset, order, recorded, saved } = seen
    const { state, belief } = context
    if (belief.allKnown(pset)) return undefined
    const rules = belief.rulesOf(pset)
    const zone = pset % belief.zones
    for (const flags of [{ ...state.flagsOf(pset) }, ...state.free.otherFlags(zone, belief.traits.decay)]) {
      const limit = bulkFreeLimit(rules, saved, order, flags)
      if (limit === undefined) continue
      // A rule that empties the lists shows how much they held.
      const empties = recorded > 0 && emptiesAt(seen, recorded, flags, context)
      for (const believed of recorded === 0 ? [limit - 1] : empties ? [limit, recorded] : [limit]) {
        if (believed < belief.knownPages(pset) - belief.psets[pset]!.phantoms) continue
        // A block of several pages may have crossed the limit by more than one of them.
        if (believed === limit && order > 0 && saved.count >= limit && saved.count < limit + (1 << order)) continue
        const pcp = saved.clone()
        pcp.count = believed
        const trial = pcp.clone()
        const paced = outcomeOf({ ...seen, saved: pcp }, trial, flags, context) === recorded
        // The belief already gives it.
        if (paced && believed === saved.count) return undefined
        const proven = paced ? trial : pacedOutcome(seen, pcp, flags, context)
        if (proven === undefined) continue
        return () => {
          belief.recount(pset, believed)
          belief.psets[pset]!.pcp.assign(proven)
          if (!paced) belief.provePacing(pset)
          state.free.learn(zone, flags)
          const set = belief.psets[pset]!
          set.count = recorded > 0 ? 'proven' : 'guessed'
          set.isTied = set.isRelative = recorded > 0 && believed !== recorded && set.high === 'guessed'
          // A block of several pages may have crossed the limit by more than one of them.
          set.over = recorded > 0 && believed !== recorded ? (1 << order) - 1 : 0
        }
      }
    }
    return undefined
  },
}
