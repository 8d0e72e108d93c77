import type { Change, FirstBulkFree } from '../history.ts'
import type { BulkFreeSeen, Context } from './types.ts'

/** What the rules make of the pageset's history with a change; undefined where that is not what was recorded. */
export function playedAs(
  seen: BulkFreeSeen,
  change: Change,
  { state, belief, sizes }: Context,
): FirstBulkFree | undefined {
  const { row, pset, from, to, recorded } = seen
  const rules = belief.rulesOf(pset)
  const played = state.history.play(pset, rules, change)
  if (played === undefined || (recorded === 0 ? played.row >= 0 : played.row !== row)) return undefined
  if (recorded === 0) return played
  const ranges = [{ from, to }, ...sizes.later(row)]
  const chunk = rules.freeChunk?.(played.pcp) ?? played.n
  return sizes.expected(row, played.pcp.count, played.n, chunk, ranges) === recorded ? played : undefined
}
