import type { Pcp, ZoneFlags } from '#policies/pcp'
import type { BulkFreeSeen, Context } from './types.ts'

/** Pages that a free leads to if the pageset is as `pcp` says, which moves as the rule moves it. */
export function outcomeOf(
  { row, pset, order, from, to }: BulkFreeSeen,
  pcp: Pcp,
  flags: ZoneFlags,
  { belief, sizes }: Context,
): number {
  const n = belief.rulesOf(pset).nrFree(pcp, order, flags)
  if (n === 0) return 0
  const ranges = [{ from, to }, ...sizes.later(row)]
  return sizes.expected(row, pcp.count, n, sizes.chunkOf(pset, n), ranges)
}
