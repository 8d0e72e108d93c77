import { type Events, Kind } from '#events'

/**
 * When kswapd balances, as rows of events: from its wake to its last event before it wakes again or sleeps. No event marks the end of
 * balance_pgdat(); what kswapd does between is reclaim. The result holds, by row, +1 for a start and −1 for an end.
 */
export function reclaimEdges(events: Events): Int8Array | undefined {
  if (events.tables.mm_vmscan_kswapd_wake.length === 0) return undefined
  const edges = new Int8Array(events.length)
  const lastOf = new Map<number, number>()
  for (let row = 0; row < events.length; row++) {
    const kind = events.kind[row]!
    const pid = events.pid[row]!
    const last = lastOf.get(pid)
    if (kind === Kind.mm_vmscan_kswapd_wake || kind === Kind.mm_vmscan_kswapd_sleep) {
      if (last !== undefined) edges[last] = -1
      lastOf.delete(pid)
      if (kind === Kind.mm_vmscan_kswapd_sleep) continue
      edges[row] = 1
      lastOf.set(pid, row)
    } else if (last !== undefined) lastOf.set(pid, row)
  }
  for (const last of lastOf.values()) edges[last] = -1
  return edges
}
