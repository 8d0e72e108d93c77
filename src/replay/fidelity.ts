import type { Pcp, PcpChoice, ZoneFlags } from '#policies'
import { type Fates, fatesOf } from './fates.ts'
import { KnownLists } from './known-lists.ts'
import { PageIndex } from './places.ts'
import type { CpuFidelity, FidelityRun, Miss, Score } from './scores.ts'
import { BYPASS, Op, type Script } from './script.ts'

interface Options {
  /** Put the replay right from the record after each miss. */
  readonly resync: boolean
}

const newScore = (): Score => ({ recorded: 0, predicted: 0, exact: 0 })

/**
 * Replays the recording kernel's own lists against what it recorded.
 *
 * Inputs: allocations and frees, the pfns that a refill brought, the moments of recorded drain work. What is compared: when
 * refills and bulk frees happen, how large they are, which pages go. After a miss is scored, `resync` puts the replay right.
 */
export class Fidelity {
  readonly #script: Script
  readonly #fates: Fates
  readonly #index: PageIndex
  readonly #resync: boolean
  readonly #held: KnownLists
  readonly #cpus: CpuFidelity[]
  readonly #misses = new Map<Miss, number>()
  readonly #flags: ZoneFlags = { reclaimActive: false, belowHigh: false }
  readonly #bulk = { row: [] as number[], pset: [] as number[], list: [] as number[] }
  /** By requesting CPU: the pageset that its drain request empties now; −1: no request. */
  readonly #turn: Int32Array
  readonly #localDrains = { row: [] as number[], pset: [] as number[] }
  readonly #interruptions: Record<string, number> = {}
  #resyncs = 0
  #drainWorks = 0

  constructor(
    script: Script,
    choice: PcpChoice,
    { resync }: Options,
    index = new PageIndex(script.zones),
    fates = fatesOf(script, index),
  ) {
    this.#script = script
    this.#resync = resync
    this.#index = index
    this.#fates = fates
    this.#held = new KnownLists(script, choice, index)
    this.#turn = new Int32Array(script.cpus).fill(-1)
    this.#cpus = Array.from({ length: script.cpus }, (_, cpu) => ({
      cpu,
      warmup: 0,
      operations: 0,
      excusedRefills: 0,
      refills: newScore(),
      bursts: newScore(),
      requested: newScore(),
      pages: { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 },
    }))
  }

  run(): FidelityRun {
    const { length, op } = this.#script
    for (let row = 0; row < length; row++) {
      const cpu = this.#script.cpu[row]!
      if (this.#turn[cpu]! >= 0 && op[row] !== Op.remotePage) {
        // Anything else that this CPU does ends its request.
        this.#settle(cpu, this.#script.zones.length * this.#script.cpus)
        this.#turn[cpu] = -1
      }
      if (this.#script.refillEnd[row]! > this.#script.refillStart[row]!) this.#recordedRefills(row)
      switch (op[row]!) {
        case Op.alloc:
          this.#alloc(row)
          break
        case Op.free:
          this.#free(row)
          break
        case Op.drainRequest:
          this.#request(row)
          break
        case Op.drainWorkQueued:
          this.#drainWorks++
          break
        case Op.drainWork:
          this.#drainWork(row)
          break
        case Op.drainWorkEnd:
          this.#drainWorks = Math.max(0, this.#drainWorks - 1)
          break
        case Op.remotePage:
          this.#remotePage(row)
          break
        case Op.reclaimStart:
          this.#flags.reclaimActive = this.#held.traits.reclaimActive
          break
        case Op.reclaimEnd:
          this.#flags.reclaimActive = false
          break
        case Op.lost:
          this.#drainWorks = 0
          this.#held.forget(this.#script.cpu[row]!)
          break
      }
      if (op[row] !== Op.free && op[row] !== Op.drainWork) this.#strayDrains(row)
    }
    return {
      cpus: this.#cpus,
      resyncs: this.#resyncs,
      misses: this.#misses,
      inferredBulkPages: this.#bulk.row.length,
      interruptions: this.#interruptions,
      initial: { entries: this.#held.initial, hidden: this.#held.unknown.slice() },
      bulk: this.#bulk,
      localDrains: this.#localDrains,
      finalCounts: Int32Array.from(this.#held.pcps, ({ count }) => count),
    }
  }

  #miss(cause: Miss): void {
    this.#misses.set(cause, (this.#misses.get(cause) ?? 0) + 1)
  }

  /** Takes pages off a list from its head until (and without) `end`; −1: all. They were popped untraced. */
  #takeUntil(row: number, list: number, end: number): boolean {
    let clean = true
    for (let page = this.#held.lists.head(list); page !== end && page >= 0; page = this.#held.lists.head(list)) {
      if (!this.#held.mayBeTaken(page, list)) clean = false
      this.#held.drop(page)
      this.#noteBulk(row, list)
    }
    return clean
  }

  /** The recorded pages from the buddy that precede this row on its CPU: refills by an allocation or by the bulk allocator. */
  #recordedRefills(row: number): void {
    const { refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype, op, pfn, cpu } = this.#script
    const end = refillEnd[row]!
    for (let from = refillStart[row]!; from < end; ) {
      const order = refillOrder[from]!
      const type = refillMigratetype[from]!
      let to = from + 1
      while (to < end && refillOrder[to] === order && refillMigratetype[to] === type) to++
      const zone = this.#index.zone(refillPfn[from]!)
      if (zone >= 0 && type < 3) {
        const pset = cpu[row]! * this.#held.zones + zone
        if (this.#held.rulesOf(pset).allowed(order)) {
          const list = pset * this.#held.perSet + this.#held.rulesOf(pset).listOf(order, type)
          const direct = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
          if (direct && (this.#held.lists.lens[list]! > 0 || this.#held.known[list] === 0)) this.#leaveLists(from, zone)
          else this.#refill(row, pset, list, order, from, to)
        } else this.#leaveLists(from, zone)
      }
      from = to
    }
  }

  /** A page that came straight from the buddy can be on no list. */
  #leaveLists(item: number, zone: number): void {
    const page = this.#index.at(this.#script.refillPfn[item]!, zone)
    if (this.#held.lists.where[page]! < 0) return
    this.#miss('held-twice')
    if (this.#resync) {
      this.#resyncs++
      this.#held.drop(page)
    }
  }

  /**
   * One run of recorded pages from the buddy for one list: a refill. Twice the predicted size in one run is two, with the first taken
   * whole by the untraced bulk allocator (vmalloc() asks it for up to 100 pages at once).
   */
  #refill(row: number, pset: number, list: number, order: number, from: number, to: number): void {
    const stats = this.#cpus[this.#script.cpu[row]!]!
    const { lists } = this.#held
    const rules = this.#held.rulesOf(pset)
    const pcp = this.#held.pcps[pset]!
    const scored = this.#held.known[list] === 1
    const excused = scored && lists.lens[list]! > 0 && this.#held.allMayBeTaken(list)
    const empty = lists.lens[list] === 0 || excused
    const size = to - from
    const want = rules.nrAlloc(pcp, order, this.#flags)
    const twice =
      size > want &&
      order === 0 &&
      this.#held.traits.bulkAllocator &&
      size === want + rules.nrAlloc(pcp, order, this.#flags)
    const fits = size === want || twice
    if (scored) {
      stats.refills.recorded++
      if (empty) stats.refills.predicted++
      if (empty && fits) stats.refills.exact++
      if (excused) stats.excusedRefills++
      if (!empty) this.#miss('refill-of-held-list')
      else if (!fits) this.#miss('refill-size')
      if (!(empty && fits)) {
        if (!this.#resync) return
        this.#resyncs++
      }
    }
    this.#takeUntil(row, list, -1)
    this.#held.prove(list, pset)
    for (let item = twice ? from + want : from; item < to; item++) this.#arrive(list, order, item)
    for (let item = from; twice && item < from + want; item++) this.#noteBulk(row, list)
  }

  /** A page of a refill comes to its list. */
  #arrive(list: number, order: number, item: number): void {
    const zone = this.#index.zone(this.#script.refillPfn[item]!)
    if (zone < 0) return
    const page = this.#index.at(this.#script.refillPfn[item]!, zone)
    if (this.#held.lists.where[page]! >= 0) {
      this.#miss('held-twice')
      this.#resyncs++
      this.#held.drop(page)
    }
    this.#held.lists.pushTail(list, page)
    this.#held.fate[page] = this.#fates.ofRefill[item]!
    this.#held.pcps[Math.trunc(list / this.#held.perSet)]!.count += 1 << order
  }

  #noteBulk(row: number, list: number): void {
    this.#bulk.row.push(row)
    this.#bulk.pset.push(Math.trunc(list / this.#held.perSet))
    this.#bulk.list.push(list % this.#held.perSet)
  }

  #alloc(row: number): void {
    const script = this.#script
    const order = script.order[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#held.zones + zone
    const rules = this.#held.rulesOf(pset)
    const page = this.#index.at(script.pfn[row]!, zone)
    const lists = this.#held.lists
    const on = lists.where[page]!
    if (!rules.allowed(order)) {
      if (on >= 0) {
        this.#miss('held-twice')
        this.#resyncs++
        this.#held.drop(page)
      }
      return
    }
    const pcp = this.#held.pcps[pset]!
    const list = pset * this.#held.perSet + rules.listOf(order, script.migratetype[row]!)
    const stats = this.#cpus[cpu]!
    stats.operations++
    if (this.#held.known[list] === 0) stats.warmup++
    // Straight from the buddy, past the lists and their pacing.
    const last = script.refillEnd[row]! - 1
    if (on < 0 && last >= script.refillStart[row]! && script.refillPfn[last] === script.pfn[row]) return
    rules.onAlloc(pcp)
    if (on === list) {
      if (lists.head(list) !== page && !this.#skipTo(row, list, page)) return
      this.#held.drop(page)
      return
    }
    if (on >= 0) {
      this.#miss('on-another-list')
      if (this.#resync) {
        this.#resyncs++
        this.#held.drop(page)
      } else this.#swapForHead(list, page)
      return
    }
    if (this.#held.known[list] === 0 && this.#held.exhausted(pset)) {
      this.#miss('more-than-zoneinfo')
      this.#held.prove(list, pset)
    }
    if (this.#held.known[list] === 0) {
      // Unknown pages lie below all known ones.
      if (!this.#takeUntil(row, list, -1)) this.#resyncs++
      pcp.count -= 1 << order
      this.#held.takeUnknown(pset, list, order)
      return
    }
    if (lists.lens[list] === 0) {
      stats.refills.predicted++
      this.#miss('refill-not-recorded')
      this.#resyncs++
      return
    }
    this.#miss('page-not-held')
    if (this.#resync) this.#resyncs++
    else this.#swapForHead(list, page)
  }

  /**
   * Pops what the bulk allocator took above `page`. Where what lies above is seen again, `page` alone was popped: its task slept,
   * or was interrupted, before the event. False where the replay took another page in its place.
   */
  #skipTo(row: number, list: number, page: number): boolean {
    let clean = true
    for (let above = this.#held.lists.head(list); above !== page; above = this.#held.lists.below(above))
      if (!this.#held.mayBeTaken(above, list)) clean = false
    if (clean) {
      this.#takeUntil(row, list, page)
      return true
    }
    this.#miss('not-the-head')
    if (this.#resync) this.#resyncs++
    else this.#swapForHead(list, page)
    return this.#resync
  }

  /** Without resync: the policy hands out its own head, which takes the recorded page's part from here on. */
  #swapForHead(list: number, page: number): void {
    const head = this.#held.lists.head(list)
    if (head < 0) return
    const pset = Math.trunc(list / this.#held.perSet)
    this.#held.lists.remove(head)
    this.#held.pcps[pset]!.count -= 1 << this.#held.rulesOf(pset).orderOf(list % this.#held.perSet)
    if (this.#held.lists.where[page]! >= 0) {
      this.#held.fate[head] = this.#held.fate[page]!
      this.#held.lists.replace(page, head)
    }
  }

  #free(row: number): void {
    const script = this.#script
    const order = script.order[row]!
    const type = script.migratetype[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#held.zones + zone
    const rules = this.#held.rulesOf(pset)
    const page = this.#index.at(script.pfn[row]!, zone)
    const on = this.#held.lists.where[page]!
    if (on >= 0) {
      // It was taken untraced, and so was all above it.
      if (this.#held.mayBeTaken(page, on)) {
        this.#takeUntil(row, on, page)
        this.#noteBulk(row, on)
      } else {
        this.#miss('held-twice')
        this.#resyncs++
      }
      this.#held.drop(page)
    }
    if (type === BYPASS || !rules.allowed(order)) {
      this.#strayDrains(row)
      return
    }
    const pcp = this.#held.pcps[pset]!
    const list = rules.listOf(order, type)
    const stats = this.#cpus[cpu]!
    stats.operations++
    if (this.#held.known[pset * this.#held.perSet + list] === 0) stats.warmup++
    this.#held.lists.pushHead(pset * this.#held.perSet + list, page)
    this.#held.fate[page] = this.#fates.ofRow[row]!
    pcp.count += 1 << order
    const limit = rules.limit(pcp, this.#flags)
    const saved = { ...pcp }
    const n = rules.nrFree(pcp, order, this.#flags)
    const from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    if (n === 0 && from === end) return
    // Compaction may empty the CPU's lists right after a burst of its own, or instead of one.
    let to = from
    let sum = 0
    while (to < end && sum < n) sum += 1 << script.drainOrder[to++]!
    // A high-order free may empty them by rule, so nothing excuses a burst that was not predicted there.
    if (to === end || this.#sizeOf(to, end) !== pcp.count - sum || (n === 0 && order > 0)) to = end
    if (n > 0 || to > from) this.#burst(row, pset, list, order, n, limit, saved, from, to)
    if (to < end) this.#localDrain(row, pset, to, end)
  }

  #sizeOf(from: number, to: number): number {
    let pages = 0
    for (let item = from; item < to; item++) pages += 1 << this.#script.drainOrder[item]!
    return pages
  }

  /** Compaction emptied its own CPU's lists: inferred, since no event says so; the pages are compared all the same. */
  #localDrain(row: number, pset: number, from: number, to: number): void {
    this.#localDrains.row.push(row)
    this.#localDrains.pset.push(pset)
    this.#drainRecorded(row, pset, 0, from, to, this.#held.calibrated[pset] === 1, this.#sizeOf(from, to))
    this.#held.emptied(pset)
  }

  #burst(
    row: number,
    pset: number,
    list: number,
    order: number,
    n: number,
    limit: number,
    saved: Pcp,
    from: number,
    to: number,
  ): void {
    const pcp = this.#held.pcps[pset]!
    const { bursts } = this.#cpus[this.#script.cpu[row]!]!
    const recorded = this.#sizeOf(from, to)
    const refused = recorded > 0 && n === 0 && order === 0 && this.#held.isTooFar(pset, limit)
    const scored = this.#held.calibrated[pset] === 1 || refused
    if (recorded === 0) {
      if (scored) {
        bursts.predicted++
        this.#miss('burst-not-recorded')
      }
      if (scored && !this.#resync) {
        this.#held.popTails(pset, list, n)
        return
      }
      if (scored) this.#resyncs++
      // Self-tuning rules: the count is known, the limit is what moved. Its pacing has seen the free all the same.
      const learnt = scored && this.#held.rulesOf(pset).learnHigh?.(pcp, false) === true
      if (!learnt) {
        Object.assign(pcp, saved)
        this.#held.recount(pset, limit - 1)
      }
      return
    }
    if (n === 0 && scored) {
      bursts.recorded++
      this.#miss('burst-not-predicted')
      if (!this.#resync) {
        this.#scoreUnpredicted(row, from, to)
        return
      }
      this.#resyncs++
    }
    // A rule that empties the pageset leaves it empty, whatever its count was.
    const empties = n === pcp.count
    if (n === 0 || !scored) {
      // The kernel crossed its limit just now: an order-0 free leaves the count at the limit itself.
      const learnt = scored && this.#held.rulesOf(pset).learnHigh?.(saved, true) === true
      if (!learnt && !empties && order === 0 && limit > 0) this.#held.recount(pset, limit)
      this.#held.calibrated[pset] = 1
      Object.assign(pcp, { ...saved, count: pcp.count })
      const again = this.#held.rulesOf(pset).nrFree(pcp, order, this.#flags)
      if (again !== recorded) this.#held.rulesOf(pset).learn?.(pcp, recorded)
      this.#drainRecorded(row, pset, list, from, to, scored, scored ? n : recorded)
      if (empties) this.#held.emptied(pset)
      return
    }
    const expected = this.#overshoot(n, from, to)
    bursts.recorded++
    bursts.predicted++
    if (expected === recorded) bursts.exact++
    else {
      this.#miss('burst-size')
      if (this.#resync) {
        this.#resyncs++
        this.#held.rulesOf(pset).learn?.(pcp, recorded)
      }
    }
    if (expected === recorded || this.#resync) {
      this.#drainRecorded(row, pset, list, from, to, true, n)
      if (empties && this.#resync) this.#held.emptied(pset)
    } else {
      this.#scoreUnpredicted(row, from, to)
      this.#held.popTails(pset, list, n)
    }
  }

  /** Recorded pages of a burst that the replay, left to itself, did not make so. */
  #scoreUnpredicted(row: number, from: number, to: number): void {
    const { pages } = this.#cpus[this.#script.cpu[row]!]!
    pages.recorded += to - from
    pages.wrong += to - from
  }

  /** Pages that leave when `n` are asked for: the last high-order block may overshoot. */
  #overshoot(n: number, from: number, to: number): number {
    let sum = 0
    for (let item = from; item < to && sum < n; item++) sum += 1 << this.#script.drainOrder[item]!
    return Math.max(sum, n)
  }

  /**
   * Takes the recorded pages of a bulk free off the lists, each compared with the page that the rule gives back next. Pages beyond
   * the `predicted` ones are wrong, whichever they are.
   */
  #drainRecorded(
    row: number,
    pset: number,
    list: number,
    from: number,
    to: number,
    scored: boolean,
    predicted: number,
  ): void {
    const script = this.#script
    const { pages } = this.#cpus[script.cpu[row]!]!
    const rules = this.#held.rulesOf(pset)
    const lists = this.#held.lists
    const base = pset * this.#held.perSet
    const fresh = new Set<number>()
    // Pages from before the trace lie at the tails; the record shows on which list.
    for (let item = to - 1; item >= from; item--) {
      const zone = this.#index.zone(script.drainPfn[item]!)
      const order = script.drainOrder[item]!
      if (zone < 0 || !rules.allowed(order)) continue
      const page = this.#index.at(script.drainPfn[item]!, zone)
      if (lists.where[page]! >= 0 || this.#held.unknown[pset]! <= 0) continue
      const type = script.drainMigratetype[item]!
      const at = rules.listOf(order, type < 3 ? type : 1)
      if (this.#held.known[base + at] === 1) continue
      this.#held.takeUnknown(pset, base + at, order)
      lists.pushTail(base + at, page)
      fresh.add(page)
    }
    const order = rules.bulkOrder()
    order.begin(predicted, list)
    let left = predicted
    for (let item = from; item < to; item++) {
      const zone = this.#index.zone(script.drainPfn[item]!)
      if (zone < 0) continue
      const page = this.#index.at(script.drainPfn[item]!, zone)
      const size = 1 << script.drainOrder[item]!
      const on = lists.where[page]!
      let expected = -1
      for (let at = base; left > 0 && at < base + this.#held.perSet; at++) {
        if (lists.lens[at]! === 0) continue
        const next = base + order.next(lists.lens, base, left)
        expected = rules.drainsFrom === 'tail' ? lists.tail(next) : lists.head(next)
        break
      }
      const beyond = left <= 0
      left -= size
      if (scored) {
        pages.recorded++
        if (fresh.has(page) && !beyond) pages.unknownStart++
        else if (page === expected) pages.exact++
        else {
          pages.wrong++
          this.#miss(beyond ? 'page-not-predicted' : on < 0 ? 'page-not-held' : 'not-the-tail')
          this.#resyncs++
        }
      }
      if (on >= 0) this.#held.drop(page)
      else this.#held.pcps[pset]!.count -= size
    }
  }

  #request(row: number): void {
    if (this.#held.traits.remoteDrains) {
      this.#turn[this.#script.cpu[row]!] = 0
      return
    }
    // pcpu_drain_mutex is held while works of an earlier request run: this one drains nothing.
    if (this.#drainWorks > 0 && this.#script.pfn[row] === 0) return
    for (let cpu = 0; cpu < this.#script.cpus; cpu++) {
      let held = 0
      for (let zone = 0; zone < this.#held.zones; zone++) held += this.#held.pcps[cpu * this.#held.zones + zone]!.count
      if (held > 0) this.#interruptions[cpu] = (this.#interruptions[cpu] ?? 0) + 1
    }
  }

  #drainWork(row: number): void {
    const script = this.#script
    const cpu = script.cpu[row]!
    const { requested } = this.#cpus[cpu]!
    // A work item drains one zone after the other.
    let from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    for (let zone = 0; zone < this.#held.zones; zone++) {
      let to = from
      while (to < end && this.#index.zone(script.drainPfn[to]!) === zone) to++
      const pset = cpu * this.#held.zones + zone
      const scored = this.#held.calibrated[pset] === 1
      if (scored && (to > from || this.#held.pcps[pset]!.count > 0)) {
        requested.recorded++
        requested.predicted++
        if (this.#held.pcps[pset]!.count === this.#sizeOf(from, to)) requested.exact++
        else this.#miss('request-size')
      }
      this.#drainRecorded(row, pset, 0, from, to, scored, this.#held.pcps[pset]!.count)
      if (scored && this.#held.pcps[pset]!.count !== 0) this.#resyncs++
      this.#held.emptied(pset)
      from = to
    }
  }

  /** A requester empties one pageset after the other; a page of unknown owner belongs to the one whose turn it is. */
  #remotePage(row: number): void {
    const { pfn, zone, order, cpu } = this.#script
    const page = this.#index.at(pfn[row]!, zone[row]!)
    const on = this.#held.lists.where[page]!
    const turn = this.#turn[cpu[row]!]!
    if (on >= 0) {
      const owner = Math.trunc(on / this.#held.perSet)
      this.#settle(cpu[row]!, owner)
      this.#held.drop(page)
      return
    }
    let owner = Math.max(0, turn)
    while (owner < this.#held.pcps.length && this.#held.unknown[owner]! <= 0) owner++
    if (owner === this.#held.pcps.length) return
    this.#settle(cpu[row]!, owner)
    this.#held.unknown[owner]! -= 1 << order[row]!
    this.#held.pcps[owner]!.count -= 1 << order[row]!
  }

  /** The turn of a request moves on to pageset `to`: those passed were emptied, so what they hold now came since. */
  #settle(requester: number, to: number): void {
    for (let pset = Math.max(0, this.#turn[requester]!); pset < to; pset++) {
      this.#held.proveAll(pset)
    }
    this.#turn[requester] = Math.max(this.#turn[requester]!, to)
  }

  /**
   * Recorded drains that no free of this CPU explains. All that its lists hold: compaction emptied them. Else pages of other
   * CPUs, by a request that was not traced.
   */
  #strayDrains(row: number): void {
    const script = this.#script
    const from = script.drainStart[row]!
    const to = script.drainEnd[row]!
    if (from === to) return
    const zone = this.#index.zone(script.drainPfn[from]!)
    const pset = script.cpu[row]! * this.#held.zones + Math.max(0, zone)
    if (this.#sizeOf(from, to) === this.#held.pcps[pset]!.count) {
      this.#localDrain(row, pset, from, to)
      return
    }
    const { pages } = this.#cpus[script.cpu[row]!]!
    for (let item = from; item < to; item++) {
      this.#miss('drain-unexplained')
      if (this.#held.calibrated[pset] === 1) {
        pages.recorded++
        pages.wrong++
      }
      const at = this.#index.zone(script.drainPfn[item]!)
      const page = at < 0 ? -1 : this.#index.at(script.drainPfn[item]!, at)
      if (page >= 0 && this.#held.lists.where[page]! >= 0) this.#held.drop(page)
    }
  }
}
