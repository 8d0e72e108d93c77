import type { Cpu, Ns } from '#kernel'
import { firstIndex } from '#kernel/numbers'
import type { WorkItem } from '#policies/kvfree'
import type { GpInterval } from '#sim'
import type { Delays } from './delays.ts'
import type { CallbackRun, WorkRun } from './recorded-works.ts'

/** A delay is predicted by the mean of so many: one alone varies too much, and more than three predict a held-out delay no better (measured). */
const NEAREST = 3

/** What was measured at one moment. */
interface Sample {
  readonly cpu: Cpu
  readonly at: Ns
  readonly ns: Ns
}

/** Delays of one kind, in order of time. */
class Samples {
  readonly #all: Sample[] = []

  add(sample: Sample): void {
    this.#all.push(sample)
  }

  get all(): readonly Sample[] {
    return this.#all
  }

  get length(): number {
    return this.#all.length
  }

  /** Which of them was measured nearest to a moment; −1 where there is none. */
  nearest(at: Ns): number {
    const after = this.#firstFrom(at)
    const before = after - 1
    if (before < 0) return this.#all.length === 0 ? -1 : after
    const isAfter = after < this.#all.length && this.#all[after]!.at - at < at - this.#all[before]!.at
    return isAfter ? after : before
  }

  #firstFrom(at: Ns): number {
    return firstIndex(this.#all.length, (index) => this.#all[index]!.at >= at)
  }

  sort(): this {
    this.#all.sort((a, b) => a.at - b.at)
    return this
  }

  /** What was queued later was begun by then: the delay from `at` is no longer. What waited at `at` proves it. */
  bounded(at: Ns): Ns {
    const all = this.#all
    // In order of `at`, and one work is not queued again before it has begun: ends are in order too.
    const next = all[firstIndex(all.length, (index) => all[index]!.at + all[index]!.ns > at)]
    if (next === undefined) return this.about(at)
    const most = next.at + next.ns - at
    return next.at <= at ? most : Math.min(most, this.about(at))
  }

  /** Mean of those measured nearest to a moment: machines are busy for a while, then idle. */
  about(at: Ns): Ns {
    const all = this.#all
    let from = this.#firstFrom(at)
    let to = from
    while (to - from < Math.min(NEAREST, all.length)) {
      const before = from > 0 ? at - all[from - 1]!.at : Number.POSITIVE_INFINITY
      const after = to < all.length ? all[to]!.at - at : Number.POSITIVE_INFINITY
      if (before <= after) from--
      else to++
    }
    let sum = 0
    for (let index = from; index < to; index++) sum += all[index]!.ns
    return sum / (to - from)
  }
}

/** Where delays are looked up: undefined where none was measured. */
interface Lookup {
  bounded(cpu: Cpu, at: Ns): Ns | undefined
  about(cpu: Cpu, at: Ns): Ns | undefined
}

/** Samples by CPU, and of all CPUs for one that has too few. */
class ByCpu implements Lookup {
  readonly #cpus = new Map<Cpu, Samples>()
  readonly #all = new Samples()

  add(sample: Sample): void {
    let own = this.#cpus.get(sample.cpu)
    if (own === undefined) {
      own = new Samples()
      this.#cpus.set(sample.cpu, own)
    }
    own.add(sample)
    this.#all.add(sample)
  }

  /** Cross-validation: each delay is predicted from the half of the delays (every second one) that it is not in. */
  crossed(): Lookup {
    const halves = [new ByCpu(), new ByCpu()] as const
    for (const [rank, sample] of this.#all.all.entries()) halves[rank % 2 === 0 ? 0 : 1].add(sample)
    const other = (at: Ns): ByCpu => halves[this.#all.nearest(at) % 2 === 0 ? 1 : 0]
    return {
      bounded: (cpu, at) => other(at).bounded(cpu, at),
      about: (cpu, at) => other(at).about(cpu, at),
    }
  }

  sort(): this {
    for (const own of this.#cpus.values()) own.sort()
    this.#all.sort()
    return this
  }

  bounded(cpu: Cpu, at: Ns): Ns | undefined {
    const own = this.#cpus.get(cpu)
    return own === undefined ? this.about(cpu, at) : own.bounded(at)
  }

  about(cpu: Cpu, at: Ns): Ns | undefined {
    const own = this.#cpus.get(cpu)
    if (own !== undefined && own.length >= NEAREST) return own.about(at)
    return this.#all.length === 0 ? undefined : this.#all.about(at)
  }
}

/** When the first normal grace period ends that begins at or after each of some moments. */
function firstEndAfter(intervals: readonly GpInterval[]): (at: Ns) => Ns | undefined {
  const normal = intervals.filter(({ expedited }) => !expedited)
  return (at) => normal[firstIndex(normal.length, (index) => normal[index]!.start >= at)]?.end
}

/**
 * When a refill was asked for: by the first object since the last refill that found no page. A timer queues the work, which may take a jiffy.
 */
function refillRequests(lists: ReadonlyMap<Cpu, readonly Ns[]>): (cpu: Cpu, queued: Ns, end: Ns) => Ns {
  const last = new Map<Cpu, { end: Ns; at: number }>()
  return (cpu, queued, end) => {
    const own = lists.get(cpu) ?? []
    const before = last.get(cpu) ?? { end: Number.NEGATIVE_INFINITY, at: 0 }
    let { at } = before
    while (at < own.length && own[at]! < before.end) at++
    last.set(cpu, { end, at })
    const first = own[at]
    return first !== undefined && first <= queued ? first : queued
  }
}

/**
 * Delays as the recorded machine had them: how long workers of each kind waited, and how long after the grace period a callback came, on the CPU
 * and about the time in question. Offloaded callbacks, kernels without preemption and busy hosts are in them. `otherwise`: where nothing is recorded.
 * `crossed`: learnt from every second delay, and used where the others were: how far they hold for what they were not learnt from.
 */
export function measuredDelays(
  works: readonly WorkRun[],
  lists: ReadonlyMap<Cpu, readonly Ns[]>,
  callbacks: readonly CallbackRun[],
  intervals: readonly GpInterval[],
  freeing: { readonly bulkFree: Ns | undefined; readonly listFree: Ns | undefined },
  otherwise: Delays,
  crossed = false,
): Delays {
  const waits: Record<WorkItem['kind'], ByCpu> = { monitor: new ByCpu(), batch: new ByCpu(), refill: new ByCpu() }
  const requested = refillRequests(lists)
  for (const { item, queued, start, end } of works) {
    const from = item.kind === 'refill' ? requested(item.cpu, queued ?? start, end ?? start) : queued
    if (from !== undefined) waits[item.kind].add({ cpu: item.cpu, at: from, ns: start - from })
  }
  const late = new ByCpu()
  const endAfter = firstEndAfter(intervals)
  for (const { cpu, queued, invoked } of callbacks) {
    const end = endAfter(queued)
    if (end !== undefined && invoked !== undefined && invoked >= end) late.add({ cpu, at: queued, ns: invoked - end })
  }
  const lookup = (samples: ByCpu): Lookup => (crossed ? samples.sort().crossed() : samples.sort())
  const begins = {
    monitor: lookup(waits.monitor),
    batch: lookup(waits.batch),
    refill: lookup(waits.refill),
  }
  const callback = lookup(late)
  return {
    work: (item, at) => begins[item.kind].bounded(item.cpu, at) ?? otherwise.work(item, at),
    accelerate: (cpu, at) => (callback.about(cpu, at) === undefined ? otherwise.accelerate(cpu, at) : 0),
    callback: (cpu, at) => callback.about(cpu, at) ?? otherwise.callback(cpu, at),
    bulkFree: freeing.bulkFree ?? otherwise.bulkFree,
    listFree: freeing.listFree ?? otherwise.listFree,
  }
}
