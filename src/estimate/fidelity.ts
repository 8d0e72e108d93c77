import type { PcpChoice } from '#policies'
import { BYPASS, Fate, fatesOf, noTicks, Op, PageIndex, type Script, type SilentTicks } from '#record'
import { Books } from './books.ts'
import { BulkFrees } from './bulk-frees.ts'
import { BulkSizes } from './bulk-sizes.ts'
import { DrainRequests } from './drain-requests.ts'
import { Refills } from './refills.ts'
import type { EarlyPops, FidelityRun } from './scores.ts'

/** Rows of which the drained pages are their own business. */
const explained: ReadonlySet<number> = new Set([Op.free, Op.drainWork, Op.tick, Op.bulkFreeResumed])

interface Options {
  /** Put the replay right from the record after each miss. */
  readonly resync: boolean
  /** vmstat ticks that no event shows. */
  readonly ticks?: SilentTicks
  /** Pages that left their lists before their event, as an earlier run found them. */
  readonly early?: EarlyPops
  /** By number in the flow: how often the watermarks were boosted, where that is known already. */
  readonly boosts?: Uint8Array
}

/**
 * Replays the recording kernel's own lists against what it recorded.
 *
 * Inputs: allocations and frees, the pfns that a refill brought, the moments of recorded drain work. What is compared: when
 * refills and bulk frees happen, how large they are, which pages go. After a miss is scored, `resync` puts the replay right.
 */
export class Fidelity {
  readonly #books: Books
  readonly #refills: Refills
  readonly #sizes: BulkSizes
  readonly #bulkFrees: BulkFrees
  readonly #requests: DrainRequests
  readonly #ticks: SilentTicks
  readonly #early: EarlyPops

  constructor(
    script: Script,
    choice: PcpChoice,
    { resync, ticks = noTicks, early = new Map(), boosts }: Options,
    index = new PageIndex(script.zones),
    fates = fatesOf(script, index),
  ) {
    this.#ticks = ticks
    this.#early = early
    this.#books = new Books(script, choice, resync, index, fates, boosts)
    this.#refills = new Refills(this.#books)
    this.#sizes = new BulkSizes(this.#books)
    this.#bulkFrees = new BulkFrees(this.#books, this.#sizes)
    this.#requests = new DrainRequests(this.#books, this.#bulkFrees)
  }

  run(): FidelityRun {
    const { script, held, free, draining } = this.#books
    const { length, op } = script
    const ticks = this.#ticks
    let nextTick = 0
    for (let row = 0; row < length; row++) {
      while (ticks.row[nextTick] === row) this.#bulkFrees.silentTick(ticks.cpu[nextTick++]!)
      this.#books.row = row
      free.advance(row)
      this.#requests.before(script.cpu[row]!, op[row]!)
      if (script.refillEnd[row]! > script.refillStart[row]!) this.#refills.recorded(row)
      else if (op[row] === Op.alloc && held.traits.decay) free.tried(script.zone[row]!, row)
      if (this.#early.size > 0) held.popEarly(this.#early.get(row) ?? [])
      switch (op[row]!) {
        case Op.alloc:
          this.#alloc(row)
          break
        case Op.free:
          this.#free(row)
          break
        case Op.drainRequest:
        case Op.requestStarted:
          this.#requests.request(row)
          break
        case Op.drainWork:
          this.#requests.drainWork(row)
          break
        case Op.remotePage:
          this.#requests.remotePage(row)
          break
        case Op.reclaimStart:
          if (held.traits.reclaimActive) free.reclaim(true, row)
          break
        case Op.reclaimEnd:
          if (held.traits.reclaimActive) free.reclaim(false, row)
          break
        case Op.kswapdSleep:
          free.kswapdSleeps()
          break
        case Op.compactionTook:
          free.add(script.cpu[row]!, script.zone[row]!, -(1 << script.order[row]!))
          break
        case Op.shortage:
          if (held.traits.decay) free.shortage(row)
          break
        case Op.tick:
          free.tick(script.cpu[row]!)
          this.#bulkFrees.tick(row)
          break
        case Op.bulkFreeResumed:
          this.#bulkFrees.rest(row)
          break
        case Op.lost:
          held.forget(script.cpu[row]!)
          break
      }
      if (!explained.has(op[row]!)) this.#bulkFrees.strayDrains(row)
      draining[script.cpu[row]!] = op[row] === Op.remotePage || op[row] === Op.drainRequest ? 1 : 0
    }
    return this.#books.close(ticks)
  }

  #alloc(row: number): void {
    const script = this.#books.script
    const order = script.order[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#books.held.zones + zone
    const rules = this.#books.held.rulesOf(pset)
    const page = this.#books.index.at(script.pfn[row]!, zone)
    const lists = this.#books.held.lists
    if (this.#books.held.landed(page)) {
      this.#books.notePop(row, page)
      return
    }
    const on = lists.where[page]!
    if (!rules.allowed(order)) {
      if (on >= 0) {
        this.#books.miss('held-twice')
        this.#books.resyncs++
        this.#books.held.drop(page)
      }
      return
    }
    const pcp = this.#books.held.pcps[pset]!
    const list = pset * this.#books.held.perSet + rules.listOf(order, script.migratetype[row]!)
    const stats = this.#books.cpus[cpu]!
    stats.operations++
    if (this.#books.held.known[list] === 0 && lists.lens[list] === 0) stats.warmup++
    // Straight from the buddy, past the lists and their pacing.
    const last = script.refillEnd[row]! - 1
    if (on < 0 && last >= script.refillStart[row]! && script.refillPfn[last] === script.pfn[row]) return
    rules.onAlloc(pcp)
    if (on === list) {
      if (lists.head(list) !== page && !this.#skipTo(list, page)) return
      this.#books.held.drop(page)
      return
    }
    this.#books.notePop(row, page)
    if (on >= 0) {
      this.#books.miss('on-another-list')
      if (this.#books.resync) {
        this.#books.resyncs++
        this.#books.held.drop(page)
      } else this.#books.swapForHead(list, page)
      return
    }
    if (this.#books.held.known[list] === 0 && this.#books.held.exhausted(pset)) {
      this.#books.miss('more-than-zoneinfo')
      this.#books.held.prove(list, pset)
    }
    if (this.#books.held.known[list] === 0) {
      // Unknown pages lie below all known ones.
      if (!this.#books.takeUntil(list, -1)) this.#books.resyncs++
      pcp.count -= 1 << order
      this.#books.held.takeUnknown(pset, list, order)
      return
    }
    if (lists.lens[list] === 0) {
      stats.refills.predicted++
      this.#books.miss('refill-not-recorded')
      this.#books.resyncs++
      return
    }
    this.#books.miss('page-not-held')
    if (this.#books.resync) this.#books.resyncs++
    else this.#books.swapForHead(list, page)
  }

  /**
   * Pops what the bulk allocator took above `page`. Where what lies above is seen again, `page` alone was popped: its task slept,
   * or was interrupted, before the event. False where the replay took another page in its place.
   */
  #skipTo(list: number, page: number): boolean {
    let clean = true
    for (let above = this.#books.held.lists.head(list); above !== page; above = this.#books.held.lists.below(above))
      if (!this.#books.held.mayBeTaken(above, list)) clean = false
    if (clean) {
      this.#books.takeUntil(list, page)
      return true
    }
    this.#books.miss('not-the-head')
    this.#books.notePop(this.#books.row, page)
    if (this.#books.resync) {
      this.#books.resyncs++
      this.#books.held.skip(list)
    } else this.#books.swapForHead(list, page)
    return this.#books.resync
  }

  /**
   * Whether a freed block went past the lists: it next comes from the buddy, and no drain brought it there. Another operation held the
   * pageset's lock: one that this free interrupted, or a drain of another CPU. Source: free_frozen_pages(), mm/page_alloc.c, v6.1 on.
   */
  #isPast(row: number): boolean {
    const { fates, held } = this.#books
    if (!held.traits.remoteDrains || fates.ofRow[row] !== Fate.refill) return false
    this.#books.pastFrees++
    return true
  }

  #free(row: number): void {
    const script = this.#books.script
    const order = script.order[row]!
    const type = script.migratetype[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * this.#books.held.zones + zone
    const rules = this.#books.held.rulesOf(pset)
    const page = this.#books.index.at(script.pfn[row]!, zone)
    this.#books.held.landed(page)
    const on = this.#books.held.lists.where[page]!
    if (on >= 0) {
      // It was taken untraced, and so was all above it.
      if (this.#books.held.mayBeTaken(page, on)) {
        this.#books.takeUntil(on, page)
        this.#books.noteBulk(on)
      } else {
        this.#books.miss('held-twice')
        this.#books.resyncs++
      }
      this.#books.held.drop(page)
    }
    if (type === BYPASS || !rules.allowed(order) || this.#isPast(row)) {
      this.#books.free.add(cpu, zone, 1 << order)
      this.#bulkFrees.strayDrains(row)
      return
    }
    const pcp = this.#books.held.pcps[pset]!
    const list = rules.listOf(order, type)
    const stats = this.#books.cpus[cpu]!
    stats.operations++
    this.#books.held.lists.pushHead(pset * this.#books.held.perSet + list, page)
    this.#books.held.fate[page] = this.#books.fates.ofRow[row]!
    pcp.count += 1 << order
    const flags = this.#books.flagsOf(pset)
    const limit = rules.limit(pcp, flags)
    const saved = { ...pcp }
    const n = rules.nrFree(pcp, order, flags)
    if (this.#books.held.calibrated[pset] === 0 && (n > 0 || !this.#books.held.isTooFar(pset, limit))) stats.warmup++
    const from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    if (n === 0 && from === end) {
      this.#books.quiet[pset] = row
      return
    }
    // Compaction may empty the CPU's lists right after a burst of its own, or instead of one.
    const reach = this.#sizes.reach(pset, n, this.#sizes.chunkOf(pset, n), from, end)
    let to = reach.end
    // A high-order free may empty them by rule, so nothing excuses a burst that was not predicted there.
    if (to === end || this.#books.sizeOf(to, end) !== pcp.count - reach.pages || (n === 0 && order > 0)) to = end
    if (n > 0 || to > from) this.#bulkFrees.burst({ row, pset, list, order, n, limit, saved, from, to })
    this.#books.quiet[pset] = to > from ? -1 : row
    if (to < end) this.#bulkFrees.localDrain(row, pset, to, end)
  }
}
