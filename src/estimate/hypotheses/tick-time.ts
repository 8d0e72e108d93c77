import { tickPlacements } from '../tick-search.ts'
import { playedAs } from './played.ts'
import type { BulkFreeSeen, Context, Hypothesis } from './types.ts'

/** Ways to place ticks so that `high` is where a bulk free shows it, above what the last free left that led to none; or where one that does not come does. */
function placementsOf({ pset, saved, recorded }: BulkFreeSeen, { state, belief }: Context) {
  const { silentCount } = belief.psets[pset]!
  const line = state.history.line(pset, belief.rulesOf(pset))
  return tickPlacements(state.tickLine(pset, line), (high) =>
    recorded === 0 ? high > saved.count : high <= saved.count && high > silentCount,
  )
}

/** When ticks ran that no event shows: each lowered `high` by an eighth of what refills had raised it to by then. */
export const tickTime: Hypothesis = {
  id: 'tick-time',
  hidden: 'high',
  evidence: ['a bulk free at a count that only ticks at other moments explain'],
  help: 'A vmstat tick, which no event shows, ran before or after a refill, other than believed, or one more or less ran.',
  proves: true,
  bulkFree: (seen, context) => {
    const { state, belief } = context
    const { pset } = seen
    if (!state.placesTicks || !state.isUnpressedSince(pset)) return undefined
    for (const change of placementsOf(seen, context)) {
      const played = playedAs(seen, change, context)
      if (played === undefined) continue
      return () => {
        belief.psets[pset]!.pcp.assign(played.pcp)
        belief.psets[pset]!.high = 'proven'
        state.movesTicks(pset, change)
      }
    }
    return undefined
  },
}
