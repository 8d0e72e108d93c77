import type { Hypothesis } from './types.ts'

export const bulkTaken: Hypothesis = {
  id: 'bulk-taken',
  hidden: 'pages',
  evidence: ['a page on top of a list is never seen allocated'],
  help: 'alloc_pages_bulk(), which records nothing, had taken a page that the replay still held.',
  bulkFree: ({ pset, list, order, recorded, n, row, saved }, { state, belief }) => {
    if (recorded > 0 || n === 0) return undefined
    const base = pset * belief.perSet
    for (let at = base; at < base + belief.perSet; at++) {
      const top = belief.lists.head(at)
      if (at === base + list || top < 0 || !belief.mayBeTaken(top, at)) continue
      const pcp = saved.clone()
      pcp.count--
      if (belief.rulesOf(pset).nrFree(pcp, order, state.flagsOf(pset)) > 0) return undefined
      return () => {
        belief.drop(top)
        belief.psets[pset]!.pcp.assign(pcp)
        state.noteBulk(at)
        state.cpus[state.script.cpu[row]!]!.excusedBursts++
      }
    }
    return undefined
  },
}
