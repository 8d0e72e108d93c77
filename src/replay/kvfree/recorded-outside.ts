import { type Events, Kind } from '#events'
import type { Outside } from './engine.ts'

const what: Readonly<Record<string, Outside['what']>> = {
  kvfree_rcu_barrier: 'barrier',
  kvfree_rcu_barrier_on_cache: 'barrier-on-cache',
  kfree_rcu_shrink_scan: 'shrink',
}

/** What others did to kvfree_rcu() as probes recorded it: barriers, and runs of the shrinker. */
export function recordedOutside(events: Events): Outside[] {
  const { recordedAs } = events.tables.rcu_probe.column
  const byName = new Map(Object.entries(what).map(([name, one]) => [events.strings.find(name), one]))
  const found: Outside[] = []
  for (let row = 0; row < events.length; row++) {
    if (events.kind[row] !== Kind.rcu_probe) continue
    const one = byName.get(recordedAs.data[events.slot[row]!]!)
    if (one !== undefined) found.push({ time: events.time[row]!, cpu: events.cpu[row]!, what: one })
  }
  return found
}
