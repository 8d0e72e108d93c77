import type { ListRules } from '#policies/pcp'
import type { PageIndex } from '#record'
import { BYPASS, Op, type Script } from '#record'
/** Where a page was when the trace began, as what the trace shows first of it tells. */
export const Seen = {
  /** The trace never shows it. */
  never: 0,
  free: 1,
  /** In use: it is freed before it is allocated. */
  used: 2,
  /** On a per-CPU list: it is allocated or drained with nothing before. */
  listed: 3,
} as const

/** What the trace shows first of each page; pages are numbered as by `PageIndex`. */
export interface Sightings {
  readonly seen: Uint8Array
  /** Row at which a page was first seen, + 1. */
  readonly row: Uint32Array
  /** Blocks that lay on lists when the trace began, in the order in which they came to light. */
  readonly listed: { readonly pfn: number[]; readonly order: number[]; readonly zone: number[] }
}

/** What the record does with a block of pages. `page` is its head's number. */
export interface Movements {
  /** It leaves the buddy. */
  taken(page: number, order: number, zone: number, row: number): void
  /** It leaves a list for a user. Called for a page straight from the buddy too, right after `taken`. */
  allocated(page: number, order: number, zone: number, row: number): void
  /** A user gives it up, to a list. */
  freed(page: number, order: number, zone: number, row: number): void
  /** It comes to the buddy from a list. */
  drained(page: number, order: number, zone: number, row: number): void
  /** It comes to the buddy from its user, past the lists. */
  released(page: number, order: number, zone: number, row: number): void
}

/** Walks through all that the record says of pages, in order of time on each CPU. `rules`: the recording kernel's own, by zone. */
export function eachMovement(script: Script, index: PageIndex, rules: readonly ListRules[], to: Movements): void {
  const { length, op, zone, pfn, order, migratetype } = script
  const { refillStart, refillEnd, refillPfn, refillOrder, drainStart, drainEnd, drainPfn, drainOrder } = script
  for (let row = 0; row < length; row++) {
    for (let item = refillStart[row]!; item < refillEnd[row]!; item++) {
      const of = index.zone(refillPfn[item]!)
      if (of >= 0) to.taken(index.at(refillPfn[item]!, of), refillOrder[item]!, of, row)
    }
    const at = zone[row]!
    const size = order[row]!
    switch (op[row]!) {
      case Op.alloc:
        to.allocated(index.at(pfn[row]!, at), size, at, row)
        break
      case Op.free:
        if (migratetype[row] === BYPASS || !rules[at]!.allowed(size))
          to.released(index.at(pfn[row]!, at), size, at, row)
        else to.freed(index.at(pfn[row]!, at), size, at, row)
        break
      case Op.remotePage:
        to.drained(index.at(pfn[row]!, at), size, at, row)
        break
    }
    for (let item = drainStart[row]!; item < drainEnd[row]!; item++) {
      const of = index.zone(drainPfn[item]!)
      if (of >= 0) to.drained(index.at(drainPfn[item]!, of), drainOrder[item]!, of, row)
    }
  }
}

export function sightingsOf(script: Script, index: PageIndex, rules: readonly ListRules[]): Sightings {
  const seen = new Uint8Array(index.size)
  const at = new Uint32Array(index.size)
  const listed = { pfn: [] as number[], order: [] as number[], zone: [] as number[] }
  const see = (page: number, order: number, as: number, row: number): boolean => {
    let fresh = true
    for (let each = page; each < page + (1 << order); each++) {
      if (seen[each] !== Seen.never) {
        fresh = false
        continue
      }
      seen[each] = as
      at[each] = row + 1
    }
    return fresh
  }
  const fromList = (page: number, order: number, zone: number, row: number) => {
    if (!see(page, order, Seen.listed, row)) return
    listed.pfn.push(index.pfn(page, zone))
    listed.order.push(order)
    listed.zone.push(zone)
  }
  const fromUser = (page: number, order: number, _zone: number, row: number) => {
    see(page, order, Seen.used, row)
  }
  eachMovement(script, index, rules, {
    taken: (page, order, _zone, row) => see(page, order, Seen.free, row),
    allocated: fromList,
    drained: fromList,
    freed: fromUser,
    released: fromUser,
  })
  return { seen, row: at, listed }
}
