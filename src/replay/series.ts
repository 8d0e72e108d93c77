import type { WhatIf } from '#events/demand'
import type { Cpu, Ns, Pages } from '#kernel'
import type { Buddy } from '#sim'
import type { Burst } from './result.ts'
import { StepSums } from './step-sums.ts'

const count = (sizes: Map<number, number>, size: number): void => {
  sizes.set(size, (sizes.get(size) ?? 0) + 1)
}

/** Waits that are kept one by one. */
const MOST_WAITS = 2000

/** Steps that a run counts within, where none are given. */
export const STEPS = 200

/** Where equal steps end. */
export const stepEndsOf = ({ from, to }: Pick<WhatIf, 'from' | 'to'>, steps = STEPS): Float64Array => {
  const span = Math.max(1, to - from)
  return Float64Array.from({ length: steps }, (_, step) => from + ((step + 1) * span) / steps)
}

/** What one run writes down over time: sums within steps, counts at their ends, and every time that pages were given back. */
export class Series {
  readonly stepEnds: Float64Array
  readonly cached: readonly Int32Array[]
  readonly zoneLockPages: Float64Array
  readonly refillPages: Float64Array
  readonly freeBlocks: readonly Int32Array[]
  readonly bursts: Burst[] = []
  /** Drain requests and how long each took, the first so many. */
  readonly waits = { time: [] as Ns[], ns: [] as Ns[] }
  readonly sums: StepSums
  readonly refillSizes = new Map<Pages, number>()
  readonly burstSizes = new Map<Pages, number>()
  /** By hold of zone->lock, where it moves whole blocks of any order: how many. */
  readonly refillBlocks = new Map<number, number>()
  readonly burstBlocks = new Map<number, number>()
  readonly #to: Ns
  #step = 0
  /** End of the step that runs now; Infinity in the last one. */
  next: Ns

  constructor(
    { from, to, cpus, machine }: Pick<WhatIf, 'from' | 'to' | 'cpus' | 'machine'>,
    steps: number | readonly Ns[],
  ) {
    this.stepEnds = typeof steps === 'number' ? stepEndsOf({ from, to }, steps) : Float64Array.from(steps)
    const { length } = this.stepEnds
    this.cached = Array.from({ length: cpus }, () => new Int32Array(length))
    this.zoneLockPages = new Float64Array(length)
    this.refillPages = new Float64Array(length)
    this.freeBlocks = Array.from({ length: machine.maxPageOrder + 1 }, () => new Int32Array(length))
    this.sums = new StepSums(length, cpus)
    this.#to = to
    this.next = this.stepEnds[0] ?? Number.POSITIVE_INFINITY
  }

  /** One block straight from the buddy or to it. */
  direct(pages: Pages): void {
    this.zoneLockPages[this.#step]! += pages
    this.sums.direct(this.#step, pages)
  }

  answered(since: Ns, now: Ns): void {
    if (this.waits.time.length === MOST_WAITS) return
    this.waits.time.push(since)
    this.waits.ns.push(now - since)
  }

  interruption(cpu: Cpu): void {
    this.sums.interruption(this.#step, cpu)
  }

  refill(cpu: Cpu, pages: Pages, blocks?: number): void {
    this.zoneLockPages[this.#step]! += pages
    this.sums.refill(this.#step, cpu, pages)
    this.refillPages[this.#step]! += pages
    count(this.refillSizes, pages)
    if (blocks !== undefined) count(this.refillBlocks, blocks)
  }

  /** `asked`: a drain request, or (`requested` alone) compaction emptied the lists. `first`: false for a further batch. */
  burst(now: Ns, cpu: Cpu, pages: Pages, requested: boolean, asked: boolean, first: boolean, blocks?: number): void {
    if (pages === 0) return
    this.zoneLockPages[this.#step]! += pages
    this.sums.bulkFree(this.#step, pages, asked, first)
    count(this.burstSizes, pages)
    if (blocks !== undefined) count(this.burstBlocks, blocks)
    // A drain that the trace's end cuts short is drawn there.
    this.bursts.push({ time: Math.min(now, this.#to), cpu, pages, requested })
  }

  /** Notes what stands at the end of every step that is over by `now`. */
  close(now: Ns, cachedOf: (cpu: Cpu) => Pages, buddies: readonly Buddy[]): void {
    const last = this.stepEnds.length - 1
    while (this.#step <= last && now > this.stepEnds[this.#step]!) {
      for (let cpu = 0; cpu < this.cached.length; cpu++) this.cached[cpu]![this.#step] = cachedOf(cpu)
      for (const { blocks } of buddies)
        for (let order = 0; order < blocks.length; order++) this.freeBlocks[order]![this.#step]! += blocks[order]!
      if (this.#step === last) break
      this.#step++
    }
    this.next = this.#step >= last ? Number.POSITIVE_INFINITY : this.stepEnds[this.#step]!
  }

  result() {
    const { stepEnds, cached, zoneLockPages, refillPages, freeBlocks, bursts, sums } = this
    const { refillSizes, burstSizes, refillBlocks, burstBlocks, waits } = this
    return {
      waits,
      stepEnds,
      cached,
      zoneLockPages,
      refillPages,
      freeBlocks,
      bursts,
      sums,
      refillSizes,
      burstSizes,
      refillBlocks,
      burstBlocks,
    }
  }
}
