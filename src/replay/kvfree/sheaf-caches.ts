import type { Events } from '#events'
import { Halves, keyAt, PAGE } from './addresses.ts'

export interface SheafCache {
  readonly id: number
  bytes: number
}

/** Taken where no two objects of a cache lie on one page: rcuscale's. */
const UNKNOWN_BYTES = 32

/** Caches of the objects that a probe on __kfree_rcu_sheaf() shows. Its size is the least that two of its objects lie apart on a page. */
export class SheafCaches {
  readonly #caches = new Map<number, SheafCache>()
  readonly #cache: Halves
  readonly #object: Halves
  readonly #sheaf: number | undefined
  readonly #recordedAs: ArrayLike<number>
  readonly areProbed: boolean

  constructor({ tables: { slab_slow_path: table }, strings }: Events) {
    const { cache, object, recordedAs } = table.column
    this.#cache = new Halves(cache.data as BigUint64Array)
    this.#object = new Halves(object.data as BigUint64Array)
    this.#recordedAs = recordedAs.data
    this.#sheaf = strings.find('__kfree_rcu_sheaf')
    const last = new Map<number, Map<number, number>>()
    for (let slot = 0; slot < table.length; slot++) {
      if (recordedAs.data[slot] !== this.#sheaf) continue
      const id = keyAt(this.#cache, slot)
      let known = this.#caches.get(id)
      if (known === undefined) {
        known = { id, bytes: Number.POSITIVE_INFINITY }
        this.#caches.set(id, known)
        last.set(id, new Map())
      }
      const key = keyAt(this.#object, slot)
      const page = Math.floor(key / PAGE)
      const onPages = last.get(id)!
      const apart = Math.abs(key - (onPages.get(page) ?? key))
      if (apart > 0) known.bytes = Math.min(known.bytes, apart)
      onPages.set(page, key)
    }
    for (const known of this.#caches.values()) if (known.bytes > PAGE) known.bytes = UNKNOWN_BYTES
    this.areProbed = this.#caches.size > 0
  }

  /** The cache whose sheaf the event at a slot puts `object` into; undefined where it is another's. */
  cacheOf(slot: number, object: number): SheafCache | undefined {
    if (this.#recordedAs[slot] !== this.#sheaf || keyAt(this.#object, slot) !== object) return undefined
    return this.#caches.get(keyAt(this.#cache, slot))
  }
}
