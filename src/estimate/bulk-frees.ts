import { type Pcp, Quota, type ZoneFlags } from '#policies/pcp'
import type { BulkSizes, Range } from './bulk-sizes.ts'
import { PagesGivenBack } from './given-back.ts'
import { type BulkFreeSeen, bulkFreeCauses, explainBulkFree, type Hypothesis, proveCount } from './hypotheses/index.ts'
import { bulkFreeLimit } from './invert.ts'
import { type PagesetBelief, pinsHigh } from './pageset-belief.ts'
import type { Miss } from './scores.ts'
import type { EstimatorState } from './state.ts'

/** A bulk free that was preempted and goes on later. */
interface Open {
  readonly pset: number
  readonly list: number
  readonly scored: boolean
  readonly quota: Quota
  readonly beyond: Miss
  /** Parts that are still to come, and whether those so far were as predicted. */
  parts: number
  exact: boolean
}

/** One of a pageset that is left to its rules. */
interface Rest {
  readonly pset: number
  readonly list: number
  readonly quota: Quota
  /** The same as the record takes it. */
  readonly record: Quota
  parts: number
}

/** Recorded bulk frees, compared with when, how many and which pages the rule would have given back. */
export class BulkFrees {
  readonly pages: PagesGivenBack
  readonly #state: EstimatorState
  readonly #sizes: BulkSizes
  /** By its row: a bulk free that was preempted. */
  readonly #open = new Map<number, Open>()
  /** By its row: what is left to give back of one by a pageset that is left to its rules. */
  readonly #rest = new Map<number, Rest>()
  readonly #before: Pcp

  constructor(state: EstimatorState, sizes: BulkSizes) {
    this.#state = state
    this.#sizes = sizes
    this.pages = new PagesGivenBack(state)
    this.#before = state.belief.psets[0]!.pcp.clone()
  }

  /** A block of `order` has come to a list of a pageset; the kernel gave back the recorded pages of this row. */
  freed(row: number, pset: number, list: number, order: number): void {
    const state = this.#state
    const { belief, script } = state
    const set = belief.psets[pset]!
    const from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    const flags = state.flagsOf(pset)
    const runsFree = state.runsFree(pset)
    const isOpen = set.over > 0 && this.#narrow(set, order, flags, end > from)
    this.#before.assign(set.pcp)
    const rule = (pcp: Pcp): number => belief.rulesOf(pset).nrFree(pcp, order, flags)
    const knowsHigh = runsFree || belief.knowsHigh(set, rule)
    const { outcome: n, unique } = belief.runs(set, rule)
    const probed = state.script.states.get(row)
    if (probed !== undefined) state.compareState(set, probed)
    const showsCount = !belief.isProven(pset) || !unique || isOpen || (set.high === 'unknown' && !runsFree)
    const scored = !showsCount && knowsHigh
    if (!scored) state.cpuOf(pset).warmup++
    if (n === 0 && from === end) {
      set.lastSilentFreeRow = row
      set.silentCount = set.pcp.count
      return
    }
    const saved = this.#before.clone()
    const to = this.#endOfBulkFree({ row, pset, n, order, from, end, runsFree })
    const later = this.#sizes.later(row)
    const recorded = state.sizeOf(from, to) + this.#sizes.sizeOfAll(later)
    const seen: BulkFreeSeen = { row, pset, list, order, n, saved, from, to, recorded, scored, showsCount }
    if (n > 0 || recorded > 0) {
      if (runsFree) this.#left(seen)
      else this.#followed(seen, later)
    }
    set.lastSilentFreeRow = to > from ? -1 : row
    if (to < end) this.localDrain(row, pset, to, end)
  }

  /** How many pages there are is known within bounds: whether some lead to a bulk free here narrows them. Returns whether it was open. */
  #narrow(set: PagesetBelief, order: number, flags: ZoneFlags, isRecorded: boolean): boolean {
    const { belief } = this.#state
    const { pset, pcp, over } = set
    const limit = bulkFreeLimit(belief.rulesOf(pset), pcp, order, flags)
    if (limit === undefined || limit <= pcp.count || limit > pcp.count + over) return false
    if (isRecorded) {
      const most = pcp.count + over
      belief.recount(pset, limit)
      set.over = most - limit
    } else set.over = limit - 1 - pcp.count
    return true
  }

  /** Where the pages end that this free gave back: compaction may empty the CPU's lists right after it, or instead of it. */
  #endOfBulkFree(of: {
    readonly row: number
    readonly pset: number
    readonly n: number
    readonly order: number
    readonly from: number
    readonly end: number
    readonly runsFree: boolean
  }): number {
    const { row, pset, n, order, from, end, runsFree } = of
    const state = this.#state
    if (runsFree) {
      const drain = state.localDrainAt.get(row)
      return drain?.pset === pset ? drain.from : end
    }
    const { count } = state.belief.psets[pset]!.pcp
    const reach = this.#sizes.predictedEnd(count, n, this.#sizes.chunkOf(pset, n), from, end)
    if (reach.end === end || state.sizeOf(reach.end, end) !== count - reach.pages) return end
    // A high-order free may empty them by rule, so nothing excuses one that was not predicted there.
    return n === 0 && order > 0 ? end : reach.end
  }

  /** The pageset is left to its rules: what goes is theirs to say. */
  #left(seen: BulkFreeSeen): void {
    const state = this.#state
    const { row, pset, list, n, from, to, recorded, scored } = seen
    state.history.forget(pset)
    const { pcp } = state.belief.psets[pset]!
    const { bursts, ranFree } = state.cpuOf(pset)
    const ranges = [{ from, to }, ...this.#sizes.later(row)]
    const chunk = this.#sizes.chunkOf(pset, n)
    const expected = this.#sizes.expected(row, pcp.count, n, chunk, ranges)
    if (scored && !state.proves(row)) {
      if (recorded > 0) {
        bursts.recorded++
        ranFree.bursts++
      }
      if (n > 0) bursts.predicted++
      if (expected === recorded) bursts.exact++
      else state.miss(recorded === 0 ? 'burst-not-recorded' : n === 0 ? 'burst-not-predicted' : 'burst-size')
    }
    const [first, ...later] = ranges as [Range, ...Range[]]
    // A task that is preempted between two batches, or finds itself on another CPU by then, gives back the rest once it runs again, or not at all.
    const [quota, record] = [new Quota(n, chunk), new Quota(n, chunk)]
    const isCut = later.length > 0 || (n > 0 && expected < Math.min(n, pcp.count))
    const batches = isCut ? this.#sizes.batchesOf(first, record) : undefined
    const went = this.pages.byRule({ pset, list, from, to, quota }, scored, undefined, batches)
    if (later.length > 0) this.#rest.set(row, { pset, list, quota, record, parts: later.length })
    state.countBulkFree(recorded, went + (later.length > 0 ? Math.min(quota.rest, pcp.count) : 0))
    if (recorded > 0 && state.belief.traits.decay) state.free.endsWith(this.#lastFlow(ranges))
  }

  #lastFlow(ranges: readonly Range[]): number {
    return this.#state.script.drainFlow[ranges.at(-1)!.to - 1]!
  }

  /** Compared with the record, and corrected by it. */
  #followed(seen: BulkFreeSeen, later: readonly Range[]): void {
    const state = this.#state
    const { belief } = state
    const { row, pset, list, n, from, to, recorded } = seen
    const set = belief.psets[pset]!
    const chunk = this.#sizes.chunkOf(pset, n)
    const ranges = [{ from, to }, ...later]
    // What goes on later is compared then.
    const first = state.sizeOf(from, to)
    const expected = this.#sizes.expected(row, set.pcp.count, n, chunk, [{ from, to }])
    const off = expected !== first
    // A rule that empties the pageset leaves it empty, whatever its count was.
    const { count } = set.pcp
    const empties = n > 0 && (n === count || (recorded === count && this.#sizes.hasMoreToTake(row, n, chunk, ranges)))
    const wasProven = belief.isProven(pset)
    const hypothesis = this.#explained(seen, off)
    if (hypothesis?.id === 'bulk-taken') return
    if (hypothesis?.proves === true) state.found.proving.add(row)
    this.#learnTicks(seen, off)
    const scored = seen.scored && !state.proves(row)
    const cause = hypothesis?.id
    if (scored) this.#score(seen, expected === first, cause)
    if (off && scored) state.corrections++
    if (recorded > 0 && belief.traits.decay) state.free.endsWith(this.#lastFlow(ranges))
    state.countBulkFree(recorded, recorded)
    if (recorded === 0) return
    this.#shows(seen, empties, wasProven && !off)
    const quota = scored ? new Quota(n, chunk) : new Quota(recorded)
    const beyond = bulkFreeCauses[cause ?? '']?.page ?? 'page-not-predicted'
    this.pages.follow({ pset, list, from, to, scored, quota, beyond })
    if (later.length > 0)
      this.#open.set(row, { pset, list, scored, quota, beyond, parts: later.length, exact: scored && !off })
    else if (empties) belief.emptied(pset)
    this.#remembers(seen, off, later.length > 0)
  }

  /** What a recorded bulk free, or one that did not come, proves of the count and of what else is hidden. */
  #explained(seen: BulkFreeSeen, off: boolean): Hypothesis | undefined {
    const state = this.#state
    const { belief } = state
    const { row, pset, order, recorded } = seen
    const set = belief.psets[pset]!
    const crossed = seen.showsCount && recorded > 0 && order === 0 && !belief.allKnown(pset)
    // Near a shortage the limit is as uncertain as the count.
    const unsure = crossed && !state.free.unpressed(pset % belief.zones)
    const isLate = set.isDoubted && recorded > 0 && !off
    set.isDoubted = recorded === 0
    // What a probe showed needs no explanation.
    if (state.script.states.has(row)) return undefined
    const hypothesis = off || unsure || isLate ? this.#explain(seen, off, isLate) : undefined
    if (crossed && !off && !unsure) proveCount(seen, { state, belief, sizes: this.#sizes })
    return hypothesis
  }

  /** How count and `high` are known after a recorded bulk free. `expected`: of a proven count, as predicted. */
  #shows({ pset, order, n, saved }: BulkFreeSeen, empties: boolean, expected: boolean): void {
    const { belief, free, limits } = this.#state
    const set = belief.psets[pset]!
    // The last page before this one led to nothing.
    const crosses = order === 0 && set.lastSilentFreeRow >= 0 && saved.count - set.silentCount === 1
    if (crosses && free.unpressed(pset % belief.zones)) limits?.reached(pset, 0)
    if (set.high === 'unknown') set.high = 'proven'
    // A count that only a guessed `high` proves is as far off as that.
    else if (set.high === 'guessed' && order === 0 && n > 0) {
      if (expected && !set.isTied) {
        set.high = 'proven'
        set.isRelative = false
      } else set.isTied = set.isRelative = true
    }
    if (order === 0 || empties || n === 0) set.count = set.count === 'recorded' ? 'recorded' : 'proven'
  }

  /** What comes as predicted, at a count that leaves `high` open, does not say when ticks ran. */
  #remembers({ pset, row, recorded, scored, saved }: BulkFreeSeen, off: boolean, goesOn: boolean): void {
    const { belief, history, placesTicks } = this.#state
    const set = belief.psets[pset]!
    if (scored && !off && !goesOn && placesTicks && !pinsHigh(set, saved.count)) history.gave(pset, row, recorded)
    else history.confirmUnless(goesOn || !belief.isProven(pset), pset, set.pcp, row)
  }

  /** A bulk free at an order-0 free shows where self-tuned `high` is, and with it how many ticks lowered it. */
  #learnTicks({ pset, order, n, saved, recorded, scored, row }: BulkFreeSeen, off: boolean): void {
    const { belief, script, tickEvidence, found } = this.#state
    const set = belief.psets[pset]!
    if (script.ticksRecorded || belief.rulesOf(pset).onTick === undefined || order > 0 || recorded === 0) return
    const { history } = this.#state
    if (history.since(pset) < 0 || !scored || off !== (n === 0)) return
    const time = script.time[row]!
    const line = this.#state.tickLine(pset, history.line(pset, belief.rulesOf(pset)))
    const above = set.lastSilentFreeRow < 0 ? 0 : set.silentCount
    const fits = (high: number): boolean => high <= saved.count && high > above
    if (!off) tickEvidence.confirmed(set.cpu, line, fits, time)
    // A bulk free that only a tick explains proves when it ran, so it is not scored.
    else if (tickEvidence.lowered(set.cpu, line, fits, time)) found.proving.add(row)
  }

  #score(seen: BulkFreeSeen, exact: boolean, cause: string | undefined): void {
    const state = this.#state
    const { bursts } = state.cpuOf(seen.pset)
    if (seen.recorded > 0) bursts.recorded++
    if (seen.n > 0) bursts.predicted++
    if (exact) bursts.exact++
    else
      state.miss(
        bulkFreeCauses[cause ?? '']?.burst ??
          (seen.recorded === 0 ? 'burst-not-recorded' : seen.n === 0 ? 'burst-not-predicted' : 'burst-size'),
      )
  }

  /** Corrects the belief by what explains the record; by the record alone where nothing does. */
  #explain(seen: BulkFreeSeen, off: boolean, isLate: boolean): Hypothesis | undefined {
    const { belief } = this.#state
    const cause = explainBulkFree(seen, { state: this.#state, belief, sizes: this.#sizes }, isLate)
    if (cause !== undefined || !off) return cause
    const { pset, saved, recorded, order } = seen
    const set = belief.psets[pset]!
    if (recorded > 0) return undefined
    // Fewer pages are there than the lists show.
    set.pcp.assign(saved)
    belief.recount(pset, saved.count - (1 << order))
    set.count = 'guessed'
    return undefined
  }

  /** A tick was preempted: it gives back `parts` more later. */
  goesOn(row: number, pset: number, quota: Quota, scored: boolean, parts: number): void {
    this.#open.set(row, { pset, list: 0, scored, quota, beyond: 'page-not-predicted', parts, exact: false })
  }

  /** The same of a pageset that is left to its rules. Returns whether it is. */
  #goesOnByRule(begun: number, row: number): boolean {
    const rest = this.#rest.get(begun)
    if (rest === undefined) return false
    const { pset, list, quota, record } = rest
    const [from, to] = [this.#state.script.drainStart[row]!, this.#state.script.drainEnd[row]!]
    const batches =
      --rest.parts > 0 || this.#sizes.moved(begun) ? this.#sizes.batchesOf({ from, to }, record) : undefined
    this.pages.byRule({ pset, list, from, to, quota }, true, undefined, batches)
    return true
  }

  /** A preempted bulk free goes on. */
  resumed(row: number): void {
    const state = this.#state
    const { script, belief } = state
    const begun = script.pfn[row]!
    const open = this.#open.get(begun)
    if (open === undefined) {
      if (this.#goesOnByRule(begun, row)) return

      const cpu = script.cpu[begun]!
      const zone = state.index.zone(script.drainPfn[script.drainStart[row]!] ?? -1)
      if (zone < 0 || !state.runsFree(cpu * belief.zones + zone)) this.strayDrains(row)
      return
    }
    const { pset, list, quota, scored, beyond } = open
    const [from, to] = [script.drainStart[row]!, script.drainEnd[row]!]
    const batchEnds = this.pages.follow({ pset, list, from, to, scored, quota, beyond })
    if (--open.parts > 0) return
    // All has gone that was to go, or that the lists still held; or the task finds itself on another CPU.
    const done = quota.rest === 0 || belief.psets[pset]!.pcp.count === 0 || (batchEnds && this.#sizes.moved(begun))
    if (!open.exact || done) return
    state.cpus[script.cpu[begun]!]!.bursts.exact--
    state.miss('burst-preempted')
    state.corrections++
  }

  /** Compaction emptied its own CPU's lists: inferred, since no event says so; the pages are compared all the same. */
  localDrain(row: number, pset: number, from: number, to: number): void {
    const state = this.#state
    const { belief, found } = state
    found.localDrains.row.push(row)
    found.localDrains.pset.push(pset)
    found.localDrains.from.push(from)
    const recorded = state.sizeOf(from, to)
    if (state.runsFree(pset)) {
      const quota = new Quota(belief.psets[pset]!.pcp.count)
      state.countBulkFree(recorded, this.pages.byRule({ pset, list: 0, from, to, quota }, true))
    } else {
      state.countBulkFree(recorded, recorded)
      this.pages.follow({ pset, list: 0, from, to, scored: belief.isProven(pset), quota: new Quota(recorded) })
    }
    belief.emptied(pset)
  }

  /**
   * Recorded drains that no free of this CPU explains. All that its lists hold: compaction emptied them. Else pages of other
   * CPUs, by a request that was not traced.
   */
  strayDrains(row: number): void {
    const state = this.#state
    const { script, belief } = state
    const from = script.drainStart[row]!
    const to = script.drainEnd[row]!
    if (from === to) return
    const zone = Math.max(0, state.index.zone(script.drainPfn[from]!))
    const pset = script.cpu[row]! * belief.zones + zone
    const recorded = state.sizeOf(from, to)
    const all = state.runsFree(pset) ? state.localDrainAt.has(row) : recorded === belief.psets[pset]!.pcp.count
    if (all) {
      this.localDrain(row, pset, from, to)
      return
    }
    const { pages } = state.cpuOf(pset)
    state.countBulkFree(recorded, state.runsFree(pset) ? 0 : recorded)
    for (let item = from; item < to; item++) {
      state.miss('drain-unexplained')
      if (belief.isProven(pset)) {
        pages.recorded++
        pages.wrong++
      }
      const page = this.pages.pageOf(item)
      if (page < 0 || belief.lists.where[page]! < 0) continue
      if (!state.runsFree(belief.psetOf(belief.lists.where[page]!))) belief.drop(page)
    }
  }
}
