import { type Events, Kind } from '#events'
import { ABSENT, Addresses, AddressRows, FREED, NEVER_SEEN } from '#events/columns'
import { Sums } from './sums.ts'

/** What became of an object: alive at the end, freed on its CPU or another, or forgotten since its address came up again. */
export const Fate = { alive: 0, freedHere: 1, freedElsewhere: 2, forgotten: 3 } as const

/** No cache's string has this number. */
const AMBIGUOUS = ABSENT.text - 1
/** bytesAlloc of a cache's objects stays below it. */
const LARGEST = 2 ** 22

/**
 * Names of caches. Before 7.2 an allocation does not name its cache. It gets the name that its own free has, else the one that all frees of objects of
 * its call site and size have.
 */
class CacheNames {
  readonly #own: Uint32Array
  readonly #sites: Uint32Array
  readonly #bytes: Uint32Array
  readonly #bySite = new Map<number, number>()

  constructor({ kmem_cache_alloc: { column } }: Events['tables']) {
    this.#own = column.cacheName.data.slice()
    this.#sites = column.callSite.data
    this.#bytes = column.bytesAlloc.data
  }

  #site(slot: number): number {
    return this.#sites[slot]! * LARGEST + this.#bytes[slot]!
  }

  /** A free of the object that was allocated at `slot` names its cache. */
  learn(slot: number, name: number): void {
    if (name === ABSENT.text) return
    if (this.#own[slot] === ABSENT.text) this.#own[slot] = name
    const key = this.#site(slot)
    const known = this.#bySite.get(key)
    this.#bySite.set(key, known === undefined || known === name ? name : AMBIGUOUS)
  }

  /** Undefined where no free tells. */
  of(slot: number): number | undefined {
    let name = this.#own[slot]!
    if (name === ABSENT.text) name = this.#bySite.get(this.#site(slot)) ?? AMBIGUOUS
    return name === AMBIGUOUS ? undefined : name
  }
}

/** Matches frees with allocations by the objects’ addresses, in one pass. */
export class SlabFates {
  readonly names: CacheNames
  /** By slot of the allocations. */
  readonly fate: { readonly kmalloc: Uint8Array; readonly alloc: Uint8Array }
  readonly freedByCache = new Sums(['frees'])
  readonly byProcess = new Sums(['allocs', 'bytesReq', 'bytesAlloc', 'frees'])
  readonly matching = { matched: 0, crossCpu: 0, neverSeen: 0, alreadyFree: 0, reallocated: 0, nulls: 0, hidden: 0 }
  readonly #events: Events
  readonly #rows = new AddressRows()

  constructor(events: Events) {
    const { kmalloc, kmem_cache_alloc: alloc, kfree, kmem_cache_free: free } = events.tables
    this.#events = events
    this.names = new CacheNames(events.tables)
    this.fate = { kmalloc: new Uint8Array(kmalloc.length), alloc: new Uint8Array(alloc.length) }
    const at = {
      kmalloc: new Addresses(kmalloc.column.ptr.data),
      alloc: new Addresses(alloc.column.ptr.data),
      kfree: new Addresses(kfree.column.ptr.data),
      free: new Addresses(free.column.ptr.data),
    }
    const freeName = free.column.cacheName.data
    const { kind: kinds, slot: slots, length } = events
    for (let row = 0; row < length; row++) {
      const slot = slots[row]!
      switch (kinds[row]) {
        case Kind.kmalloc:
          this.#allocated(row, kmalloc.column, at.kmalloc.at(slot))
          break
        case Kind.kmem_cache_alloc:
          this.#allocated(row, alloc.column, at.alloc.at(slot))
          break
        case Kind.kfree:
          this.#freed(row, at.kfree.at(slot), undefined)
          break
        case Kind.kmem_cache_free:
          this.#freed(row, at.free.at(slot), freeName[slot]!)
      }
    }
  }

  #settle(row: number, fate: number): void {
    const { kind, slot } = this.#events
    const of = kind[row] === Kind.kmalloc ? this.fate.kmalloc : this.fate.alloc
    of[slot[row]!] = fate
  }

  #allocated(
    row: number,
    { bytesReq, bytesAlloc }: { bytesReq: { data: Uint32Array }; bytesAlloc: { data: Uint32Array } },
    address: number | undefined,
  ): void {
    const comm = this.#events.comm[row]!
    const slot = this.#events.slot[row]!
    this.byProcess.add('allocs', comm)
    this.byProcess.add('bytesReq', comm, bytesReq.data[slot]!)
    this.byProcess.add('bytesAlloc', comm, bytesAlloc.data[slot]!)
    if (address === undefined || address === 0) {
      this.matching.hidden++
      this.#settle(row, Fate.forgotten)
      return
    }
    const before = this.#rows.get(address)
    if (before >= 0) {
      this.matching.reallocated++
      this.#settle(before, Fate.forgotten)
    }
    this.#rows.set(address, row)
  }

  /** `name`: of the cache, undefined where the event has no field for it. */
  #freed(row: number, address: number | undefined, name: number | undefined): void {
    const { matching } = this
    if (address === 0) {
      matching.nulls++
      return
    }
    this.byProcess.add('frees', this.#events.comm[row]!)
    if (name !== undefined) this.freedByCache.add('frees', name)
    if (address === undefined) {
      matching.hidden++
      return
    }
    const from = this.#rows.get(address)
    this.#rows.set(address, FREED)
    if (from === NEVER_SEEN) matching.neverSeen++
    else if (from === FREED) matching.alreadyFree++
    else this.#matched(from, row, name)
  }

  #matched(from: number, row: number, name: number | undefined): void {
    const { cpu, kind, slot } = this.#events
    const elsewhere = cpu[from] !== cpu[row]
    this.matching.matched++
    if (elsewhere) this.matching.crossCpu++
    this.#settle(from, elsewhere ? Fate.freedElsewhere : Fate.freedHere)
    if (kind[from] === Kind.kmem_cache_alloc && name !== undefined) this.names.learn(slot[from]!, name)
  }
}
