import type { Cpu, Ns } from '#kernel'
import { Channel, type Held, type WorkItem } from '#policies/kvfree'
import type { Clock, Executor, Piece } from './types.ts'

/** Delays in ns, of a work item or a CPU at a moment. */
export interface Delays {
  /** From queueing to a worker's taking it up. */
  work(item: Pick<WorkItem, 'kind' | 'cpu'>, at: Ns): Ns
  /** From the end of the first grace period that a callback can have to the callback. `at`: when it was queued. */
  callback(cpu: Cpu, at: Ns): Ns
  /** From call_rcu() until the callback is given its grace period. */
  accelerate(cpu: Cpu, at: Ns): Ns
  /** To free an object out of a page or a sheaf, and one by one. */
  readonly bulkFree: Ns
  readonly listFree: Ns
}

type ConstantDelays = { readonly [D in keyof Delays]: Ns }

export const constantDelays = ({ work, callback, accelerate, bulkFree, listFree }: ConstantDelays): Delays => ({
  work: () => work,
  callback: () => callback,
  accelerate: () => accelerate,
  bulkFree,
  listFree,
})

/** Zero latency throughout: the ideal of the reference's test vectors. */
export const ideal = constantDelays({ work: 0, callback: 0, accelerate: 0, bulkFree: 0, listFree: 0 })

/** Objects of a list which are freed together, so far as time goes. */
const PIECE = 64

/** Runs everything after a delay; as many workers as there is work. */
export class DelayedExecutor implements Executor {
  readonly #clock: Clock
  readonly #delays: Delays

  constructor(clock: Clock, delays: Delays) {
    this.#clock = clock
    this.#delays = delays
  }

  delayed(item: WorkItem, _at: Ns, expires: Ns, begin: () => void): () => void {
    const { timers } = this.#clock
    const id = timers.set(expires + this.#delays.work(item, expires), begin)
    return () => timers.cancel(id)
  }

  queue(item: WorkItem, at: Ns, begin: () => void): void {
    this.#after(at, this.#delays.work(item, at), begin)
  }

  queueRcuWork(item: WorkItem, begin: () => void): void {
    this.callRcu(item.cpu, this.#clock.now, () => this.queue(item, this.#clock.now, begin))
  }

  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void {
    const wait = () =>
      this.#clock.afterGracePeriod(cpu, () => this.#after(this.#clock.now, this.#delays.callback(cpu, at), invoke))
    this.#after(at, this.#delays.accelerate(cpu, at), wait)
  }

  synchronizeRcu({ cpu }: WorkItem, then: () => void): void {
    this.#clock.afterGracePeriod(cpu, then)
  }

  free(_by: WorkItem | Cpu, held: readonly Held[], piece: Piece, then: () => void): void {
    const { bulkFree, listFree } = this.#delays
    freeInPieces(this.#clock, held, (one, n) => n * (one.channel === Channel.list ? listFree : bulkFree), piece, then)
  }

  done(): void {}

  /** At once where there is no delay: work that begins at a moment precedes that moment's timers. */
  #after(at: Ns, delay: Ns, then: () => void): void {
    if (delay === 0 && at <= this.#clock.now) then()
    else this.#clock.timers.set(at + delay, then)
  }
}

/** Frees one piece after another on the CPU whose objects they are, each gone after what `cost` says. */
export function freeInPieces(
  clock: Clock,
  held: readonly Held[],
  cost: (held: Held, n: number) => Ns,
  piece: Piece,
  then: () => void,
): void {
  let at = 0
  let done = 0
  const next = (): void => {
    for (;;) {
      const one = held[at]
      if (one === undefined) {
        then()
        return
      }
      const n = one.channel === Channel.list ? Math.min(PIECE, one.n - done) : one.n
      const free = () => {
        piece(one, n, one.cpu)
        done += n
        if (done < one.n) return
        done = 0
        at++
      }
      const ns = cost(one, n)
      if (ns > 0) {
        clock.timers.set(clock.now + ns, () => {
          free()
          next()
        })
        return
      }
      free()
    }
  }
  next()
}
