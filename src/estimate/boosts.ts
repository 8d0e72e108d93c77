import type { ListRules } from '#policies/pcp'
import { FlowKind, Op, type Script } from '#record'
import { buddyAtStart, pageStartOf } from './free-start.ts'
/**
 * How often each fallback of a recording boosted its zone's watermarks, by number in the flow: once for each pageblock that it looked at
 * and might have claimed in part, which needs the free lists. Within one hold of zone->lock a fallback that found nothing to claim does
 * not look again. Nothing where no fallback was recorded as 6.12 and 7.2 do. `rules`: the recording kernel's own, by zone.
 * Source: __rmqueue(), __rmqueue_claim(), try_to_claim_block(), mm/page_alloc.c, v6.12 and v7.2.
 */
export function boostsOf(script: Script, rules: readonly ListRules[], start = pageStartOf(script, rules)): Uint8Array {
  const { flow, zones, machine, cpus, op, zone: zoneOf, pfn, order, migratetype } = script
  const boosts = new Uint8Array(flow.length)
  const { pageblockOrder } = machine
  if (!flow.fallback.some((fallback) => fallback > 0 && fallback <= pageblockOrder)) return boosts
  const buddies = zones.map((_, zone) => buddyAtStart(script, start, zone))
  /** By CPU: whether its refill has found nothing to claim. */
  const steals = new Uint8Array(cpus)
  let row = 0
  for (let at = 0; at < flow.length; at++) {
    for (; row < flow.row[at]!; row++) {
      const zone = zoneOf[row]!
      const past = op[row] === Op.free && (migratetype[row]! > 2 || !rules[zone]!.allowed(order[row]!))
      if (past || op[row] === Op.remotePage) buddies[zone]!.give(pfn[row]!, order[row]!)
    }
    const zone = flow.zone[at]!
    if (zone >= zones.length) continue
    const buddy = buddies[zone]!
    const block = flow.pfn[at]!
    const size = flow.order[at]!
    if (flow.kind[at] === FlowKind.drained) {
      buddy.give(block, size)
      continue
    }
    const cpu = flow.cpu[at]!
    const fallback = flow.fallback[at]! - 1
    const type = flow.migratetype[at]!
    if (flow.kind[at] === FlowKind.begins || fallback < 0) steals[cpu] = 0
    if (fallback >= 0) {
      const claimed = flow.claimed[at] === 1
      if (fallback < pageblockOrder && steals[cpu] === 0) {
        const looks = buddy.looks(size, type, claimed ? fallback : size)
        boosts[at] = claimed ? Math.max(1, looks) : looks
      }
      steals[cpu] = claimed ? 0 : 1
      if (claimed) buddy.claimAt(block, fallback, type)
    }
    buddy.takeAt(block, size)
  }
  return boosts
}
