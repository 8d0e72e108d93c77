import { type Events, Kind } from '#events'
import { ABSENT, ABSENT_COMM, Addresses, AddressRows, FREED, NEVER_SEEN } from '#events/columns'
import { callersByRow, NO_STACK } from './callers.ts'
import { mostFirst, Sums } from './sums.ts'

const fields = [
  'allocs',
  'bytesReq',
  'bytesAlloc',
  'frees',
  'freedSeen',
  'pingPong',
  'aliveAtEnd',
  'bytesAliveAtEnd',
  'failures',
] as const

/** No cache's string has this number. */
const AMBIGUOUS = ABSENT.text - 1
/** bytesAlloc of a cache's objects stays below it. */
const LARGEST = 2 ** 22

const allocating = ['kmalloc', 'kmem_cache_alloc', 'kmalloc_failed', 'kmem_cache_alloc_failed'] as const

/** Who asks, by the slot of each allocation: the caller in its stack where it has one, else the event's own call site. */
function callSites({ tables, ...events }: Events): Readonly<Record<(typeof allocating)[number], Uint32Array>> {
  const own = (kind: (typeof allocating)[number]) => tables[kind].column.callSite.data
  const sites = {
    kmalloc: own('kmalloc'),
    kmem_cache_alloc: own('kmem_cache_alloc'),
    kmalloc_failed: own('kmalloc_failed'),
    kmem_cache_alloc_failed: own('kmem_cache_alloc_failed'),
  }
  if (tables.kernel_stack.length === 0) return sites
  for (const kind of allocating) sites[kind] = sites[kind].slice()
  const callers = callersByRow({ tables, ...events })
  const byKind = new Map(allocating.map((kind) => [Kind[kind] as number, sites[kind]]))
  for (let row = 0; row < events.length; row++)
    if (callers[row] !== NO_STACK) {
      const of = byKind.get(events.kind[row]!)
      if (of !== undefined) of[events.slot[row]!] = callers[row]!
    }
  return sites
}

/**
 * Objects and bytes by cache and by call site; who frees on another CPU (ping-pong)?
 *
 * Before 7.2 an allocation does not name its cache. It gets the name that its own free has, else the one that all frees of objects of
 * its call site and size have; what no free tells stays unnamed. kmalloc's caches are never recorded: its rows are size classes.
 * Frees of unknown objects count for the cache they name.
 */
export function surveySlab(events: Events) {
  const { kind: kinds, cpu: cpus, comm: comms, slot: slots, tables, strings } = events
  const { kmalloc, kmem_cache_alloc: cacheAlloc, kfree, kmem_cache_free: cacheFree } = tables
  const { kmalloc_failed: kmallocFailed, kmem_cache_alloc_failed: cacheFailed } = tables
  const all = [kmalloc, cacheAlloc, kfree, cacheFree, kmallocFailed, cacheFailed]
  if (all.every(({ length }) => length === 0)) return undefined
  const ptrs = {
    kmalloc: new Addresses(kmalloc.column.ptr.data),
    alloc: new Addresses(cacheAlloc.column.ptr.data),
    kfree: new Addresses(kfree.column.ptr.data),
    free: new Addresses(cacheFree.column.ptr.data),
  }
  const ownName = cacheAlloc.column.cacheName.data
  const freeName = cacheFree.column.cacheName.data
  const names = ownName.slice()
  const [cacheSites, cacheBytes] = [cacheAlloc.column.callSite.data, cacheAlloc.column.bytesAlloc.data]
  const nameBySite = new Map<number, number>()
  const siteKey = (slot: number): number => cacheSites[slot]! * LARGEST + cacheBytes[slot]!

  // The outcome of each allocation, by its slot: 0 alive, else 1 + (1 if freed on another CPU).
  const fate = { kmalloc: new Uint8Array(kmalloc.length), alloc: new Uint8Array(cacheAlloc.length) }
  const rows = new AddressRows()
  let [neverSeen, alreadyFree, reallocated, nulls, hidden, matched, crossCpu] = [0, 0, 0, 0, 0, 0, 0]
  const ALIVE = 0,
    FREED_HERE = 1,
    FREED_ELSEWHERE = 2,
    FORGOTTEN = 3
  const fateOf = (row: number): Uint8Array => (kinds[row] === Kind.kmalloc ? fate.kmalloc : fate.alloc)
  const freedByCache = new Sums(['frees'])
  const byProcess = new Sums(['allocs', 'bytesReq', 'bytesAlloc', 'frees'])
  const unnamedFree = ABSENT.text

  for (let row = 0; row < events.length; row++) {
    // row < length, so every column has it
    const kind = kinds[row]!,
      slot = slots[row]!
    switch (kind) {
      case Kind.kmalloc:
      case Kind.kmem_cache_alloc: {
        const { bytesReq, bytesAlloc } = (kind === Kind.kmalloc ? kmalloc : cacheAlloc).column
        byProcess.add('allocs', comms[row]!)
        byProcess.add('bytesReq', comms[row]!, bytesReq.data[slot]!)
        byProcess.add('bytesAlloc', comms[row]!, bytesAlloc.data[slot]!)
        const address = (kind === Kind.kmalloc ? ptrs.kmalloc : ptrs.alloc).at(slot)
        if (address === undefined || address === 0) {
          hidden++
          fateOf(row)[slot] = FORGOTTEN
          break
        }
        const before = rows.get(address)
        if (before >= 0) {
          reallocated++
          fateOf(before)[slots[before]!] = FORGOTTEN
        }
        rows.set(address, row)
        break
      }
      case Kind.kfree:
      case Kind.kmem_cache_free: {
        const address = (kind === Kind.kfree ? ptrs.kfree : ptrs.free).at(slot)
        if (address === 0) {
          nulls++
          break
        }
        byProcess.add('frees', comms[row]!)
        const name = kind === Kind.kmem_cache_free ? freeName[slot]! : unnamedFree
        if (kind === Kind.kmem_cache_free) freedByCache.add('frees', name)
        if (address === undefined) {
          hidden++
          break
        }
        const from = rows.get(address)
        if (from === NEVER_SEEN) neverSeen++
        else if (from === FREED) alreadyFree++
        else {
          matched++
          const elsewhere = cpus[from] !== cpus[row]
          if (elsewhere) crossCpu++
          const allocSlot = slots[from]!
          fateOf(from)[allocSlot] = elsewhere ? FREED_ELSEWHERE : FREED_HERE
          if (kinds[from] === Kind.kmem_cache_alloc && name !== ABSENT.text) {
            if (names[allocSlot] === ABSENT.text) names[allocSlot] = name
            const key = siteKey(allocSlot)
            const known = nameBySite.get(key)
            nameBySite.set(key, known === undefined || known === name ? name : AMBIGUOUS)
          }
        }
        rows.set(address, FREED)
      }
    }
  }

  const byCache = new Sums<(typeof fields)[number], string>(fields)
  const sites = callSites(events)
  const byCallSite = new Sums(fields)
  const count = <K extends number | string>(
    sums: Sums<(typeof fields)[number], K>,
    key: K,
    req: number,
    alloc: number,
    end: number,
  ) => {
    const at = sums.row(key)
    const column = sums.column
    column.allocs[at]!++
    column.bytesReq[at]! += req
    column.bytesAlloc[at]! += alloc
    if (end === FREED_HERE || end === FREED_ELSEWHERE) column.freedSeen[at]!++
    if (end === FREED_ELSEWHERE) column.pingPong[at]!++
    if (end !== ALIVE) return
    column.aliveAtEnd[at]!++
    column.bytesAliveAtEnd[at]! += alloc
  }
  const unnamed = (bytes: number): string => `(unnamed, ${bytes} B)`
  const sizeClass = (bytes: number): string => `kmalloc, ${bytes} B`
  const cacheOf = (slot: number): string => {
    let name = names[slot]!
    if (name === ABSENT.text) name = nameBySite.get(siteKey(slot)) ?? AMBIGUOUS
    return name === AMBIGUOUS ? unnamed(cacheBytes[slot]!) : strings.get(name)!
  }
  for (let slot = 0; slot < cacheAlloc.length; slot++) {
    const req = cacheAlloc.column.bytesReq.data[slot]!,
      bytes = cacheBytes[slot]!
    count(byCache, cacheOf(slot), req, bytes, fate.alloc[slot]!)
    count(byCallSite, sites.kmem_cache_alloc[slot]!, req, bytes, fate.alloc[slot]!)
  }
  for (let slot = 0; slot < kmalloc.length; slot++) {
    const req = kmalloc.column.bytesReq.data[slot]!,
      bytes = kmalloc.column.bytesAlloc.data[slot]!
    count(byCache, sizeClass(bytes), req, bytes, fate.kmalloc[slot]!)
    count(byCallSite, sites.kmalloc[slot]!, req, bytes, fate.kmalloc[slot]!)
  }
  for (const [at, name] of freedByCache.keys.entries())
    byCache.add('frees', name === ABSENT.text ? '(unnamed)' : strings.get(name)!, freedByCache.column.frees[at]!)
  for (let slot = 0; slot < kmallocFailed.length; slot++) {
    byCallSite.add('failures', sites.kmalloc_failed[slot]!)
    byCache.add('failures', sizeClass(kmallocFailed.column.bytesAlloc.data[slot]!))
  }
  for (let slot = 0; slot < cacheFailed.length; slot++) {
    byCallSite.add('failures', sites.kmem_cache_alloc_failed[slot]!)
    const name = cacheFailed.column.cacheName.data[slot]!
    const bytes = cacheFailed.column.bytesAlloc.data[slot]!
    byCache.add('failures', name === ABSENT.text ? unnamed(bytes) : strings.get(name)!)
  }
  if (kfree.length - nulls > 0) byCache.add('frees', '(kfree)', kfree.length - nulls)
  const sum = (of: (typeof fields)[number]): number => byCallSite.column[of].reduce((a, b) => a + b, 0)
  const waste = <R extends { bytesReq: number; bytesAlloc: number }>(row: R) => ({
    ...row,
    /** Share of the bytes taken that nobody asked for. */
    waste: row.bytesAlloc === 0 ? undefined : (row.bytesAlloc - row.bytesReq) / row.bytesAlloc,
  })
  return {
    allocs: kmalloc.length + cacheAlloc.length,
    ...waste({ bytesReq: sum('bytesReq'), bytesAlloc: sum('bytesAlloc') }),
    frees: kfree.length + cacheFree.length - nulls,
    failures: kmallocFailed.length + cacheFailed.length,
    matching: {
      matched,
      /** Objects freed on another CPU than they were allocated on: ping-pong. */
      crossCpu,
      neverSeen,
      alreadyFree,
      reallocated,
      aliveAtEnd: sum('aliveAtEnd'),
      /** Calls that passed no object: kfree(NULL). */
      nulls,
      /** Events of which the text hides the address. */
      hidden,
    },
    /** As the kernel records it: what an interrupt does counts for the process it interrupted. */
    byProcess: mostFirst(
      byProcess.list((comm) => ({ comm: comm === ABSENT_COMM ? undefined : strings.get(comm) })),
      (row) => row.bytesAlloc,
      (row) => row.frees,
    ).map(waste),
    byCache: mostFirst(
      byCache.list((cache) => ({ cache: cache })),
      (row) => row.bytesAlloc,
      (row) => row.frees,
    ).map(waste),
    byCallSite: mostFirst(
      byCallSite.list((site) => ({ callSite: strings.get(site) ?? '(unknown)' })),
      (row) => row.bytesAlloc,
      (row) => row.failures,
    ).map(({ frees: _, ...row }) => waste(row)),
  }
}

export type SlabSurvey = NonNullable<ReturnType<typeof surveySlab>>
