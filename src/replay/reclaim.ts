import { type Events, Kind } from '#events'

/** Bits of a row. */
export const Edge = { start: 1, end: 2 } as const

/**
 * When kswapd balances, as rows of events: from its wake to its last event before it wakes again or sleeps. No event marks the end of
 * balance_pgdat(); what kswapd does between is reclaim. The result holds, by row, what of `Edge` lies there: of a kswapd that found
 * nothing to do both.
 */
export function reclaimEdges(events: Events): Uint8Array | undefined {
  if (events.tables.mm_vmscan_kswapd_wake.length === 0) return undefined
  const edges = new Uint8Array(events.length)
  const lastOf = new Map<number, number>()
  for (let row = 0; row < events.length; row++) {
    const kind = events.kind[row]!
    const pid = events.pid[row]!
    const last = lastOf.get(pid)
    if (kind === Kind.mm_vmscan_kswapd_wake || kind === Kind.mm_vmscan_kswapd_sleep) {
      if (last !== undefined) edges[last]! |= Edge.end
      lastOf.delete(pid)
      if (kind === Kind.mm_vmscan_kswapd_sleep) continue
      edges[row] = Edge.start
      lastOf.set(pid, row)
    } else if (last !== undefined) lastOf.set(pid, row)
  }
  for (const last of lastOf.values()) edges[last]! |= Edge.end
  return edges
}
