import type { Cpu } from '#kernel'
import { type Pcp, Quota } from '#policies/pcp'
import type { BulkFrees } from './bulk-frees.ts'
import type { BulkSizes, Range } from './bulk-sizes.ts'
import { firstWhere } from './invert.ts'
import { remotePsets } from './remote-psets.ts'
import type { EstimatorState } from './state.ts'
import { tickPlacements } from './tick-search.ts'

/** Ticks after which a remote pageset that nobody used is given back. Source: refresh_cpu_vm_stats(), mm/vmstat.c, v5.10 to v7.2. */
const EXPIRE_TICKS = 3

/** A guessed `high` is not thought to be further off than so many batches. */
const SLACK = 4

/** What a tick did to a pageset that follows the record, and what was believed of it before. */
interface TickSeen {
  readonly row: number
  readonly pset: number
  readonly ranges: readonly [Range, ...Range[]]
  readonly high: number
  readonly held: number
  readonly isTied: boolean
  readonly expires: boolean
  readonly scored: boolean
  readonly quota: Quota
  /** Whether it gave back other than expected. */
  readonly off: boolean
}

/** vmstat_update(): lowers `high` and gives back what lies above it; of a zone of another node, a batch once it was left alone. */
export class Ticks {
  readonly #state: EstimatorState
  readonly #sizes: BulkSizes
  readonly #bulkFrees: BulkFrees
  /** By pageset: 1 where it is of another node than its CPU. */
  readonly #remote: Uint8Array
  /** By pageset: ticks until it expires; 0: not counting. */
  readonly #expire: Uint8Array
  /** By pageset: 1 where this CPU changed the zone's counters since its last tick. */
  readonly #used: Uint8Array

  constructor(state: EstimatorState, sizes: BulkSizes, bulkFrees: BulkFrees) {
    this.#state = state
    this.#sizes = sizes
    this.#bulkFrees = bulkFrees
    this.#remote = remotePsets(state.script)
    this.#expire = new Uint8Array(this.#remote.length)
    this.#used = new Uint8Array(this.#remote.length)
  }

  /** This CPU works on a zone. */
  uses(pset: number): void {
    this.#used[pset] = 1
  }

  /** A recorded tick. */
  tick(row: number): void {
    const { script, index } = this.#state
    this.#seen(script.cpu[row]!)
    this.#each(row, script.cpu[row]!, (zone, from) => {
      let to = from
      while (to < script.drainEnd[row]! && index.zone(script.drainPfn[to]!) === zone) to++
      return to
    })
  }

  /** A tick is seen: what was due and had not run is this one. */
  #seen(cpu: Cpu): void {
    const from = this.#state.takesLate(cpu)
    if (from >= 0) this.#state.found.tickMoves.push({ cpu, from, to: -1 })
  }

  /**
   * A tick that no event shows falls due before a row. Where it would give pages back, it has not run yet: it comes once it gives nothing, as
   * the record says.
   */
  due(cpu: Cpu, row: number): void {
    if (this.#state.placesTicks && !this.#isSilent(cpu)) {
      if (this.#state.lateTick[cpu]! >= 0) this.#runsLate(cpu, row)
      this.#state.lateTick[cpu] = row
    } else this.#silentTick(cpu, row)
  }

  /** A tick that was due earlier runs before this row, if it may by now. */
  comesLate(cpu: Cpu, row: number): void {
    if (this.#state.lateTick[cpu]! >= 0 && this.#isSilent(cpu)) this.#runsLate(cpu, row)
  }

  #runsLate(cpu: Cpu, row: number): void {
    this.#state.found.tickMoves.push({ cpu, from: this.#state.takesLate(cpu), to: row })
    this.#silentTick(cpu, row)
  }

  /** Whether a tick would give nothing back, as far as is known. */
  #isSilent(cpu: Cpu): boolean {
    const { belief } = this.#state
    for (let pset = cpu * belief.zones; pset < (cpu + 1) * belief.zones; pset++) {
      const { onTick } = belief.rulesOf(pset)
      const { high, pcp } = belief.psets[pset]!
      if (onTick === undefined || high === 'guessed' || high === 'unknown' || !belief.isProven(pset)) continue
      if (onTick(belief.trial(pcp)) > 0) return false
    }
    return true
  }

  /** Nothing was given back, at least where it was thought to be. */
  #silentTick(cpu: Cpu, row: number): void {
    this.#each(row, cpu, (_zone, from) => from)
  }

  #each(row: number, cpu: number, end: (zone: number, from: number) => number): void {
    const { belief, script } = this.#state
    let from = script.drainStart[row] ?? 0
    for (let zone = 0; zone < belief.zones; zone++) {
      const pset = cpu * belief.zones + zone
      const to = end(zone, from)
      const expires = this.#expires(pset)
      if (belief.rulesOf(pset).onTick !== undefined || expires || to > from) this.#tickOf(row, pset, from, to, expires)
      from = to
    }
  }

  /** Whether a remote pageset is given back at this tick. */
  #expires(pset: number): boolean {
    const used = this.#used[pset] === 1
    this.#used[pset] = 0
    if (this.#remote[pset] === 0) return false
    if (used) this.#expire[pset] = EXPIRE_TICKS
    if (this.#expire[pset] === 0 || this.#state.belief.psets[pset]!.pcp.count === 0) return false
    this.#expire[pset]!--
    if (this.#expire[pset]! > 0) return false
    // What it gives back changes the zone's counters.
    this.#used[pset] = 1
    return true
  }

  /** What the tick of this row gave back of a zone after it was preempted. */
  #laterOf(row: number, zone: number): readonly Range[] {
    const { script, index } = this.#state
    return this.#sizes.later(row).filter((range) => index.zone(script.drainPfn[range.from]!) === zone)
  }

  #tickOf(row: number, pset: number, from: number, to: number, expires: boolean): void {
    const state = this.#state
    const { belief } = state
    const set = belief.psets[pset]!
    const { ticks } = state.cpuOf(pset)
    const ranges: TickSeen['ranges'] = [{ from, to }, ...(to > from ? this.#laterOf(row, set.zone) : [])]
    const recorded = this.#sizes.sizeOfAll(ranges)
    const { high, count: held } = set.pcp
    const runsFree = state.runsFree(pset)
    const decayed = belief.rulesOf(pset).onTick?.(set.pcp) ?? 0
    const isTied = set.isTied
    set.isTied = false
    state.limits?.moves(pset, 0)
    // Wherever a guess may have had it, `high` comes down to its bound; a count that was as far off as the guess still is.
    if (set.high === 'guessed' && high - (high >> 3) + SLACK * set.pcp.batch <= set.pcp.highMin) {
      set.high = 'proven'
      if (set.isRelative && recorded === 0) set.count = 'guessed'
    }
    set.decay = high - set.pcp.high
    const n = decayed + (expires ? Math.min(set.pcp.batch, set.pcp.count - decayed) : 0)
    const chunk = belief.rulesOf(pset).tickChunk?.(set.pcp) ?? n
    const expected = this.#sizes.expected(row, set.pcp.count, n, chunk, ranges)
    const scored = belief.isProven(pset)
    if (scored) {
      if (recorded > 0) ticks.recorded++
      if (expected > 0) ticks.predicted++
      if (recorded > 0 && expected === recorded) ticks.exact++
    }
    const quota = new Quota(scored ? n : recorded, chunk)
    if (runsFree) {
      const went = this.#bulkFrees.pages.byRule({ pset, list: 0, from, to, quota }, recorded > 0)
      state.countBulkFree(recorded, went)
      return
    }
    this.#followed({ row, pset, ranges, high, held, isTied, expires, scored, quota, off: expected !== recorded })
  }

  /** The pages of a tick go as recorded; where it gave back other pages than expected, the belief is corrected. */
  #followed({ row, pset, ranges, high, held, isTied, expires, scored, quota, off }: TickSeen): void {
    const state = this.#state
    const set = state.belief.psets[pset]!
    const [{ from, to }, ...later] = ranges
    const recorded = this.#sizes.sizeOfAll(ranges)
    state.countBulkFree(recorded, recorded)
    if (recorded > 0) {
      // What shows how far off both are is not scored.
      const shows = off && isTied
      const given = shows ? new Quota(recorded) : quota
      this.#bulkFrees.pages.follow({ pset, list: 0, from, to, scored: scored && !shows, quota: given })
      if (later.length === 0 && this.#remote[pset] === 0) state.limits?.reached(pset, 0)
      if (later.length > 0) this.#bulkFrees.goesOn(row, pset, quota, scored, later.length)
    }
    if (off && this.#remote[pset] === 1 && recorded === Math.min(set.pcp.batch, held)) {
      // It expired at another tick than thought.
      this.#expire[pset] = 0
      this.#used[pset] = 1
      if (scored) {
        state.miss('tick-expiry')
        state.corrections++
      }
    } else if (off) {
      if (isTied && !expires && recorded > 0 && this.#untie(row, pset, ranges, high)) return
      if (!expires && recorded > 0 && this.#ranOtherwise(row, pset, ranges)) return
      this.#correct(pset, ranges, recorded, high, scored, expires)
    } else if (recorded > 0 && !scored && !expires) this.#prove(pset, later)
    if (recorded === 0) state.history.ticked(pset, row, 0)
    else state.history.confirmUnless(later.length > 0 || !state.belief.isProven(pset), pset, set.pcp, row)
  }

  /** Pages went, so the count is at `high` once all have gone: the better known of the two proves the other. */
  #prove(pset: number, later: readonly Range[]): void {
    const { belief } = this.#state
    const set = belief.psets[pset]!
    if (belief.rulesOf(pset).onTick === undefined) return
    belief.recount(pset, set.pcp.high + this.#sizes.sizeOfAll(later))
    set.count = 'proven'
    set.isTied = set.isRelative = set.high === 'guessed'
  }

  /**
   * A count was proven by a guessed `high`: both are off by as many pages as make this tick give back what was recorded. Returns whether
   * there is such a number.
   */
  #untie(row: number, pset: number, ranges: readonly Range[], high: number): boolean {
    const { belief } = this.#state
    const set = belief.psets[pset]!
    const { onTick, tickChunk } = belief.rulesOf(pset)
    if (onTick === undefined) return false
    const recorded = this.#sizes.sizeOfAll(ranges)
    const toGo = this.#sizes.sizeOfAll(ranges.slice(1))
    const before = set.pcp.count + recorded - toGo
    const shifted = (by: number): Pcp => {
      const pcp = belief.trial(set.pcp)
      pcp.count = before + by
      pcp.high = high + by
      return pcp
    }
    const gone = (by: number): number => {
      const pcp = shifted(by)
      const n = onTick(pcp)
      return this.#sizes.expected(row, pcp.count, n, tickChunk?.(pcp) ?? n, ranges)
    }
    const by = firstWhere(set.pcp.highMin - high, set.pcp.highMax - high, (value) => gone(value) >= recorded)
    if (by === undefined || gone(by) !== recorded) return false
    const pcp = shifted(by)
    onTick(pcp)
    set.pcp.high = pcp.high
    belief.recount(pset, before + by - recorded + toGo)
    set.isRelative = gone(by + 1) === recorded
    set.high = set.isRelative ? 'guessed' : 'proven'
    return true
  }

  /** Whether this tick gave back what it did since earlier ones, which no event shows, ran at other moments than believed. */
  #ranOtherwise(row: number, pset: number, ranges: readonly Range[]): boolean {
    const state = this.#state
    const { belief, history } = state
    if (!state.placesTicks || !state.isUnpressedSince(pset)) return false
    const { onTick, tickChunk } = belief.rulesOf(pset)
    const set = belief.psets[pset]!
    const recorded = this.#sizes.sizeOfAll(ranges)
    const toGo = this.#sizes.sizeOfAll(ranges.slice(1))
    const before = set.pcp.count + recorded - toGo
    const gives = (pcp: Pcp): boolean => {
      const n = onTick?.(pcp) ?? 0
      return this.#sizes.expected(row, before, n, tickChunk?.(pcp) ?? n, ranges) === recorded
    }
    const fits = (high: number): boolean => gives(Object.assign(belief.trial(set.pcp), { high, count: before }))
    for (const change of tickPlacements(state.tickLine(pset, history.line(pset, belief.rulesOf(pset))), fits)) {
      const played = history.play(pset, belief.rulesOf(pset), change)
      if (played?.row !== -1 || played.pcp.count !== before || !gives(played.pcp)) continue
      state.movesTicks(pset, change)
      set.pcp.high = played.pcp.high
      set.high = 'proven'
      history.confirmUnless(toGo > 0, pset, set.pcp, row)
      return true
    }
    return false
  }

  /** Where `high` was, or the count, as the record shows it. */
  #correct(
    pset: number,
    ranges: readonly Range[],
    recorded: number,
    high: number,
    scored: boolean,
    expires: boolean,
  ): void {
    const state = this.#state
    const { belief } = state
    const set = belief.psets[pset]!
    const { onTick } = belief.rulesOf(pset)
    const toGo = this.#sizes.sizeOfAll(ranges.slice(1))
    let cause: 'tick-size' | 'tick-high' = 'tick-size'
    if (onTick !== undefined && !expires) {
      if (!scored && recorded > 0) {
        this.#prove(pset, ranges.slice(1))
        return
      }
      // The highest `high` with which so many go.
      const count = set.pcp.count + recorded - toGo
      const gone = (value: number): number => onTick(Object.assign(set.pcp.clone(), { count, high: value }))
      const first = firstWhere(set.pcp.highMin, set.pcp.highMax, (value) => gone(value) <= recorded)
      if (first !== undefined && gone(first) === recorded && recorded > 0) {
        const after = Object.assign(set.pcp.clone(), { count, high: first })
        onTick(after)
        set.pcp.high = after.high
        cause = 'tick-high'
      } else if (recorded === 0) {
        // It came at another moment: `high` is as it was.
        set.pcp.high = Math.max(high, set.pcp.count)
        set.decay = 0
        cause = 'tick-high'
      } else belief.recount(pset, set.pcp.high + toGo)
    }
    if (!scored) return
    state.miss(cause)
    state.corrections++
  }
}
