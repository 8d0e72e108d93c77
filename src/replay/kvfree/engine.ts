import type { Cpu, Ns } from '#kernel'
import {
  type AnyKvfreePolicy,
  type Calls,
  Channel,
  Held,
  type Kvfree,
  type KvfreeCounts,
  type KvfreeHost,
  type Sleeper,
  State,
  type WorkItem,
} from '#policies/kvfree'
import type { GracePeriods } from '#sim'
import { KvfreeClock } from './clock.ts'
import { noCounts } from './counts.ts'
import { Ledger } from './ledger.ts'
import { type PageListSizes, PageLists } from './page-lists.ts'
import type { Arrivals, Clock, Executor } from './types.ts'

export interface KvfreeSetting {
  readonly cpus: number
  readonly hz: number
  readonly start: Ns
  /** The run ends here, whatever is still in flight. Infinity until it is known, where calls depend on the policy. */
  readonly end: Ns
  readonly arrivals: Arrivals
  readonly gracePeriods: GracePeriods
  readonly executor: (clock: Clock, ledger: Ledger, lists: PageLists) => Executor
  readonly pageLists: PageListSizes
  /** Pages of pointers that there are; absent: as many as are asked for. */
  readonly allocatePage?: (by: 'refill' | 'caller' | 'pcp', cpu: Cpu, at: Ns) => boolean
  /** Spare pages that each CPU begins with; absent: none. */
  readonly pagesAtStart?: readonly number[]
  /** Objects that each CPU's sheaf of a cache begins with, from before the trace; absent: none. */
  readonly sheafAtStart?: (cpu: Cpu, cache: number) => number
  /** Steps of the series. */
  readonly steps: number
  /** What others do to the policy, whatever it does. */
  readonly outside?: readonly Outside[]
}

/** Reclaim runs the shrinker on a CPU, or somebody waits until all is freed. */
export interface Outside {
  readonly time: Ns
  readonly cpu: Cpu
  readonly what: 'shrink' | 'barrier' | 'barrier-on-cache'
  /** Of a barrier on a cache: its number among the kinds of calls, where some came of it. */
  readonly cache?: number
}

export interface KvfreeSeries {
  /** Ends of the steps, ns. */
  readonly t: Float64Array
  readonly collected: Float64Array
  readonly waiting: Float64Array
  readonly freeing: Float64Array
  /** Objects and pages of pointers, bytes. */
  readonly bytes: Float64Array
}

export interface KvfreeResult {
  readonly counts: KvfreeCounts
  readonly ledger: Ledger
  readonly series: KvfreeSeries
  /** How often work items ran, by kind. */
  readonly works: Readonly<Record<WorkItem['kind'], number>>
  readonly callbacks: number
  readonly batches: readonly BatchRun[]
  /** Workers that slept a grace period: most at a time, and how long in all. */
  readonly sleepers: { readonly peak: number; readonly ns: Ns }
  readonly lastCall: Ns
  /** Pages of pointers in the first batch of each CPU; absent where it freed none. */
  readonly firstBatch: readonly (number | undefined)[]
  /** When each CPU first put an object on a list, of those that were freed. */
  readonly firstList: readonly (Ns | undefined)[]
}

/** A batch: when its work was queued, when that began to free, and what. One work frees in parts where it sleeps between them. */
export interface BatchRun {
  readonly cpu: Cpu
  readonly slot: number
  readonly queued: Ns
  readonly begun: Ns
  readonly freed: Ns
  readonly objects: number
}

interface WorkState {
  cancel: (() => void) | undefined
  expires: Ns
  pending: boolean
  running: boolean
  /** Of what is pending, and of what runs: it can be queued again meanwhile. */
  queued: Ns
  queuedBefore: Ns
  /** Taken up by a worker while it still ran: begins when it is done. */
  again: boolean
}

const pageCount = { refill: 'pagesByRefill', caller: 'pagesByCaller', pcp: 'pagesByPcp' } as const

/** Moves objects under one policy through time, and keeps the books. */
export class KvfreeEngine implements KvfreeHost {
  readonly cpus: number
  readonly hz: number
  readonly counts = noCounts()
  readonly ledger = new Ledger()
  readonly #lists: PageLists
  readonly #setting: KvfreeSetting
  readonly #clock: KvfreeClock
  readonly #executor: Executor
  readonly #policy: Kvfree
  readonly #works = new Map<WorkItem, WorkState>()
  readonly #ran: Record<WorkItem['kind'], number> = { monitor: 0, batch: 0, refill: 0 }
  #callbacks = 0
  readonly #batches: BatchRun[] = []
  readonly #sleepers = { now: 0, peak: 0, ns: 0 }
  #lastCall: Ns = 0
  readonly #firstBatch: (number | undefined)[] = []
  readonly #firstList: (Ns | undefined)[] = []

  constructor(setting: KvfreeSetting, policy: AnyKvfreePolicy, params: Readonly<Record<string, unknown>>) {
    this.#setting = setting
    this.cpus = setting.cpus
    this.hz = setting.hz
    this.#clock = new KvfreeClock(setting.start, setting.hz, setting.gracePeriods)
    this.#lists = new PageLists(setting.cpus, setting.pageLists)
    this.#executor = setting.executor(this.#clock, this.ledger, this.#lists)
    this.#policy = policy.create(params as never, this)
  }

  run(): KvfreeResult {
    const setting = this.#setting
    const { arrivals, cpus } = setting
    const clock = this.#clock
    const series = this.#sample()
    for (const { time, cpu, what, cache = -1 } of setting.outside ?? [])
      clock.timers.set(time, () => {
        if (what === 'shrink') this.shrink(cpu)
        else this.#policy.barrier?.(what === 'barrier' ? 'all' : cache)
      })
    for (;;) {
      let cpu = 0
      let first = arrivals.next(0)
      for (let other = 1; other < cpus; other++) {
        const next = arrivals.next(other)
        if (next < first) {
          first = next
          cpu = other
        }
      }
      if (clock.next <= first) {
        if (clock.next > setting.end || clock.next === Number.POSITIVE_INFINITY) break
        clock.run(clock.next)
        continue
      }
      if (first > setting.end) break
      clock.now = first
      // No further than the next tick, so that CPUs stay together.
      const calls = arrivals.run(cpu, Math.min(clock.next, clock.tickAfter(first), setting.end + 1))
      const k = this.#policy.enqueue(calls)
      this.ledger.enqueue(k, k * calls.bytes)
      this.#lists.allocated(cpu, k * calls.bytes)
      this.#lastCall = Math.max(this.#lastCall, calls.at(k - 1))
      arrivals.take(cpu, k)
    }
    const { peak, ns } = this.#sleepers
    return {
      counts: this.counts,
      ledger: this.ledger,
      series,
      works: this.#ran,
      callbacks: this.#callbacks,
      batches: this.#batches,
      sleepers: { peak, ns },
      lastCall: this.#lastCall,
      firstBatch: this.#firstBatch,
      firstList: this.#firstList,
    }
  }

  #sample(): KvfreeSeries {
    const { start, end, steps } = this.#setting
    const column = () => new Float64Array(steps)
    const series = { t: column(), collected: column(), waiting: column(), freeing: column(), bytes: column() }
    const step = (at: number) => {
      const time = start + ((end - start) * (at + 1)) / steps
      this.#clock.timers.set(time, () => {
        const { objects, bytes, pages } = this.ledger
        series.t[at] = time
        series.collected[at] = objects.collected
        series.waiting[at] = objects.waiting
        series.freeing[at] = objects.freeing
        series.bytes[at] = bytes + pages * 4096
        if (at + 1 < steps) step(at + 1)
      })
    }
    if (steps > 0) step(0)
    return series
  }

  /** A task on this CPU reclaims memory. */
  shrink(on: Cpu): void {
    this.#policy.shrink?.(on)
  }

  get now(): Ns {
    return this.#clock.now
  }

  get sequences() {
    return this.#clock.gracePeriods.sequences
  }

  pagesAtStart(cpu: Cpu): number {
    return this.#setting.pagesAtStart?.[cpu] ?? 0
  }

  sheafAtStart(cpu: Cpu, cache: number): number {
    return this.#setting.sheafAtStart?.(cpu, cache) ?? 0
  }

  gracePeriodAge(at: Ns): Ns | undefined {
    const { startedAt } = this.#clock.gracePeriods
    return startedAt === undefined ? undefined : at - startedAt
  }

  #stateOf(item: WorkItem): WorkState {
    let state = this.#works.get(item)
    if (state === undefined) {
      state = {
        cancel: undefined,
        expires: 0,
        pending: false,
        running: false,
        queued: 0,
        queuedBefore: 0,
        again: false,
      }
      this.#works.set(item, state)
    }
    return state
  }

  isPending(item: WorkItem): boolean {
    return this.#works.get(item)?.pending ?? false
  }

  arm(item: WorkItem, at: Ns, jiffies: number): void {
    const state = this.#stateOf(item)
    const expires = this.#clock.expires(at, jiffies)
    if (state.pending && (state.cancel === undefined || state.expires <= expires)) return
    state.cancel?.()
    state.pending = true
    state.expires = expires
    state.cancel = this.#executor.delayed(item, at, expires, () => this.#begin(item, state))
  }

  queue(item: WorkItem, at: Ns): void {
    const state = this.#stateOf(item)
    if (state.pending) return
    state.pending = true
    state.queued = at
    this.#executor.queue(item, at, () => this.#begin(item, state))
  }

  queueRcuWork(item: WorkItem): void {
    const state = this.#stateOf(item)
    if (state.pending) return
    state.pending = true
    state.queued = this.now
    this.#executor.queueRcuWork(item, () => this.#begin(item, state))
  }

  #begin(item: WorkItem, state: WorkState): void {
    if (state.running) {
      state.again = true
      return
    }
    state.pending = false
    state.cancel = undefined
    state.running = true
    state.queuedBefore = state.queued
    this.#ran[item.kind]++
    item.begin(() => {
      state.running = false
      this.#executor.done(item)
      if (!state.again) return
      state.again = false
      this.#begin(item, state)
    })
  }

  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void {
    this.#executor.callRcu(cpu, at, () => {
      this.#callbacks++
      invoke()
    })
  }

  synchronizeRcu(item: WorkItem, then: () => void): void {
    const sleepers = this.#sleepers
    const from = this.now
    sleepers.peak = Math.max(sleepers.peak, ++sleepers.now)
    this.#executor.synchronizeRcu(item, () => {
      sleepers.now--
      sleepers.ns += this.now - from
      then()
    })
  }

  sleep(calls: Calls, i: number): Sleeper {
    const held = new Held(Channel.inline, calls.cpu)
    held.add(calls, i, i + 1)
    this.counts.throttledCallers++
    const { wake } = this.#setting.arrivals.sleep(calls.cpu)
    return {
      held,
      wake: () => {
        this.counts.throttledNs += this.now - held.first
        wake(this.now)
      },
    }
  }

  freeInline({ held, wake }: Sleeper): void {
    this.counts.inlineWaits++
    this.#clock.afterGracePeriod(held.cpu, () => {
      this.moved(1, State.collected, State.freeing)
      this.ledger.free(this.now, held, 0, 1)
      this.#lists.freed(held.cpu, held.bytes)
      wake()
    })
  }

  after(at: Ns, then: () => void): void {
    this.#clock.timers.set(at, then)
  }

  allocatePage(cpu: Cpu, at: Ns, by: 'refill' | 'caller' | 'pcp'): boolean {
    if (this.#setting.allocatePage?.(by, cpu, at) === false) return false
    if (by !== 'pcp') this.#lists.take(cpu, 1)
    else if (!this.#lists.takeListed(cpu)) return false
    this.counts[pageCount[by]]++
    this.ledger.pages++
    return true
  }

  freePage(on: Cpu): void {
    this.counts.pagesReturned++
    this.ledger.pages--
    this.#lists.give(on, 1)
  }

  overhead(on: Cpu, bytes: number): void {
    this.ledger.bytes += bytes
    if (bytes > 0) this.#lists.allocated(on, bytes)
    else this.#lists.freed(on, -bytes)
  }

  moved(n: number, from: State, to: State): void {
    this.ledger.moved(n, from, to)
  }

  free(by: WorkItem | Cpu, held: readonly Held[], each: (held: Held, on: Cpu) => void, then: () => void): void {
    if (typeof by !== 'number' && by.kind === 'batch')
      this.#firstBatch[by.cpu] ??= held.filter(({ channel }) => channel !== Channel.list).length
    for (const { channel, cpu, first } of held)
      if (channel === Channel.list) this.#firstList[cpu] = Math.min(this.#firstList[cpu] ?? first, first)
    const begun = this.now
    let done = 0
    this.#executor.free(
      by,
      held,
      (one, n, on) => {
        this.ledger.free(this.now, one, done, n)
        this.#lists.freed(on, (one.bytes * n) / one.n)
        done += n
        if (done < one.n) return
        done = 0
        each(one, on)
      },
      () => {
        if (typeof by !== 'number' && by.kind === 'batch' && held.length > 0)
          this.#batches.push({
            cpu: by.cpu,
            slot: by.slot,
            queued: this.#stateOf(by).queuedBefore,
            begun,
            freed: this.now,
            objects: held.reduce((n, one) => n + one.n, 0),
          })
        then()
      },
    )
  }
}
