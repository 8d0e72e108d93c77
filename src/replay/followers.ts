import type { Cpu, Ns, Pages } from '#kernel'
import type { DrainActions, DrainMechanism, DrainObserver } from '#policies/pcp'
import { type Clocks, Timers } from '#sim'

/** One call of a drain mechanism: what, when, and the answer. */
interface Step {
  readonly does: string
  readonly now: Ns
  readonly args: readonly number[]
  readonly answer: number | undefined
  /** Of a drain: the number of its last hold of zone->lock, since all had followed. */
  readonly hold: number
}

/** Under its prices a follower does something else, or at another time. */
const LEFT = Symbol('left')

/** The machine as a drain mechanism sees it. It records each action until every follower has repeated it. */
class ActionLog implements DrainActions {
  readonly steps: Step[] = []
  /** Holds of zone->lock by drains, since all had followed. */
  holds = 0
  readonly #host: DrainActions

  constructor(host: DrainActions) {
    this.#host = host
  }

  #note<T extends number | undefined>(does: string, args: readonly number[], answer: T): T {
    this.steps.push({ does, now: this.now, args, answer, hold: this.holds - 1 })
    return answer
  }

  get cpus(): number {
    return this.#host.cpus
  }

  get zones(): number {
    return this.#host.zones
  }

  get isolated(): readonly Cpu[] {
    return this.#host.isolated
  }

  get now(): Ns {
    return this.#host.now
  }

  get observer(): DrainObserver {
    return this.#host.observer
  }

  count(cpu: Cpu, zone: number): Pages {
    return this.#note('count', [cpu, zone], this.#host.count(cpu, zone))
  }

  batch(cpu: Cpu, zone: number): Pages {
    return this.#note('batch', [cpu, zone], this.#host.batch(cpu, zone))
  }

  drainPages(cpu: Cpu, zone: number, pages: Pages, by: Cpu): Ns {
    return this.#note('drainPages', [cpu, zone, pages, by], this.#host.drainPages(cpu, zone, pages, by))
  }

  detach(cpu: Cpu, zone: number): void {
    this.#host.detach(cpu, zone)
    this.#note('detach', [cpu, zone], undefined)
  }

  freeDetached(cpu: Cpu, zone: number, by: Cpu): Ns {
    return this.#note('freeDetached', [cpu, zone, by], this.#host.freeDetached(cpu, zone, by))
  }

  gracePeriodEnd(): Ns | undefined {
    return this.#note('gracePeriodEnd', [], this.#host.gracePeriodEnd())
  }

  workDelay(cpu: Cpu): Ns | undefined {
    return this.#note('workDelay', [cpu], this.#host.workDelay?.(cpu))
  }

  mutexHold(asked: Ns): Ns | undefined {
    return this.#note('mutexHold', [asked], this.#host.mutexHold?.(asked))
  }

  after(ns: Ns, then: () => void): void {
    this.#host.after(ns, then)
  }
}

/** The same drain mechanism under another price list. It drains nothing: it reads what the first mechanism asked for, and prices it. */
class Follower implements DrainActions {
  readonly clocks: Clocks
  readonly cpus: number
  readonly zones: number
  readonly isolated: readonly Cpu[]
  readonly observer: DrainObserver
  now: Ns = 0
  /** How long each hold of zone->lock by a drain took under its prices, since all had followed. */
  readonly holds: Ns[] = []
  readonly #log: ActionLog
  readonly #mechanism: DrainMechanism
  readonly #timers = new Timers()
  #at = 0

  constructor(clocks: Clocks, mechanism: DrainMechanism, log: ActionLog) {
    this.clocks = clocks
    this.#mechanism = mechanism
    this.#log = log
    this.cpus = log.cpus
    this.zones = log.zones
    this.isolated = log.isolated
    this.observer = {
      stolen: (cpu, ns) => clocks.steal(cpu, ns),
      answered: (since) => clocks.answered(this.now - since),
    }
  }

  request(now: Ns, cpu: Cpu, zone: number | undefined): void {
    this.now = now
    this.#mechanism.request(this, cpu, zone)
  }

  get due(): Ns {
    return this.#timers.next
  }

  runTimers(until: Ns): void {
    this.#timers.run(until, (now) => {
      this.now = now
    })
  }

  /** Everything that was done has been followed. */
  settle(): void {
    if (this.#at !== this.#log.steps.length) throw LEFT
    this.#at = 0
    this.holds.length = 0
  }

  #told(does: string, args: readonly number[]): Step {
    const step = this.#log.steps[this.#at++]
    if (step?.does !== does || step.now !== this.now || step.args.some((arg, at) => arg !== args[at])) throw LEFT
    return step
  }

  count(cpu: Cpu, zone: number): Pages {
    return this.#told('count', [cpu, zone]).answer!
  }

  batch(cpu: Cpu, zone: number): Pages {
    return this.#told('batch', [cpu, zone]).answer!
  }

  drainPages(cpu: Cpu, zone: number, pages: Pages, by: Cpu): Ns {
    return this.holds[this.#told('drainPages', [cpu, zone, pages, by]).hold] ?? 0
  }

  detach(cpu: Cpu, zone: number): void {
    this.#told('detach', [cpu, zone])
  }

  freeDetached(cpu: Cpu, zone: number, by: Cpu): Ns {
    return this.holds[this.#told('freeDetached', [cpu, zone, by]).hold] ?? 0
  }

  gracePeriodEnd(): Ns | undefined {
    return this.#told('gracePeriodEnd', []).answer
  }

  workDelay(cpu: Cpu): Ns | undefined {
    return this.#told('workDelay', [cpu]).answer
  }

  mutexHold(asked: Ns): Ns | undefined {
    return this.#told('mutexHold', [asked]).answer
  }

  after(ns: Ns, then: () => void): void {
    this.#timers.set(this.now + ns, then)
  }
}

/**
 * One replay for several price lists: a drain mechanism of its own for each follows the first one, with clocks of its own. As long as it would do
 * the same to the machine at the same moments, the replay is the one that its prices would give. Where it would not, it leaves, and its
 * list needs a replay of its own.
 */
export class Followers {
  /** What the first mechanism acts on. */
  readonly host: DrainActions
  readonly #log: ActionLog
  #following: readonly Follower[]
  /** When the next timer of any is due. */
  #due: Ns = Number.POSITIVE_INFINITY
  readonly #onLeave: (clocks: Clocks) => void

  constructor(
    machine: DrainActions,
    clocks: readonly Clocks[],
    mechanism: () => DrainMechanism,
    onLeave: (clocks: Clocks) => void,
  ) {
    this.#log = new ActionLog(machine)
    this.host = this.#log
    this.#following = clocks.map((one) => new Follower(one, mechanism(), this.#log))
    this.#onLeave = onLeave
  }

  /** A drain holds zone->lock: so long under each list’s prices. */
  hold(price: (clocks: Clocks) => Ns): void {
    this.#log.holds++
    for (const { clocks, holds } of this.#following) holds.push(price(clocks))
  }

  request(now: Ns, cpu: Cpu, zone: number | undefined): void {
    this.#each((follower) => follower.request(now, cpu, zone))
  }

  runTimers(until: Ns): void {
    if (this.#log.steps.length > 0 || this.#due <= until) this.#each((follower) => follower.runTimers(until))
  }

  #each(follow: (follower: Follower) => void): void {
    this.#following = this.#following.filter((follower) => {
      try {
        follow(follower)
        follower.settle()
        return true
      } catch (reason) {
        if (reason !== LEFT) throw reason
        this.#onLeave(follower.clocks)
        return false
      }
    })
    this.#log.steps.length = 0
    this.#log.holds = 0
    this.#due = this.#following.reduce((first, { due }) => Math.min(first, due), Number.POSITIVE_INFINITY)
  }
}
