import type { ListRules, Pcp, PcpChoice, ZoneFlags } from '#policies'
import { Fate, type Fates, fatesOf } from './fates.ts'
import { PageLists } from './pages.ts'
import { pagesets } from './pagesets.ts'
import { BYPASS, Op, PageIndex, type Script } from './script.ts'

export interface Score {
  recorded: number
  predicted: number
  exact: number
}

export interface PageScore {
  recorded: number
  exact: number
  unknownStart: number
  wrong: number
}

export interface CpuFidelity {
  readonly cpu: number
  /** List operations before the list was known, and all. */
  warmup: number
  operations: number
  readonly refills: Score
  readonly bursts: Score
  readonly requested: Score
  readonly pages: PageScore
}

/** Why a prediction missed, by cause; each has its help in `missHelp`. */
export const missHelp = {
  'refill-of-held-list': 'A refill was recorded while the replay’s list still held pages.',
  'refill-size': 'A refill was recorded with another size than predicted.',
  'refill-not-recorded': 'The replay’s list was empty, but no refill was recorded before the allocation.',
  'burst-not-predicted': 'The kernel gave pages back where the replay’s count was below the limit.',
  'burst-not-recorded': 'The replay’s count reached the limit, but the kernel gave nothing back.',
  'burst-size': 'The kernel gave back another number of pages than predicted.',
  'request-size': 'A requested drain gave back another number of pages than the replay held.',
  'not-the-head': 'An allocation returned a page that was not the head of the replay’s list.',
  'on-another-list': 'An allocated page lay on another list in the replay: its block’s type was not known.',
  'page-not-held': 'A page was drained or allocated that the replay did not hold on that CPU.',
  'not-the-tail': 'A drained page was not the next one by the rule.',
  'held-twice': 'A page was freed, or taken from the buddy, while the replay still held it on a list.',
} as const
export type Miss = keyof typeof missHelp

export interface InitialLists {
  /** Entries on each list when the trace began: as far as they surfaced later; [cpu × zones + zone][list]. */
  readonly entries: readonly Int32Array[]
  /** Pages that never surfaced. */
  readonly hidden: Int32Array
}

export interface FidelityRun {
  readonly cpus: readonly CpuFidelity[]
  readonly resyncs: number
  readonly misses: ReadonlyMap<Miss, number>
  readonly inferredBulkPages: number
  /** CPUs that would be interrupted by each request, summed. */
  readonly interruptions: Readonly<Record<string, number>>
  readonly initial: InitialLists
  /** Untraced bulk allocations: row at which each was inferred, and the list entry they took. */
  readonly bulk: { readonly row: readonly number[]; readonly pset: readonly number[]; readonly list: readonly number[] }
  /** Moments at which compaction emptied its own CPU's lists, inferred from the recorded drains. */
  readonly localDrains: { readonly row: readonly number[]; readonly pset: readonly number[] }
  readonly finalCounts: Int32Array
}

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
  readonly #zones: number
  readonly #perSet: number
  readonly #pcps: Pcp[]
  readonly #rules: ListRules[]
  readonly #lists: PageLists
  /** Fate of each page since it came to its list. */
  readonly #fate: Uint8Array
  /** Whether a list's unknown initial part is proven empty. */
  readonly #known: Uint8Array
  /** Pages of unknown identity per pageset, on the lists not yet known. */
  readonly #unknown: Int32Array
  readonly #calibrated: Uint8Array
  readonly #cpus: CpuFidelity[]
  readonly #misses = new Map<Miss, number>()
  readonly #flags: ZoneFlags = { reclaimActive: false, belowHigh: false }
  readonly #initial: Int32Array[]
  readonly #bulkAllocator: boolean
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
    this.#zones = script.zones.length
    const { pcps, rules } = pagesets(script, choice)
    this.#pcps = pcps
    this.#rules = rules
    this.#perSet = rules[0]!.lists
    this.#lists = new PageLists(pcps.length * this.#perSet, index.size)
    this.#fate = new Uint8Array(index.size)
    this.#known = new Uint8Array(pcps.length * this.#perSet)
    this.#unknown = new Int32Array(pcps.length)
    this.#calibrated = new Uint8Array(pcps.length)
    this.#turn = new Int32Array(script.cpus).fill(-1)
    this.#initial = pcps.map(() => new Int32Array(this.#perSet))
    // 5.10 has no bulk allocator.
    this.#bulkAllocator = script.machine.release?.rules !== '5.10'
    this.#cpus = Array.from({ length: script.cpus }, (_, cpu) => ({
      cpu,
      warmup: 0,
      operations: 0,
      refills: newScore(),
      bursts: newScore(),
      requested: newScore(),
      pages: { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 },
    }))
    script.zones.forEach((zone, at) => {
      for (const { cpu, count } of zone.pagesets) {
        this.#pcps[cpu * this.#zones + at]!.count = count
        this.#unknown[cpu * this.#zones + at] = count
      }
    })
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
          this.#flags.reclaimActive = this.#bulkAllocator
          break
        case Op.reclaimEnd:
          this.#flags.reclaimActive = false
          break
        case Op.lost:
          this.#forget(this.#script.cpu[row]!)
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
      initial: { entries: this.#initial, hidden: this.#unknown.slice() },
      bulk: this.#bulk,
      localDrains: this.#localDrains,
      finalCounts: Int32Array.from(this.#pcps, ({ count }) => count),
    }
  }

  #miss(cause: Miss): void {
    this.#misses.set(cause, (this.#misses.get(cause) ?? 0) + 1)
  }

  #drop(page: number): void {
    const list = this.#lists.where[page]!
    const pset = Math.trunc(list / this.#perSet)
    this.#lists.remove(page)
    this.#pcps[pset]!.count -= 1 << this.#rules[pset % this.#zones]!.orderOf(list % this.#perSet)
  }

  /** Whether the untraced bulk allocator may have taken this page. */
  #mayBeTaken(page: number, list: number): boolean {
    if (!this.#bulkAllocator || this.#rules[0]!.orderOf(list % this.#perSet) !== 0) return false
    const fate = this.#fate[page]!
    return fate === Fate.free || fate === Fate.none
  }

  /** Takes pages off a list from its head until (and without) `end`; −1: all. They were popped untraced. */
  #takeUntil(row: number, list: number, end: number): boolean {
    let clean = true
    for (let page = this.#lists.head(list); page !== end && page >= 0; page = this.#lists.head(list)) {
      if (!this.#mayBeTaken(page, list)) clean = false
      this.#drop(page)
      this.#bulk.row.push(row)
      this.#bulk.pset.push(Math.trunc(list / this.#perSet))
      this.#bulk.list.push(list % this.#perSet)
    }
    return clean
  }

  #allMayBeTaken(list: number): boolean {
    for (let page = this.#lists.head(list); page >= 0; page = this.#lists.below(page)) {
      if (!this.#mayBeTaken(page, list)) return false
    }
    return true
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
        const pset = cpu[row]! * this.#zones + zone
        if (this.#rules[pset % this.#zones]!.allowed(order)) {
          const list = pset * this.#perSet + this.#rules[pset % this.#zones]!.listOf(order, type)
          const direct = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
          if (direct && (this.#lists.lens[list]! > 0 || this.#known[list] === 0)) this.#leaveLists(from, zone)
          else this.#refill(row, pset, list, order, from, to)
        } else this.#leaveLists(from, zone)
      }
      from = to
    }
  }

  /** A page that came straight from the buddy can be on no list. */
  #leaveLists(item: number, zone: number): void {
    const page = this.#index.at(this.#script.refillPfn[item]!, zone)
    if (this.#lists.where[page]! < 0) return
    this.#miss('held-twice')
    if (this.#resync) {
      this.#resyncs++
      this.#drop(page)
    }
  }

  #refill(row: number, pset: number, list: number, order: number, from: number, to: number): void {
    const cpu = this.#cpus[this.#script.cpu[row]!]!
    const pcp = this.#pcps[pset]!
    const lists = this.#lists
    while (from < to) {
      const scored = this.#known[list] === 1
      const empty = lists.lens[list] === 0 || (scored && this.#allMayBeTaken(list))
      const want = this.#rules[pset % this.#zones]!.nrAlloc(pcp, order, this.#flags)
      // The bulk allocator may refill the same list twice with nothing traced in between.
      const got = Math.min(to - from, want)
      if (scored) {
        cpu.refills.recorded++
        if (empty) cpu.refills.predicted++
        if (empty && got === want) cpu.refills.exact++
        if (!empty) this.#miss('refill-of-held-list')
        else if (got !== want) this.#miss('refill-size')
      }
      if (!empty && scored && !this.#resync) return
      if (!empty && scored) this.#resyncs++
      this.#takeUntil(row, list, -1)
      this.#prove(list, pset)
      for (let item = from; item < from + got; item++) {
        const zone = this.#index.zone(this.#script.refillPfn[item]!)
        if (zone < 0) continue
        const page = this.#index.at(this.#script.refillPfn[item]!, zone)
        if (lists.where[page]! >= 0) {
          this.#miss('held-twice')
          this.#resyncs++
          this.#drop(page)
        }
        lists.pushTail(list, page)
        this.#fate[page] = this.#fates.ofRefill[item]!
        pcp.count += 1 << order
      }
      from += got
    }
  }

  /** This list’s unknown part is proven empty. Once all are, the count is what the lists hold, whatever zoneinfo said. */
  #prove(list: number, pset: number): void {
    if (this.#known[list] === 1) return
    this.#known[list] = 1
    if (!this.#allKnown(pset)) return
    this.#unknown[pset] = 0
    this.#pcps[pset]!.count = this.#held(pset)
    this.#calibrated[pset] = 1
  }

  #allKnown(pset: number): boolean {
    const base = pset * this.#perSet
    for (let at = base; at < base + this.#perSet; at++) if (this.#known[at] === 0) return false
    return true
  }

  /** Pages on the lists whose identity is known. */
  #held(pset: number): number {
    const base = pset * this.#perSet
    let pages = 0
    for (let list = 0; list < this.#perSet; list++)
      pages += this.#lists.lens[base + list]! << this.#rules[pset % this.#zones]!.orderOf(list)
    return pages
  }

  #takeUnknown(pset: number, list: number, order: number): void {
    this.#initial[pset]![list % this.#perSet]!++
    this.#unknown[pset]! -= 1 << order
    if (this.#unknown[pset]! < 0) {
      // More surfaced than zoneinfo counted: it was read a little before the trace began.
      this.#pcps[pset]!.count -= this.#unknown[pset]!
      this.#unknown[pset] = 0
    }
  }

  #alloc(row: number): void {
    const script = this.#script
    const order = script.order[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#zones + zone
    const rules = this.#rules[pset % this.#zones]!
    const page = this.#index.at(script.pfn[row]!, zone)
    const lists = this.#lists
    const on = lists.where[page]!
    if (!rules.allowed(order)) {
      if (on >= 0) {
        this.#miss('held-twice')
        this.#resyncs++
        this.#drop(page)
      }
      return
    }
    const pcp = this.#pcps[pset]!
    const list = pset * this.#perSet + rules.listOf(order, script.migratetype[row]!)
    const stats = this.#cpus[cpu]!
    stats.operations++
    if (this.#known[list] === 0) stats.warmup++
    rules.onAlloc(pcp)
    // Straight from the buddy, past the lists.
    const last = script.refillEnd[row]! - 1
    if (on < 0 && last >= script.refillStart[row]! && script.refillPfn[last] === script.pfn[row]) return
    if (on === list) {
      if (lists.head(list) !== page && !this.#skipTo(row, list, page)) return
      this.#drop(page)
      return
    }
    if (on >= 0) {
      this.#miss('on-another-list')
      if (this.#resync) {
        this.#resyncs++
        this.#drop(page)
      } else this.#swapForHead(list, page)
      return
    }
    if (this.#known[list] === 0) {
      // Unknown pages lie below all known ones.
      if (!this.#takeUntil(row, list, -1)) this.#resyncs++
      pcp.count -= 1 << order
      this.#takeUnknown(pset, list, order)
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
    for (let above = this.#lists.head(list); above !== page; above = this.#lists.below(above))
      if (!this.#mayBeTaken(above, list)) clean = false
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
    const head = this.#lists.head(list)
    if (head < 0) return
    const pset = Math.trunc(list / this.#perSet)
    this.#lists.remove(head)
    this.#pcps[pset]!.count -= 1 << this.#rules[pset % this.#zones]!.orderOf(list % this.#perSet)
    if (this.#lists.where[page]! >= 0) {
      this.#fate[head] = this.#fate[page]!
      this.#lists.replace(page, head)
    }
  }

  #free(row: number): void {
    const script = this.#script
    const order = script.order[row]!
    const type = script.migratetype[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#zones + zone
    const rules = this.#rules[pset % this.#zones]!
    const page = this.#index.at(script.pfn[row]!, zone)
    const on = this.#lists.where[page]!
    if (on >= 0) {
      // It was taken untraced, and so was all above it.
      if (this.#mayBeTaken(page, on)) {
        this.#takeUntil(row, on, page)
        this.#bulk.row.push(row)
        this.#bulk.pset.push(Math.trunc(on / this.#perSet))
        this.#bulk.list.push(on % this.#perSet)
      } else {
        this.#miss('held-twice')
        this.#resyncs++
      }
      this.#drop(page)
    }
    if (type === BYPASS || !rules.allowed(order)) {
      this.#strayDrains(row)
      return
    }
    const pcp = this.#pcps[pset]!
    const list = rules.listOf(order, type)
    const stats = this.#cpus[cpu]!
    stats.operations++
    if (this.#known[pset * this.#perSet + list] === 0) stats.warmup++
    this.#lists.pushHead(pset * this.#perSet + list, page)
    this.#fate[page] = this.#fates.ofRow[row]!
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
    if (to === end || this.#sizeOf(to, end) !== pcp.count - sum) to = end
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
    this.#drainRecorded(row, pset, 0, from, to, this.#calibrated[pset] === 1)
    this.#emptied(pset)
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
    const pcp = this.#pcps[pset]!
    const { bursts } = this.#cpus[this.#script.cpu[row]!]!
    const scored = this.#calibrated[pset] === 1
    const recorded = this.#sizeOf(from, to)
    if (recorded === 0) {
      if (scored) {
        bursts.predicted++
        this.#miss('burst-not-recorded')
      }
      if (scored && !this.#resync) {
        this.#popTails(pset, list, n)
        return
      }
      if (scored) this.#resyncs++
      const { learnHigh } = this.#rules[pset % this.#zones]!
      // Self-tuning rules: the count is known, the limit is what moved. Its pacing has seen the free all the same.
      if (scored && learnHigh !== undefined) learnHigh(pcp, false)
      else {
        Object.assign(pcp, saved)
        this.#recount(pset, limit - 1)
      }
      return
    }
    if (n === 0 && scored) {
      bursts.recorded++
      this.#miss('burst-not-predicted')
      if (!this.#resync) return
      this.#resyncs++
    }
    // A rule that empties the pageset leaves it empty, whatever its count was.
    const empties = n === pcp.count
    if (n === 0 || !scored) {
      // The kernel crossed its limit just now: an order-0 free leaves the count at the limit itself.
      const { learnHigh } = this.#rules[pset % this.#zones]!
      if (scored && learnHigh !== undefined) learnHigh(saved, true)
      else if (!empties && order === 0 && limit > 0) this.#recount(pset, limit)
      if (empties || order === 0) this.#calibrated[pset] = 1
      Object.assign(pcp, { ...saved, count: pcp.count })
      const again = this.#rules[pset % this.#zones]!.nrFree(pcp, order, this.#flags)
      if (again !== recorded) this.#rules[pset % this.#zones]!.learn?.(pcp, recorded)
      this.#drainRecorded(row, pset, list, from, to, scored)
      if (empties) this.#emptied(pset)
      return
    }
    const expected = this.#overshoot(pset, list, n, from, to)
    bursts.recorded++
    bursts.predicted++
    if (expected === recorded) bursts.exact++
    else {
      this.#miss('burst-size')
      if (this.#resync) {
        this.#resyncs++
        this.#rules[pset % this.#zones]!.learn?.(pcp, recorded)
      }
    }
    if (expected === recorded || this.#resync) {
      this.#drainRecorded(row, pset, list, from, to, true)
      if (empties && this.#resync) this.#emptied(pset)
    } else this.#popTails(pset, list, n)
  }

  /** Pages that leave when `n` are asked for: the last high-order block may overshoot. */
  #overshoot(_pset: number, _list: number, n: number, from: number, to: number): number {
    let sum = 0
    for (let item = from; item < to && sum < n; item++) sum += 1 << this.#script.drainOrder[item]!
    return Math.max(sum, n)
  }

  /** The record proves a count. Where every page on the lists is known, they are the better proof. */
  #recount(pset: number, count: number): void {
    const pcp = this.#pcps[pset]!
    if (this.#allKnown(pset)) {
      pcp.count = this.#held(pset)
      return
    }
    this.#unknown[pset] = Math.max(0, this.#unknown[pset]! + count - pcp.count)
    pcp.count = count
  }

  /** Gives back `n` pages by the rule alone. */
  #popTails(pset: number, list: number, n: number): void {
    const pcp = this.#pcps[pset]!
    const rules = this.#rules[pset % this.#zones]!
    const base = pset * this.#perSet
    const order = rules.bulkOrder()
    order.begin(n, list)
    for (let left = n; left > 0; ) {
      let held = false
      for (let at = base; at < base + this.#perSet; at++) held ||= this.#lists.lens[at]! > 0
      if (!held) {
        const rest = Math.min(left, this.#unknown[pset]!)
        this.#unknown[pset]! -= rest
        pcp.count -= rest
        return
      }
      const at = order.next(this.#lists.lens, base, left)
      const size = 1 << rules.orderOf(at)
      this.#lists.remove(rules.drainsFrom === 'tail' ? this.#lists.tail(base + at) : this.#lists.head(base + at))
      pcp.count -= size
      left -= size
    }
  }

  /** Takes the recorded pages of a bulk free off the lists, each compared with the page that the rule gives back next. */
  #drainRecorded(row: number, pset: number, list: number, from: number, to: number, scored: boolean): void {
    const script = this.#script
    const { pages } = this.#cpus[script.cpu[row]!]!
    const rules = this.#rules[pset % this.#zones]!
    const lists = this.#lists
    const base = pset * this.#perSet
    const fresh = new Set<number>()
    let n = 0
    // Pages from before the trace lie at the tails; the record shows on which list.
    for (let item = to - 1; item >= from; item--) {
      const zone = this.#index.zone(script.drainPfn[item]!)
      const order = script.drainOrder[item]!
      n += 1 << order
      if (zone < 0 || !rules.allowed(order)) continue
      const page = this.#index.at(script.drainPfn[item]!, zone)
      if (lists.where[page]! >= 0 || this.#unknown[pset]! <= 0) continue
      const type = script.drainMigratetype[item]!
      const at = rules.listOf(order, type < 3 ? type : 1)
      if (this.#known[base + at] === 1) continue
      this.#takeUnknown(pset, base + at, order)
      lists.pushTail(base + at, page)
      fresh.add(page)
    }
    const order = rules.bulkOrder()
    order.begin(n, list)
    let left = n
    for (let item = from; item < to; item++) {
      const zone = this.#index.zone(script.drainPfn[item]!)
      if (zone < 0) continue
      const page = this.#index.at(script.drainPfn[item]!, zone)
      const size = 1 << script.drainOrder[item]!
      const on = lists.where[page]!
      let expected = -1
      for (let at = base; at < base + this.#perSet; at++) {
        if (lists.lens[at]! === 0) continue
        const next = base + order.next(lists.lens, base, left)
        expected = rules.drainsFrom === 'tail' ? lists.tail(next) : lists.head(next)
        break
      }
      left -= size
      if (scored) {
        pages.recorded++
        if (fresh.has(page)) pages.unknownStart++
        else if (page === expected) pages.exact++
        else {
          pages.wrong++
          this.#miss(on < 0 ? 'page-not-held' : 'not-the-tail')
          this.#resyncs++
        }
      }
      if (on >= 0) this.#drop(page)
      else this.#pcps[pset]!.count -= size
    }
  }

  /** All of a CPU's pagesets are empty now. */
  #emptied(pset: number): void {
    const base = pset * this.#perSet
    for (let at = base; at < base + this.#perSet; at++) {
      for (let page = this.#lists.head(at); page >= 0; page = this.#lists.head(at)) this.#lists.remove(page)
      this.#known[at] = 1
    }
    this.#unknown[pset] = 0
    this.#pcps[pset]!.count = 0
    this.#calibrated[pset] = 1
  }

  #request(row: number): void {
    if (this.#bulkAllocator) {
      this.#turn[this.#script.cpu[row]!] = 0
      return
    }
    // pcpu_drain_mutex is held while works of an earlier request run: this one drains nothing.
    if (this.#drainWorks > 0 && this.#script.pfn[row] === 0) return
    for (let cpu = 0; cpu < this.#script.cpus; cpu++) {
      let held = 0
      for (let zone = 0; zone < this.#zones; zone++) held += this.#pcps[cpu * this.#zones + zone]!.count
      if (held > 0) this.#interruptions[cpu] = (this.#interruptions[cpu] ?? 0) + 1
    }
  }

  #drainWork(row: number): void {
    const script = this.#script
    const cpu = script.cpu[row]!
    const { requested } = this.#cpus[cpu]!
    const from = script.drainStart[row]!
    const to = script.drainEnd[row]!
    const recorded = this.#sizeOf(from, to)
    for (let zone = 0; zone < this.#zones; zone++) {
      const pset = cpu * this.#zones + zone
      const scored = this.#calibrated[pset] === 1
      if (scored) {
        requested.recorded++
        requested.predicted++
        if (this.#pcps[pset]!.count === recorded) requested.exact++
        else this.#miss('request-size')
      }
      this.#drainRecorded(row, pset, 0, from, to, scored)
      if (scored && this.#pcps[pset]!.count !== 0) this.#resyncs++
      this.#emptied(pset)
    }
  }

  /** A requester empties one pageset after the other; a page of unknown owner belongs to the one whose turn it is. */
  #remotePage(row: number): void {
    const { pfn, zone, order, cpu } = this.#script
    const page = this.#index.at(pfn[row]!, zone[row]!)
    const on = this.#lists.where[page]!
    const turn = this.#turn[cpu[row]!]!
    if (on >= 0) {
      const owner = Math.trunc(on / this.#perSet)
      this.#settle(cpu[row]!, owner)
      this.#drop(page)
      return
    }
    let owner = Math.max(0, turn)
    while (owner < this.#pcps.length && this.#unknown[owner]! <= 0) owner++
    if (owner === this.#pcps.length) return
    this.#settle(cpu[row]!, owner)
    this.#unknown[owner]! -= 1 << order[row]!
    this.#pcps[owner]!.count -= 1 << order[row]!
  }

  /** The turn of a request moves on to pageset `to`: those passed were emptied, so what they hold now came since. */
  #settle(requester: number, to: number): void {
    for (let pset = Math.max(0, this.#turn[requester]!); pset < to; pset++) {
      this.#known.fill(1, pset * this.#perSet, (pset + 1) * this.#perSet)
      this.#unknown[pset] = 0
      this.#calibrated[pset] = 1
      this.#pcps[pset]!.count = this.#held(pset)
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
    const pset = script.cpu[row]! * this.#zones + Math.max(0, zone)
    if (this.#sizeOf(from, to) === this.#pcps[pset]!.count) {
      this.#localDrain(row, pset, from, to)
      return
    }
    for (let item = from; item < to; item++) {
      const at = this.#index.zone(script.drainPfn[item]!)
      if (at >= 0) this.#leaveFor(this.#index.at(script.drainPfn[item]!, at), script.drainOrder[item]!)
    }
  }

  /** A page goes to the buddy from whichever lists hold it. */
  #leaveFor(page: number, order: number): void {
    if (this.#lists.where[page]! >= 0) {
      this.#drop(page)
      return
    }
    // Of unknown owner: one of some CPU's initial pages.
    const pset = this.#unknown.findIndex((pages) => pages > 0)
    if (pset < 0) return
    this.#unknown[pset]! -= 1 << order
    this.#pcps[pset]!.count -= 1 << order
  }

  #forget(cpu: number): void {
    for (let zone = 0; zone < this.#zones; zone++) {
      const pset = cpu * this.#zones + zone
      const { count } = this.#pcps[pset]!
      this.#emptied(pset)
      this.#pcps[pset]!.count = count
      this.#unknown[pset] = count
      this.#calibrated[pset] = 0
      const base = pset * this.#perSet
      for (let at = base; at < base + this.#perSet; at++) this.#known[at] = 0
    }
  }
}
