import { PageIndex } from './places.ts'
import { Op, type Script } from './script.ts'

/** What the trace shows next of a page. */
export const Fate = { none: 0, alloc: 1, drain: 2, free: 3, refill: 4 } as const

/** For each row that puts a page on a list, and each recorded refill page: what the trace shows of that page next. */
export interface Fates {
  readonly ofRow: Uint8Array
  readonly ofRefill: Uint8Array
}

/** Several that read a script ask for them. */
const known = new WeakMap<Script, Fates>()

/**
 * A page next seen as freed, or never again, may have been taken by the untraced bulk allocator. Where events are missing, a freed page
 * that next leaves the buddy may have been drained by one of them: nothing is said of it.
 */
export function fatesOf(script: Script): Fates {
  let fates = known.get(script)
  if (fates === undefined) {
    fates = lookBack(script, new PageIndex(script.zones))
    known.set(script, fates)
  }
  return fates
}

/** One pass from the end. */
function lookBack(script: Script, index: PageIndex): Fates {
  const next = new Uint8Array(index.size)
  const ofRow = new Uint8Array(script.length)
  const ofRefill = new Uint8Array(script.refillPfn.length)
  const at = (pfn: number): number => {
    const zone = index.zone(pfn)
    return zone < 0 ? -1 : index.at(pfn, zone)
  }
  const see = (page: number, order: number, as: number) => {
    if (order === 0) next[page] = as
    else next.fill(as, page, page + (1 << order))
  }
  for (let row = script.length - 1; row >= 0; row--) {
    for (let item = script.drainEnd[row]! - 1; item >= script.drainStart[row]!; item--) {
      const page = at(script.drainPfn[item]!)
      if (page >= 0) see(page, script.drainOrder[item]!, Fate.drain)
    }
    const op = script.op[row]!
    if (op === Op.alloc || op === Op.free || op === Op.remotePage) {
      const page = index.at(script.pfn[row]!, script.zone[row]!)
      const fate = next[page]!
      ofRow[row] = fate === Fate.refill && op === Op.free && script.isLossy ? Fate.none : fate
      see(page, script.order[row]!, op === Op.alloc ? Fate.alloc : op === Op.free ? Fate.free : Fate.drain)
    }
    for (let item = script.refillEnd[row]! - 1; item >= script.refillStart[row]!; item--) {
      const page = at(script.refillPfn[item]!)
      if (page < 0) continue
      ofRefill[item] = next[page]!
      see(page, script.refillOrder[item]!, Fate.refill)
    }
  }
  return { ofRow, ofRefill }
}
