import type { Cpu, Ns } from '#kernel'
import type { Calls, Held, WorkItem } from '#policies/kvfree'
import type { Timers } from '#sim'
/** Where objects come from, CPU by CPU, each in order of time. */
export interface Arrivals {
  /** When the next object comes on a CPU; Infinity where none comes any more. */
  next(cpu: Cpu): Ns
  /** The next objects of a CPU that are equal and come before `horizon`, which the first does. Valid until the next call. */
  run(cpu: Cpu, horizon: Ns): Calls
  /** The first `n` of the run given last are taken. */
  take(cpu: Cpu, n: number): void
  /** The caller on this CPU sleeps until `wake` is called. Where the record drives, later calls come as they did. */
  sleep(cpu: Cpu): { wake(at: Ns): void }
}

/** `n` objects of `held` are gone, freed on CPU `on`. */
export type Piece = (held: Held, n: number, on: Cpu) => void

/** The clock that all parts share. */
export interface Clock {
  readonly now: Ns
  readonly hz: number
  readonly timers: Timers
  /** The first tick after a moment. */
  tickAfter(at: Ns): Ns
  /** When the normal grace period in progress began; undefined where none is. */
  readonly startedAt: Ns | undefined
  /** Calls back when a normal grace period that began at or after `now` has ended. */
  afterGracePeriod(cpu: Cpu, then: () => void): void
}

/** Who runs work items and callbacks, and when: the trace, generated delays, or a model of CPUs and workers. */
export interface Executor {
  /**
   * Delayed work was armed at `at` to be queued at the tick `expires`. Returns what cancels it. `begin` is called when a worker takes
   * it up.
   */
  delayed(item: WorkItem, at: Ns, expires: Ns, begin: () => void): () => void
  /** Work is queued; `begin` as above. */
  queue(item: WorkItem, at: Ns, begin: () => void): void
  /** queue_rcu_work(): the way of its callback and its queue together. */
  queueRcuWork(item: WorkItem, begin: () => void): void
  /** call_rcu() */
  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void
  /** The worker that runs `item` sleeps a normal grace period. */
  synchronizeRcu(item: WorkItem, then: () => void): void
  /** Objects are freed one after another by a running work item, or by a callback on a CPU. */
  free(by: WorkItem | Cpu, held: readonly Held[], piece: Piece, then: () => void): void
  /** A running work item is done. */
  done(item: WorkItem): void
}
