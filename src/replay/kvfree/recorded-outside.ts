import { type Events, Kind } from '#events'
import { Halves, keyAt } from './addresses.ts'
import type { CallKind } from './columns.ts'
import type { Outside } from './engine.ts'

const what: Readonly<Record<string, Outside['what']>> = {
  kvfree_rcu_barrier: 'barrier',
  kvfree_rcu_barrier_on_cache: 'barrier-on-cache',
  kfree_rcu_shrink_scan: 'shrink',
}

/** What others did to kvfree_rcu() as probes recorded it: barriers, and runs of the shrinker. */
export function recordedOutside(events: Events, kinds: readonly CallKind[]): Outside[] {
  const { recordedAs, ptr } = events.tables.rcu_probe.column
  const pointers = new Halves(ptr.data as BigUint64Array)
  const byName = new Map(Object.entries(what).map(([name, one]) => [events.strings.find(name), one]))
  const found: Outside[] = []
  for (let row = 0; row < events.length; row++) {
    if (events.kind[row] !== Kind.rcu_probe) continue
    const one = byName.get(recordedAs.data[events.slot[row]!]!)
    if (one === undefined) continue
    const cache = kinds.find(({ address }) => address === keyAt(pointers, events.slot[row]!))?.cache
    found.push({ time: events.time[row]!, cpu: events.cpu[row]!, what: one, ...(cache === undefined ? {} : { cache }) })
  }
  return found
}
