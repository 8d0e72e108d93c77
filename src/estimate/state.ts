import type { Cpu } from '#kernel'
import type { PcpChoice } from '#policies'
import type { ZoneFlags } from '#policies/pcp'
import type { Fates, PageIndex, PagesetState, Script, SilentTicks } from '#record'
import { Belief } from './belief.ts'
import { FreePages } from './free-pages.ts'
import { type Change, type EarlyPop, type HighLine, History } from './history.ts'
import { type Inferences, noInferences } from './inferences.ts'
import { LimitEvidence, surfacedOn } from './limit-evidence.ts'
import type { PagesetBelief } from './pageset-belief.ts'
import type { PreemptedPops } from './preempted-pops.ts'
import { since } from './scored-window.ts'
import type { CpuFidelity, FidelityRun, Miss, RunCounts, Score, Totals } from './scores.ts'
import { TickEvidence } from './tick-evidence.ts'

const newScore = (): Score => ({ recorded: 0, predicted: 0, exact: 0 })
const newTotals = (): Totals => ({
  refills: { recorded: 0, predicted: 0 },
  refilledPages: { recorded: 0, predicted: 0 },
  bulkFrees: { recorded: 0, predicted: 0 },
  bulkFreedPages: { recorded: 0, predicted: 0 },
  interruptions: { recorded: 0, predicted: 0 },
  requestedDrains: { recorded: 0, predicted: 0 },
})

/** What every pass over a script shares: made once. */
export interface Shared {
  readonly script: Script
  readonly choice: PcpChoice
  readonly index: PageIndex
  readonly fates: Fates
  /** By number in the flow: how often the watermarks were boosted with it. */
  readonly boosts: Uint8Array
  readonly preemptedPops: PreemptedPops
  readonly ticks: SilentTicks
}

/** State shared by one pass over a script: belief, scores, findings. */
export class EstimatorState {
  readonly script: Script
  readonly fates: Fates
  readonly index: PageIndex
  /** Whether the belief is corrected after each miss. If not, the record is used until a pageset is proven, and then no more. */
  readonly corrects: boolean
  readonly belief: Belief
  readonly free: FreePages
  readonly cpus: CpuFidelity[]
  readonly misses = new Map<Miss, number>()
  readonly totals = newTotals()
  /** Pagesets that a probe showed, and how many of them were as believed in every field. */
  readonly states = { recorded: 0, exact: 0 }
  /** What an earlier pass found. */
  readonly given: Inferences
  readonly found = noInferences()
  readonly tickEvidence: TickEvidence
  /** Where no file tells the bounds of `high`. */
  readonly limits: LimitEvidence | undefined
  readonly history: History
  readonly preemptedPops: PreemptedPops
  /** Whether ticks that no event shows are believed, and may be moved. */
  readonly placesTicks: boolean
  /** By row: where an earlier pass found that compaction emptied the lists. */
  readonly localDrainAt: ReadonlyMap<number, { readonly pset: number; readonly from: number }>
  readonly interruptions: Record<string, number> = {}
  /** The row of the script that is followed now. */
  row = 0
  corrections = 0
  /** Counts at the first row of the scored window, and at its end. */
  #begun: ReturnType<EstimatorState['counts']> | undefined
  #ended: ReturnType<EstimatorState['counts']> | undefined
  /** By CPU: the row before which a tick fell due that has not run yet; −1: none. */
  readonly lateTick: Int32Array
  /** By CPU: its last row. */
  readonly lastRow: Int32Array
  /** By list: the row at which it was filled as recorded. */
  readonly filledAt: Int32Array
  /** By page: the row at which it was taken last ahead of its event. */
  readonly #ahead = new Map<number, number>()
  /** Frees that went to the buddy, since another operation held the pageset's lock. */
  pastFrees = 0
  /** By CPU: 1 where it was last seen draining the lists of others. */
  readonly draining: Uint8Array

  /** By page: rows at which an earlier pass found that it left its list. */
  readonly #givenEarly = new Map<number, number[]>()

  constructor(
    { script, choice, index, fates, boosts, preemptedPops, ticks }: Shared,
    corrects: boolean,
    given: Inferences,
  ) {
    this.script = script
    this.corrects = corrects
    this.index = index
    this.fates = fates
    this.given = given
    this.tickEvidence = new TickEvidence()
    this.history = new History(script.cpus * script.zones.length)
    this.preemptedPops = preemptedPops
    this.placesTicks = corrects && ticks.row.length > 0
    for (const [from, pages] of given.early)
      for (const page of pages) this.#givenEarly.set(page, [...(this.#givenEarly.get(page) ?? []), from])
    const { row: rows, pset: psets, from } = given.localDrains
    this.localDrainAt = new Map(rows.map((row, at) => [row, { pset: psets[at]!, from: from[at]! }]))
    this.belief = new Belief(script, choice, index)
    for (const [zone, bound] of given.highMax.entries()) if (bound > 0) this.belief.proveBound(zone, bound)
    this.limits = script.machine.zones.length === 0 ? new LimitEvidence(this.belief) : undefined
    this.free = new FreePages(script, this.belief.traits.decay, boosts)
    this.draining = new Uint8Array(script.cpus)
    this.lateTick = new Int32Array(script.cpus).fill(-1)
    this.lastRow = new Int32Array(script.cpus).fill(-1)
    this.filledAt = new Int32Array(this.belief.known.length).fill(-1)
    this.cpus = Array.from({ length: script.cpus }, (_, cpu) => ({
      cpu,
      warmup: 0,
      operations: 0,
      excusedRefills: 0,
      excusedBursts: 0,
      ranFree: { refills: 0, bursts: 0 },
      refills: newScore(),
      bursts: newScore(),
      requested: newScore(),
      ticks: newScore(),
      pages: { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 },
    }))
  }

  /** Whether a pageset is left to its rules. */
  runsFree(pset: number): boolean {
    return !this.corrects && this.belief.isSettled(pset)
  }

  /** Whether the event of a row proved what it would be scored by. */
  proves(row: number): boolean {
    return this.found.proving.has(row) || this.given.proving.has(row)
  }

  /** Whether a row's allocation went past its list to the buddy. */
  isDirect(row: number): boolean {
    const [found, given] = [this.found.direct, this.given.direct]
    return (found.size > 0 && found.has(row)) || (!this.corrects && given.size > 0 && given.has(row))
  }

  /** Whether a list is left to its rules: of a pageset that is, and nothing from before the trace lies on it. */
  listRunsFree(pset: number, list: number): boolean {
    return this.belief.known[list] === 1 && this.runsFree(pset)
  }

  /** This row’s allocation took a page that was no head by then: its task took it before others ran, if they did. */
  notePop(row: number, page: number): void {
    const at = this.script.preemptedAtRow[row]!
    if (at === 0 || this.#givenEarly.get(page)?.some((from) => from >= at && from <= row) === true) return
    const pages = this.found.early.get(at)
    if (pages === undefined) this.found.early.set(at, [page])
    else if (!pages.includes(page)) pages.push(page)
  }

  /** A page leaves its list here, though its event is still to come. */
  noteAhead(page: number): void {
    this.#ahead.set(page, this.row)
  }

  /** The event of a page that was taken before comes now. */
  noteLanded(page: number): void {
    const at = this.#ahead.get(page)
    if (at !== undefined) this.found.taken.set(this.row, at)
    this.#ahead.delete(page)
  }

  /** Whether a pageset's state was confirmed, far from any shortage. */
  isUnpressedSince(pset: number): boolean {
    return this.history.since(pset) >= 0 && this.free.unpressed(pset % this.belief.zones)
  }

  /** Whether what happened to a pageset is known well enough to play it again: no tick unseen lowered `high`. */
  canPlay(pset: number): boolean {
    const { highMin, highMax } = this.belief.psets[pset]!.pcp
    return this.isUnpressedSince(pset) && (highMin === highMax || this.script.ticksRecorded || this.placesTicks)
  }

  /** What moved `high` of a pageset, with what tells where ticks may have been. */
  tickLine(pset: number, line: HighLine) {
    const { history, script } = this
    const { highMin, highMax } = this.belief.psets[pset]!.pcp
    return {
      ...line,
      bounds: { highMin, highMax },
      since: script.time[history.since(pset)] ?? script.from,
      timeOf: (entry: number) => script.time[history.rowOf(pset, entry) ?? script.length] ?? script.to,
      after: (entry: number) => history.after(entry),
    }
  }

  /** The row before which a tick fell due that has not run yet, and now is known to have; −1: none. */
  takesLate(cpu: Cpu): number {
    const row = this.lateTick[cpu]!
    this.lateTick[cpu] = -1
    return row
  }

  /** Ticks ran at other moments than thought. */
  movesTicks(pset: number, { skip = [], add = [] }: Change): void {
    const { cpu } = this.belief.psets[pset]!
    const rowOf = (entry: number | undefined): number =>
      entry === undefined ? -1 : (this.history.rowOf(pset, entry) ?? this.row)
    for (let at = 0; at < Math.max(skip.length, add.length); at++) {
      const to = rowOf(add[at])
      const from = skip[at] === undefined ? this.takesLate(cpu) : rowOf(skip[at])
      if (from !== to) this.found.tickMoves.push({ cpu, from, to })
    }
  }

  /** A task took its page at `from` already: it leaves the lists now, if it has not left since. */
  tookEarly({ from, row }: EarlyPop, pset: number): void {
    const { script, belief, found } = this
    const page = this.index.at(script.pfn[row]!, script.zone[row]!)
    const pages = found.early.get(from)
    if (pages === undefined) found.early.set(from, [page])
    else pages.push(page)
    if (row > this.row && belief.isOn(page, pset)) {
      belief.takeInFlight(page)
      this.noteAhead(page)
    }
  }

  /** Takes pages off a list from its head down to `upTo`, which stays; −1: all. They were popped untraced. */
  popUntraced(list: number, upTo: number): boolean {
    const { belief } = this
    let clean = true
    for (let page = belief.lists.head(list); page !== upTo && page >= 0; page = belief.lists.head(list)) {
      if (!belief.mayBeTaken(page, list)) clean = false
      belief.drop(page)
      this.noteBulk(list)
    }
    return clean
  }

  noteBulk(list: number): void {
    const { bulk } = this.found
    this.history.taken(this.belief.psetOf(list), this.row, 1 << this.belief.orderOf(list))
    bulk.row.push(this.row)
    bulk.pset.push(this.belief.psetOf(list))
    bulk.list.push(list % this.belief.perSet)
  }

  sizeOf(from: number, to: number): number {
    let pages = 0
    for (let item = from; item < to; item++) pages += 1 << this.script.drainOrder[item]!
    return pages
  }

  /** Flags of a pageset's zone, as its list rules see them. */
  flagsOf(pset: number): ZoneFlags {
    return this.free.flags[pset % this.belief.zones]!
  }

  /** A probe shows a pageset as it is: compared with the belief, and then believed, unless it is left to its rules. */
  compareState(set: PagesetBelief, probed: PagesetState): void {
    const { pcp } = set
    const fields = ['count', 'high', 'freeCount', 'freeFactor', 'allocFactor'] as const
    if (this.belief.isProven(set.pset)) {
      this.states.recorded++
      if (fields.every((field) => probed[field] === undefined || probed[field] === pcp[field])) this.states.exact++
    }
    if (this.runsFree(set.pset)) return
    for (const field of [...fields, 'highMin', 'highMax'] as const) {
      const value = probed[field]
      if (value !== undefined && field !== 'count') pcp[field] = value
    }
    this.belief.recount(set.pset, probed.count)
    set.twin = undefined
    set.high = 'recorded'
  }

  /** The record shows a page in use, or in the buddy, while the replay may hold it on a list. */
  isElsewhere(page: number): void {
    const { belief } = this
    const list = belief.lists.where[page]!
    if (list < 0) return
    if (this.listRunsFree(belief.psetOf(list), list)) {
      belief.forgetIdentity(page)
      return
    }
    this.miss('held-twice')
    this.corrections++
    belief.dropAbsent(page)
  }

  miss(cause: Miss): void {
    this.misses.set(cause, (this.misses.get(cause) ?? 0) + 1)
  }

  cpuOf(pset: number): CpuFidelity {
    return this.cpus[this.belief.psets[pset]!.cpu]!
  }

  /** Counts a refill, of which both sides may lack one. */
  countRefill(recordedPages: number, predictedPages: number, recorded = Number(recordedPages > 0)): void {
    const { refills, refilledPages } = this.totals
    refills.recorded += recorded
    refills.predicted += Number(predictedPages > 0)
    refilledPages.recorded += recordedPages
    refilledPages.predicted += predictedPages
  }

  countBulkFree(recordedPages: number, predictedPages: number): void {
    const { bulkFrees, bulkFreedPages } = this.totals
    bulkFrees.recorded += Number(recordedPages > 0)
    bulkFrees.predicted += Number(predictedPages > 0)
    bulkFreedPages.recorded += recordedPages
    bulkFreedPages.predicted += predictedPages
  }

  countRequestedDrain(recordedPages: number, predictedPages: number): void {
    this.countBulkFree(recordedPages, predictedPages)
    this.totals.requestedDrains.recorded += Number(recordedPages > 0)
    this.totals.requestedDrains.predicted += Number(predictedPages > 0)
  }

  /** Everything that is counted, as it stands now. */
  counts() {
    return structuredClone({
      cpus: this.cpus,
      misses: this.misses,
      totals: this.totals,
      states: this.states,
      interruptions: this.interruptions,
      resyncs: this.corrections,
      inferredBulkPages: this.found.bulk.row.length,
      inferredPastFrees: this.pastFrees,
    })
  }

  /** What is counted begins here, or ends. */
  readonly beginsHere = (): void => {
    this.#begun = this.counts()
  }
  readonly endsHere = (): void => {
    this.#ended = this.counts()
  }

  /** Counts with what is summed over CPUs. */
  #summed(counts: ReturnType<EstimatorState['counts']>): RunCounts {
    const sum = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((all, one) => all + one, 0)
    const interruptions = {
      recorded: sum(this.script.recordedInterruptions),
      predicted: sum(counts.interruptions),
    }
    return { ...counts, totals: { ...counts.totals, interruptions } }
  }

  /** `scored`: whether a part was scored apart. */
  close(ticks: SilentTicks, boosts: Uint8Array, scored: boolean): FidelityRun {
    const { found, belief } = this
    const now = this.counts()
    return {
      ...this.#summed(now),
      ...(scored ? { within: this.#summed(since(this.#ended ?? now, this.#begun)) } : {}),
      inferences: { ...found, tickWindows: this.tickEvidence.windows, highMax: Array.from(belief.highMax) },
      limits: this.limits?.all ?? [],
      highBegun: this.limits?.begun ?? [],
      atFirstWake: this.free.atFirstWake,
      surfaced: belief.psets.map(({ pset }) => surfacedOn(belief, pset)),
      early: this.given.early.size > 0 ? found.left : found.early,
      initial: { entries: belief.initial, hidden: Int32Array.from(belief.psets, ({ unknown }) => unknown) },
      bulk: found.bulk,
      localDrains: found.localDrains,
      ticks,
      boosts,
      finalCounts: Int32Array.from(belief.psets, ({ pcp }) => pcp.count),
      finalHighs: Int32Array.from(belief.psets, ({ pcp }) => pcp.high),
      finalLists: belief.lists.lens.slice(),
      nextTick: [],
    }
  }
}
