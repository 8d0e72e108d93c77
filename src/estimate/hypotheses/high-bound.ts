import type { Hypothesis } from './types.ts'

/** A decay takes an eighth of `high`: what goes nearer to the bound than this shows the bound itself. */
const NEAREST_DECAY = 7 / 8

export const highBound: Hypothesis = {
  id: 'high-bound',
  hidden: 'high',
  evidence: ['a bulk free just below the bound of `high`'],
  help: 'No file says where self-tuning of `high` ends: an eighth of what the zone managed as the kernel booted.',
  proves: true,
  bulkFree: (seen, { belief, state }) => {
    const { pset, saved, recorded, n, order } = seen
    const zone = pset % belief.zones
    if (recorded === 0 || n > 0 || order > 0 || !belief.guessesBound(zone) || !belief.allKnown(pset)) return undefined
    if (saved.high !== saved.highMax || saved.count <= saved.highMax * NEAREST_DECAY) return undefined
    if (!state.free.unpressed(zone)) return undefined
    return () => {
      belief.proveBound(zone, saved.count)
      saved.high = saved.highMax = saved.count
      belief.rulesOf(pset).nrFree(saved, order, state.flagsOf(pset))
      belief.psets[pset]!.pcp.assign(saved)
    }
  },
}
