import { type Pcp, Quota } from '#policies'
import { Op } from '#record'
import type { Books } from './books.ts'
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

/** How many pages a bulk free comes to: by the rule, and as recorded. */
export class BulkSizes {
  readonly #books: Books
  /** By the row of a bulk free that was preempted: what its task gave back once it ran again. */
  readonly #later = new Map<number, Range[]>()
  /** Rows of bulk frees whose task was seen next on another CPU. */
  readonly #moved: ReadonlySet<number>

  constructor(books: Books) {
    this.#books = books
    const { op, pfn, length, drainStart, drainEnd, moved } = books.script
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
    return this.#later.get(row) ?? []
  }

  moved(row: number): boolean {
    return this.#moved.has(row)
  }

  sizeOfAll(ranges: readonly Range[]): number {
    return ranges.reduce((pages, { from, to }) => pages + this.#books.sizeOf(from, to), 0)
  }

  /**
   * Pages that `n` asked for come to: high-order blocks may overshoot, and no more go than the lists hold. Between two batches a task
   * that finds itself on another CPU gives the rest up. Source: free_frozen_page_commit(), mm/page_alloc.c, v7.2.
   */
  expected(row: number, pset: number, n: number, chunk: number, ranges: readonly Range[]): number {
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
    // What was preempted goes on later, with what the lists hold by then.
    const goesOn = ranges.length === 1 && this.#later.has(row)
    if (batchEnds && (this.#moved.has(row) || goesOn)) return gone
    return gone + Math.min(quota.rest, Math.max(0, this.#books.held.pcps[pset]!.count - gone))
  }

  /**
   * Whether the kernel stopped at the end of a batch, short of what the rule gives: between two it tries the lists' lock again, and gives
   * the rest up where that fails. Source: free_frozen_page_commit(), mm/page_alloc.c, v7.2.
   */
  isGivenUp({ n, from, to }: Burst, chunk: number, expected: number): boolean {
    const quota = new Quota(n, chunk)
    let batchEnds = false
    for (let item = from; item < to; item++) batchEnds = quota.take(1 << this.#books.script.drainOrder[item]!)
    return batchEnds && this.#books.sizeOf(from, to) < expected
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
}
