import { type Cpu, NS_PER_SECOND, type Ns } from '#kernel'
import type { GracePeriods } from '#sim'
import { Timers } from '#sim'
import type { Clock } from './types.ts'

/** Time, ticks and grace periods of one run. At one moment grace periods come first, then timers, then objects. */
export class KvfreeClock implements Clock {
  now: Ns
  readonly hz: number
  readonly timers = new Timers()
  readonly gracePeriods: GracePeriods
  readonly #jiffy: Ns
  /** Waiters by the value of gp_seq that they need. */
  readonly #waiting = new Map<number, (() => void)[]>()

  constructor(start: Ns, hz: number, gracePeriods: GracePeriods) {
    this.now = start
    this.hz = hz
    this.#jiffy = NS_PER_SECOND / hz
    this.gracePeriods = gracePeriods
  }

  get startedAt(): Ns | undefined {
    return this.gracePeriods.startedAt
  }

  tickAfter(at: Ns): Ns {
    return (Math.floor(at / this.#jiffy) + 1) * this.#jiffy
  }

  /** The tick at which a timer fires that is set now for so many jiffies. */
  expires(at: Ns, jiffies: number): Ns {
    return this.tickAfter(at) + (jiffies - 1) * this.#jiffy
  }

  afterGracePeriod(cpu: Cpu, then: () => void): void {
    const snap = this.gracePeriods.sequences.snapNormal()
    const waiting = this.#waiting.get(snap)
    if (waiting === undefined) this.#waiting.set(snap, [then])
    else waiting.push(then)
    this.gracePeriods.request(this.now, cpu)
  }

  /** When something happens next that is no object's coming. */
  get next(): Ns {
    return Math.min(this.gracePeriods.next, this.timers.next)
  }

  /** All that is due up to and including `until`. */
  run(until: Ns): void {
    for (let next = this.next; next <= until && next < Number.POSITIVE_INFINITY; next = this.next) {
      this.now = next
      if (this.gracePeriods.next <= next) {
        this.gracePeriods.advance(next)
        this.#wake()
      }
      this.timers.run(next, () => {})
    }
    this.now = Math.max(this.now, until)
  }

  #wake(): void {
    const { normal } = this.gracePeriods.sequences
    for (const [snap, waiting] of this.#waiting) {
      if (snap > normal) continue
      this.#waiting.delete(snap)
      for (const then of waiting) then()
    }
  }
}
