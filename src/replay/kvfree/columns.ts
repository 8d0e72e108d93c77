import type { Cpu, Ns } from '#kernel'
import type { Calls } from '#policies/kvfree'
import type { Arrivals } from './types.ts'

/** Calls of one CPU as columns, in order of time. */
export interface CallColumns {
  readonly time: Float64Array
  /** 1: a call of one argument. */
  readonly single: Uint8Array
  /** Index into `kinds`. */
  readonly kind: Uint8Array
}

export interface CallKind {
  readonly channel: Calls['channel']
  readonly bytes: number
  readonly cache: number
  /** The kmem_cache, where a probe names it: the lower 48 bits. */
  readonly address?: number
  /** Objects that a sheaf of it holds, where the record shows it. */
  readonly sheaf?: number
  /** By CPU, objects of the trace in its first full sheaf: the others were there before. */
  readonly firstSheaf?: readonly (number | undefined)[]
}

/** Calls as they were recorded: nothing that a policy does changes when they come. */
export class ColumnArrivals implements Arrivals {
  readonly #cpus: readonly CallColumns[]
  readonly #kinds: readonly CallKind[]
  readonly #at: Uint32Array
  /** For each row, the end of the stretch of one kind that it lies in. */
  readonly #same: readonly Uint32Array[]

  constructor(cpus: readonly CallColumns[], kinds: readonly CallKind[]) {
    this.#cpus = cpus
    this.#kinds = kinds
    this.#at = new Uint32Array(cpus.length)
    this.#same = cpus.map(({ kind }) => {
      const ends = new Uint32Array(kind.length)
      for (let row = kind.length - 1; row >= 0; row--)
        ends[row] = row + 1 < kind.length && kind[row + 1] === kind[row] ? ends[row + 1]! : row + 1
      return ends
    })
  }

  next(cpu: Cpu): Ns {
    return this.#cpus[cpu]?.time[this.#at[cpu]!] ?? Number.POSITIVE_INFINITY
  }

  run(cpu: Cpu, horizon: Ns): Calls {
    const { time, single, kind } = this.#cpus[cpu]!
    const from = this.#at[cpu]!
    // Doubling, then halving: a run is short beside the trace.
    let low = from + 1
    const most = this.#same[cpu]![from]!
    let step = 1
    while (low < most && time[Math.min(low + step, most) - 1]! < horizon) {
      low = Math.min(low + step, most)
      step *= 2
    }
    let high = Math.min(low + step, most)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (time[middle]! < horizon) low = middle + 1
      else high = middle
    }
    const { channel, bytes, cache, sheaf = 0 } = this.#kinds[kind[from]!]!
    return {
      cpu,
      n: low - from,
      channel,
      bytes,
      cache,
      sheaf,
      at: (i) => time[from + i]!,
      isSingle: (i) => single[from + i] === 1,
    }
  }

  take(cpu: Cpu, n: number): void {
    this.#at[cpu]! += n
  }

  sleep(): { wake(): void } {
    return { wake: () => {} }
  }
}
