import type { Belief } from '../belief.ts'
import { firstWhere } from '../invert.ts'
import { playedAs } from './played.ts'
import type { Hypothesis } from './types.ts'

/** More pages than so many are not thought to go unseen between two bulk frees: vmalloc() asks for up to 100 at once. */
const MOST_TAKEN = 512

/** Number of the list that the untraced bulk allocator takes pages from before the trace off: most asks are for UNMOVABLE ones. */
function unknownList(belief: Belief, pset: number): number {
  const lists = [0, 2, 1].map((type) => belief.rulesOf(pset).listOf(0, type))
  return lists.find((list) => belief.known[pset * belief.perSet + list] === 0) ?? lists[0]!
}

/** Pages of unknown identity that the bulk allocator took: fewer are there, as many as explain the record. */
export const takenUnseen: Hypothesis = {
  id: 'taken-unseen',
  hidden: 'count',
  evidence: ['a bulk free at another count than believed, while pages from before the trace lie on lists'],
  help: 'alloc_pages_bulk(), which records nothing, had taken pages that lay on a list since before the trace.',
  proves: true,
  bulkFree: (seen, context) => {
    const { state, belief } = context
    const { pset, recorded, row } = seen
    const since = state.history.since(pset)
    const set = belief.psets[pset]!
    if (recorded === 0 || !belief.traits.bulkAllocator || !belief.holdsUnknown(pset, 0)) return undefined
    if (!state.canPlay(pset)) return undefined
    const rules = belief.rulesOf(pset)
    const playsTo = (fewer: number): number => {
      const at = state.history.play(pset, rules, { fewer })?.row ?? -1
      return at < 0 ? row + 1 : at
    }
    const fewer = firstWhere(1, Math.min(set.unknown, MOST_TAKEN), (pages) => playsTo(pages) >= row)
    if (fewer === undefined) return undefined
    const played = playedAs(seen, { fewer }, context)
    if (played === undefined) return undefined
    return () => {
      belief.recount(pset, played.pcp.count)
      set.pcp.assign(played.pcp)
      state.found.unseen.push({ row: since + 1, pset, pages: fewer, list: unknownList(belief, pset) })
    }
  },
}
