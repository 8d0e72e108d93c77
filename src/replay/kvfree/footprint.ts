import type { Ns } from '#kernel'
import type { KvfreeSeries } from './engine.ts'
import type { Ledger } from './ledger.ts'
import type { Clock } from './types.ts'

/** Steps kept at most: a longer run gets wider ones. */
const STEPS = 1024
const PAGE_SIZE = 4096

/** Objects by state and memory, at the ends of equal steps; for runs whose end is not known beforehand. */
export class Footprint {
  stepNs: Ns = 1e6
  readonly #clock: Clock
  readonly #ledger: Ledger
  #rows: Float64Array[] = []

  constructor(clock: Clock, ledger: Ledger) {
    this.#clock = clock
    this.#ledger = ledger
    this.#sampleAt(this.stepNs)
  }

  #sampleAt(time: Ns): void {
    this.#clock.timers.set(time, () => {
      const { objects, bytes, pages } = this.#ledger
      const { collected, waiting, freeing } = objects
      this.#rows.push(Float64Array.of(collected, waiting, freeing, bytes + pages * PAGE_SIZE))
      if (this.#rows.length === STEPS) {
        this.#rows = this.#rows.filter((_, at) => at % 2 === 1)
        this.stepNs *= 2
      }
      this.#sampleAt((this.#rows.length + 1) * this.stepNs)
    })
  }

  get series(): KvfreeSeries {
    const column = (at: number) => Float64Array.from(this.#rows, (row) => row[at]!)
    return {
      t: Float64Array.from(this.#rows, (_, at) => (at + 1) * this.stepNs),
      collected: column(0),
      waiting: column(1),
      freeing: column(2),
      bytes: column(3),
    }
  }
}
