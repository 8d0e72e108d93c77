import type { Events } from '#events'
import type { WhatIf } from '#events/demand'
import type { Inference } from './inferred.ts'
import { Owners } from './owners.ts'
import { remotePsets } from './remote-psets.ts'
import { type StartLists, startListsOf } from './start-lists.ts'

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
  const { machine, zones, cpus, from, to, gracePeriods, drainWorks } = script
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
