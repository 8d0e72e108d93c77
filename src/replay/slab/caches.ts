import { type Events, Kind } from '#events'
import { ABSENT, Addresses, AddressRows, NEVER_SEEN } from '#events/columns'

/** What an allocation or a free itself says of its cache: a name, a size class of kmalloc, or a call site and a size. */
export interface CacheKey {
  readonly name?: string
  /** Bytes from one object to the next; undefined of a name that only frees have. */
  bytes: number | undefined
}

/** Caches as a trace tells them apart. */
export interface FoundCaches {
  readonly keys: readonly CacheKey[]
  /** By key: number of its cache. */
  readonly cacheOf: Uint16Array
  readonly caches: readonly FoundCache[]
  /** By slot of the events; 0xffff: not known. */
  readonly keyOfAlloc: Uint16Array
  readonly keyOfKmalloc: Uint16Array
  readonly keyOfFree: Uint16Array
  readonly keyOfKfree: Uint16Array
  readonly cacheOfPath: Uint16Array
}

export interface FoundCache {
  readonly names: readonly string[]
  readonly bytes: number
  /** What slow paths call it: the address of its kmem_cache. */
  readonly pointer?: number
}

export const UNKNOWN = 0xffff
/** Keys told apart; what comes later has no cache. */
const MOST_KEYS = 4096
const GFP_RECLAIMABLE = 0x10
const PAGE = 4096
/** A vote of an object's address outweighs those of neighbours in time. */
const SURE = 1000

/** Which slow paths an allocation on the same CPU follows. */
const ALLOCATING = new Set(['___slab_alloc', 'allocate_slab', 'new_slab', '__pcs_replace_empty_main'])

/** kmalloc's cache for objects of so many bytes, as slabinfo calls it. */
export function kmallocName(bytes: number, reclaimable: boolean): string {
  const [size, unit] = bytes >= 2 ** 20 ? [bytes / 2 ** 20, 'M'] : bytes >= 1024 ? [bytes / 1024, 'k'] : [bytes, '']
  return `kmalloc-${reclaimable ? 'rcl-' : ''}${size}${unit}`
}

/** Votes of one number for others. */
class Votes {
  readonly #of = new Map<number, Map<number, number>>()

  add(voter: number, choice: number, weight: number): void {
    let own = this.#of.get(voter)
    if (own === undefined) {
      own = new Map()
      this.#of.set(voter, own)
    }
    own.set(choice, (own.get(choice) ?? 0) + weight)
  }

  /** The choice with most votes. */
  best(voter: number): { readonly choice: number; readonly weight: number } | undefined {
    let best: { choice: number; weight: number } | undefined
    for (const [choice, weight] of this.#of.get(voter) ?? [])
      if (best === undefined || weight > best.weight) best = { choice, weight }
    return best
  }
}

/** Numbers for what allocations and frees say of their caches. */
class Keys {
  readonly list: CacheKey[] = []
  readonly #numbers = new Map<string, number>()

  of(id: string, name: string | undefined, bytes: number | undefined): number {
    let key = this.#numbers.get(id)
    if (key === undefined) {
      if (this.list.length === MOST_KEYS) return UNKNOWN
      key = this.list.push({ ...(name === undefined ? {} : { name }), bytes }) - 1
      this.#numbers.set(id, key)
    }
    this.list[key]!.bytes ??= bytes
    return key
  }

  named(name: string, bytes?: number): number {
    return this.of(`n ${name}`, name, bytes)
  }
}

/** Joins keys into caches. */
class Groups {
  readonly #parent: number[]

  constructor(length: number) {
    this.#parent = Array.from({ length }, (_, at) => at)
  }

  root(of: number): number {
    let at = of
    while (this.#parent[at] !== at) at = this.#parent[at]!
    this.#parent[of] = at
    return at
  }

  join(one: number, other: number): void {
    const [a, b] = [this.root(one), this.root(other)]
    if (a !== b) this.#parent[Math.max(a, b)] = Math.min(a, b)
  }
}

/** Reads the events once: what each says, and who votes for whom. */
class Reading {
  readonly keys = new Keys()
  readonly keyOfAlloc: Uint16Array
  readonly keyOfKmalloc: Uint16Array
  readonly keyOfFree: Uint16Array
  readonly keyOfKfree: Uint16Array
  readonly pointers: number[] = []
  readonly pointerOfPath: Uint16Array
  readonly nameVotes = new Votes()
  readonly pointerVotes = new Votes()
  readonly #events: Events
  readonly #pointerNumbers = new Map<number, number>()
  /** By address, and by page of memory: the key last allocated there. */
  readonly #keyAt = new AddressRows()
  readonly #keyOn = new AddressRows()
  readonly #unknownFrees: { readonly of: Uint16Array; readonly slot: number; readonly address: number }[] = []

  constructor(events: Events) {
    const { kmem_cache_alloc, kmalloc, kmem_cache_free, kfree, slab_slow_path } = events.tables
    this.#events = events
    this.keyOfAlloc = new Uint16Array(kmem_cache_alloc.length).fill(UNKNOWN)
    this.keyOfKmalloc = new Uint16Array(kmalloc.length).fill(UNKNOWN)
    this.keyOfFree = new Uint16Array(kmem_cache_free.length).fill(UNKNOWN)
    this.keyOfKfree = new Uint16Array(kfree.length).fill(UNKNOWN)
    this.pointerOfPath = new Uint16Array(slab_slow_path.length).fill(UNKNOWN)
    this.#read()
    for (const { of, slot, address } of this.#unknownFrees) {
      const key = this.#keyOn.get(Math.floor(address / PAGE))
      if (key !== NEVER_SEEN) of[slot] = key
    }
  }

  #allocKey(kind: number, slot: number): number {
    const { tables, strings } = this.#events
    if (kind === Kind.kmalloc) {
      const { bytesAlloc, gfpFlags } = tables.kmalloc.column
      const bytes = bytesAlloc.data[slot]!
      const gfp = gfpFlags.data[slot]!
      return this.keys.named(kmallocName(bytes, gfp !== ABSENT.u32 && (gfp & GFP_RECLAIMABLE) !== 0), bytes)
    }
    const { bytesAlloc, cacheName, callSite } = tables.kmem_cache_alloc.column
    const bytes = bytesAlloc.data[slot]!
    const name = cacheName.data[slot]!
    if (name !== ABSENT.text) return this.keys.named(strings.get(name)!, bytes)
    return this.keys.of(`s ${callSite.data[slot]!} ${bytes}`, undefined, bytes)
  }

  #read(): void {
    const { kind: kinds, slot: slots, cpu: cpus, length, tables, strings } = this.#events
    const { kmem_cache_alloc, kmalloc, kmem_cache_free, kfree, slab_slow_path } = tables
    const allocAt = new Addresses(kmem_cache_alloc.column.ptr.data)
    const kmallocAt = new Addresses(kmalloc.column.ptr.data)
    const freeAt = new Addresses(kmem_cache_free.column.ptr.data)
    const kfreeAt = new Addresses(kfree.column.ptr.data)
    const pathCache = new Addresses(slab_slow_path.column.cache.data)
    const pathObject = new Addresses(slab_slow_path.column.object.data)
    /** By CPU: the cache of a slow path that the next allocation comes out of. */
    const waiting: number[] = []
    for (let row = 0; row < length; row++) {
      const kind = kinds[row]!
      const slot = slots[row]!
      switch (kind) {
        case Kind.kmalloc:
        case Kind.kmem_cache_alloc: {
          const key = this.#allocKey(kind, slot)
          const own = kind === Kind.kmalloc ? this.keyOfKmalloc : this.keyOfAlloc
          own[slot] = key
          const address = (kind === Kind.kmalloc ? kmallocAt : allocAt).at(slot)
          if (key !== UNKNOWN && address !== undefined && address !== 0) this.#allocated(key, address)
          const pointer = waiting[cpus[row]!] ?? UNKNOWN
          if (pointer !== UNKNOWN && key !== UNKNOWN) this.pointerVotes.add(key, pointer, 1)
          waiting[cpus[row]!] = UNKNOWN
          break
        }
        case Kind.kfree:
          this.#freed(this.keyOfKfree, slot, kfreeAt.at(slot), UNKNOWN)
          break
        case Kind.kmem_cache_free: {
          const name = kmem_cache_free.column.cacheName.data[slot]!
          const named = name === ABSENT.text ? UNKNOWN : this.keys.named(strings.get(name)!)
          this.#freed(this.keyOfFree, slot, freeAt.at(slot), named)
          break
        }
        case Kind.slab_slow_path: {
          const pointer = this.#pointer(pathCache.at(slot) ?? 0)
          this.pointerOfPath[slot] = pointer
          const object = pathObject.at(slot)
          const key = object === undefined || object === 0 ? NEVER_SEEN : this.#keyAt.get(object)
          if (key >= 0) this.pointerVotes.add(key, pointer, SURE)
          const name = slab_slow_path.column.recordedAs.data[slot]!
          if (name !== ABSENT.text && ALLOCATING.has(strings.get(name)!)) waiting[cpus[row]!] = pointer
        }
      }
    }
  }

  #pointer(address: number): number {
    let number = this.#pointerNumbers.get(address)
    if (number === undefined) {
      if (this.pointers.length === MOST_KEYS) return UNKNOWN
      number = this.pointers.push(address) - 1
      this.#pointerNumbers.set(address, number)
    }
    return number
  }

  #allocated(key: number, address: number): void {
    this.#keyAt.set(address, key)
    this.#keyOn.set(Math.floor(address / PAGE), key)
  }

  #freed(of: Uint16Array, slot: number, address: number | undefined, named: number): void {
    if (address === undefined || address === 0) return
    const key = this.#keyAt.get(address)
    if (key === NEVER_SEEN) {
      of[slot] = named
      if (named === UNKNOWN) this.#unknownFrees.push({ of, slot, address })
      else this.#keyAt.set(address, named)
      return
    }
    of[slot] = key
    if (named !== UNKNOWN && named !== key) this.nameVotes.add(key, named, 1)
  }
}

/**
 * Tells the caches of a trace apart. A key that has a name is of the cache of that name; before 7.2 an allocation’s key gets the name that
 * most frees of its objects have. Keys whose objects slow paths were called with are of the cache that these name by its address.
 */
export function findCaches(events: Events): FoundCaches {
  const reading = new Reading(events)
  const { keys, pointers, nameVotes, pointerVotes } = reading
  const { list } = keys
  const groups = new Groups(list.length + pointers.length)
  const sure = new Set<number>()
  for (const [key] of list.entries()) {
    const named = nameVotes.best(key)
    if (named !== undefined) {
      list[named.choice]!.bytes ??= list[key]!.bytes
      groups.join(key, named.choice)
    }
    const pointed = pointerVotes.best(key)
    if (pointed === undefined || pointed.weight < SURE) continue
    groups.join(key, list.length + pointed.choice)
    sure.add(groups.root(key))
  }
  // A neighbour in time counts where nothing better names the cache, on either side. It may be of another cache, by an interrupt.
  const roots = new Set([...sure].map((one) => groups.root(one)))
  const bytesAt = new Map<number, number | undefined>()
  for (const [key, { bytes }] of list.entries()) {
    const pointed = pointerVotes.best(key)
    if (pointed === undefined || roots.has(groups.root(key))) continue
    const { choice } = pointed
    if (roots.has(groups.root(list.length + choice)) || (bytesAt.get(choice) ?? bytes) !== bytes) continue
    bytesAt.set(choice, bytes)
    groups.join(key, list.length + choice)
  }
  return cachesOf(reading, groups)
}

function cachesOf(reading: Reading, groups: Groups): FoundCaches {
  const { list } = reading.keys
  const numbers = new Map<number, number>()
  const caches: { names: string[]; bytes: number; pointer?: number }[] = []
  const cacheAt = (root: number): number => {
    let number = numbers.get(root)
    if (number === undefined) {
      number = caches.push({ names: [], bytes: 0 }) - 1
      numbers.set(root, number)
    }
    return number
  }
  const cacheOf = Uint16Array.from(list, ({ name, bytes }, key) => {
    const number = cacheAt(groups.root(key))
    const cache = caches[number]!
    if (name !== undefined) cache.names.push(name)
    cache.bytes = Math.max(cache.bytes, bytes ?? 0)
    return number
  })
  const byPointer = Uint16Array.from(reading.pointers, (address, at) => {
    const number = cacheAt(groups.root(list.length + at))
    caches[number]!.pointer ??= address
    return number
  })
  const { keyOfAlloc, keyOfKmalloc, keyOfFree, keyOfKfree, pointerOfPath } = reading
  return {
    keys: list,
    cacheOf,
    caches,
    keyOfAlloc,
    keyOfKmalloc,
    keyOfFree,
    keyOfKfree,
    cacheOfPath: pointerOfPath.map((pointer) => (pointer === UNKNOWN ? UNKNOWN : byPointer[pointer]!)),
  }
}
