import { Quota } from '#policies/pcp'
import { Op } from '#record'
import type { EstimatorState } from './state.ts'

export interface Range {
  readonly from: number
  readonly to: number
}

/** How many pages a bulk free comes to: by the rule, and as recorded. */
export class BulkSizes {
  readonly #state: EstimatorState
  /** By the row of a bulk free that was preempted: what its task gave back once it ran again. */
  readonly #later = new Map<number, Range[]>()
  /** Rows of bulk frees whose task was seen next on another CPU. */
  readonly #moved: ReadonlySet<number>

  constructor(state: EstimatorState) {
    this.#state = state
    const { op, pfn, length, drainStart, drainEnd, moved } = state.script
    this.#moved = new Set(moved)
    for (let row = 0; row < length; row++) {
      if (op[row] !== Op.bulkFreeResumed) continue
      const range = { from: drainStart[row]!, to: drainEnd[row]! }
      const ranges = this.#later.get(pfn[row]!)
      if (ranges === undefined) this.#later.set(pfn[row]!, [range])
      else ranges.push(range)
    }
  }

  /** What the bulk free of this row gave back after it was preempted. */
  later(row: number): readonly Range[] {
    return this.#later.size === 0 ? [] : (this.#later.get(row) ?? [])
  }

  moved(row: number): boolean {
    return this.#moved.has(row)
  }

  sizeOfAll(ranges: readonly Range[]): number {
    return ranges.reduce((pages, { from, to }) => pages + this.#state.sizeOf(from, to), 0)
  }

  /**
   * Pages that `n` asked for come to: high-order blocks may overshoot, and no more go than the lists hold (`count`). Between two batches a
   * task that finds itself on another CPU gives the rest up. Source: free_frozen_page_commit(), mm/page_alloc.c, v7.2.
   */
  expected(row: number, count: number, n: number, chunk: number, ranges: readonly Range[]): number {
    if (n === 0) return 0
    const { drainOrder } = this.#state.script
    const quota = new Quota(n, chunk)
    let gone = 0
    let batchEnds = false
    for (const { from, to } of ranges)
      for (let item = from; item < to && quota.rest > 0; item++) {
        const size = 1 << drainOrder[item]!
        batchEnds = quota.take(size)
        gone += size
      }
    // What was preempted goes on later, with what the lists hold by then.
    const goesOn = ranges.length === 1 && this.#later.has(row)
    if (batchEnds && (this.#moved.has(row) || goesOn)) return gone
    return gone + Math.min(quota.rest, Math.max(0, count - gone))
  }

  /** Whether more than the recorded pages would have gone, if there had been more. */
  hasMoreToTake(row: number, n: number, chunk: number, ranges: readonly Range[]): boolean {
    const pages = this.sizeOfAll(ranges)
    return this.expected(row, pages + 1, n, chunk, ranges) > pages
  }

  /** Batches that recorded pages end; they are taken off the quota. */
  batchesOf({ from, to }: Range, quota: Quota): number {
    let batches = 0
    for (let item = from; item < to; item++) if (quota.take(1 << this.#state.script.drainOrder[item]!)) batches++
    return batches
  }

  /**
   * Whether the kernel stopped at the end of a batch, short of what the rule gives: between two it tries the lists' lock again, and gives
   * the rest up where that fails. Source: free_frozen_page_commit(), mm/page_alloc.c, v7.2.
   */
  isGivenUp({ from, to }: Range, n: number, chunk: number, expected: number): boolean {
    const quota = new Quota(n, chunk)
    let batchEnds = false
    for (let item = from; item < to; item++) batchEnds = quota.take(1 << this.#state.script.drainOrder[item]!)
    return batchEnds && this.#state.sizeOf(from, to) < expected
  }

  /** Where the recorded pages end that `n` asked for take, and how many pages that makes. */
  predictedEnd(count: number, n: number, chunk: number, from: number, to: number): { end: number; pages: number } {
    const { drainOrder } = this.#state.script
    const quota = new Quota(n, chunk)
    let end = from
    for (; end < to && quota.rest > 0; end++) quota.take(1 << drainOrder[end]!)
    const gone = this.#state.sizeOf(from, end)
    return { end, pages: gone + Math.min(quota.rest, Math.max(0, count - gone)) }
  }

  /** Pages per hold of zone->lock. */
  chunkOf(pset: number, n: number): number {
    const { belief } = this.#state
    return belief.rulesOf(pset).freeChunk?.(belief.psets[pset]!.pcp) ?? n
  }
}
