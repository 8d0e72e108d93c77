import { type Events, Kind } from '#events'

/** Bits of a row. */
export const Edge = { start: 1, end: 2, sleep: 4 } as const

interface Balance {
  /** kswapd's last row. */
  last: number
  /** Whether it has had one since it woke. */
  begun: boolean
  readonly node: number
}

/** By row of events: bits of `Edge`, and the node whose kswapd it is. */
export interface ReclaimEdges {
  readonly edges: Uint8Array
  readonly node: Uint16Array
}

/**
 * When kswapd balances, and sleeps, as rows of events; by row what of `Edge` lies there. It starts as it wakes, at the latest by its next
 * event. No event marks the end of balance_pgdat(): taken as its last event before it wakes again or sleeps; what kswapd does between is
 * reclaim. A kswapd that found nothing to do starts and ends at once.
 */
export function reclaimEdges(events: Events): ReclaimEdges | undefined {
  if (events.tables.mm_vmscan_kswapd_wake.length === 0) return undefined
  const { length, kind, pid, slot } = events
  const nid = events.tables.mm_vmscan_kswapd_wake.column.nid.data
  const edges = new Uint8Array(length)
  const node = new Uint16Array(length)
  const mark = (at: number, edge: number, of: number) => {
    edges[at]! |= edge
    node[at] = of
  }
  const balances = new Map<number, Balance>()
  for (let row = 0; row < length; row++) {
    const balance = balances.get(pid[row]!)
    const wakes = kind[row] === Kind.mm_vmscan_kswapd_wake
    if (wakes || kind[row] === Kind.mm_vmscan_kswapd_sleep) {
      if (balance !== undefined) mark(balance.last, Edge.end, balance.node)
      const of = wakes ? Math.max(0, nid[slot[row]!]!) : (balance?.node ?? 0)
      edges[row] = wakes ? Edge.start : Edge.sleep
      node[row] = of
      if (wakes) balances.set(pid[row]!, { last: row, begun: false, node: of })
      else balances.delete(pid[row]!)
    } else if (balance !== undefined) {
      if (!balance.begun) mark(row, Edge.start, balance.node)
      balance.begun = true
      balance.last = row
    }
  }
  for (const { last, node: of } of balances.values()) mark(last, Edge.end, of)
  return { edges, node }
}
