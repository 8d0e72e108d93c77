import { SlabAsk } from '#events/demand'
import type { Cpu, Ns } from '#kernel'
import type { SlabCounters } from '#kernel/slab'
import type { PolicyChoice } from '#policies'
import type { AnySlabPolicy, SlabCounts, SlabRules, SlabShape } from '#policies/slab'
import { noSlabPages, type SlabPages } from './pages.ts'
import type { SlabRecord } from './recorded.ts'
import { SlabStore } from './slabs.ts'
import { type CacheStart, startOf } from './start.ts'

export interface SlabOptions {
  /** What the slab allocator said before the trace. */
  readonly counters?: SlabCounters | undefined
  /** Whether CPUs begin with what they held; else with nothing. */
  readonly warm: boolean
  /** Of the series. */
  readonly steps?: number
  /** How long a grace period takes with the wait for it to begin; ns. */
  readonly gracePeriod?: Ns
  /** Whether to keep which pages slabs take and give back. */
  readonly keepPages?: boolean
}

export interface SlabRun {
  readonly policy: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  /** By cache, as in the record. */
  readonly caches: readonly CacheRun[]
  readonly series: SlabSeries
  /** With `keepPages`. */
  readonly pages: SlabPages
}

export interface CacheRun {
  readonly counts: SlabCounts
  readonly allocs: number
  readonly frees: number
  /** Objects that CPUs and barns held: over time, at most, at the end. */
  readonly cachedPeak: number
  readonly cachedAtEnd: number
  readonly barnAtEnd: number
  /** In RCU sheaves that are not full, at the end. */
  readonly rcuHeldAtEnd: number
  readonly slabsAtEnd: number
}

/** Over all caches, at the ends of equal steps. */
export interface SlabSeries {
  readonly t: Float64Array
  /** Objects that CPUs held free, that barns did, that waited in incomplete RCU sheaves. */
  readonly cached: Float64Array
  readonly barn: Float64Array
  readonly rcuHeld: Float64Array
  /** Pages of all slabs, without those that the trace never touches. */
  readonly pages: Float64Array
  /** Acquisitions of list_lock so far. */
  readonly listLocks: Float64Array
}

/** A grace period under load, with what callbacks wait for it to begin: assumed where nothing is recorded. */
export const USUAL_GRACE_PERIOD_NS = 20e6

interface Waiting {
  readonly at: Ns
  readonly invoke: () => void
}

const sum = (column: Int32Array): number => column.reduce((a, b) => a + b, 0)

class Replay {
  readonly #record: SlabRecord
  readonly #stores: readonly SlabStore[]
  readonly #rules: readonly SlabRules[]
  readonly #slabOf: Int32Array
  readonly #waiting: Waiting[] = []
  #waited = 0
  #now: Ns
  #row = 0
  readonly #gracePeriod: Ns
  readonly pages = noSlabPages()
  readonly #slabNumbers = new Map<SlabShape, Map<number, number>>()
  #slabsTaken = 0

  constructor(record: SlabRecord, { policy, params }: PolicyChoice<AnySlabPolicy>, options: SlabOptions) {
    const { counters, warm, keepPages = false, gracePeriod = USUAL_GRACE_PERIOD_NS } = options
    this.#record = record
    this.#now = record.from
    this.#gracePeriod = gracePeriod
    const machine = {
      cpus: record.cpus,
      nodes: record.nodes,
      nodeOf: record.nodeOf,
      callRcu: (_cpu: Cpu, invoke: () => void) => this.#callRcu(invoke),
      pages: keepPages
        ? (shape: SlabShape, slab: number, taken: boolean) => this.#keepPages(shape, slab, taken)
        : undefined,
    }
    const starts = record.caches.map((cache) => startOf(cache, counters, warm))
    this.#stores = record.caches.map(({ shape }) => new SlabStore(shape, machine))
    for (const [cache, start] of starts.entries()) place(this.#stores[cache]!, start)
    this.#rules = this.#stores.map((store) => policy.create(params, store))
    for (const [cache, rules] of this.#rules.entries()) rules.start(starts[cache]!.held)
    this.#slabOf = new Int32Array(record.demand.objects)
    this.#slabOf.set(record.slabAtStart)
  }

  /** Slabs from before the trace have no number, and are not given back here. */
  #keepPages(shape: SlabShape, slab: number, taken: boolean): void {
    const numbers = this.#slabNumbers.get(shape) ?? new Map<number, number>()
    this.#slabNumbers.set(shape, numbers)
    const { pages } = this
    if (taken) numbers.set(slab, this.#slabsTaken++)
    const number = numbers.get(slab)
    if (number === undefined) return
    pages.time.push(this.#now)
    pages.cpu.push(this.#record.demand.cpu[this.#row]!)
    pages.order.push(shape.order)
    pages.slab.push(number)
    pages.taken.push(taken)
    if (!taken) numbers.delete(slab)
  }

  #callRcu(invoke: () => void): void {
    this.#waiting.push({ at: this.#now + this.#gracePeriod, invoke })
  }

  #invokeUntil(time: Ns): void {
    for (;;) {
      const first = this.#waiting[this.#waited]
      if (first === undefined || first.at > time) return
      this.#waited++
      this.#now = first.at
      first.invoke()
    }
  }

  run(steps: number): { caches: CacheRun[]; series: SlabSeries } {
    const { demand, from, to } = this.#record
    const { time, ask, cpu, cache, object, length } = demand
    const rules = this.#rules
    const slabOf = this.#slabOf
    const series = emptySeries(from, to, steps)
    const peaks = new Float64Array(rules.length)
    const allocs = new Uint32Array(rules.length)
    const frees = new Uint32Array(rules.length)
    const stores = this.#stores
    let step = 0
    let next = series.t[0] ?? Number.POSITIVE_INFINITY
    for (let row = 0; row < length; row++) {
      const now = time[row]!
      while (now > next) {
        this.#sample(series, step++)
        next = series.t[step] ?? Number.POSITIVE_INFINITY
      }
      if (this.#waited < this.#waiting.length) this.#invokeUntil(now)
      this.#now = now
      this.#row = row
      const of = cache[row]!
      const on = cpu[row]!
      const what = object[row]!
      switch (ask[row]) {
        case SlabAsk.alloc:
          slabOf[what] = rules[of]!.alloc(on)
          allocs[of]!++
          break
        case SlabAsk.free:
          rules[of]!.free(on, slabOf[what]!)
          frees[of]!++
          break
        case SlabAsk.freeLocked:
          this.#freeLocked(of, on, slabOf[what]!)
          frees[of]!++
          break
        case SlabAsk.freeRcu:
          this.#freeRcu(of, on, slabOf[what]!)
          frees[of]!++
          break
        case SlabAsk.prefill:
          rules[of]!.prefill?.(on, what)
          break
        case SlabAsk.allocPrefilled:
          slabOf[what] = rules[of]!.allocPrefilled?.(on) ?? rules[of]!.alloc(on)
          allocs[of]!++
          break
        case SlabAsk.returnPrefilled:
          rules[of]!.returnPrefilled?.(on)
          break
      }
      if ((row & 63) === 0) peaks[of] = Math.max(peaks[of]!, sum(stores[of]!.cached) + sum(stores[of]!.inBarn))
    }
    while (step < series.t.length) this.#sample(series, step++)
    return { caches: stores.map((store, at) => cacheRun(store, allocs[at]!, frees[at]!, peaks[at]!)), series }
  }

  #freeLocked(cache: number, cpu: Cpu, slab: number): void {
    const rules = this.#rules[cache]!
    if (rules.freeLocked !== undefined) rules.freeLocked(cpu, slab)
    else rules.free(cpu, slab)
  }

  #freeRcu(cache: number, cpu: Cpu, slab: number): void {
    const rules = this.#rules[cache]!
    if (rules.freeRcu !== undefined) rules.freeRcu(cpu, slab)
    else this.#callRcu(() => rules.free(cpu, slab))
  }

  #sample({ cached, barn, rcuHeld, pages, listLocks }: SlabSeries, step: number): void {
    for (const store of this.#stores) {
      cached[step]! += sum(store.cached)
      barn[step]! += sum(store.inBarn)
      rcuHeld[step]! += sum(store.rcuHeld)
      pages[step]! += store.slabs * 2 ** store.shape.order
      listLocks[step]! += store.counts.listLocks
    }
  }
}

function emptySeries(from: Ns, to: Ns, steps: number): SlabSeries {
  const column = () => new Float64Array(steps)
  return {
    t: Float64Array.from({ length: steps }, (_, step) => from + ((step + 1) * Math.max(1, to - from)) / steps),
    cached: column(),
    barn: column(),
    rcuHeld: column(),
    pages: column(),
    listLocks: column(),
  }
}

const cacheRun = (store: SlabStore, allocs: number, frees: number, peak: number): CacheRun => ({
  counts: store.counts,
  allocs,
  frees,
  cachedPeak: Math.max(peak, sum(store.cached) + sum(store.inBarn)),
  cachedAtEnd: sum(store.cached),
  barnAtEnd: sum(store.inBarn),
  rcuHeldAtEnd: sum(store.rcuHeld),
  slabsAtEnd: store.slabs,
})

/** Slabs as they were, on the first node. */
function place(store: SlabStore, { used, order }: CacheStart): void {
  for (const objects of used) store.inuse[store.add(0)] = objects
  for (const slab of order) if (used[slab]! < store.shape.perSlab) store.addPartial(slab, 'tail')
}

/** Drives a policy with a recording's demand. */
export function runSlab(record: SlabRecord, choice: PolicyChoice<AnySlabPolicy>, options: SlabOptions): SlabRun {
  const { id, params } = choice
  const replay = new Replay(record, choice, options)
  return { policy: id, params, ...replay.run(options.steps ?? 0), pages: replay.pages }
}
