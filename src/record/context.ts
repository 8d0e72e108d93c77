import type { Events, Recording } from '#events'
import { type Machine, type Traits, traitsOf, type Zone } from '#kernel'
import { Tally } from '#kernel/messages'
import { BlockIndex, PageIndex } from './places.ts'
import { scriptNotices } from './script-notices.ts'

/** What the trackers of one record share and none of them changes. */
export interface Context {
  readonly events: Events
  readonly machine: Machine
  readonly zones: readonly Zone[]
  /** Highest CPU number + 1, of events and of zoneinfo's pagesets. */
  readonly cpus: number
  readonly index: PageIndex
  readonly blocks: BlockIndex
  readonly traits: Traits
  /** Migratetype 4 is CMA, whose pages lie on the MOVABLE lists; without CONFIG_CMA it is ISOLATE. */
  readonly cma: boolean
  readonly tally: Tally<keyof typeof scriptNotices>
}

/** No isolated page leaves the buddy: a type 4 that does is CMA. */
const showsCma = ({ tables }: Events): boolean => tables.mm_page_alloc_zone_locked.column.migratetype.data.includes(4)

/** `zones`: where the machine has none, what is taken for them. */
export function contextOf({ events, machine }: Pick<Recording, 'events' | 'machine'>, zones: readonly Zone[]): Context {
  const tally = new Tally(scriptNotices)
  if (machine.zones.length === 0) tally.count('no-zoneinfo')
  let cpus = 1
  for (let at = 0; at < events.length; at++) if (events.cpu[at]! >= cpus) cpus = events.cpu[at]! + 1
  for (const zone of zones) for (const { cpu } of zone.pagesets) if (cpu >= cpus) cpus = cpu + 1
  const blocks = new BlockIndex(zones, machine.pageblockOrder)
  const cma = machine.cma ?? (zones.some((zone) => (zone.cma ?? 0) > 0) || showsCma(events))
  return { events, machine, zones, cpus, index: new PageIndex(zones), blocks, traits: traitsOf(machine), cma, tally }
}
