import type { Events } from '#events'
import type { WhatIf } from '#events/demand'
import type { Pages, Zone } from '#kernel'
import type { Inference } from './inferred.ts'
import { Owners } from './owners.ts'
import { remotePsets } from './remote-psets.ts'
import { type StartLists, startListsOf } from './start-lists.ts'

/** A zone with the upper bound of `high` that the record proves. */
const bounded = (zone: Zone, highMax: Pages): Zone =>
  highMax === 0 ? zone : { ...zone, pagesets: zone.pagesets.map((pageset) => ({ ...pageset, highMax })) }

/**
 * What tasks asked for in a recording, and how it began: all that a what-if replay gets. Who has a block is found by its page frames;
 * from here on blocks have numbers, and frames are the policy’s own. With `events`, a script that knows its sources also says which task
 * asked, with which gfp flags. `lists`: what lay on the lists, default as the record shows.
 */
export function whatIfOf(
  { script, inferred }: Pick<Inference, 'script' | 'inferred'>,
  events?: Events,
  lists?: StartLists,
): WhatIf {
  const owners = new Owners({ script, inferred }, events)
  owners.walk()
  const demand = owners.builder.finish()
  const { machine, cpus, from, to, gracePeriods, drainWorks } = script
  const zones = script.zones.map((zone, at) => bounded(zone, inferred.highMax[at] ?? 0))
  return {
    demand,
    start: owners.startState(lists ?? startListsOf(script, inferred, demand)),
    machine,
    zones,
    cpus,
    remote: remotePsets(script),
    from,
    to,
    gracePeriods,
    ...(drainWorks.cpu.length === 0 ? {} : { drainWorks }),
  }
}
