import type { Cpu, Ns } from '#kernel'
import type { WorkItem } from '#policies/kvfree'
import type { Clock } from './types.ts'

interface Executing {
  readonly cpu: Cpu
  /** What begins it once more: it was queued while it ran. */
  again: (() => void) | undefined
}

/**
 * Worker pools, one for each CPU: one worker runs at a time, the others of that pool wait or sleep. A work that is queued while it
 * executes stays with the pool where it executes.
 *
 * Source: __queue_work(), process_one_work(), kernel/workqueue.c, 6.1. Leaves out: that a pool starts a worker more when one runs
 * for long (WQ_CPU_INTENSIVE), and the limit of workers.
 */
export class Workers {
  readonly #clock: Clock
  readonly #workNs: Ns
  /** A CPU's worker begins or ends to run. */
  readonly #switched: (cpu: Cpu, busy: boolean) => void
  readonly #pools: { readonly queue: (() => void)[]; running: boolean }[]
  readonly #executing = new Map<WorkItem, Executing>()

  constructor(cpus: number, clock: Clock, workNs: Ns, switched: (cpu: Cpu, busy: boolean) => void) {
    this.#clock = clock
    this.#workNs = workNs
    this.#switched = switched
    this.#pools = Array.from({ length: cpus }, () => ({ queue: [], running: false }))
  }

  /** Works that run or wait there. */
  load(cpu: Cpu): number {
    const { queue, running } = this.#pools[cpu]!
    return queue.length + Number(running)
  }

  /** Where a queued or executing work is. */
  cpuOf(item: WorkItem): Cpu {
    return this.#executing.get(item)!.cpu
  }

  queue(item: WorkItem, cpu: Cpu, begin: () => void): void {
    const executing = this.#executing.get(item)
    if (executing !== undefined) {
      executing.again = begin
      return
    }
    this.#executing.set(item, { cpu, again: undefined })
    this.run(cpu, begin)
  }

  /** Something that is no work item takes its turn with the workers of a CPU; `leave` ends it. */
  run(cpu: Cpu, begin: () => void): void {
    const pool = this.#pools[cpu]!
    pool.queue.push(begin)
    if (!pool.running) this.leave(cpu)
  }

  /** An executing work is done. */
  done(item: WorkItem): void {
    const { cpu, again } = this.#executing.get(item)!
    if (again === undefined) this.#executing.delete(item)
    else {
      this.#executing.set(item, { cpu, again: undefined })
      this.#pools[cpu]!.queue.unshift(again)
    }
    this.leave(cpu)
  }

  /** The CPU's running worker ends or sleeps; the next takes over. */
  leave(cpu: Cpu): void {
    const pool = this.#pools[cpu]!
    const begin = pool.queue.shift()
    if (pool.running !== (begin !== undefined)) this.#switched(cpu, begin !== undefined)
    pool.running = begin !== undefined
    if (begin !== undefined) this.#clock.timers.set(this.#clock.now + this.#workNs, begin)
  }

  /** A worker that slept runs again, before those that have not begun. */
  wake(cpu: Cpu, goOn: () => void): void {
    const pool = this.#pools[cpu]!
    pool.queue.unshift(goOn)
    if (!pool.running) this.leave(cpu)
  }
}
