import type { Cpu, Ns } from '#kernel'
import type { Random } from '#kernel/numbers'
import { Rcuog, rcuogStride } from './rcuog.ts'
import type { Clock } from './types.ts'

interface CallbackParams {
  readonly cpus: number
  readonly nocb: 'all' | 'none'
  readonly callbackNs: Ns
  readonly rehomeChance: number
  readonly atHomeChance: number
}

/**
 * The way of a callback: when its CPU gives it a grace period, how long after that period it runs, and where.
 *
 * Source: offloaded, see `Rcuog`; not offloaded, a CPU accelerates and notices the end at its ticks: __note_gp_changes(),
 * rcu_report_qs_rdp(), rcu_core(), kernel/rcu/tree.c, 6.1.
 * Where an rcuoc thread runs is the scheduler’s: here on its own CPU or on any idle one, and there again until it is moved. That is
 * a guess of ours which fits the published figures, see docs/rcuscale.md.
 * Leaves out: the bypass list and RCU_LAZY.
 */
export class Callbacks {
  readonly #params: CallbackParams
  readonly #clock: Clock
  readonly #random: Random
  readonly #idle: readonly Cpu[]
  /** Where each CPU's callbacks are invoked. */
  readonly #homes: Cpu[]
  readonly #rcuogs: readonly Rcuog[]

  constructor(params: CallbackParams, busy: ReadonlySet<Cpu>, clock: Clock, random: Random) {
    this.#params = params
    this.#clock = clock
    this.#random = random
    const cpus = Array.from({ length: params.cpus }, (_, cpu) => cpu)
    this.#idle = cpus.filter((cpu) => !busy.has(cpu))
    this.#homes = cpus.map((cpu) => this.#home(cpu))
    const stride = rcuogStride(params.cpus)
    const rcuogs = Array.from({ length: Math.ceil(params.cpus / stride) }, () => new Rcuog(clock, () => this.#wakeNs()))
    this.#rcuogs = cpus.map((cpu) => rcuogs[Math.trunc(cpu / stride)]!)
  }

  /** call_rcu() under a raw lock, as kvfree_rcu() and its monitor do. `call` hears on which CPU it is invoked. */
  callRcu(cpu: Cpu, at: Ns, call: (on: Cpu) => void): void {
    this.#queue(cpu, at, true, () => call(this.#place(cpu)))
  }

  /** synchronize_rcu() by a task on `cpu`: interrupts are on, so that nothing defers the wake of rcuog. */
  synchronize(cpu: Cpu, wake: () => void): void {
    this.#queue(cpu, this.#clock.now, false, wake)
  }

  #queue(cpu: Cpu, at: Ns, interruptsOff: boolean, invoke: () => void): void {
    const clock = this.#clock
    const { timers } = clock
    if (this.#params.nocb === 'all')
      this.#rcuogs[cpu]!.queue(cpu, at, interruptsOff, () => timers.set(clock.now + this.#wakeNs(), invoke))
    else this.#accelerate(at, () => clock.afterGracePeriod(cpu, () => timers.set(clock.tickAfter(clock.now), invoke)))
  }

  /**
   * Not offloaded: a CPU gives its callbacks a grace period at a tick at which none is in progress, or at which it notices a new one,
   * or at the tick after, when it reports. Those that come later wait until it notices the next one.
   */
  #accelerate(at: Ns, accelerated: () => void): void {
    const clock = this.#clock
    clock.timers.set(clock.tickAfter(at), () => {
      const { now, startedAt } = clock
      if (startedAt === undefined || now <= clock.tickAfter(clock.tickAfter(startedAt))) accelerated()
      else this.#accelerate(now, accelerated)
    })
  }

  /** Until a woken rcuog or rcuoc thread runs: half the way of a callback each. */
  #wakeNs(): Ns {
    return (this.#params.callbackNs / 2) * (0.5 + this.#random.uniform())
  }

  #place(cpu: Cpu): Cpu {
    const { nocb, rehomeChance } = this.#params
    if (nocb === 'all' && this.#random.chance(rehomeChance)) this.#homes[cpu] = this.#home(cpu)
    return this.#homes[cpu]!
  }

  #home(cpu: Cpu): Cpu {
    const { nocb, atHomeChance } = this.#params
    if (nocb === 'none' || this.#idle.length === 0 || this.#random.chance(atHomeChance)) return cpu
    return this.#idle[this.#random.below(this.#idle.length)]!
  }
}
