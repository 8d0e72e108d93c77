import type { Cpu, Ns } from '#kernel'
import { moved } from '../columns/columns.ts'

/** What tasks ask of the slab allocator. */
export const SlabAsk = {
  alloc: 0,
  free: 1,
  /** kfree_rcu(): to be free after a grace period. */
  freeRcu: 2,
  /** A free that finds its CPU's lists locked, by what it interrupted. */
  freeLocked: 3,
  /** A task takes a sheaf of at least `object` objects, allocates out of it, and gives it back. One at a time on a CPU. */
  prefill: 4,
  allocPrefilled: 5,
  returnPrefilled: 6,
} as const

/**
 * What a machine’s tasks ask of the slab allocator: who wants or frees an object of which cache, when, on which CPU. No slab and no
 * address: these are the allocator’s answer.
 */
export interface SlabDemand {
  readonly length: number
  /** Integer, in order. */
  readonly time: Float64Array
  readonly ask: Uint8Array
  readonly cpu: Uint16Array
  /** Number of the cache. */
  readonly cache: Uint16Array
  /**
   * Number of the object: allocated once at most, freed once at most. One that no row allocates somebody has from before the first.
   * Of a prefill: how many objects are asked for; of a return: 0.
   */
  readonly object: Uint32Array
  readonly objects: number
}

/** Collects rows in order of time. */
export class SlabDemandBuilder {
  #length = 0
  #objects = 0
  #time = new Float64Array(1024)
  #ask = new Uint8Array(1024)
  #cpu = new Uint16Array(1024)
  #cache = new Uint16Array(1024)
  #object = new Uint32Array(1024)

  newObject(): number {
    return this.#objects++
  }

  /** What a row that was pushed turns out to ask. */
  settle(row: number, ask: number): void {
    this.#ask[row] = ask
  }

  /** How many objects a prefill that was pushed turns out to ask for. */
  settlePrefill(row: number, objects: number): void {
    this.#object[row] = objects
  }

  /** Returns the row’s number. */
  push(time: Ns, ask: number, cpu: Cpu, cache: number, object: number): number {
    const row = this.#length++
    if (row === this.#time.length) this.#grow(row * 2)
    this.#time[row] = time
    this.#ask[row] = ask
    this.#cpu[row] = cpu
    this.#cache[row] = cache
    this.#object[row] = object
    return row
  }

  finish(): SlabDemand {
    this.#grow(this.#length)
    return {
      length: this.#length,
      time: this.#time,
      ask: this.#ask,
      cpu: this.#cpu,
      cache: this.#cache,
      object: this.#object,
      objects: this.#objects,
    }
  }

  #grow(rows: number): void {
    this.#time = moved(this.#time, rows)
    this.#ask = moved(this.#ask, rows)
    this.#cpu = moved(this.#cpu, rows)
    this.#cache = moved(this.#cache, rows)
    this.#object = moved(this.#object, rows)
  }
}
