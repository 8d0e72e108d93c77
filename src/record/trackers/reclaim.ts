import { type Events, Kind } from '#events'

/** Bits of a row. */
export const Edge = { start: 1, end: 2, sleep: 4 } as const

interface Balance {
  /** kswapd's last row. */
  last: number
  /** Whether it has had one since it woke. */
  begun: boolean
}

/**
 * When kswapd balances, and sleeps, as rows of events; by row what of `Edge` lies there. It starts as it wakes, at the latest by its next
 * event. No event marks the end of balance_pgdat(): taken as its last event before it wakes again or sleeps; what kswapd does between is
 * reclaim. A kswapd that found nothing to do starts and ends at once.
 */
export function reclaimEdges(events: Events): Uint8Array | undefined {
  if (events.tables.mm_vmscan_kswapd_wake.length === 0) return undefined
  const { length, kind, pid } = events
  const edges = new Uint8Array(length)
  const balances = new Map<number, Balance>()
  for (let row = 0; row < length; row++) {
    const balance = balances.get(pid[row]!)
    const wakes = kind[row] === Kind.mm_vmscan_kswapd_wake
    if (wakes || kind[row] === Kind.mm_vmscan_kswapd_sleep) {
      if (balance !== undefined) edges[balance.last]! |= Edge.end
      edges[row] = wakes ? Edge.start : Edge.sleep
      if (wakes) balances.set(pid[row]!, { last: row, begun: false })
      else balances.delete(pid[row]!)
    } else if (balance !== undefined) {
      if (!balance.begun) edges[row]! |= Edge.start
      balance.begun = true
      balance.last = row
    }
  }
  for (const { last } of balances.values()) edges[last]! |= Edge.end
  return edges
}
