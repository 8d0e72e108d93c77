import FlatQueue from 'flatqueue'
import type { Ns } from '#kernel'

/** What is to happen later. Runs in order of time; what is due at one moment, in the order in which it was set. */
export class Timers {
  readonly #queue = new FlatQueue<number>()
  readonly #calls = new Map<number, () => void>()
  readonly #due: number[] = []
  #nextId = 0

  /** When the next is due; Infinity where nothing is set. */
  get next(): Ns {
    return this.#queue.peekValue() ?? Number.POSITIVE_INFINITY
  }

  /** Returns an id for `cancel`. */
  set(time: Ns, call: () => void): number {
    const id = this.#nextId++
    this.#calls.set(id, call)
    this.#queue.push(id, time)
    return id
  }

  /** False where it has run already, or was cancelled. */
  cancel(id: number): boolean {
    return this.#calls.delete(id)
  }

  /** Runs what is due up to and including `until`, also what these calls set. `onTime` hears of the moment before each. */
  run(until: Ns, onTime: (now: Ns) => void): void {
    while (this.next <= until && this.#queue.length > 0) {
      const now = this.next
      const due = this.#due
      due.length = 0
      // The queue keeps no order among equals.
      while (this.next === now && this.#queue.length > 0) due.push(this.#queue.pop()!)
      for (const id of due.length > 1 ? due.slice().sort((a, b) => a - b) : due.slice()) {
        const call = this.#calls.get(id)
        if (call === undefined) continue
        this.#calls.delete(id)
        onTime(now)
        call()
      }
    }
  }
}
