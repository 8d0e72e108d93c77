import type { Ns } from '#kernel'
import type { Random } from '#kernel/numbers'
import { RcuSequences, rcuSeqDone } from '#kernel/rcu'
import type { GracePeriods } from './types.ts'

/**
 * What sets the length of a normal grace period.
 *
 * Source: rcu_gp_init(), rcu_gp_fqs_loop(), rcu_gp_cleanup(), force_qs_rnp() of kernel/rcu/tree.c, 6.1.
 * Leaves out: the tree of rcu_node (its walks are a time per CPU), hotplug, priority boosting of readers,
 * expedited grace periods, and the hurry of a CPU with 20000 callbacks (qovld).
 */
export interface GpParams {
  readonly hz: number
  readonly cpus: number
  /** Share of CPUs that are idle: these report only when a forced scan looks at them. */
  readonly idleShare: number
  /**
   * Chance that the first scan leaves a CPU unreported, so that a second must follow. Before 7.2 the CPU that runs the
   * grace-period kthread is not idle at the scan; 7.2 reports that CPU itself: 0.
   */
  readonly secondScan: number
  /** Chance that a reader outlasts the scans, and by how much: the median of a log-normal with σ 1. */
  readonly readerChance: number
  readonly readerNs: Ns
  /** A grace period that is running at `at`, or the next after it, ends `forNs` later than it would. */
  readonly stalls: readonly { readonly at: Ns; readonly forNs: Ns }[]
}

/** From the wake of the grace-period kthread to `start`. */
const WAKE_NS: Ns = 20e3
/** Initialisation, and likewise cleanup, takes this and `PER_CPU_NS` for each CPU. */
const INIT_NS: Ns = 20e3
const PER_CPU_NS: Ns = 500

/** RCU_JIFFIES_TILL_FORCE_QS, and one jiffy more for each 256 CPUs. */
const jiffiesTillFqs = (hz: number, cpus: number): number =>
  1 + Number(hz > 250) + Number(hz > 500) + Math.trunc(cpus / 256)

/** A timer of `jiffies` set at `now` runs at this tick: the first one comes up to a jiffy early. */
const ticksAfter = (now: Ns, jiffies: number, hz: number): Ns => (Math.floor((now * hz) / 1e9) + jiffies) * (1e9 / hz)

interface Edge {
  readonly time: Ns
  readonly ends: boolean
}

/** Normal grace periods made on request: back to back as long as somebody needs one more, else from the next request on. */
export class GeneratedGracePeriods implements GracePeriods {
  readonly sequences = new RcuSequences()
  readonly intervals: { expedited: false; requested: Ns; start: Ns; end?: Ns }[] = []
  readonly #params: GpParams
  readonly #random: Random
  readonly #stalls: { at: Ns; forNs: Ns }[]
  #requested: number
  #requestedAt: Ns = 0
  #edge: Edge | undefined

  constructor(params: GpParams, random: Random) {
    this.#params = params
    this.#random = random
    this.#requested = this.sequences.normal
    this.#stalls = [...params.stalls].sort((a, b) => a.at - b.at)
  }

  get next(): Ns {
    return this.#edge?.time ?? Number.POSITIVE_INFINITY
  }

  get startedAt(): Ns | undefined {
    return this.#edge?.ends === true ? this.intervals.at(-1)?.start : undefined
  }

  request(now: Ns): void {
    const cookie = this.sequences.snapNormal()
    if (cookie <= this.#requested) return
    this.#requested = cookie
    this.#requestedAt = now
    if (this.#edge === undefined) this.#edge = { time: now + WAKE_NS, ends: false }
  }

  advance(until: Ns): void {
    while (this.#edge !== undefined && this.#edge.time <= until) {
      const { time, ends } = this.#edge
      if (ends) this.#end(time)
      else this.#start(time)
    }
  }

  #start(now: Ns): void {
    this.sequences.start(false)
    this.intervals.push({ expedited: false, requested: this.#requestedAt, start: now })
    this.#edge = { time: now + this.#length(now), ends: true }
  }

  #end(now: Ns): void {
    this.sequences.end(false)
    this.intervals.at(-1)!.end = now
    const more = !rcuSeqDone(this.sequences.normal, this.#requested)
    this.#edge = more ? { time: now + INIT_NS, ends: false } : undefined
  }

  #length(start: Ns): Ns {
    const { hz, cpus, idleShare, secondScan, readerChance, readerNs } = this.#params
    const walk = INIT_NS + cpus * PER_CPU_NS
    const ready = start + walk
    // A busy CPU notices at its next tick and reports at the one after, or already where it switches context.
    let end = idleShare < 1 ? ticksAfter(ready, this.#random.chance(0.5) ? 1 : 2, hz) : ready
    if (idleShare > 0) {
      const jiffies = jiffiesTillFqs(hz, cpus)
      end = Math.max(end, ticksAfter(ready, this.#random.chance(secondScan) ? 2 * jiffies : jiffies, hz))
    }
    if (readerChance > 0 && this.#random.chance(readerChance)) end += this.#random.around(readerNs, 1)
    while (this.#stalls.length > 0 && this.#stalls[0]!.at <= end) end += this.#stalls.shift()!.forNs
    return end + walk - start
  }
}
