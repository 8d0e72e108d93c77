import { type Traits, traitsOf } from '#kernel'
import type { ListRules, Pcp, PcpChoice } from '#policies'
import type { PageIndex, Script } from '#record'
import { Fate } from '#record'
import { PageLists, pagesets } from '#sim'

/**
 * How far the counts of zoneinfo may be off, in pages: they are read a little before the trace begins. What would need more is a
 * miss, not a calibration.
 */
const MAX_DRIFT = 128

/**
 * What a replay knows of the pages on each list while it follows a recording: pages by identity, and how many more lie below
 * them since before the trace began. A pageset is numbered cpu × zones + zone, a list pageset × `perSet` + its own number.
 */
export class KnownLists {
  readonly pcps: Pcp[]
  /** By zone. */
  readonly rules: ListRules[]
  readonly lists: PageLists
  readonly zones: number
  /** Lists of a pageset. */
  readonly perSet: number
  /** Fate of each page since it came to its list. */
  readonly fate: Uint8Array
  /** By list: whether its part from before the trace is proven empty. */
  readonly known: Uint8Array
  /** By pageset: pages of unknown identity, on lists that are not yet known. */
  readonly unknown: Int32Array
  /** By pageset: whether the record has proven its count. */
  readonly calibrated: Uint8Array
  /** By pageset: whether zoneinfo told its count, and no loss has made it worthless since. */
  readonly counted: Uint8Array
  /** By pageset: pages from before the trace that surfaced beyond zoneinfo's count. */
  readonly surplus: Int32Array
  /** By pageset: entries of each list from before the trace, as far as they surfaced. */
  readonly initial: Int32Array[]
  /** By pageset: by how much its last tick lowered `high`. */
  readonly decay: Int32Array
  /** By pageset: whether `high` is no more than as high as can be. */
  readonly guessed: Uint8Array
  /** By zone: upper bound of self-tuning, as learnt from the record; 0: not learnt, or told by zoneinfo. */
  readonly highMax: Int32Array
  readonly traits: Traits
  /** By list: the head that an allocation went past; by page: whether it was popped, with its event still to come. */
  readonly #skipped: Int32Array
  readonly #inFlight: Uint8Array
  /** By zone: whether zoneinfo tells where self-tuning ends. */
  readonly #bounded: boolean[]

  constructor(script: Script, choice: PcpChoice, index: PageIndex) {
    const { pcps, rules } = pagesets(script, choice)
    this.pcps = pcps
    this.rules = rules
    this.zones = script.zones.length
    this.perSet = rules[0]!.lists
    this.lists = new PageLists(pcps.length * this.perSet, index.size)
    this.fate = new Uint8Array(index.size)
    this.known = new Uint8Array(pcps.length * this.perSet)
    this.unknown = new Int32Array(pcps.length)
    this.calibrated = new Uint8Array(pcps.length)
    this.counted = new Uint8Array(pcps.length)
    this.surplus = new Int32Array(pcps.length)
    this.initial = pcps.map(() => new Int32Array(this.perSet))
    this.guessed = new Uint8Array(pcps.length)
    this.#skipped = new Int32Array(pcps.length * this.perSet).fill(-1)
    this.#inFlight = new Uint8Array(index.size)
    this.decay = new Int32Array(pcps.length)
    this.highMax = new Int32Array(script.zones.length)
    this.traits = traitsOf(script.machine)
    this.#bounded = script.zones.map(({ pagesets }) => pagesets.some((pageset) => pageset.highMax !== undefined))
    script.zones.forEach((zone, at) => {
      for (const { cpu, count } of zone.pagesets) {
        this.pcps[cpu * this.zones + at]!.count = count
        this.unknown[cpu * this.zones + at] = count
        this.counted[cpu * this.zones + at] = 1
      }
    })
  }

  rulesOf(pset: number): ListRules {
    return this.rules[pset % this.zones]!
  }

  drop(page: number): void {
    const list = this.lists.where[page]!
    const pset = Math.trunc(list / this.perSet)
    this.lists.remove(page)
    this.pcps[pset]!.count -= 1 << this.rulesOf(pset).orderOf(list % this.perSet)
  }

  /**
   * An allocation took a page below the head. Twice past the same head: that one was popped before, and its task has not come to its
   * event yet, since it was preempted.
   */
  skip(list: number): void {
    const head = this.lists.head(list)
    if (this.#skipped[list] !== head) {
      this.#skipped[list] = head
      return
    }
    this.#inFlight[head] = 1
    this.drop(head)
  }

  /** Tasks take heads of lists, and are preempted before their events. A page that is below others by then was not taken so. */
  popEarly(pages: readonly number[]): void {
    for (let left = pages; ; ) {
      const next = left.find(
        (page) => this.lists.where[page]! >= 0 && this.lists.head(this.lists.where[page]!) === page,
      )
      if (next === undefined) return
      this.#popInFlight(next)
      left = left.filter((page) => page !== next)
    }
  }

  #popInFlight(page: number): void {
    const list = this.lists.where[page]!
    const pset = Math.trunc(list / this.perSet)
    this.rulesOf(pset).onAlloc(this.pcps[pset]!)
    this.#inFlight[page] = 1
    this.drop(page)
  }

  /** Whether this page was popped before its event. It is no more on its way. */
  landed(page: number): boolean {
    if (this.#inFlight[page] === 0) return false
    this.#inFlight[page] = 0
    return true
  }

  /** Whether the untraced bulk allocator may have taken this page. */
  mayBeTaken(page: number, list: number): boolean {
    if (!this.traits.bulkAllocator || this.rules[0]!.orderOf(list % this.perSet) !== 0) return false
    const fate = this.fate[page]!
    return fate === Fate.free || fate === Fate.none
  }

  allMayBeTaken(list: number): boolean {
    for (let page = this.lists.head(list); page >= 0; page = this.lists.below(page)) {
      if (!this.mayBeTaken(page, list)) return false
    }
    return true
  }

  /** This list’s unknown part is proven empty. Once all are, the count is what the lists hold, whatever zoneinfo said. */
  prove(list: number, pset: number): void {
    if (this.known[list] === 1) return
    this.known[list] = 1
    if (this.allKnown(pset)) this.proveAll(pset)
  }

  /** Nothing from before the trace is left on this pageset. */
  proveAll(pset: number): void {
    this.known.fill(1, pset * this.perSet, (pset + 1) * this.perSet)
    this.unknown[pset] = 0
    this.calibrated[pset] = 1
    this.pcps[pset]!.count = this.held(pset)
  }

  allKnown(pset: number): boolean {
    const base = pset * this.perSet
    for (let at = base; at < base + this.perSet; at++) if (this.known[at] === 0) return false
    return true
  }

  /** Pages on the lists whose identity is known. */
  held(pset: number): number {
    const base = pset * this.perSet
    let pages = 0
    for (let list = 0; list < this.perSet; list++)
      pages += this.lists.lens[base + list]! << this.rulesOf(pset).orderOf(list)
    return pages
  }

  /** vmstat_update() on this CPU: pages to give back. */
  tick(pset: number): number {
    const pcp = this.pcps[pset]!
    const { high } = pcp
    const n = this.rulesOf(pset).onTick?.(pcp) ?? 0
    this.decay[pset] = high - pcp.high
    return n
  }

  /**
   * The count, which is known, reached `high`, and nothing was given back: `high` is above it. Without its last decay, if that
   * explains it, since no event tells its moment; else as high as can be, until the record shows more. False where it can't be.
   */
  raiseHigh(pset: number): boolean {
    const pcp = this.pcps[pset]!
    if (this.rulesOf(pset).tunesHigh !== true || pcp.count >= pcp.highMax) return false
    const undone = Math.min(pcp.high + this.decay[pset]!, pcp.highMax)
    this.guessed[pset] = undone > pcp.count ? 0 : 1
    pcp.high = undone > pcp.count ? undone : pcp.highMax
    this.decay[pset] = 0
    return true
  }

  /** Self-tuning ends at a bound that zoneinfo prints from 7.2 on only; it is the same for all CPUs. */
  #learnHighMax(zone: number, count: number, saved: Pcp): void {
    if (this.highMax[zone] !== 0 || this.#bounded[zone]) return
    this.highMax[zone] = saved.highMax = count
    for (let at = zone; at < this.pcps.length; at += this.zones) {
      this.pcps[at]!.highMax = count
      this.pcps[at]!.high = Math.min(this.pcps[at]!.high, count)
    }
  }

  /**
   * Pages were given back below `high`, at a count that is known: `high` is that count. False where it can’t be. `unpressed`: no
   * shortage of memory can have lowered it.
   */
  lowerHigh(pset: number, saved: Pcp, unpressed: boolean): boolean {
    const { count, high, highMin, highMax } = saved
    if (this.rulesOf(pset).tunesHigh !== true || count < highMin || count > highMax) return false
    saved.high = count
    const guessed = this.guessed[pset] === 1
    this.guessed[pset] = 0
    if (high === highMax && !guessed && unpressed) this.#learnHighMax(pset % this.zones, count, saved)
    return true
  }

  takeUnknown(pset: number, list: number, order: number): void {
    this.initial[pset]![list % this.perSet]!++
    this.unknown[pset]! -= 1 << order
    if (this.unknown[pset]! < 0) {
      // More surfaced than zoneinfo counted: it was read a little before the trace began.
      this.surplus[pset]! -= this.unknown[pset]!
      this.pcps[pset]!.count -= this.unknown[pset]!
      this.unknown[pset] = 0
    }
  }

  /** A page left that was not known to be there. */
  loses(pset: number, size: number): void {
    this.unknown[pset] = Math.max(0, this.unknown[pset]! - size)
    this.pcps[pset]!.count = Math.max(this.held(pset), this.pcps[pset]!.count - size)
  }

  /** Whether more pages surfaced than can have lain there before the trace. */
  exhausted(pset: number): boolean {
    return this.counted[pset] === 1 && this.surplus[pset]! > MAX_DRIFT
  }

  /** Whether a count is too far from what is known for zoneinfo's age to explain it. */
  isTooFar(pset: number, count: number): boolean {
    return this.counted[pset] === 1 && Math.abs(count - this.pcps[pset]!.count) > MAX_DRIFT
  }

  /** The record proves a count, within the drift. Where every page on the lists is known, they are the better proof. */
  recount(pset: number, count: number): void {
    const pcp = this.pcps[pset]!
    if (this.isTooFar(pset, count)) return
    if (this.allKnown(pset)) {
      pcp.count = this.held(pset)
      return
    }
    const held = this.held(pset)
    pcp.count = Math.max(held, count)
    this.unknown[pset] = pcp.count - held
  }

  /** Gives back `n` pages by the rule alone. `gone` hears of each block that is known. */
  popTails(pset: number, list: number, n: number, gone: (page: number, order: number) => void = () => {}): void {
    const pcp = this.pcps[pset]!
    const rules = this.rulesOf(pset)
    const base = pset * this.perSet
    const order = rules.bulkOrder()
    order.begin(n, list)
    for (let left = n; left > 0; ) {
      let held = false
      for (let at = base; at < base + this.perSet; at++) held ||= this.lists.lens[at]! > 0
      if (!held) {
        const rest = Math.min(left, this.unknown[pset]!)
        this.unknown[pset]! -= rest
        pcp.count -= rest
        return
      }
      const at = order.next(this.lists.lens, base, left)
      const size = 1 << rules.orderOf(at)
      const page = rules.drainsFrom === 'tail' ? this.lists.tail(base + at) : this.lists.head(base + at)
      this.lists.remove(page)
      gone(page, rules.orderOf(at))
      pcp.count -= size
      left -= size
    }
  }

  /** The pageset is empty now. */
  emptied(pset: number): void {
    const base = pset * this.perSet
    for (let at = base; at < base + this.perSet; at++)
      for (let page = this.lists.head(at); page >= 0; page = this.lists.head(at)) this.lists.remove(page)
    this.proveAll(pset)
  }

  /** Events were lost on this CPU: only its counts are left. */
  forget(cpu: number): void {
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      const { count } = this.pcps[pset]!
      this.emptied(pset)
      this.pcps[pset]!.count = count
      this.unknown[pset] = count
      this.calibrated[pset] = 0
      this.counted[pset] = 0
      this.known.fill(0, pset * this.perSet, (pset + 1) * this.perSet)
    }
  }
}
