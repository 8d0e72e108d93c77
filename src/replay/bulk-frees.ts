import { type Pcp, Quota, type ZoneFlags } from '#policies'
import type { Books } from './books.ts'
import type { Miss } from './scores.ts'
import { Op } from './script.ts'

/** What a free led to: what the rule says, and what the kernel recorded after it. */
export interface Burst {
  readonly row: number
  readonly pset: number
  /** List that the block was freed to. */
  readonly list: number
  readonly order: number
  /** Pages to give back by the rule, and the count at which it begins to. */
  readonly n: number
  readonly limit: number
  /** State after the block came to its list, before the rule saw it. */
  readonly saved: Pcp
  /** Recorded drains: rows of `drain*`. */
  readonly from: number
  readonly to: number
}

interface Range {
  readonly from: number
  readonly to: number
}

/** A bulk free that was preempted and goes on later. */
interface Open {
  readonly pset: number
  readonly list: number
  readonly scored: boolean
  readonly quota: Quota
  /** What a page beyond the quota is counted as. */
  readonly beyond: Miss
}

/** Recorded bulk frees, compared with when, how many and which pages the rule would have given back. */
export class BulkFrees {
  readonly #books: Books
  /** By the row of a bulk free that was preempted: what its task gave back once it ran again. */
  readonly #later = new Map<number, Range[]>()
  readonly #open = new Map<number, Open>()
  /** Rows of bulk frees whose task was seen next on another CPU. */
  readonly #moved: ReadonlySet<number>

  constructor(books: Books) {
    this.#books = books
    const { op, pfn, length, drainStart, drainEnd, moved } = books.script
    this.#moved = new Set(moved)
    for (let row = 0; row < length; row++) {
      if (op[row] !== Op.rest) continue
      const range = { from: drainStart[row]!, to: drainEnd[row]! }
      const ranges = this.#later.get(pfn[row]!)
      if (ranges === undefined) this.#later.set(pfn[row]!, [range])
      else ranges.push(range)
    }
  }

  #sizeOfAll(ranges: readonly Range[]): number {
    return ranges.reduce((pages, { from, to }) => pages + this.#books.sizeOf(from, to), 0)
  }

  /** A preempted bulk free goes on. */
  rest(row: number): void {
    const { script } = this.#books
    const open = this.#open.get(script.pfn[row]!)
    if (open === undefined) this.strayDrains(row)
    else
      this.drainRecorded(
        row,
        open.pset,
        open.list,
        script.drainStart[row]!,
        script.drainEnd[row]!,
        open.scored,
        open.quota,
        open.beyond,
      )
  }

  /**
   * Pages that `n` asked for come to: high-order blocks may overshoot, and no more go than the lists hold. Between two batches a task
   * that finds itself on another CPU gives the rest up. Source: free_frozen_page_commit(), mm/page_alloc.c, v7.2.
   */
  #expected(row: number, pset: number, n: number, chunk: number, ranges: readonly Range[]): number {
    if (n === 0) return 0
    const { drainOrder } = this.#books.script
    const quota = new Quota(n, chunk)
    let gone = 0
    let batchEnds = false
    for (const { from, to } of ranges)
      for (let item = from; item < to && quota.rest > 0; item++) {
        const size = 1 << drainOrder[item]!
        batchEnds = quota.take(size)
        gone += size
      }
    if (batchEnds && this.#moved.has(row)) return gone
    const first = ranges[0]!
    const held = this.#books.held.pcps[pset]!.count - this.#books.sizeOf(first.from, first.to)
    const later = gone - this.#books.sizeOf(first.from, first.to)
    return gone + Math.min(quota.rest, Math.max(0, held - later))
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
    const later = this.#later.get(burst.row) ?? []
    const ranges = [burst, ...later]
    const recorded = this.#sizeOfAll(ranges)
    if (n > 0 && recorded === 0 && held.calibrated[pset] === 1 && this.#takenBefore(burst)) return
    const { bursts } = this.#books.cpus[this.#books.script.cpu[burst.row]!]!
    const refused = recorded > 0 && n === 0 && order === 0 && held.isTooFar(pset, limit)
    const scored = held.calibrated[pset] === 1 || refused
    const chunk = this.chunkOf(pset, n)
    const expected = this.#expected(burst.row, pset, n, chunk, ranges)
    const off = scored && expected !== recorded
    const explained = off && resync && this.#explain(burst, recorded)
    const recounted = off && !explained && recorded > 0 && resync && this.#recountUnder(burst, recorded)
    const highMoved = off && !explained && !recounted && resync && this.#highWas(burst, recorded)
    if (scored) {
      if (recorded > 0) bursts.recorded++
      if (n > 0) bursts.predicted++
      if (expected === recorded) bursts.exact++
    }
    if (off) {
      if (explained) this.#books.miss('burst-zone-flags')
      else if (recounted) this.#books.miss('burst-count')
      else if (highMoved) this.#books.miss('burst-high')
      else this.#books.miss(recorded === 0 ? 'burst-not-recorded' : n === 0 ? 'burst-not-predicted' : 'burst-size')
      if (resync) this.#books.resyncs++
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
      if (later.length > 0) this.#open.set(burst.row, { pset, list: burst.list, scored, quota, beyond })
      else if (empties && (resync || !scored)) held.emptied(pset)
      if (this.#books.held.traits.decay) this.#books.free.gaveBack(pset % held.zones)
    }
  }

  /**
   * Whether the untraced bulk allocator explains that nothing went at the limit: a page on top of a list, that is not seen to be
   * allocated later, was not there any more. One such page for each free that went unanswered.
   */
  #takenBefore({ row, pset, list, order, saved }: Burst): boolean {
    const { held } = this.#books
    const base = pset * held.perSet
    for (let at = base; at < base + held.perSet; at++) {
      const top = held.lists.head(at)
      if (at === base + list || top < 0 || !held.mayBeTaken(top, at)) continue
      const pcp = { ...saved, count: saved.count - 1 }
      if (held.rulesOf(pset).nrFree(pcp, order, this.#books.flagsOf(pset)) > 0) return false
      held.drop(top)
      Object.assign(held.pcps[pset]!, pcp)
      this.#books.noteBulk(at)
      this.#books.cpus[this.#books.script.cpu[row]!]!.excusedBursts++
      return true
    }
    return false
  }

  /** Whether other flags of the zone than those thought of explain what was recorded: then these are taken. */
  #explain({ pset, order, saved, from, to }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    if (!held.traits.reclaimActive) return false
    const zone = pset % held.zones
    for (const flags of free.otherFlags(zone, held.traits.decay)) {
      const pcp = { ...saved }
      const n = held.rulesOf(pset).nrFree(pcp, order, flags)
      const pages = n === 0 ? 0 : this.reach(pset, n, this.chunkOf(pset, n), from, to).pages
      if (pages !== recorded) continue
      if (recorded > 0 && !this.#mayBe(flags, pset, order, saved)) continue
      Object.assign(held.pcps[pset]!, pcp)
      free.learn(zone, flags)
      return true
    }
    return false
  }

  /**
   * Whether a count that was off explains that pages go now: an order-0 free crossed a limit exactly, under the zone's flags as they are
   * thought to be or others. Pages from before the trace are counted by zoneinfo alone.
   */
  #recountUnder({ row, pset, order, saved, from, to }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    if (order > 0 || held.allKnown(pset) || !held.traits.reclaimActive) return false
    const zone = pset % held.zones
    const rules = held.rulesOf(pset)
    const known = held.held(pset)
    const ranges = [{ from, to }, ...(this.#later.get(row) ?? [])]
    for (const flags of [{ ...free.flags[zone]! }, ...free.otherFlags(zone, held.traits.decay)]) {
      const limit = rules.limit(saved, flags)
      if (limit < known || held.isTooFar(pset, limit)) continue
      const pcp = { ...saved, count: limit }
      const n = rules.nrFree(pcp, order, flags)
      if (n === 0 || this.#expected(row, pset, n, this.chunkOf(pset, n), ranges) !== recorded) continue
      held.recount(pset, limit)
      Object.assign(held.pcps[pset]!, pcp)
      free.learn(zone, flags)
      held.calibrated[pset] = 1
      return true
    }
    return false
  }

  /** Whether flags explain that pages go now and none went at the last free: they began since, or the count crossed their limit. */
  #mayBe(flags: ZoneFlags, pset: number, order: number, saved: Pcp): boolean {
    const { held, free, quiet } = this.#books
    if (quiet[pset]! < 0 || free.mayBegin(pset % held.zones, flags, quiet[pset]!)) return true
    return held.rulesOf(pset).nrFree({ ...saved, count: saved.count - (1 << order) }, order, flags) === 0
  }

  /** Whether self-tuning `high` was elsewhere than thought: then it is put where the record shows it. */
  #highWas({ pset, n, saved }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    if (recorded === 0) return held.raiseHigh(pset)
    return n === 0 && held.lowerHigh(pset, saved, free.unpressed(pset % held.zones))
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
    const later = to > from ? (this.#later.get(row) ?? []) : []
    const ranges = [{ from, to }, ...later]
    const recorded = this.#sizeOfAll(ranges)
    const n = held.tick(pset)
    const expected = this.#expected(row, pset, n, pcp.batch, ranges)
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
      const quota = scored ? new Quota(n, pcp.batch) : new Quota(recorded)
      this.drainRecorded(row, pset, 0, from, to, scored, quota)
      if (later.length > 0) this.#open.set(row, { pset, list: 0, scored, quota, beyond: 'page-not-predicted' })
    } else if (n > 0 && scored && !resync) held.popTails(pset, 0, n)
    // Pages went, so the count is at `high` once all have gone: the better known of the two proves the other.
    if (recorded > 0 && rules.onTick !== undefined) {
      const toGo = this.#sizeOfAll(later)
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
   * Where the recorded pages end that `n` asked for take, and how many pages that makes: high-order blocks may overshoot, and no
   * more go than the lists hold.
   */
  reach(pset: number, n: number, chunk: number, from: number, to: number): { end: number; pages: number } {
    const { drainOrder } = this.#books.script
    const quota = new Quota(n, chunk)
    let end = from
    for (; end < to && quota.rest > 0; end++) quota.take(1 << drainOrder[end]!)
    const gone = this.#books.sizeOf(from, end)
    return { end, pages: gone + Math.min(quota.rest, Math.max(0, this.#books.held.pcps[pset]!.count - gone)) }
  }

  /** Pages per hold of zone->lock. */
  chunkOf(pset: number, n: number): number {
    return this.#books.held.rulesOf(pset).freeChunk?.(this.#books.held.pcps[pset]!) ?? n
  }

  /**
   * Takes the recorded pages of a bulk free off the lists, each compared with the page that the rule gives back next. Pages beyond
   * the `quota` are wrong, whichever they are.
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
  ): void {
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
      const type = script.drainMigratetype[item]!
      const at = rules.listOf(order, type < 3 ? type : 1)
      if (this.#books.held.known[base + at] === 1) continue
      this.#books.held.takeUnknown(pset, base + at, order)
      lists.pushTail(base + at, page)
      fresh.add(page)
    }
    const order = rules.bulkOrder()
    order.begin(quota.left, list)
    for (let item = from; item < to; item++) {
      const zone = this.#books.index.zone(script.drainPfn[item]!)
      if (zone < 0) continue
      const page = this.#books.index.at(script.drainPfn[item]!, zone)
      const size = 1 << script.drainOrder[item]!
      const on = lists.where[page]!
      this.#books.free.add(zone, size)
      let expected = -1
      for (let at = base; quota.left > 0 && at < base + this.#books.held.perSet; at++) {
        if (lists.lens[at]! === 0) continue
        const next = base + order.next(lists.lens, base, quota.left)
        expected = rules.drainsFrom === 'tail' ? lists.tail(next) : lists.head(next)
        break
      }
      const beyond = quota.left <= 0
      const again = quota.take(size)
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
      if (again) order.begin(quota.left, list)
    }
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
      if (at >= 0) this.#books.free.add(at, 1 << script.drainOrder[item]!)
      if (page >= 0 && this.#books.held.lists.where[page]! >= 0) this.#books.held.drop(page)
    }
  }
}
