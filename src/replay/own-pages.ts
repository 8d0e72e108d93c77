import type { StartState, WhatIf } from '#events/demand'
import type { Order, Pages, Pfn, Zone } from '#kernel'
import { BORROWED, Buddy, PageSet } from '#sim'

/** The buddies of a machine as a recording began, without what somebody had by then. */
export function buddiesAtStart({ zones, machine, start }: Pick<WhatIf, 'zones' | 'machine' | 'start'>): Buddy[] {
  const buddies = zones.map((zone, at) => {
    const buddy = new Buddy(zone, machine.pageblockOrder, start.fallback, start.blockTypes[at]!, machine.maxPageOrder)
    const { pfn, order, migratetype } = start.free[at]!
    for (let block = 0; block < pfn.length; block++) buddy.put(pfn[block]!, order[block]!, migratetype?.[block])
    return buddy
  })
  // What compaction filled before it was first seen is free by the record, which shows no such moment: here it is in use from the start.
  eachInUse(start, (zone, pfn, order) => {
    if (pfn >= BORROWED) return
    for (let page = pfn; page < pfn + (1 << order); page++) buddies[zone]!.takeAt(page, 0)
  })
  return buddies
}

function eachInUse({ inUse }: StartState, visit: (zone: number, pfn: Pfn, order: Order, block: number) => void): void {
  for (let at = 0; at < inUse.block.length; at++)
    visit(inUse.zone[at]!, inUse.pfn[at]!, inUse.order[at]!, inUse.block[at]!)
}

/**
 * Which page each block of a demand is. The demand says who wants or frees a block; which page that is, the allocator under the
 * policy decides.
 */
export class OwnPages {
  /** By block: its first page, + 1; 0: it has none. */
  readonly #page: Uint32Array
  /** By block: the zone that its page came from. */
  readonly #zone: Uint8Array
  /** By block: pages that nobody gave back yet. */
  readonly #held: Uint16Array
  readonly #order: Uint8Array

  constructor({ demand, start }: Pick<WhatIf, 'demand' | 'start'>) {
    const { blocks } = demand
    this.#page = new Uint32Array(blocks)
    this.#zone = new Uint8Array(blocks)
    this.#held = new Uint16Array(blocks)
    this.#order = new Uint8Array(blocks)
    eachInUse(start, (zone, pfn, order, block) => this.allocated(block, zone, pfn, order))
  }

  allocated(block: number, zone: number, page: Pfn, order: Order): void {
    this.#page[block] = page + 1
    this.#zone[block] = zone
    this.#held[block] = 1 << order
    this.#order[block] = order
  }

  zoneOf(block: number): number {
    return this.#zone[block]!
  }

  /** First page, order, and how many pages nobody gave back yet. */
  of(block: number): { readonly page: Pfn; readonly order: Order; readonly held: Pages } {
    return { page: this.#page[block]! - 1, order: this.#order[block]!, held: this.#held[block]! }
  }

  /** The page at which the part begins that comes back. */
  freed(block: number, offset: number, order: Order): Pfn {
    this.#held[block]! -= 1 << order
    return this.#page[block]! - 1 + offset
  }

  /** Calls back for every block that is held as a whole or in part, with the number of its pages that are. */
  eachHeld(visit: (zone: number, page: Pfn, pages: Pages, isWhole: boolean) => void): void {
    for (let block = 0; block < this.#held.length; block++) {
      const pages = this.#held[block]!
      if (pages > 0) visit(this.#zone[block]!, this.#page[block]! - 1, pages, pages === 1 << this.#order[block]!)
    }
  }
}

/** What a replay must not change. */
export interface Conserved {
  /** By zone: pages of the machine that are free, on lists, or in use by blocks of the demand. */
  readonly pages: readonly Pages[]
  /** Pages found in two places. */
  readonly twice: Pages
}

/** Counts every page of the machine where it is. Borrowed pages are none of the machine’s. */
export function conservedOf(
  zones: readonly Zone[],
  buddies: readonly Buddy[],
  own: OwnPages,
  eachListed: (visit: (page: Pfn, order: Order, zone: number) => void) => void,
): Conserved {
  const pages = zones.map(() => 0)
  const seen = new PageSet()
  let twice = 0
  const count = (zone: number, page: Pfn, size: Pages, whole: boolean): void => {
    if (page >= BORROWED) return
    pages[zone]! += size
    // Of a block that came back in part, nothing says which part.
    if (whole) twice += seen.add(page, size)
  }
  buddies.forEach((buddy, zone) => {
    buddy.eachBlock((page, order) => count(zone, page, 1 << order, true))
  })
  own.eachHeld(count)
  eachListed((page, order, zone) => count(zone, page, 1 << order, true))
  return { pages, twice }
}
