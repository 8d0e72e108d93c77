import type { Quota } from '#policies/pcp'
import { BlockIndex } from '#record'
import type { Miss } from './scores.ts'
import type { EstimatorState } from './state.ts'

/** Recorded pages of a bulk free, and what the rule says of them. */
export interface GivenBack {
  readonly pset: number
  /** The list just freed to; 0 for a drain. */
  readonly list: number
  readonly from: number
  readonly to: number
  readonly scored: boolean
  /** Pages that go by the rule. */
  readonly quota: Quota
  /** What a page beyond the quota is counted as. */
  readonly beyond?: Miss
}

const NONE: ReadonlySet<number> = new Set()

/** The pages of bulk frees: which leave the lists, compared with those that the record shows. */
export class PagesGivenBack {
  readonly #state: EstimatorState
  readonly #blocks: BlockIndex

  constructor(state: EstimatorState) {
    this.#state = state
    const { zones, machine } = state.script
    this.#blocks = new BlockIndex(zones, machine.pageblockOrder)
  }

  /** Number of a recorded page; −1: it lies outside every zone. */
  pageOf(item: number): number {
    const { index, script } = this.#state
    const zone = index.zone(script.drainPfn[item]!)
    return zone < 0 ? -1 : index.at(script.drainPfn[item]!, zone)
  }

  /** Pages from before the trace lie at the tails; the record shows on which list. Returns those that it shows here. */
  #surface({ pset, from, to }: GivenBack): ReadonlySet<number> {
    const { belief, script } = this.#state
    const set = belief.psets[pset]!
    if (set.unknown <= 0) return NONE
    const fresh = new Set<number>()
    const rules = belief.rulesOf(pset)
    for (let item = to - 1; item >= from; item--) {
      const order = script.drainOrder[item]!
      const page = this.pageOf(item)
      if (page < 0 || !rules.allowed(order) || belief.lists.where[page]! >= 0 || set.unknown <= 0) continue
      const at = this.#listFromBefore(pset, script.drainPfn[item]!, order, script.drainMigratetype[item]!)
      if (at < 0) continue
      const list = pset * belief.perSet + at
      belief.takeUnknown(pset, list, order)
      belief.lists.pushTail(list, page)
      fresh.add(page)
    }
    return fresh
  }

  /**
   * Takes the recorded pages of a bulk free off the lists, each compared with the page that the rule gives back next. Pages beyond
   * the quota are wrong, whichever they are. Returns whether the last one ended a batch, with another to come.
   */
  follow(given: GivenBack): boolean {
    const state = this.#state
    const { belief, script } = state
    const { pset, list, from, to, scored, quota, beyond = 'page-not-predicted' } = given
    const { pages } = state.cpuOf(pset)
    const fresh = this.#surface(given)
    const order = belief.rulesOf(pset).bulkOrder()
    order.begin(quota.left, list)
    const proves = order.sweeps === true && !belief.allKnown(pset)
    const sweep = { at: list }
    let batchEnds = false
    for (let item = from; item < to; item++) {
      const page = this.pageOf(item)
      if (page < 0) continue
      const size = 1 << script.drainOrder[item]!
      const on = belief.lists.where[page]!
      if (on >= 0 && proves) this.#proveEmptied(pset, sweep, on)
      const expected = quota.left > 0 ? this.#next(pset, order, quota.left) : -1
      const isBeyond = quota.left <= 0
      batchEnds = quota.take(size)
      if (scored) {
        pages.recorded++
        if (fresh.has(page) && !isBeyond) pages.unknownStart++
        else if (page === expected) pages.exact++
        else {
          pages.wrong++
          state.miss(isBeyond ? beyond : on < 0 ? 'page-not-held' : 'not-the-tail')
          state.corrections++
        }
      }
      if (on < 0) belief.dropUnknownPage(pset, size)
      else if (belief.psetOf(on) === pset) belief.drop(page)
      else belief.dropAbsent(page)
      if (batchEnds) {
        order.begin(quota.left, list)
        sweep.at = list
      }
    }
    return batchEnds
  }

  /** A bulk free that empties one list after the other has come to list `to`: those that it passed hold nothing. */
  #proveEmptied(pset: number, sweep: { at: number }, to: number): void {
    const { belief } = this.#state
    const base = pset * belief.perSet
    if (belief.psetOf(to) !== pset) return
    for (; base + sweep.at !== to; sweep.at = (sweep.at + 1) % belief.perSet) {
      if (belief.lists.lens[base + sweep.at]! > 0) return
      belief.prove(base + sweep.at, pset)
    }
  }

  /** The page that goes next by the rule; −1: no known one. */
  #next(pset: number, order: { next(lens: Int32Array, base: number, left: number): number }, left: number): number {
    const { belief } = this.#state
    const base = pset * belief.perSet
    const { lens } = belief.lists
    let any = false
    for (let at = base; at < base + belief.perSet && !any; at++) any = lens[at]! > 0
    if (!any) return -1
    const next = base + order.next(lens, base, left)
    return belief.rulesOf(pset).drainsFrom === 'tail' ? belief.lists.tail(next) : belief.lists.head(next)
  }

  /**
   * Gives pages back by the rule alone, up to the quota. Recorded pages of the same bulk free, if there are some, are compared one by one.
   * Returns how many pages went. `gone` hears of each block that is known. `batches`: no more of them, where a task is preempted after so many.
   */
  byRule(
    given: Pick<GivenBack, 'pset' | 'list' | 'from' | 'to' | 'quota'>,
    compares: boolean,
    gone: (page: number, order: number) => void = () => {},
    batches = Number.POSITIVE_INFINITY,
  ): number {
    const state = this.#state
    const { belief } = state
    const { pset, list, from, to, quota } = given
    const set = belief.psets[pset]!
    const { pages } = state.cpuOf(pset)
    const rules = belief.rulesOf(pset)
    const fresh = compares ? this.#surface({ ...given, scored: false }) : NONE
    const order = rules.bulkOrder()
    order.begin(quota.left, list)
    let sum = 0
    let item = from
    let batchesLeft = batches
    while (quota.rest > 0 && batchesLeft > 0) {
      const page = this.#next(pset, order, quota.left)
      if (page < 0) {
        const rest = Math.min(quota.rest, set.pcp.count)
        set.unknown = Math.max(0, set.unknown - rest)
        set.pcp.count -= rest
        sum += rest
        break
      }
      const size = belief.orderOf(belief.lists.where[page]!)
      belief.take(page)
      gone(page, size)
      set.pcp.count -= 1 << size
      sum += 1 << size
      if (compares && item < to) {
        pages.recorded++
        if (fresh.has(page)) pages.unknownStart++
        else if (this.pageOf(item) === page) pages.exact++
        else pages.wrong++
        item++
      }
      if (!quota.take(1 << size)) continue
      order.begin(quota.left, list)
      batchesLeft--
    }
    if (compares)
      for (; item < to; item++) {
        pages.recorded++
        pages.wrong++
      }
    return sum
  }

  /**
   * The list on which a drained page lay since before the trace: that of the recorded type. From 6.10 on this is what its block is by now;
   * where that list holds nothing unknown any more, it is that of what the block was when the trace began. −1: neither.
   */
  #listFromBefore(pset: number, pfn: number, order: number, recorded: number): number {
    const { script, belief } = this.#state
    const zone = pset % belief.zones
    const began = belief.traits.cachesType ? recorded : script.blockTypes[this.#blocks.at(pfn, zone)]!
    for (const type of [recorded, began]) {
      const list = belief.rulesOf(pset).listOf(order, type < 3 ? type : 1)
      if (belief.known[pset * belief.perSet + list] === 0) return list
    }
    return -1
  }
}
