import type { Cpu, Order, Pages, Pfn, Zone } from '#kernel'
import { BORROWED } from './allocator-types.ts'
import { Links } from './links.ts'

/** Migratetypes with lists of their own. */
const TYPES = 3
/** Blocks that wait to be looked at by the next merge, before those are dropped that have left their list. */
const FRESH = 4096
/** Places kept for pages that the machine does not have, before arrays grow. */
const ROOM = 1 << 16

/** What lists of blocks are made for. */
export interface BlockListsOptions {
  readonly cpus: number
  /** Largest order on the lists: that of a pageblock. */
  readonly top: Order
  /** MAX_PAGE_ORDER, to whose multiples the zone’s first page is rounded down. */
  readonly maxOrder: Order
  /** Whether buddies merge only in pageblocks that the CPU owns; false: wherever both lie on its lists. */
  readonly mergesOwned: boolean
}

/**
 * The lists of every CPU for one zone, where they keep blocks of all orders up to a pageblock and pageblocks have owners. Head: hottest.
 */
export class BlockLists {
  /** Pfn of index 0: a multiple of the largest block. */
  readonly base: Pfn
  readonly #span: number
  readonly #cpus: number
  readonly #top: Order
  readonly #mergesOwned: boolean
  readonly #perCpu: number
  readonly #links: Links
  /** By page: the list that a block beginning there is on, + 1. */
  #where: Int32Array
  /** By page: 1 where the free that put it on its list was another CPU’s. */
  #fromAfar: Uint8Array
  /** By page: the CPU whose next merge looks at the block that begins there, + 1. */
  #freshOf: Int16Array
  readonly #lens: Int32Array
  readonly #orderOfList: Uint8Array
  readonly #cpuOfList: Int16Array
  /** By cpu × TYPES + type: bit n is set where the list of order n holds a block. */
  readonly #orders: Int32Array
  /** By pageblock: its owner + 1. */
  readonly #owner: Int16Array
  /** By CPU: where fresh blocks begin. */
  readonly #fresh: number[][]
  readonly #mostFresh: number[]
  readonly #levels: readonly number[][]
  /** Pageblocks that have an owner. */
  owned = 0

  constructor(zone: Zone, { cpus, top, maxOrder, mergesOwned }: BlockListsOptions) {
    const mask = (1 << maxOrder) - 1
    this.base = zone.startPfn - (zone.startPfn & mask)
    this.#span = (zone.startPfn + zone.spanned - this.base + mask) & ~mask
    this.#cpus = cpus
    this.#top = top
    this.#mergesOwned = mergesOwned
    this.#perCpu = TYPES * (top + 1)
    const places = this.#span + ROOM
    this.#where = new Int32Array(places)
    this.#fromAfar = new Uint8Array(places)
    this.#freshOf = new Int16Array(places)
    this.#links = new Links(cpus * this.#perCpu, places)
    this.#lens = new Int32Array(cpus * this.#perCpu)
    this.#orderOfList = Uint8Array.from(this.#lens, (_, list) => Math.trunc((list % this.#perCpu) / TYPES))
    this.#cpuOfList = Int16Array.from(this.#lens, (_, list) => Math.trunc(list / this.#perCpu))
    this.#orders = new Int32Array(cpus * TYPES)
    this.#owner = new Int16Array(this.#span >>> top)
    this.#fresh = Array.from({ length: cpus }, () => [])
    this.#mostFresh = this.#fresh.map(() => FRESH)
    this.#levels = Array.from({ length: top + 1 }, () => [])
  }

  #at(page: Pfn): number {
    if (page < BORROWED) return page - this.base
    const at = this.#span + page - BORROWED
    if (at >= this.#where.length) this.#grow(at + ROOM)
    return at
  }

  #grow(least: number): void {
    const places = Math.max(least, Math.ceil(this.#where.length * 1.5))
    const longer = <A extends Int32Array | Int16Array | Uint8Array>(all: A, old: A): A => {
      all.set(old)
      return all
    }
    this.#where = longer(new Int32Array(places), this.#where)
    this.#links.grow(places)
    this.#fromAfar = longer(new Uint8Array(places), this.#fromAfar)
    this.#freshOf = longer(new Int16Array(places), this.#freshOf)
  }

  #pageAt(at: number): Pfn {
    return at < this.#span ? at + this.base : at - this.#span + BORROWED
  }

  /** The CPU that owns the pageblock of a page; −1: none does. */
  ownerOf(page: Pfn): Cpu {
    return page >= BORROWED ? -1 : this.#owner[(page - this.base) >>> this.#top]! - 1
  }

  /** `cpu` −1: nobody. */
  setOwner(page: Pfn, cpu: Cpu): void {
    const block = (page - this.base) >>> this.#top
    this.owned += Number(cpu >= 0) - Number(this.#owner[block]! > 0)
    this.#owner[block] = cpu + 1
  }

  /** First page of the pageblock that holds a page. */
  blockOf(page: Pfn): Pfn {
    const at = page - this.base
    return at - (at & ((1 << this.#top) - 1)) + this.base
  }

  /** `fromAfar`: another CPU freed it. A part that a split leaves over keeps what its pages say. */
  push(cpu: Cpu, page: Pfn, order: Order, type: number, to: 'head' | 'tail', fromAfar = false): void {
    const at = this.#at(page)
    if (order === 0) this.#fromAfar[at] = Number(fromAfar)
    else this.#fromAfar.fill(Number(fromAfar), at, at + (1 << order))
    this.#link(cpu, at, order, type, to === 'tail')
    if (this.#freshOf[at] !== cpu + 1) this.#noteFresh(cpu, at)
  }

  #noteFresh(cpu: Cpu, at: number): void {
    const fresh = this.#fresh[cpu]!
    this.#freshOf[at] = cpu + 1
    if (fresh.length < this.#mostFresh[cpu]!) {
      fresh.push(at)
      return
    }
    // Pages that went from CPU to CPU have left marks behind.
    const left = [...new Set(fresh)].filter((one) => {
      if (this.#freshOf[one] !== cpu + 1) return false
      if (this.#cpuAt(one) === cpu) return true
      this.#freshOf[one] = 0
      return false
    })
    this.#mostFresh[cpu] = Math.max(FRESH, 2 * left.length)
    this.#fresh[cpu] = [...left, at]
  }

  /** The CPU on whose lists a block begins there; −1: on nobody’s. */
  #cpuAt(at: number): Cpu {
    return this.#where[at] === 0 ? -1 : this.#cpuOfList[this.#where[at]! - 1]!
  }

  #link(cpu: Cpu, at: number, order: Order, type: number, toTail: boolean): void {
    const list = cpu * this.#perCpu + order * TYPES + type
    this.#where[at] = list + 1
    this.#lens[list]!++
    if (this.#links.add(at, list, toTail)) this.#orders[cpu * TYPES + type]! |= 1 << order
  }

  #unlink(at: number): void {
    const list = this.#where[at]! - 1
    this.#where[at] = 0
    this.#lens[list]!--
    if (!this.#links.remove(at, list)) return
    const own = list % this.#perCpu
    this.#orders[Math.trunc(list / this.#perCpu) * TYPES + (own % TYPES)]! &= ~(1 << Math.trunc(own / TYPES))
  }

  /** Whether a CPU’s lists of a type hold a block of that order or a larger one. */
  has(cpu: Cpu, order: Order, type: number): boolean {
    return this.#orders[cpu * TYPES + type]! >>> order !== 0
  }

  /** Takes a block from the list of the smallest order that fits, and leaves its upper halves on the lists below. `has` must be true. */
  pop(cpu: Cpu, order: Order, type: number): Pfn {
    const fitting = this.#orders[cpu * TYPES + type]! >>> order
    const from = order + 31 - Math.clz32(fitting & -fitting)
    const at = this.#links.first(cpu * this.#perCpu + from * TYPES + type)
    this.#unlink(at)
    for (let level = from - 1; level >= order; level--) this.#link(cpu, at + (1 << level), level, type, false)
    return this.#pageAt(at)
  }

  /**
   * Merges buddies of a CPU’s lists, the smallest first, as far as they go. Only what came since the last time can have found its buddy:
   * what a split left over waits for the part that was taken.
   */
  merge(cpu: Cpu): void {
    const fresh = this.#fresh[cpu]!
    if (fresh.length === 0) return
    let pairs = 0
    for (const at of fresh) {
      if (this.#freshOf[at] === cpu + 1) this.#freshOf[at] = 0
      if (at < this.#span && this.#cpuAt(at) === cpu)
        pairs += this.#noteMerge(cpu, at, this.orderOf(this.#where[at]! - 1))
    }
    fresh.length = 0
    for (let order = 0; pairs > 0 && order < this.#top; order++) {
      const level = this.#levels[order]!
      if (level.length > 1) level.sort((a, b) => a - b)
      pairs -= level.length
      for (const at of level) if (this.#isOn(cpu, at, order)) pairs += this.#mergeAt(cpu, at, order)
      level.length = 0
    }
  }

  /** Whoever of two buddies comes last finds the other one. Returns how many pairs that makes. */
  #noteMerge(cpu: Cpu, at: number, order: Order): number {
    if (order === this.#top || !this.#mayMerge(cpu, at, order)) return 0
    this.#levels[order]!.push(at)
    return 1
  }

  #mayMerge(cpu: Cpu, at: number, order: Order): boolean {
    return (
      this.#isOn(cpu, at ^ (1 << order), order) &&
      this.#isOn(cpu, at, order) &&
      (!this.#mergesOwned || this.#owner[at >>> this.#top]! - 1 === cpu)
    )
  }

  #mergeAt(cpu: Cpu, at: number, order: Order): number {
    const buddy = at ^ (1 << order)
    const low = at & buddy
    const type = ((this.#where[low]! - 1) % this.#perCpu) % TYPES
    this.#unlink(at)
    this.#unlink(buddy)
    this.#link(cpu, low, order + 1, type, true)
    return this.#noteMerge(cpu, low, order + 1)
  }

  #isOn(cpu: Cpu, at: number, order: Order): boolean {
    const own = this.#where[at]! - 1 - cpu * this.#perCpu - order * TYPES
    return own >= 0 && own < TYPES
  }

  /**
   * The block that goes next to the buddy: of the largest order that a CPU’s lists hold, or (`most` pages are wanted) of the largest that is
   * no more than that, else of the smallest. Of these the coldest of `type`’s list, or of the next one’s around. −1: there is none.
   */
  coldest(cpu: Cpu, type: number, most: Pages): number {
    const first = cpu * TYPES
    const all = this.#orders[first]! | this.#orders[first + 1]! | this.#orders[first + 2]!
    if (all === 0) return -1
    const within = most >= 2 ** 31 ? all : all & ((2 << (31 - Math.clz32(most))) - 1)
    const order = within === 0 ? 31 - Math.clz32(all & -all) : 31 - Math.clz32(within)
    for (let turn = 0; turn < TYPES; turn++) {
      const list = cpu * this.#perCpu + order * TYPES + ((type + turn) % TYPES)
      if (this.#lens[list]! > 0) return list
    }
    return -1
  }

  orderOf(list: number): Order {
    return this.#orderOfList[list]!
  }

  /** Takes the coldest block of a list that holds one. */
  popTail(list: number): Pfn {
    const at = this.#links.last(list)
    this.#unlink(at)
    return this.#pageAt(at)
  }

  /** Every block on every list. */
  each(visit: (page: Pfn, order: Order) => void): void {
    this.#eachAt((at, order) => visit(this.#pageAt(at), order))
  }

  #eachAt(visit: (at: number, order: Order) => void): void {
    for (let list = 0; list < this.#cpus * this.#perCpu; list++) {
      const order = this.orderOf(list)
      for (let at = this.#links.first(list); at >= 0; at = this.#links.after(at)) visit(at, order)
    }
  }

  /** Pages on lists that another CPU freed there. */
  fromAfar(): Pages {
    let sum = 0
    this.#eachAt((first, order) => {
      for (let at = first; at < first + (1 << order); at++) sum += this.#fromAfar[at]!
    })
    return sum
  }

  /** Pages on a CPU’s lists, from the lists themselves. */
  pages(cpu: Cpu): Pages {
    let sum = 0
    for (let list = cpu * this.#perCpu; list < (cpu + 1) * this.#perCpu; list++)
      sum += this.#lens[list]! << this.orderOf(list)
    return sum
  }
}
