import type { Cpu, Order, Pages, Pfn } from '#kernel'
import type { ListRules, Pcp } from '#policies/pcp'
import { type AllocatorMachine, BORROWED } from './allocator-types.ts'
import { BlockLists } from './block-lists.ts'
import type { Buddy } from './buddy.ts'

type BlockRules = NonNullable<ListRules['blocks']>

/** Lists stand by order, of each order by migratetype. */
const TYPES = 3
const orderOf = (list: number): Order => (list / TYPES) | 0

/** One visit to the buddy under zone->lock. */
export interface BlockMove {
  /** 0: nothing was found. */
  pages: Pages
  /** Free blocks that came or went, of any order: what the hold takes time for. */
  blocks: number
}

/**
 * Page lists that keep pageblocks, as `BlockRules` say: refills in four phases, frees that go to the owner, merging before pages are given
 * back. Pagesets are cpu × zones + zone.
 *
 * A pageblock is owned from the refill that takes it whole until it is whole in the zone again.
 *
 * Source: Johannes Weiner, "[RFC 2/2] mm: page_alloc: per-cpu pageblock buddy allocator", 3 Apr 2026.
 */
export class BlockSets {
  readonly #zones: readonly BlockLists[]
  readonly #rules: readonly BlockRules[]
  readonly #buddies: readonly Buddy[]
  readonly #pcps: readonly Pcp[]
  readonly #cpus: number
  /** By pageset: owned pageblocks of which a drain left parts in the zone, the oldest first. */
  readonly #inParts: readonly Pfn[][]
  readonly #taken: (zone: number, page: Pfn, order: Order, type: number) => void
  readonly #release: (zone: number, page: Pfn, order: Order) => Order

  constructor(
    { zones, cpus, machine }: AllocatorMachine,
    rules: readonly ListRules[],
    pcps: readonly Pcp[],
    buddies: readonly Buddy[],
    on: {
      readonly taken: (zone: number, page: Pfn, order: Order, type: number) => void
      /** Returns the order of the free block that it is part of then. */
      readonly release: (zone: number, page: Pfn, order: Order) => Order
    },
  ) {
    this.#rules = rules.map(({ blocks }) => blocks!)
    this.#zones = zones.map(
      (zone, at) =>
        new BlockLists(zone, {
          cpus,
          top: this.#rules[at]!.top,
          maxOrder: machine.maxPageOrder,
          mergesOwned: this.#rules[at]!.frees === 'owner',
        }),
    )
    this.#buddies = buddies
    this.#pcps = pcps
    this.#cpus = cpus
    this.#inParts = pcps.map(() => [])
    this.#taken = on.taken
    this.#release = on.release
  }

  /** The CPU on whose lists a page belongs that `cpu` frees. */
  cpuFor(cpu: Cpu, zone: number, page: Pfn): Cpu {
    const owner = this.#zones[zone]!.ownerOf(page)
    return owner < 0 ? cpu : owner
  }

  #cpu(pset: number): Cpu {
    return (pset / this.#zones.length) | 0
  }

  #zone(pset: number): number {
    return pset % this.#zones.length
  }

  /** Whether a list, or one of larger blocks of its type, holds a block. */
  has(pset: number, list: number): boolean {
    return this.#zones[this.#zone(pset)]!.has(this.#cpu(pset), orderOf(list), list % TYPES)
  }

  pop(pset: number, list: number): Pfn {
    return this.#zones[this.#zone(pset)]!.pop(this.#cpu(pset), orderOf(list), list % TYPES)
  }

  /** `by`: the CPU that frees it, if one does. */
  push(pset: number, list: number, page: Pfn, to: 'head' | 'tail', by?: Cpu): void {
    const cpu = this.#cpu(pset)
    this.#zones[this.#zone(pset)]!.push(cpu, page, orderOf(list), list % TYPES, to, by !== undefined && by !== cpu)
  }

  /** Fetches `wanted` pages, so that a block of `order` can be popped. */
  refill(pset: number, order: Order, type: number, wanted: Pages): BlockMove {
    const cpu = this.#cpu(pset)
    const zone = this.#zone(pset)
    const lists = this.#zones[zone]!
    const buddy = this.#buddies[zone]!
    const { top, claims, parts, steals } = this.#rules[zone]!
    const pcp = this.#pcps[pset]!
    const got: BlockMove = { pages: 0, blocks: 0 }
    const wants = (): boolean => got.pages < wanted || !lists.has(cpu, order, type)
    const add = (page: Pfn, size: Order): void => {
      this.#taken(zone, page, size, type)
      lists.push(cpu, page, size, type, 'tail')
      got.pages += 1 << size
      got.blocks++
    }
    this.#recover(pset, type, wants, add)
    while (wants() && claims(pcp, got.pages)) {
      const page = buddy.takeOwn(top, type)
      if (page < 0) break
      if (this.#rules[zone]!.frees === 'owner') lists.setOwner(page, cpu)
      add(page, top)
    }
    for (let size = top - 1; size >= order; size--)
      while (wants() && (parts === 'largest' || size === order || 1 << size <= wanted - got.pages)) {
        const page = buddy.takeOwn(size, type)
        if (page < 0) break
        add(page, size)
      }
    while (steals === 'rest' ? wants() : !lists.has(cpu, order, type)) {
      const page = buddy.take(order, type)
      if (page < 0) break
      add(page, order)
    }
    return got
  }

  /** Phase 0: what is free of the CPU’s own pageblocks of that type comes back, block by block. */
  #recover(pset: number, type: number, wants: () => boolean, add: (page: Pfn, order: Order) => void): void {
    const blocks = this.#inParts[pset]!
    if (blocks.length === 0) return
    const zone = this.#zone(pset)
    const buddy = this.#buddies[zone]!
    const size = 1 << this.#rules[zone]!.top
    for (let at = 0; at < blocks.length && wants(); ) {
      const first = blocks[at]!
      if (buddy.typeOf(first) !== type) {
        at++
        continue
      }
      blocks.splice(at, 1)
      for (let page = first; page < first + size; ) {
        const order = buddy.orderAt(page)
        if (order >= 0) {
          buddy.takeAt(page, order)
          add(page, order)
        }
        page += order < 0 ? 1 : 1 << order
      }
    }
  }

  /**
   * Merges, then gives about `wanted` pages back, at most `most` blocks in one hold of zone->lock: `tell` hears of each hold. `list`: the one
   * just freed to, else 0.
   */
  bulkFree(
    pset: number,
    wanted: Pages,
    most: number,
    list: number,
    tell: (pages: Pages, blocks: number) => void,
  ): void {
    let left = wanted
    do {
      const hold = this.oneHold(pset, left, most, list)
      tell(hold.pages, hold.blocks)
      left -= hold.pages
    } while (left > 0 && this.#pcps[pset]!.count > 0)
  }

  oneHold(pset: number, wanted: Pages, most: number, last = 0): BlockMove {
    const cpu = this.#cpu(pset)
    const zone = this.#zone(pset)
    const lists = this.#zones[zone]!
    const pcp = this.#pcps[pset]!
    const fitting = this.#rules[zone]!.givesBack === 'fitting'
    const gone: BlockMove = { pages: 0, blocks: 0 }
    lists.merge(cpu)
    while (gone.pages < wanted && gone.blocks < most) {
      const list = lists.coldest(cpu, last % TYPES, fitting ? wanted - gone.pages : Number.MAX_SAFE_INTEGER)
      if (list < 0) break
      const order = lists.orderOf(list)
      const page = lists.popTail(list)
      pcp.count -= 1 << order
      gone.pages += 1 << order
      gone.blocks++
      this.#giveBack(zone, page, order)
    }
    return gone
  }

  #giveBack(zone: number, page: Pfn, order: Order): void {
    const lists = this.#zones[zone]!
    const owner = lists.ownerOf(page)
    const merged = this.#release(zone, page, order)
    if (owner < 0 || merged >= this.#rules[zone]!.top) return
    const blocks = this.#inParts[owner * this.#zones.length + zone]!
    const first = lists.blockOf(page)
    if (!blocks.includes(first)) blocks.push(first)
  }

  /** A block is whole in the zone: its pageblocks belong to nobody. */
  whole(zone: number, page: Pfn, order: Order): void {
    const lists = this.#zones[zone]!
    const { top } = this.#rules[zone]!
    if (page >= BORROWED) return
    const first = lists.blockOf(page - ((page - lists.base) & ((1 << order) - 1)))
    for (let block = first; block < first + (1 << order); block += 1 << top) {
      const owner = lists.ownerOf(block)
      if (owner < 0) continue
      lists.setOwner(block, -1)
      const parts = this.#inParts[owner * this.#zones.length + zone]!
      const at = parts.indexOf(block)
      if (at >= 0) parts.splice(at, 1)
    }
  }

  top(zone: number): Order {
    return this.#rules[zone]!.top
  }

  /** Visits every block on the lists. */
  each(visit: (page: Pfn, order: Order, zone: number) => void): void {
    for (const [zone, lists] of this.#zones.entries()) lists.each((page, order) => visit(page, order, zone))
  }

  /** Pages on all lists, from the lists themselves. */
  pages(): Pages {
    let sum = 0
    for (const lists of this.#zones) for (let cpu = 0; cpu < this.#cpus; cpu++) sum += lists.pages(cpu)
    return sum
  }

  /** Pageblocks that have an owner. */
  get owned(): number {
    return this.#zones.reduce((sum, { owned }) => sum + owned, 0)
  }

  /** Pages on lists that another CPU than the lists’ own put there. */
  fromAfar(): Pages {
    return this.#zones.reduce((sum, lists) => sum + lists.fromAfar(), 0)
  }
}
