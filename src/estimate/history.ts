import type { ListRules, Pcp } from '#policies/pcp'

const FREE = 0
const POP = 1
const REFILL = 2
const TAKEN = 3
const TICK = 4

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

/** The first bulk free that the rules make of a history. */
export interface FirstBulkFree {
  readonly row: number
  /** Pages to give back. */
  readonly n: number
  /** The pageset before anything went. */
  readonly pcp: Pcp
}

/**
 * What happened to each pageset since the record last confirmed its state: so that a hypothesis may ask what would have come if a page had
 * left its list earlier, or unseen. Nothing is kept of a pageset whose state was never confirmed.
 */
export class History {
  readonly #start: (Pcp | undefined)[]
  readonly #startRow: Int32Array
  readonly #entries: number[][]

  constructor(psets: number) {
    this.#start = Array.from({ length: psets }, () => undefined)
    this.#startRow = new Int32Array(psets)
    this.#entries = Array.from({ length: psets }, () => [])
  }

  /** The record shows a pageset as believed after this row. */
  confirm(pset: number, pcp: Pcp, row: number): void {
    this.#start[pset] = pcp.clone()
    this.#startRow[pset] = row
    this.#entries[pset]!.length = 0
  }

  /** As `confirm`; where more is to come of what shows it, nothing is known for now. */
  confirmUnless(goesOn: boolean, pset: number, pcp: Pcp, row: number): void {
    if (goesOn) this.forget(pset)
    else this.confirm(pset, pcp, row)
  }

  /** It was changed in a way that cannot be played again. */
  forget(pset: number): void {
    this.#start[pset] = undefined
    this.#entries[pset]!.length = 0
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

  /** A vmstat tick gave back `pages`. */
  ticked(pset: number, row: number, pages: number): void {
    this.#note(pset, row, TICK, 0, pages)
  }

  #note(pset: number, row: number, what: number, order: number, value: number): void {
    if (this.#start[pset] === undefined) return
    const entries = this.#entries[pset]!
    if (entries.length > MOST) this.forget(pset)
    else entries.push(row, what, order, value)
  }

  /**
   * The first bulk free that the rules make of it, far from any shortage, if these pages left early (in order of `from`) and `fewer` pages were
   * there at its start; undefined: none.
   */
  play(pset: number, rules: ListRules, early: readonly EarlyPop[], fewer = 0): FirstBulkFree | undefined {
    const pcp = this.#start[pset]?.clone()
    if (pcp === undefined) return undefined
    const entries = this.#entries[pset]!
    const flags = { reclaimActive: false, belowHigh: false }
    pcp.count -= fewer
    let next = 0
    for (let at = 0; at < entries.length; at += WIDTH) {
      const row = entries[at]!
      const order = entries[at + 2]!
      for (; next < early.length && early[next]!.from <= row; next++) {
        rules.onAlloc(pcp)
        pcp.count -= 1 << early[next]!.order
      }
      switch (entries[at + 1]) {
        case FREE: {
          pcp.count += 1 << order
          const n = rules.nrFree(pcp, order, flags)
          if (n > 0) return { row, n, pcp }
          break
        }
        case POP:
          if (early.some((pop) => pop.row === row)) break
          rules.onAlloc(pcp)
          pcp.count -= 1 << order
          break
        case REFILL:
          rules.nrAlloc(pcp, order, flags)
          pcp.count += entries[at + 3]!
          break
        case TAKEN:
          pcp.count -= entries[at + 3]!
          break
        case TICK:
          rules.onTick?.(pcp)
          pcp.count -= entries[at + 3]!
          break
      }
    }
    return undefined
  }
}
