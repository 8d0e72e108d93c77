import type { EarlyPop } from '../history.ts'
import { playedAs } from './played.ts'
import type { Hypothesis } from './types.ts'

/** One page, or two, of those that may have left early: the first that explain the record. */
function* sets(all: readonly EarlyPop[]): Generator<readonly EarlyPop[]> {
  for (const one of all) yield [one]
  for (const [at, one] of all.entries())
    for (const other of all.slice(at + 1)) yield one.from <= other.from ? [one, other] : [other, one]
}

/** An allocation's task was preempted after it took its page, before its event: until then the belief holds a page too many. */
export const preempted: Hypothesis = {
  id: 'preempted',
  hidden: 'pages',
  evidence: ['a bulk free at another count than believed', 'an allocation whose task was preempted before its event'],
  help: 'A task had taken a page and was preempted before its event, so that the lists held fewer pages, and the pacing was another, than believed.',
  proves: true,
  bulkFree: (seen, context) => {
    const { state, belief } = context
    const { pset, row, recorded } = seen
    const { cpu, zone } = belief.psets[pset]!
    const since = state.history.since(pset)
    if (recorded === 0 || !state.canPlay(pset)) return undefined
    const rules = belief.rulesOf(pset)
    const all = state.preemptedPops.between(cpu, zone, since, row).filter(({ order }) => rules.allowed(order))
    for (const early of sets(all)) {
      const played = playedAs(seen, { early }, context)
      if (played === undefined) continue
      return () => {
        belief.psets[pset]!.pcp.assign(played.pcp)
        for (const pop of early) state.tookEarly(pop, pset)
      }
    }
    return undefined
  },
}
