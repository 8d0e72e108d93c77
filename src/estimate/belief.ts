import { type Pages, type Traits, traitsOf } from '#kernel'
import type { PcpChoice } from '#policies'
import { type ListRules, Pcp } from '#policies/pcp'
import { Fate, type PageIndex, type Script } from '#record'
import { PageLists, pagesets } from '#sim'
import { newPagesetBelief, otherExtreme, type PagesetBelief, paces } from './pageset-belief.ts'

/**
 * What is believed of the recording kernel's lists: pages by identity, and how many more lie below them since before the trace began.
 * A pageset is numbered cpu × zones + zone, a list pageset × `perSet` + its own number.
 */
export class Belief {
  readonly psets: readonly PagesetBelief[]
  /** By zone. */
  readonly rules: readonly ListRules[]
  readonly lists: PageLists
  readonly zones: number
  /** Lists of a pageset. */
  readonly perSet: number
  /** By zone: upper bound of self-tuning, as the record proved it; 0: it has not, or zoneinfo prints it. */
  readonly highMax: Int32Array
  /** By zone: whether a file says where self-tuning ends. */
  readonly #bounded: readonly boolean[]
  /** What the trace shows next of each page since it came to its list. */
  readonly fate: Uint8Array
  /** By list: whether its part from before the trace is proven empty. */
  readonly known: Uint8Array
  /** By pageset: entries of each list from before the trace, as far as they surfaced. */
  readonly initial: readonly Int32Array[]
  readonly traits: Traits
  /** By list: its pageset, and the order of its blocks. */
  readonly #psetOf: Uint32Array
  readonly #orderOf: Uint8Array
  /** By list: the head that an allocation went past; by page: whether it was popped, with its event still to come. */
  readonly #skipped: Int32Array
  readonly #inFlight: Uint8Array
  readonly #scratch: Pcp
  /** Numbers for blocks of which the record shows no identity. */
  readonly #anonymous: number[] = []
  readonly #firstAnonymous: number
  #nextAnonymous: number

  constructor(script: Script, choice: PcpChoice, index: PageIndex) {
    const { pcps, rules } = pagesets(script, choice)
    this.rules = rules
    this.zones = script.zones.length
    this.perSet = rules[0]!.lists
    this.psets = pcps.map((pcp, pset) => newPagesetBelief(pcp, pset, rules))
    this.#psetOf = Uint32Array.from({ length: pcps.length * this.perSet }, (_, list) => Math.trunc(list / this.perSet))
    this.#orderOf = Uint8Array.from(this.#psetOf, (pset, list) => this.rulesOf(pset).orderOf(list % this.perSet))
    const spare = Math.min(1 << 22, Math.max(1 << 16, index.size >> 3))
    this.#firstAnonymous = this.#nextAnonymous = index.size
    this.lists = new PageLists(pcps.length * this.perSet, index.size + spare)
    this.fate = new Uint8Array(index.size + spare)
    this.known = new Uint8Array(pcps.length * this.perSet)
    this.initial = pcps.map(() => new Int32Array(this.perSet))
    this.#skipped = new Int32Array(pcps.length * this.perSet).fill(-1)
    this.#inFlight = new Uint8Array(index.size + spare)
    this.#scratch = new Pcp(pcps[0]!)
    this.traits = traitsOf(script.machine)
    this.highMax = new Int32Array(this.zones)
    this.#bounded = script.zones.map(({ pagesets: of }) => of.some(({ highMax }) => highMax !== undefined))
    script.zones.forEach((zone, at) => {
      for (const { cpu, count } of zone.pagesets) {
        const set = this.psets[cpu * this.zones + at]!
        set.pcp.count = count
        set.unknown = count
        set.count = 'guessed'
      }
    })
  }

  rulesOf(pset: number): ListRules {
    return this.rules[pset % this.zones]!
  }

  psetOf(list: number): number {
    return this.#psetOf[list]!
  }

  orderOf(list: number): number {
    return this.#orderOf[list]!
  }

  /** A copy to try rules on; the next call overwrites it. */
  trial(of: Pcp): Pcp {
    this.#scratch.assign(of)
    return this.#scratch
  }

  /** Number of a block whose identity the record does not show. */
  anonymous(): number {
    const kept = this.#anonymous.pop()
    if (kept !== undefined) return kept
    if (this.#nextAnonymous < this.fate.length) return this.#nextAnonymous++
    return -1
  }

  isOn(page: number, pset: number): boolean {
    return this.lists.where[page]! >= 0 && this.psetOf(this.lists.where[page]!) === pset
  }

  /** Known pages of a pageset, list by list. */
  pagesOf(pset: number): number[] {
    const pages: number[] = []
    for (let list = pset * this.perSet; list < (pset + 1) * this.perSet; list++)
      for (let page = this.lists.head(list); page >= 0; page = this.lists.below(page)) pages.push(page)
    return pages
  }

  /** A page comes to the head of a list. */
  put(list: number, page: number): void {
    this.lists.pushHead(list, page)
    this.psets[this.psetOf(list)]!.pcp.count += 1 << this.orderOf(list)
  }

  /** A page leaves its list. */
  drop(page: number): void {
    const list = this.lists.where[page]!
    this.take(page)
    this.psets[this.psetOf(list)]!.pcp.count -= 1 << this.orderOf(list)
  }

  /** As `drop`, but the count stays. */
  take(page: number): void {
    this.lists.remove(page)
    if (page >= this.#firstAnonymous) this.#anonymous.push(page)
  }

  /** The record shows that a page is on no list any more, though none saw it leave. */
  dropAbsent(page: number): void {
    const set = this.psets[this.psetOf(this.lists.where[page]!)]!
    const size = 1 << this.orderOf(this.lists.where[page]!)
    if (set.phantoms >= size) {
      set.phantoms -= size
      this.take(page)
    } else this.drop(page)
  }

  /** The place of a page on its list goes to a block without identity, since the page is elsewhere. */
  forgetIdentity(page: number): void {
    const other = this.anonymous()
    if (other < 0) {
      this.drop(page)
      return
    }
    this.fate[other] = Fate.none
    this.lists.replace(page, other)
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
  popEarly(pages: readonly number[], popped: (page: number, list: number) => void): void {
    for (let left = pages; ; ) {
      const next = left.find(
        (page) => this.lists.where[page]! >= 0 && this.lists.head(this.lists.where[page]!) === page,
      )
      if (next === undefined) return
      popped(next, this.lists.where[next]!)
      this.popInFlight(next)
      left = left.filter((page) => page !== next)
    }
  }

  popInFlight(page: number): void {
    this.allocates(this.psetOf(this.lists.where[page]!))
    this.#inFlight[page] = 1
    this.drop(page)
  }

  /** As `popInFlight`, for one that is counted as gone already. */
  takeInFlight(page: number): void {
    this.#inFlight[page] = 1
    this.take(page)
  }

  /** A page was popped under another’s name, ahead of its event. */
  marksInFlight(page: number): void {
    this.#inFlight[page] = 1
  }

  /** Whether this page was popped, with its event still to come. */
  isInFlight(page: number): boolean {
    return this.#inFlight[page] === 1
  }

  /** Whether this page was popped before its event. It is no more on its way. */
  landed(page: number): boolean {
    if (this.#inFlight[page] === 0) return false
    this.#inFlight[page] = 0
    return true
  }

  /** An allocation comes to a pageset. */
  allocates(pset: number): void {
    const set = this.psets[pset]!
    this.rulesOf(pset).onAlloc(set.pcp)
    if (set.twin === undefined) return
    this.rulesOf(pset).onAlloc(set.twin)
    this.#settlePacing(set)
  }

  #settlePacing(set: PagesetBelief): void {
    if (set.twin !== undefined && paces(set.pcp, set.twin)) set.twin = undefined
  }

  /** Runs a rule on a pageset. `unique`: whether its pacing, as far as it is known, leaves one outcome. */
  runs(set: PagesetBelief, rule: (pcp: Pcp) => number): { outcome: number; unique: boolean } {
    const { pcp, twin, over } = set
    const far = over > 0 ? this.trial(pcp) : undefined
    if (far !== undefined) far.count += over
    if (twin !== undefined) {
      twin.count = pcp.count
      twin.high = pcp.high
    }
    const outcome = rule(pcp)
    const unique = (far === undefined || rule(far) === outcome) && (twin === undefined || rule(twin) === outcome)
    this.#settlePacing(set)
    return { outcome, unique }
  }

  /** The record shows the pacing. */
  provePacing(pset: number): void {
    this.psets[pset]!.twin = undefined
  }

  /** Whether the bound of a zone’s `high` is only known by a formula, of what the zone managed as the kernel booted. */
  guessesBound(zone: number): boolean {
    return this.highMax[zone] === 0 && !this.#bounded[zone]
  }

  /** The record proves where self-tuning ends: at the same `high` on all CPUs. */
  proveBound(zone: number, bound: number): void {
    this.highMax[zone] = bound
    for (let pset = zone; pset < this.psets.length; pset += this.zones) {
      const { pcp, twin } = this.psets[pset]!
      pcp.highMax = bound
      pcp.high = Math.min(pcp.high, bound)
      if (twin !== undefined) twin.highMax = bound
    }
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
    const set = this.psets[pset]!
    this.known.fill(1, pset * this.perSet, (pset + 1) * this.perSet)
    set.unknown = 0
    set.phantoms = 0
    set.count = 'proven'
    set.isRelative = false
    set.over = 0
    set.pcp.count = this.knownPages(pset)
  }

  allKnown(pset: number): boolean {
    const base = pset * this.perSet
    for (let at = base; at < base + this.perSet; at++) if (this.known[at] === 0) return false
    return true
  }

  isProven(pset: number): boolean {
    return this.psets[pset]!.count === 'proven' || this.psets[pset]!.count === 'recorded'
  }

  /**
   * Whether what a rule says does not hang on a guess at `high`: that is known, or as far off as the count, so that it is reached when the lists
   * seem to have it; or the rule says the same wherever it is.
   */
  knowsHigh(set: PagesetBelief, rule: (pcp: Pcp) => number): boolean {
    const { high, isTied, pcp } = set
    if (pcp.highMin === pcp.highMax || high === 'proven' || high === 'recorded' || (isTied && high === 'guessed'))
      return true
    const at = (value: Pages): number => {
      const trial = this.trial(pcp)
      trial.high = value
      return rule(trial)
    }
    return at(pcp.highMin) === at(pcp.highMax)
  }

  /** Whether all hidden state of a pageset is known, so that its rules alone say what becomes of it. */
  isSettled(pset: number): boolean {
    const { twin, high, pcp, over } = this.psets[pset]!
    const isTuned = pcp.highMin < pcp.highMax
    return (
      this.isProven(pset) && twin === undefined && over === 0 && (!isTuned || high === 'proven' || high === 'recorded')
    )
  }

  /** Pages on the lists whose identity is known. */
  knownPages(pset: number): number {
    const base = pset * this.perSet
    let pages = 0
    for (let list = 0; list < this.perSet; list++)
      pages += this.lists.lens[base + list]! << this.rulesOf(pset).orderOf(list)
    return pages
  }

  /** Whether pages from before the trace may lie on a list of this order. */
  holdsUnknown(pset: number, order: number): boolean {
    const base = pset * this.perSet
    if (this.psets[pset]!.unknown === 0) return false
    for (let list = base; list < base + this.perSet; list++)
      if (this.known[list] === 0 && this.orderOf(list) === order) return true
    return false
  }

  /** A page surfaces that lay on this list since before the trace. */
  takeUnknown(pset: number, list: number, order: number): void {
    const set = this.psets[pset]!
    this.initial[pset]![list % this.perSet]!++
    set.unknown -= 1 << order
    if (set.unknown < 0) {
      // More surfaced than zoneinfo counted: it was read before the trace began.
      set.pcp.count -= set.unknown
      set.unknown = 0
    }
  }

  /** A page left that was not known to be there. */
  dropUnknownPage(pset: number, size: number): void {
    const set = this.psets[pset]!
    set.unknown = Math.max(0, set.unknown - size)
    set.pcp.count = Math.max(this.knownPages(pset) - set.phantoms, set.pcp.count - size)
  }

  /** The record proves a count, however far from what was believed. */
  recount(pset: number, count: number): void {
    const set = this.psets[pset]!
    const held = this.knownPages(pset)
    set.over = 0
    set.pcp.count = Math.max(0, count)
    set.unknown = Math.max(0, count - held)
    set.phantoms = Math.max(0, held - count)
  }

  /** The pageset is empty now. */
  emptied(pset: number): void {
    const base = pset * this.perSet
    for (let at = base; at < base + this.perSet; at++)
      for (let page = this.lists.head(at); page >= 0; page = this.lists.head(at)) this.take(page)
    this.proveAll(pset)
  }

  /** Events were lost on this CPU: only its counts are left. */
  forget(cpu: number): void {
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      const set = this.psets[pset]!
      const { count } = set.pcp
      this.emptied(pset)
      set.pcp.count = count
      set.unknown = count
      set.count = 'unknown'
      set.high = 'guessed'
      set.over = 0
      set.isTied = false
      set.isRelative = false
      set.isDoubted = false
      set.twin = otherExtreme(set.pcp, this.rulesOf(pset))
      this.known.fill(0, pset * this.perSet, (pset + 1) * this.perSet)
    }
  }
}
