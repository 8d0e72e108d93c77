import type { Cpu, Pages } from '#kernel'

const SUMS = [
  'refills',
  'refilledPages',
  'bulkFrees',
  'bulkFreedPages',
  'requestedDrains',
  'zoneLocks',
  'zoneLockPages',
] as const

/**
 * What a replay, or the recorded kernel, did within each step of time. Summed over the steps they are its totals.
 *
 * A bulk free in batches (7.2) takes zone->lock once for each batch, which no event shows: here it counts once.
 */
export class StepSums {
  readonly refills: Float64Array
  readonly refilledPages: Float64Array
  /** Of thresholds, vmstat ticks, drain requests and compaction. */
  readonly bulkFrees: Float64Array
  readonly bulkFreedPages: Float64Array
  /** Pagesets that a drain request emptied. */
  readonly requestedDrains: Float64Array
  /** Refills, bulk frees, and blocks that go to the buddy or come from it one by one. */
  readonly zoneLocks: Float64Array
  readonly zoneLockPages: Float64Array
  /** By CPU. */
  readonly refillsOf: readonly Int32Array[]
  readonly interruptionsOf: readonly Int32Array[]

  constructor(steps: number, cpus: number) {
    const sums = () => new Float64Array(steps)
    const perCpu = () => Array.from({ length: cpus }, () => new Int32Array(steps))
    this.refills = sums()
    this.refilledPages = sums()
    this.bulkFrees = sums()
    this.bulkFreedPages = sums()
    this.requestedDrains = sums()
    this.zoneLocks = sums()
    this.zoneLockPages = sums()
    this.refillsOf = perCpu()
    this.interruptionsOf = perCpu()
  }

  /** Some of the steps, as an array’s `slice` takes them. */
  slice(from: number, to: number): StepSums {
    const part = new StepSums(this.refills.slice(from, to).length, this.refillsOf.length)
    for (const name of SUMS) part[name].set(this[name].slice(from, to))
    for (const name of ['refillsOf', 'interruptionsOf'] as const)
      part[name].forEach((sums, cpu) => {
        sums.set(this[name][cpu]!.slice(from, to))
      })
    return part
  }

  refill(step: number, cpu: Cpu, pages: Pages): void {
    this.refills[step]! += 1
    this.refilledPages[step]! += pages
    this.refillsOf[cpu]![step]! += 1
    this.#zoneLock(step, pages)
  }

  /** `first`: false for a further batch of the same bulk free. */
  bulkFree(step: number, pages: Pages, requested: boolean, first = true): void {
    if (pages === 0) return
    this.bulkFreedPages[step]! += pages
    this.zoneLockPages[step]! += pages
    if (!first) return
    this.bulkFrees[step]! += 1
    this.zoneLocks[step]! += 1
    if (requested) this.requestedDrains[step]! += 1
  }

  /** One block straight from the buddy or to it. */
  direct(step: number, pages: Pages): void {
    this.#zoneLock(step, pages)
  }

  interruption(step: number, cpu: Cpu): void {
    const of = this.interruptionsOf[cpu]
    if (of !== undefined) of[step]! += 1
  }

  #zoneLock(step: number, pages: Pages): void {
    this.zoneLocks[step]! += 1
    this.zoneLockPages[step]! += pages
  }
}
