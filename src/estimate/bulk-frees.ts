import { Quota } from '#policies'
import { BlockIndex } from '#record'
import type { Books } from './books.ts'
import type { BulkSizes, Burst } from './bulk-sizes.ts'
import { Explanations } from './explanations.ts'
import type { Miss } from './scores.ts'

/** A bulk free that was preempted and goes on later. */
interface Open {
  readonly pset: number
  readonly list: number
  readonly scored: boolean
  readonly quota: Quota
  /** What a page beyond the quota is counted as. */
  readonly beyond: Miss
  /** Parts that are still to come, and whether those so far were as predicted. */
  parts: number
  exact: boolean
}

/** Recorded bulk frees, compared with when, how many and which pages the rule would have given back. */
export class BulkFrees {
  readonly #books: Books
  readonly #sizes: BulkSizes
  readonly #explanations: Explanations
  readonly #blocks: BlockIndex
  /** By its row: a bulk free that was preempted. */
  readonly #open = new Map<number, Open>()

  constructor(books: Books, sizes: BulkSizes) {
    this.#books = books
    this.#sizes = sizes
    this.#explanations = new Explanations(books, sizes)
    const { zones, machine } = books.script
    this.#blocks = new BlockIndex(zones, machine.pageblockOrder)
  }

  /** A preempted bulk free goes on. */
  rest(row: number): void {
    const { script } = this.#books
    const begun = script.pfn[row]!
    const open = this.#open.get(begun)
    if (open === undefined) {
      this.strayDrains(row)
      return
    }
    const { pset, list, quota, scored, beyond } = open
    const batchEnds = this.drainRecorded(
      row,
      pset,
      list,
      script.drainStart[row]!,
      script.drainEnd[row]!,
      scored,
      quota,
      beyond,
    )
    if (--open.parts > 0) return
    // All has gone that was to go, or that the lists still held; or the task finds itself on another CPU.
    const done = quota.rest === 0 || this.#books.held.pcps[pset]!.count === 0 || (batchEnds && this.#sizes.moved(begun))
    if (!open.exact || done) return
    this.#books.cpus[script.cpu[begun]!]!.bursts.exact--
    this.#books.miss('burst-preempted')
    if (this.#books.resync) this.#books.resyncs++
  }

  /** Compaction emptied its own CPU's lists: inferred, since no event says so; the pages are compared all the same. */
  localDrain(row: number, pset: number, from: number, to: number): void {
    this.#books.localDrains.row.push(row)
    this.#books.localDrains.pset.push(pset)
    this.drainRecorded(
      row,
      pset,
      0,
      from,
      to,
      this.#books.held.calibrated[pset] === 1,
      new Quota(this.#books.sizeOf(from, to)),
    )
    this.#books.held.emptied(pset)
  }

  burst(burst: Burst): void {
    const { held, resync } = this.#books
    const { pset, order, n, limit } = burst
    const later = this.#sizes.later(burst.row)
    const ranges = [burst, ...later]
    const recorded = this.#sizes.sizeOfAll(ranges)
    if (n > 0 && recorded === 0 && held.calibrated[pset] === 1 && this.#explanations.takenBefore(burst)) return
    const { bursts } = this.#books.cpus[this.#books.script.cpu[burst.row]!]!
    const refused = recorded > 0 && n === 0 && order === 0 && held.isTooFar(pset, limit)
    const scored = held.calibrated[pset] === 1 || refused
    const chunk = this.#sizes.chunkOf(pset, n)
    // What goes on later is compared then.
    const first = this.#books.sizeOf(burst.from, burst.to)
    const expected = this.#sizes.expected(burst.row, pset, n, chunk, [burst])
    const off = scored && expected !== first
    const explained = off && resync && this.#explanations.byFlags(burst, recorded)
    const recounted = off && !explained && recorded > 0 && resync && this.#explanations.byCount(burst, recorded)
    const highMoved = off && !explained && !recounted && resync && this.#explanations.byHigh(burst, recorded)
    if (scored) {
      if (recorded > 0) bursts.recorded++
      if (n > 0) bursts.predicted++
      if (expected === first) bursts.exact++
    }
    if (off) {
      if (explained) this.#books.miss('burst-zone-flags')
      else if (recounted) this.#books.miss('burst-count')
      else if (highMoved) this.#books.miss('burst-high')
      else if (recorded === 0) this.#books.miss(this.#mayMiscount(burst) ? 'burst-count' : 'burst-not-recorded')
      else if (n === 0) this.#books.miss('burst-not-predicted')
      else this.#books.miss(this.#sizes.isGivenUp(burst, chunk, expected) ? 'burst-given-up' : 'burst-size')
      if (resync) this.#books.resyncs++
    }
    if (recorded > 0 && held.traits.decay) {
      const { to } = later.at(-1) ?? burst
      this.#books.free.endsWith(this.#books.script.drainFlow[to - 1]!)
    }
    if (off && !resync) {
      this.#scoreUnpredicted(burst.row, burst.from, burst.to)
      if (n > 0) held.popTails(pset, burst.list, n)
    } else if (recorded === 0) {
      if (!explained && !highMoved) this.#notRecorded(burst)
    } else {
      // A rule that empties the pageset leaves it empty, whatever its count was.
      const empties = n === held.pcps[pset]!.count
      if (!explained && !recounted && (n === 0 || !scored)) this.#learnFrom(burst, recorded, highMoved, empties)
      else if (!explained && !recounted && off) held.rulesOf(pset).learn?.(held.pcps[pset]!, recorded)
      const quota = scored ? new Quota(n, chunk) : new Quota(recorded)
      const beyond = explained
        ? 'page-zone-flags'
        : recounted
          ? 'page-count'
          : highMoved
            ? 'page-high'
            : 'page-not-predicted'
      this.drainRecorded(burst.row, pset, burst.list, burst.from, burst.to, scored, quota, beyond)
      if (later.length > 0)
        this.#open.set(burst.row, {
          pset,
          list: burst.list,
          scored,
          quota,
          beyond,
          parts: later.length,
          exact: scored && !off,
        })
      else if (empties && (resync || !scored)) held.emptied(pset)
    }
  }

  /** Whether pages from before the trace, which zoneinfo alone counts, may be so many fewer that the limit was not reached. */
  #mayMiscount({ pset, limit }: Burst): boolean {
    const { held } = this.#books
    return !held.allKnown(pset) && held.held(pset) < limit && !held.isTooFar(pset, limit - 1)
  }

  /** The kernel gave nothing back. Self-tuning rules: the count is known, so `high` is higher than thought. */
  #notRecorded(burst: Burst): void {
    const { pset, limit, saved } = burst
    const { held } = this.#books
    const pcp = held.pcps[pset]!
    Object.assign(pcp, saved)
    // Known pages alone reach the limit, so it is not where it was thought.
    if (held.held(pset) >= limit) held.raiseHigh(pset)
    else held.recount(pset, limit - 1)
    if (held.unknown[pset]! > 0) held.calibrated[pset] = 0
  }

  /** The kernel crossed its limit just now: an order-0 free leaves the count at the limit itself. */
  #learnFrom({ pset, order, n, limit, saved }: Burst, recorded: number, learnt: boolean, empties: boolean): void {
    const { held } = this.#books
    const rules = held.rulesOf(pset)
    const pcp = held.pcps[pset]!
    if (!learnt && !empties && order === 0 && limit > 0) held.recount(pset, limit)
    if (empties || order === 0 || n === 0) held.calibrated[pset] = 1
    Object.assign(pcp, { ...saved, count: pcp.count })
    if (rules.nrFree(pcp, order, this.#books.flagsOf(pset)) !== recorded) rules.learn?.(pcp, recorded)
  }

  /** vmstat_update() lowers `high` and gives back what lies above it. */
  tick(row: number): void {
    const { script, held, index } = this.#books
    const cpu = script.cpu[row]!
    let from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    for (let zone = 0; zone < held.zones; zone++) {
      let to = from
      while (to < end && index.zone(script.drainPfn[to]!) === zone) to++
      this.#tickOf(row, cpu * held.zones + zone, from, to)
      from = to
    }
  }

  /** A tick of which no event tells: nothing was given back, at least where it was thought to be. */
  silentTick(cpu: number): void {
    const { held, row } = this.#books
    for (let zone = 0; zone < held.zones; zone++) this.#tickOf(row, cpu * held.zones + zone, 0, 0)
  }

  #tickOf(row: number, pset: number, from: number, to: number): void {
    const { held, resync } = this.#books
    const { ticks } = this.#books.cpus[Math.trunc(pset / held.zones)]!
    const rules = held.rulesOf(pset)
    const pcp = held.pcps[pset]!
    const later = to > from ? this.#sizes.later(row) : []
    const ranges = [{ from, to }, ...later]
    const recorded = this.#sizes.sizeOfAll(ranges)
    const n = held.tick(pset)
    const expected = this.#sizes.expected(row, pset, n, pcp.batch, ranges)
    const scored = held.calibrated[pset] === 1
    if (scored) {
      if (recorded > 0) ticks.recorded++
      if (expected > 0) ticks.predicted++
      if (recorded > 0 && expected === recorded) ticks.exact++
      if (expected !== recorded) {
        this.#books.miss('tick-size')
        if (resync) this.#books.resyncs++
      }
    }
    if (recorded > 0) {
      const quota = scored ? new Quota(n, rules.tickChunk?.(pcp)) : new Quota(recorded)
      this.drainRecorded(row, pset, 0, from, to, scored, quota)
      if (later.length > 0)
        this.#open.set(row, {
          pset,
          list: 0,
          scored,
          quota,
          beyond: 'page-not-predicted',
          parts: later.length,
          exact: false,
        })
    } else if (n > 0 && scored && !resync) held.popTails(pset, 0, n)
    // Pages went, so the count is at `high` once all have gone: the better known of the two proves the other.
    if (recorded > 0 && rules.onTick !== undefined) {
      const toGo = this.#sizes.sizeOfAll(later)
      if (!scored) {
        held.recount(pset, pcp.high + toGo)
        held.calibrated[pset] = 1
      } else if (expected !== recorded && resync) pcp.high = Math.max(pcp.count - toGo, pcp.highMin)
    } else if (expected !== recorded && scored && resync) held.raiseHigh(pset)
  }

  /** Recorded pages of a burst that the replay, left to itself, did not make so. */
  #scoreUnpredicted(row: number, from: number, to: number): void {
    const { pages } = this.#books.cpus[this.#books.script.cpu[row]!]!
    pages.recorded += to - from
    pages.wrong += to - from
  }

  /**
   * Takes the recorded pages of a bulk free off the lists, each compared with the page that the rule gives back next. Pages beyond
   * the `quota` are wrong, whichever they are. Returns whether the last one ended a batch, with another to come.
   */
  drainRecorded(
    row: number,
    pset: number,
    list: number,
    from: number,
    to: number,
    scored: boolean,
    quota: Quota,
    beyondQuota: Miss = 'page-not-predicted',
  ): boolean {
    const script = this.#books.script
    const { pages } = this.#books.cpus[script.cpu[row]!]!
    const rules = this.#books.held.rulesOf(pset)
    const lists = this.#books.held.lists
    const base = pset * this.#books.held.perSet
    const fresh = new Set<number>()
    // Pages from before the trace lie at the tails; the record shows on which list.
    for (let item = to - 1; item >= from; item--) {
      const zone = this.#books.index.zone(script.drainPfn[item]!)
      const order = script.drainOrder[item]!
      if (zone < 0 || !rules.allowed(order)) continue
      const page = this.#books.index.at(script.drainPfn[item]!, zone)
      if (lists.where[page]! >= 0 || this.#books.held.unknown[pset]! <= 0) continue
      const at = this.#listFromBefore(pset, script.drainPfn[item]!, order, script.drainMigratetype[item]!)
      if (at < 0) continue
      this.#books.held.takeUnknown(pset, base + at, order)
      lists.pushTail(base + at, page)
      fresh.add(page)
    }
    const order = rules.bulkOrder()
    order.begin(quota.left, list)
    let batchEnds = false
    for (let item = from; item < to; item++) {
      const zone = this.#books.index.zone(script.drainPfn[item]!)
      if (zone < 0) continue
      const page = this.#books.index.at(script.drainPfn[item]!, zone)
      const size = 1 << script.drainOrder[item]!
      const on = lists.where[page]!
      let expected = -1
      for (let at = base; quota.left > 0 && at < base + this.#books.held.perSet; at++) {
        if (lists.lens[at]! === 0) continue
        const next = base + order.next(lists.lens, base, quota.left)
        expected = rules.drainsFrom === 'tail' ? lists.tail(next) : lists.head(next)
        break
      }
      const beyond = quota.left <= 0
      batchEnds = quota.take(size)
      if (scored) {
        pages.recorded++
        if (fresh.has(page) && !beyond) pages.unknownStart++
        else if (page === expected) pages.exact++
        else {
          pages.wrong++
          this.#books.miss(beyond ? beyondQuota : on < 0 ? 'page-not-held' : 'not-the-tail')
          this.#books.resyncs++
        }
      }
      if (lists.where[page]! >= 0) this.#books.held.drop(page)
      else this.#books.held.loses(pset, size)
      if (batchEnds) order.begin(quota.left, list)
    }
    return batchEnds
  }

  /**
   * The list on which a drained page lay since before the trace: that of the recorded type. From 6.10 on this is what its block is by now;
   * where that list holds nothing unknown any more, it is that of what the block was when the trace began. −1: neither.
   */
  #listFromBefore(pset: number, pfn: number, order: number, recorded: number): number {
    const { script, held } = this.#books
    const zone = pset % held.zones
    const began = held.traits.cachesType ? recorded : script.blockTypes[this.#blocks.at(pfn, zone)]!
    const lists = [recorded, began].map((type) => held.rulesOf(pset).listOf(order, type < 3 ? type : 1))
    return lists.find((list) => held.known[pset * held.perSet + list] === 0) ?? -1
  }

  /**
   * Recorded drains that no free of this CPU explains. All that its lists hold: compaction emptied them. Else pages of other
   * CPUs, by a request that was not traced.
   */
  strayDrains(row: number): void {
    const script = this.#books.script
    const from = script.drainStart[row]!
    const to = script.drainEnd[row]!
    if (from === to) return
    const zone = this.#books.index.zone(script.drainPfn[from]!)
    const pset = script.cpu[row]! * this.#books.held.zones + Math.max(0, zone)
    if (this.#books.sizeOf(from, to) === this.#books.held.pcps[pset]!.count) {
      this.localDrain(row, pset, from, to)
      return
    }
    const { pages } = this.#books.cpus[script.cpu[row]!]!
    for (let item = from; item < to; item++) {
      this.#books.miss('drain-unexplained')
      if (this.#books.held.calibrated[pset] === 1) {
        pages.recorded++
        pages.wrong++
      }
      const at = this.#books.index.zone(script.drainPfn[item]!)
      const page = at < 0 ? -1 : this.#books.index.at(script.drainPfn[item]!, at)
      if (page >= 0 && this.#books.held.lists.where[page]! >= 0) this.#books.held.drop(page)
    }
  }
}
