import { type Demand, NO_PFN, type Pacing, type StartState } from '#events/demand'
import type { Migratetype, Order, Pages, Pfn } from '#kernel'
import { PageIndex, type Script } from '#record'
import { pagesets } from '#sim'
import { buddyAtStart } from './free-start.ts'
import { placeHidden, refilledLists } from './hidden-pages.ts'
import { ownPolicy } from './inferred.ts'
import { pagesetStartsOf } from './pageset-starts.ts'
import { Seen } from './sightings.ts'
import type { Inferred } from './what-if-start.ts'

/** How many blocks lay on each list when a trace began, and how their rules were paced. */
export interface StartLists {
  /** By pageset (cpu × zones + zone) and list. */
  readonly blocks: readonly Int32Array[]
  readonly orders: readonly Order[]
  readonly types: readonly Migratetype[]
  /** By pageset. */
  readonly pacing: readonly Partial<Pacing>[]
}

/**
 * As the record shows: what came to light later, and the rest of the count on lists where it may have lain. How many pages that were in
 * all, the first refills and bulk frees prove; else zoneinfo tells.
 */
export function startListsOf(
  script: Script,
  { initial, listOrders: orders, listTypes: types }: Inferred,
  demand: Demand,
): StartLists {
  const { rules } = pagesets(script, ownPolicy(script))
  const refilled = refilledLists(script, rules)
  const refilledOf = (pset: number) => refilled.subarray(pset * orders.length, (pset + 1) * orders.length)
  const place = (pset: number, hidden: Pages): Int32Array => {
    const surfaced = initial.entries[pset]!
    const placed = placeHidden(hidden, { surfaced, refilled: refilledOf(pset), orderOf: (list) => orders[list]! })
    return surfaced.map((count, list) => count + placed[list]!)
  }
  const pagesOf = (blocks: Int32Array): Pages => blocks.reduce((sum, count, list) => sum + (count << orders[list]!), 0)
  const hidden = initial.entries.map((_, pset) => Math.max(0, initial.hidden[pset]!))
  const guessed = hidden.map((pages, pset) => place(pset, pages))
  const starts = pagesetStartsOf(script, demand, guessed.map(pagesOf))
  const blocks = guessed.map((lists, pset) => {
    const more = starts[pset]!.count - pagesOf(lists)
    if (more === 0) return lists
    const others = place(pset, Math.max(0, hidden[pset]! + more))
    return without(others, pagesOf(others) - starts[pset]!.count, orders, refilledOf(pset))
  })
  return { blocks, orders, types, pacing: starts.map(({ pacing }) => pacing) }
}

/** Lists with so many pages less, largest blocks first. One that was refilled held what came off it before, no less. */
function without(blocks: Int32Array, pages: Pages, orders: readonly Order[], refilled: Uint8Array): Int32Array {
  const left = blocks.slice()
  let surplus = pages
  for (const list of [...orders.keys()].sort((a, b) => orders[b]! - orders[a]! || left[b]! - left[a]!)) {
    if (refilled[list] === 1) continue
    const gone = Math.max(0, Math.min(left[list]!, surplus >> orders[list]!))
    left[list]! -= gone
    surplus -= gone << orders[list]!
  }
  return left
}

/** The lists of one machine, for the CPUs and zones of another: zones go by node and name. */
export function listsFor(
  { zones, cpus }: Pick<Script, 'zones' | 'cpus'>,
  of: Pick<Script, 'zones'>,
  lists: StartLists,
): StartLists {
  const from = Array.from({ length: cpus * zones.length }, (_, pset) => {
    const { node, name } = zones[pset % zones.length]!
    const zone = of.zones.findIndex((one) => one.node === node && one.name === name)
    return zone < 0 ? -1 : Math.trunc(pset / zones.length) * of.zones.length + zone
  })
  return {
    ...lists,
    blocks: from.map((pset) => lists.blocks[pset] ?? new Int32Array(lists.orders.length)),
    pacing: from.map((pset) => lists.pacing[pset] ?? {}),
  }
}

/** Blocks that somebody had when the trace began. */
export interface InUse {
  readonly zone: readonly number[]
  readonly pfn: readonly Pfn[]
  readonly order: readonly Order[]
}

/** What lay on the lists when the trace began, each block with a page frame of its own. */
export function listedAtStart(
  script: Script,
  start: Inferred['start'],
  inUse: InUse,
  lists: StartLists,
): StartState['listed'] {
  const frames = new Frames(script, start, inUse)
  const listed = { pset: [] as number[], order: [] as Order[], migratetype: [] as Migratetype[], pfn: [] as Pfn[] }
  lists.blocks.forEach((blocks, pset) => {
    blocks.forEach((count, list) => {
      for (let left = count; left > 0; left--) {
        listed.pset.push(pset)
        listed.order.push(lists.orders[list]!)
        listed.migratetype.push(lists.types[list]!)
        listed.pfn.push(frames.next(pset % script.zones.length, lists.orders[list]!))
      }
    })
  })
  return {
    pset: Uint32Array.from(listed.pset),
    order: Uint8Array.from(listed.order),
    migratetype: Uint8Array.from(listed.migratetype),
    pfn: Uint32Array.from(listed.pfn),
  }
}

/** Page frames of blocks that lay on lists: those that came to light later, the first first, then pages that never did. */
class Frames {
  readonly #listed: Pfn[][][]
  readonly #isFree: (zone: number, pfn: Pfn) => boolean
  readonly #cursors: number[]
  readonly #script: Script
  readonly #index: PageIndex
  readonly #seen: Uint8Array

  constructor(script: Script, start: Inferred['start'], inUse: InUse) {
    this.#script = script
    this.#index = new PageIndex(script.zones)
    this.#seen = start.sightings.seen
    this.#cursors = script.zones.map(() => 0)
    const { listed } = start.sightings
    this.#listed = script.zones.map(() => [])
    for (let block = listed.pfn.length - 1; block >= 0; block--) {
      const blocks = this.#listed[listed.zone[block]!]!
      const order = listed.order[block]!
      blocks[order] ??= []
      blocks[order].push(listed.pfn[block]!)
    }
    const buddies = script.zones.map((_, zone) => buddyAtStart(script, start, zone))
    inUse.pfn.forEach((pfn, at) => {
      for (let page = pfn; page < pfn + (1 << inUse.order[at]!); page++) buddies[inUse.zone[at]!]!.takeAt(page, 0)
    })
    this.#isFree = (zone, pfn) => buddies[zone]!.orderAround(pfn) >= 0
  }

  next(zone: number, order: Order): Pfn {
    return this.#listed[zone]![order]?.pop() ?? (order === 0 ? this.#neverSeen(zone) : NO_PFN)
  }

  #neverSeen(zone: number): Pfn {
    const { startPfn, spanned } = this.#script.zones[zone]!
    const first = this.#index.at(startPfn, zone)
    for (let at = this.#cursors[zone]!; at < spanned; at++) {
      if (this.#seen[first + at] !== Seen.never || this.#isFree(zone, startPfn + at)) continue
      this.#cursors[zone] = at + 1
      return startPfn + at
    }
    this.#cursors[zone] = spanned
    return NO_PFN
  }
}
