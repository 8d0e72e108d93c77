import type { Order, Pages } from '#kernel'
import type { PcpChoice } from '#policies'
import type { BulkOrder, ListRules, Pcp } from '#policies/pcp'
import { pagesets, type SimulatedMachine } from './pagesets.ts'
import { Rings } from './rings.ts'

/** Where a block goes that leaves the lists for the buddy. */
type Release = (zone: number, page: number, order: Order) => void

/**
 * The lists of all pagesets (cpu × zones + zone), in two sets each: the one in use, and the one that a swap of pointers sets aside.
 */
export class PagesetLists {
  readonly pcps: readonly Pcp[]
  /** By zone. */
  readonly rules: readonly ListRules[]
  /** Lists of a pageset. */
  readonly perSet: number
  readonly rings: Rings
  /** By pageset: its first list in use. */
  readonly base: Int32Array
  /** By pageset: pages that were set aside and still take memory. */
  readonly detached: Int32Array
  readonly #bulkOrders: readonly BulkOrder[]
  /** By zone and list: the order of its blocks. */
  readonly #orders: readonly Uint8Array[]
  readonly #release: Release

  constructor(machine: SimulatedMachine, choice: PcpChoice, release: Release) {
    const { pcps, rules } = pagesets(machine, choice)
    this.pcps = pcps
    this.rules = rules
    this.perSet = rules[0]!.lists
    this.rings = new Rings(2 * pcps.length * this.perSet)
    this.base = Int32Array.from(pcps, (_, pset) => pset * this.perSet)
    this.detached = new Int32Array(pcps.length)
    this.#bulkOrders = rules.map((rule) => rule.bulkOrder())
    this.#orders = rules.map((rule) => Uint8Array.from({ length: rule.lists }, (_, list) => rule.orderOf(list)))
    this.#release = release
  }

  #orderOf(at: number): Order {
    const pset = Math.trunc(at / this.perSet) % this.pcps.length
    return this.rules[pset % this.rules.length]!.orderOf(at % this.perSet)
  }

  /** Visits every block, of both sets. */
  each(visit: (page: number, order: Order, zone: number) => void): void {
    this.eachOf((pset, _list, order, page) => visit(page, order, pset % this.rules.length))
  }

  /** The same with pageset and list: of each list the head first. */
  eachOf(visit: (pset: number, list: number, order: Order, page: number) => void): void {
    for (let at = 0; at < this.rings.lens.length; at++) {
      const order = this.#orderOf(at)
      const pset = Math.trunc(at / this.perSet) % this.pcps.length
      this.rings.each(at, (page) => visit(pset, at % this.perSet, order, page))
    }
  }

  /** Pages on all lists, from the lists themselves. */
  pages(): Pages {
    let sum = 0
    for (let at = 0; at < this.rings.lens.length; at++) sum += this.rings.lens[at]! << this.#orderOf(at)
    return sum
  }

  /** Takes at least `n` pages (or all there are) off a pageset by the rule; a high-order block may overshoot. `list`: the one just freed to. */
  bulkFree(pset: number, n: Pages, list: number): Pages {
    const zone = pset % this.rules.length
    const pcp = this.pcps[pset]!
    const order = this.#bulkOrders[zone]!
    const base = this.base[pset]!
    const { rings } = this
    let left = Math.min(n, pcp.count)
    let pages = 0
    if (left === 0) return 0
    order.begin(left, list)
    const orders = this.#orders[zone]!
    const fromTail = this.rules[zone]!.drainsFrom === 'tail'
    while (left > 0) {
      const from = order.next(rings.lens, base, left)
      const size = orders[from]!
      pcp.count -= 1 << size
      left -= 1 << size
      pages += 1 << size
      this.#release(zone, fromTail ? rings.popTail(base + from) : rings.popHead(base + from), size)
    }
    return pages
  }

  detach(pset: number): void {
    const pcp = this.pcps[pset]!
    this.detached[pset] = pcp.count
    pcp.count = 0
    this.base[pset] = this.#otherSet(pset)
  }

  #otherSet(pset: number): number {
    const half = this.rings.lens.length / 2
    return (this.base[pset]! + half) % (2 * half)
  }

  /** All that `detach` set aside goes to the buddy. */
  freeDetached(pset: number): Pages {
    const zone = pset % this.rules.length
    const base = this.#otherSet(pset)
    const pages = this.detached[pset]!
    this.detached[pset] = 0
    for (let list = base; list < base + this.perSet; list++) {
      const order = this.rules[zone]!.orderOf(list - base)
      while (this.rings.lens[list]! > 0) this.#release(zone, this.rings.popTail(list), order)
    }
    return pages
  }
}
