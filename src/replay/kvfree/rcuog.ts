import type { Cpu, Ns } from '#kernel'
import type { Clock } from './types.ts'

interface Queued {
  readonly cpu: Cpu
  readonly ready: () => void
}

/** CPUs whose offloaded callbacks one rcuog thread looks after: rcu_nocb_gp_stride. */
export const rcuogStride = (cpus: number): number => Math.trunc(cpus / Math.trunc(Math.sqrt(cpus)))

/**
 * The rcuog thread of a group of CPUs. It gives callbacks their grace period whenever it runs, and it runs when a callback wakes it or
 * when a grace period is over that one of its callbacks waits for. A callback wakes it only where its CPU has no other that waits;
 * the others stay without a grace period until it runs for some other reason, by which time the next period may have begun.
 *
 * Source: __call_rcu_nocb_wake(), nocb_gp_wait(), kernel/rcu/tree_nocb.h, 6.1.
 */
export class Rcuog {
  readonly #clock: Clock
  /** From its wake until it runs. */
  readonly #wakeNs: () => Ns
  #fresh: Queued[] = []
  /** Callbacks of each CPU that still wait. */
  readonly #pending = new Map<Cpu, number>()
  #wake: { readonly id: number; readonly at: Ns } | undefined

  constructor(clock: Clock, wakeNs: () => Ns) {
    this.#clock = clock
    this.#wakeNs = wakeNs
  }

  /** With interrupts off, a timer of a jiffy does the waking. `ready`: its grace period is over, and its rcuoc thread is woken. */
  queue(cpu: Cpu, at: Ns, interruptsOff: boolean, ready: () => void): void {
    const pending = this.#pending.get(cpu) ?? 0
    this.#pending.set(cpu, pending + 1)
    this.#fresh.push({ cpu, ready })
    if (pending === 0) this.#wakeAt((interruptsOff ? this.#clock.tickAfter(at) : at) + this.#wakeNs())
  }

  #wakeAt(at: Ns): void {
    const { timers } = this.#clock
    if (this.#wake !== undefined) {
      if (this.#wake.at <= at) return
      timers.cancel(this.#wake.id)
    }
    const id = timers.set(at, () => {
      this.#wake = undefined
      this.#run()
    })
    this.#wake = { id, at }
  }

  #run(): void {
    const own = this.#fresh
    if (own.length === 0) return
    this.#fresh = []
    this.#clock.afterGracePeriod(own[0]!.cpu, () => {
      const { timers, now } = this.#clock
      timers.set(now + this.#wakeNs(), () => {
        for (const { cpu } of own) this.#pending.set(cpu, this.#pending.get(cpu)! - 1)
        this.#run()
        for (const { ready } of own) ready()
      })
    })
  }
}
