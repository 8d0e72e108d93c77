import { RecordIndex } from './order.ts'
import type { Window } from './record-types.ts'

/** Rounds smaller than that are put in order together. */
const WORTH = 1 << 14
const STEP = 2 ** 32

/**
 * Records that wait to be put in the order of time. At the end of a round no record can come any more that is older than the newest of
 * the round before. Source: tools/perf/Documentation/perf.data-file-format.txt, PERF_RECORD_FINISHED_ROUND.
 */
export class Pending {
  readonly #take: (window: Window, at: number, time: number) => void
  #index = new RecordIndex()
  /** What the last flush left empty. */
  #spare = new RecordIndex()
  readonly #windows = new Map<number, Window>()
  #newest = -1
  /** Up to when the rounds before the last one have told all. */
  #settled = Number.NEGATIVE_INFINITY
  /**
   * Up to when this round has. A round has the buffer of one CPU after another, each in the order of time: what the CPU that is the
   * least far has reached all have. The newest time of all would do as well, but one wrong stamp would set it for good.
   */
  #reached = Number.POSITIVE_INFINITY
  #previous = Number.NEGATIVE_INFINITY

  constructor(take: (window: Window, at: number, time: number) => void) {
    this.#take = take
  }

  /** Records are in this window from now on. */
  open(window: Window): void {
    this.#windows.set(++this.#newest, window)
  }

  /** A record in the last window opened. */
  add(time: number, at: number): void {
    if (time < this.#previous) this.#endRun()
    this.#previous = time
    this.#index.add(time, this.#newest * STEP + at)
  }

  /** The time of the record that was added last; 0 before the first. */
  get previous(): number {
    const { length, time } = this.#index
    return length === 0 ? Math.max(0, this.#settled) : time[length - 1]!
  }

  /** Times go back: another CPU's buffer begins, or a stamp is wrong. Those that are settled tell nothing. */
  #endRun(): void {
    if (this.#previous > this.#settled) this.#reached = Math.min(this.#reached, this.#previous)
  }

  /** Ends a round. `mayTake`: what it takes to read records is known. */
  round(mayTake: boolean): void {
    const settled = this.#settled
    this.#endRun()
    if (this.#reached < Number.POSITIVE_INFINITY) this.#settled = this.#reached
    this.#reached = Number.POSITIVE_INFINITY
    this.#previous = Number.NEGATIVE_INFINITY
    if (mayTake && this.#index.length >= WORTH) this.#flush(settled)
  }

  end(): void {
    this.#flush(Number.POSITIVE_INFINITY)
  }

  #flush(until: number): void {
    const index = this.#index
    const { time, at, length } = index
    const rest = this.#spare
    const order = index.order()
    let open = -1
    let window: Window | undefined
    for (let place = 0; place < length && time[order[place]!]! <= until; place++) {
      const row = order[place]!
      const number = Math.floor(at[row]! / STEP)
      if (number !== open || window === undefined) {
        open = number
        window = this.#windows.get(number)!
      }
      this.#take(window, at[row]! - number * STEP, time[row]!)
    }
    let oldest = this.#newest
    for (let row = 0; row < length; row++) {
      if (time[row]! <= until) continue
      rest.add(time[row]!, at[row]!)
      oldest = Math.min(oldest, Math.floor(at[row]! / STEP))
    }
    index.length = 0
    this.#spare = index
    this.#index = rest
    for (const number of this.#windows.keys()) if (number < oldest) this.#windows.delete(number)
  }
}
