import type { Pages } from '#kernel'
import type { ListRules } from '#policies/pcp'
import type { Script } from '#record'

/**
 * By pageset and list: whether the record shows that the list ran empty, since it was refilled. A page from before the trace that never
 * comes to light cannot have lain there.
 */
export function refilledLists(script: Script, rules: readonly ListRules[]): Uint8Array {
  const { length, cpu, zone, refillStart, refillEnd, refillOrder, refillMigratetype } = script
  const zones = script.zones.length
  const perSet = rules[0]!.lists
  const refilled = new Uint8Array(script.cpus * zones * perSet)
  for (let row = 0; row < length; row++) {
    for (let item = refillStart[row]!; item < refillEnd[row]!; item++) {
      const order = refillOrder[item]!
      const type = refillMigratetype[item]!
      const of = rules[zone[row]!]!
      if (!of.allowed(order) || type > 2) continue
      refilled[(cpu[row]! * zones + zone[row]!) * perSet + of.listOf(order, type)] = 1
    }
  }
  return refilled
}

/**
 * Blocks by list for pages that lay on a pageset and never came to light: on lists that never ran empty, as the pages that did come to
 * light lie, single pages first. Where every list ran empty, the count of the pageset was wrong, and there are none.
 */
export function placeHidden(
  hidden: Pages,
  { surfaced, refilled, orderOf }: { surfaced: Int32Array; refilled: Uint8Array; orderOf: (list: number) => number },
): Int32Array {
  const blocks = new Int32Array(surfaced.length)
  const open = [...surfaced.keys()].filter((list) => refilled[list] === 0)
  const lowest = Math.min(...open.map(orderOf))
  const lists = open.filter((list) => orderOf(list) === lowest)
  // One more each, since a list may hold pages though the record shows none.
  const weights = lists.map((list) => surfaced[list]! + 1)
  const sum = weights.reduce((all, weight) => all + weight, 0)
  let [seen, placed] = [0, 0]
  const all = Math.trunc(hidden / 2 ** lowest)
  lists.forEach((list, at) => {
    seen += weights[at]!
    const upTo = Math.round((all * seen) / sum)
    blocks[list] = upTo - placed
    placed = upTo
  })
  return blocks
}
