import { type Events, Kind } from '#events'
import type { Cpu, Ns } from '#kernel'
import { Halves, keyAt, PAGE } from './addresses.ts'

export interface SheafCache {
  readonly id: number
  /** Smallest distance between two of its objects on one page. */
  readonly bytes: number
  /** Objects in a full sheaf, as most of its sheaves show; undefined where the trace has no sheaf from empty to full. */
  readonly sheaf: number | undefined
  /** By CPU: objects of the trace in its first full sheaf, which may have held others before the trace. */
  readonly first: readonly (number | undefined)[]
}

/** Assumed where no two objects of a cache lie on one page: the size of rcuscale’s objects, which come from kmalloc-32. */
const UNKNOWN_BYTES = 32

/** How full sheaves of one cache were when they were handed to RCU. */
export class SheafFills {
  /** Objects since a CPU's last full sheaf, or since the trace began. */
  readonly #since: number[] = []
  /** Of each CPU, those of the trace that its first full sheaf held: some may have been in it before. */
  readonly first: (number | undefined)[] = []
  readonly #fills = new Map<number, number>()
  #all = 0

  object(cpu: Cpu): void {
    this.#since[cpu] = (this.#since[cpu] ?? 0) + 1
  }

  /** How many objects of the trace the sheaf holds that is full now. */
  full(cpu: Cpu): number {
    const n = this.#since[cpu] ?? 0
    this.#since[cpu] = 0
    if (this.first[cpu] === undefined) this.first[cpu] = n
    else {
      this.#fills.set(n, (this.#fills.get(n) ?? 0) + 1)
      this.#all++
    }
    return n
  }

  /** The most common number of objects in a full sheaf; undefined if less than a share of `least` held it. */
  usual(least: number): number | undefined {
    const [n, times] = [...this.#fills].sort(([, a], [, b]) => b - a)[0] ?? [0, 0]
    return n > 0 && times >= least * this.#all ? n : undefined
  }
}

/** What the events show of one cache. */
class Seen {
  apart = Number.POSITIVE_INFINITY
  readonly fills = new SheafFills()
  readonly #onPages = new Map<number, number>()

  object(key: number, cpu: Cpu): void {
    const page = Math.floor(key / PAGE)
    const apart = Math.abs(key - (this.#onPages.get(page) ?? key))
    if (apart > 0) this.apart = Math.min(this.apart, apart)
    this.#onPages.set(page, key)
    this.fills.object(cpu)
  }
}

/**
 * Caches of the objects that a probe on __kfree_rcu_sheaf() shows. A cache may ask for a capacity of its own (`sheaf_capacity` of
 * kmem_cache_args: 32 of maple nodes), so it does not follow from the object’s size.
 */
export class SheafCaches {
  readonly #caches = new Map<number, SheafCache>()
  readonly #cache: Halves
  readonly #object: Halves
  readonly #sheaf: number | undefined
  readonly #recordedAs: ArrayLike<number>
  readonly areProbed: boolean
  /** Objects of the trace in each full sheaf, by CPU and the moment of its call_rcu(). */
  readonly filled: readonly (ReadonlyMap<Ns, number> | undefined)[]

  constructor({ kind, cpu, slot, time, length, tables: { slab_slow_path: paths, rcu_callback }, strings }: Events) {
    const { cache, object, recordedAs } = paths.column
    this.#cache = new Halves(cache.data as BigUint64Array)
    this.#object = new Halves(object.data as BigUint64Array)
    this.#recordedAs = recordedAs.data
    this.#sheaf = strings.find('__kfree_rcu_sheaf')
    const callback = strings.find('rcu_free_sheaf')
    const caches = new Map<number, Seen>()
    const last: Seen[] = []
    const filled: Map<Ns, number>[] = []
    for (let row = 0; paths.length > 0 && row < length; row++) {
      const at = slot[row]!
      const on = cpu[row]!
      if (kind[row] === Kind.slab_slow_path && recordedAs.data[at] === this.#sheaf) {
        const id = keyAt(this.#cache, at)
        const seen = caches.get(id) ?? new Seen()
        caches.set(id, seen)
        seen.object(keyAt(this.#object, at), on)
        last[on] = seen
      } else if (kind[row] === Kind.rcu_callback && rcu_callback.column.func.data[at] === callback) {
        const seen = last[on]
        if (seen === undefined) continue
        filled[on] ??= new Map()
        filled[on].set(time[row]!, seen.fills.full(on))
      }
    }
    this.filled = filled
    for (const [id, { apart, fills }] of caches) {
      const bytes = apart > PAGE ? UNKNOWN_BYTES : apart
      this.#caches.set(id, { id, bytes, sheaf: fills.usual(0), first: fills.first })
    }
    this.areProbed = caches.size > 0
  }

  /** The cache whose sheaf the event at a slot puts `object` into; undefined where it is another's. */
  cacheOf(slot: number, object: number): SheafCache | undefined {
    if (this.#recordedAs[slot] !== this.#sheaf || keyAt(this.#object, slot) !== object) return undefined
    return this.#caches.get(keyAt(this.#cache, slot))
  }
}
