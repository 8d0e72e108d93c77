import type { Pages } from '#kernel'
import type { ListRules, Pcp } from '#policies/pcp'

const FREE = 0
const POP = 1
const REFILL = 2
const TAKEN = 3
const TICK = 4
const GAVE = 5

const NO_FLAGS = { reclaimActive: false, belowHigh: false }

/** Numbers per entry: row, what, order, value. */
const WIDTH = 4

/** Older operations than so many are not asked about again. */
const MOST = WIDTH << 15

/** An allocation whose page left its list at row `from`, though its event came at `row`. */
export interface EarlyPop {
  readonly from: number
  readonly row: number
  readonly order: number
}

/** What is asked of a history: how it differs from what is believed. */
export interface Change {
  /** Pages that left early, in order of `from`. */
  readonly early?: readonly EarlyPop[]
  /** Pages that were not there at its start. */
  readonly fewer?: number
  /** Entries of ticks that did not run then. */
  readonly skip?: readonly number[]
  /** Entries before which one did, that no event shows. */
  readonly add?: readonly number[]
}

/** What moved `high` of a pageset since its state was confirmed. */
export interface HighLine {
  readonly start: Pages
  /** By refill: its entry, and how much it raised `high`. */
  readonly raises: readonly { readonly entry: number; readonly by: Pages }[]
  /** Entries of ticks that no event shows. */
  readonly ticks: readonly number[]
  /** Its last entry. */
  readonly last: number
}

/** The first bulk free that the rules make of a history, or its end. */
export interface FirstBulkFree {
  /** −1: none came. */
  readonly row: number
  /** Pages to give back. */
  readonly n: number
  /** The pageset before anything went. */
  readonly pcp: Pcp
}

/** By how much a refill raises `high` if its upper bound leaves room, as a tick just before it would. */
function raisedBy(pcp: Pcp, rules: ListRules, order: number): Pages {
  const low = pcp.clone()
  low.high = low.highMin
  rules.nrAlloc(low, order, NO_FLAGS)
  return low.high - low.highMin
}

/**
 * What happened to each pageset since the record last confirmed its state: so that a hypothesis may ask what would have come if a page had
 * left its list earlier, or unseen. Nothing is kept of a pageset whose state was never confirmed.
 */
export class History {
  readonly #start: (Pcp | undefined)[]
  readonly #startRow: Int32Array
  /** By pageset: its entries, in the first `#used` places of an array that grows. */
  readonly #entries: Int32Array[]
  readonly #used: Int32Array

  constructor(psets: number) {
    this.#start = Array.from({ length: psets }, () => undefined)
    this.#startRow = new Int32Array(psets)
    this.#entries = Array.from({ length: psets }, () => new Int32Array(WIDTH << 4))
    this.#used = new Int32Array(psets)
  }

  /** The record shows a pageset as believed after this row. */
  confirm(pset: number, pcp: Pcp, row: number): void {
    this.#start[pset] = pcp.clone()
    this.#startRow[pset] = row
    this.#used[pset] = 0
  }

  /** As `confirm`; where more is to come of what shows it, nothing is known for now. */
  confirmUnless(goesOn: boolean, pset: number, pcp: Pcp, row: number): void {
    if (goesOn) this.forget(pset)
    else this.confirm(pset, pcp, row)
  }

  /** It was changed in a way that cannot be played again. */
  forget(pset: number): void {
    this.#start[pset] = undefined
    this.#used[pset] = 0
  }

  /** The row after which it was confirmed; −1: it was not. */
  since(pset: number): number {
    return this.#start[pset] === undefined ? -1 : this.#startRow[pset]!
  }

  freed(pset: number, row: number, order: number): void {
    this.#note(pset, row, FREE, order, 0)
  }

  popped(pset: number, row: number, order: number): void {
    this.#note(pset, row, POP, order, 0)
  }

  /** `pages`: of the whole refill. */
  refilled(pset: number, row: number, order: number, pages: number): void {
    this.#note(pset, row, REFILL, order, pages)
  }

  /** Pages were taken unseen. */
  taken(pset: number, row: number, pages: number): void {
    this.#note(pset, row, TAKEN, 0, pages)
  }

  /** The free that was noted last gave back `pages`, as the rules say. */
  gave(pset: number, row: number, pages: number): void {
    this.#note(pset, row, GAVE, 0, pages)
  }

  /** A vmstat tick gave back `pages`. */
  ticked(pset: number, row: number, pages: number): void {
    this.#note(pset, row, TICK, 0, pages)
  }

  #note(pset: number, row: number, what: number, order: number, value: number): void {
    if (this.#start[pset] === undefined) return
    const used = this.#used[pset]!
    if (used > MOST) {
      this.forget(pset)
      return
    }
    let entries = this.#entries[pset]!
    if (used === entries.length) {
      entries = new Int32Array(2 * used)
      entries.set(this.#entries[pset]!)
      this.#entries[pset] = entries
    }
    entries[used] = row
    entries[used + 1] = what
    entries[used + 2] = order
    entries[used + 3] = value
    this.#used[pset] = used + WIDTH
  }

  /** The row of an entry; undefined behind the last. */
  rowOf(pset: number, entry: number): number | undefined {
    return entry < this.#used[pset]! ? this.#entries[pset]![entry] : undefined
  }

  /** Number of the entry after another. */
  after(entry: number): number {
    return entry + WIDTH
  }

  line(pset: number, rules: ListRules): HighLine {
    const raises: { entry: number; by: Pages }[] = []
    const ticks: number[] = []
    const pcp = this.#start[pset]!.clone()
    const start = pcp.high
    const entries = this.#entries[pset]!
    const used = this.#used[pset]!
    for (let at = 0; at < used; at += WIDTH) {
      const what = entries[at + 1]!
      const order = entries[at + 2]!
      if (what === REFILL) {
        const by = raisedBy(pcp, rules, order)
        if (by > 0) raises.push({ entry: at, by })
      }
      this.#does(pcp, rules, what, order, entries[at + 3]!)
      if (what === TICK && entries[at + 3] === 0) ticks.push(at)
    }
    return { start, raises, ticks, last: Math.max(0, used - WIDTH) }
  }

  /**
   * The first bulk free that the rules make of it beyond those that were recorded, far from any shortage, with a change; undefined: nothing is
   * known, a tick would have given pages back unseen, or what was recorded would not have come.
   */
  play(
    pset: number,
    rules: ListRules,
    { early = [], fewer = 0, skip = [], add = [] }: Change,
  ): FirstBulkFree | undefined {
    const pcp = this.#start[pset]?.clone()
    if (pcp === undefined) return undefined
    const entries = this.#entries[pset]!
    const used = this.#used[pset]!
    pcp.count -= fewer
    let next = 0
    for (let at = 0; at < used; at += WIDTH) {
      const row = entries[at]!
      const what = entries[at + 1]!
      for (; next < early.length && early[next]!.from <= row; next++) this.#does(pcp, rules, POP, early[next]!.order, 0)
      for (const before of add) if (before === at && this.#does(pcp, rules, TICK, 0, 0) > 0) return undefined
      if (what === POP && early.some((pop) => pop.row === row)) continue
      if (what === TICK && skip.includes(at)) continue
      const n = this.#does(pcp, rules, what, entries[at + 2]!, entries[at + 3]!)
      if (what === FREE && n > 0 !== (entries[at + WIDTH + 1] === GAVE)) return n > 0 ? { row, n, pcp } : undefined
      if (what === TICK && n > 0 && entries[at + 3] === 0) return undefined
    }
    return { row: -1, n: 0, pcp }
  }

  /** What an entry does to a pageset. Returns pages to give back. */
  #does(pcp: Pcp, rules: ListRules, what: number, order: number, value: number): Pages {
    switch (what) {
      case FREE:
        pcp.count += 1 << order
        return rules.nrFree(pcp, order, NO_FLAGS)
      case POP:
        rules.onAlloc(pcp)
        pcp.count -= 1 << order
        return 0
      case REFILL:
        rules.nrAlloc(pcp, order, NO_FLAGS)
        pcp.count += value
        return 0
      case TICK: {
        const n = rules.onTick?.(pcp) ?? 0
        pcp.count -= value
        return n
      }
      default:
        pcp.count -= value
        return 0
    }
  }
}
