import { type Events, Kind } from '#events'
import { ABSENT, ABSENT_COMM } from '#events/columns'
import { callersByRow, NO_STACK } from './callers.ts'
import { Fate, SlabFates } from './slab-fates.ts'
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
type Field = (typeof fields)[number]

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

const unnamed = (bytes: number): string => `(unnamed, ${bytes} B)`
const sizeClass = (bytes: number): string => `kmalloc, ${bytes} B`

/** Sums by cache and by call site. */
class SlabSums {
  readonly byCache = new Sums<Field, string>(fields)
  readonly byCallSite = new Sums(fields)

  constructor(events: Events, { fate, names, freedByCache, matching }: SlabFates) {
    const { tables, strings } = events
    const { kmem_cache_alloc: alloc, kmalloc, kfree } = tables
    const sites = callSites(events)
    for (let slot = 0; slot < alloc.length; slot++) {
      const req = alloc.column.bytesReq.data[slot]!
      const bytes = alloc.column.bytesAlloc.data[slot]!
      const name = names.of(slot)
      count(this.byCache, name === undefined ? unnamed(bytes) : strings.get(name)!, req, bytes, fate.alloc[slot]!)
      count(this.byCallSite, sites.kmem_cache_alloc[slot]!, req, bytes, fate.alloc[slot]!)
    }
    for (let slot = 0; slot < kmalloc.length; slot++) {
      const req = kmalloc.column.bytesReq.data[slot]!
      const bytes = kmalloc.column.bytesAlloc.data[slot]!
      count(this.byCache, sizeClass(bytes), req, bytes, fate.kmalloc[slot]!)
      count(this.byCallSite, sites.kmalloc[slot]!, req, bytes, fate.kmalloc[slot]!)
    }
    for (const [at, name] of freedByCache.keys.entries()) {
      const cache = name === ABSENT.text ? '(unnamed)' : strings.get(name)!
      this.byCache.add('frees', cache, freedByCache.column.frees[at]!)
    }
    this.#failed(events, sites)
    const { nulls } = matching
    if (kfree.length - nulls > 0) this.byCache.add('frees', '(kfree)', kfree.length - nulls)
  }

  #failed({ tables, strings }: Events, sites: ReturnType<typeof callSites>): void {
    const { kmalloc_failed: kmalloc, kmem_cache_alloc_failed: alloc } = tables
    for (let slot = 0; slot < kmalloc.length; slot++) {
      this.byCallSite.add('failures', sites.kmalloc_failed[slot]!)
      this.byCache.add('failures', sizeClass(kmalloc.column.bytesAlloc.data[slot]!))
    }
    for (let slot = 0; slot < alloc.length; slot++) {
      this.byCallSite.add('failures', sites.kmem_cache_alloc_failed[slot]!)
      const name = alloc.column.cacheName.data[slot]!
      const bytes = alloc.column.bytesAlloc.data[slot]!
      this.byCache.add('failures', name === ABSENT.text ? unnamed(bytes) : strings.get(name)!)
    }
  }

  total(of: Field): number {
    return this.byCallSite.column[of].reduce((a, b) => a + b, 0)
  }
}

/** Counts one allocation. */
function count<K extends number | string>(sums: Sums<Field, K>, key: K, req: number, alloc: number, end: number): void {
  const at = sums.row(key)
  const column = sums.column
  column.allocs[at]!++
  column.bytesReq[at]! += req
  column.bytesAlloc[at]! += alloc
  if (end === Fate.freedHere || end === Fate.freedElsewhere) column.freedSeen[at]!++
  if (end === Fate.freedElsewhere) column.pingPong[at]!++
  if (end !== Fate.alive) return
  column.aliveAtEnd[at]!++
  column.bytesAliveAtEnd[at]! += alloc
}

const waste = <R extends { bytesReq: number; bytesAlloc: number }>(row: R) => ({
  ...row,
  /** Share of the bytes taken that nobody asked for. */
  waste: row.bytesAlloc === 0 ? undefined : (row.bytesAlloc - row.bytesReq) / row.bytesAlloc,
})

/**
 * Objects and bytes by cache and by call site; who frees on another CPU (ping-pong)?
 *
 * What names no cache gets its name from frees (`SlabFates`); what no free tells stays unnamed. kmalloc's caches are never recorded:
 * its rows are size classes. Frees of unknown objects count for the cache they name.
 */
export function surveySlab(events: Events) {
  const { tables, strings } = events
  const { kmalloc, kmem_cache_alloc: cacheAlloc, kfree, kmem_cache_free: cacheFree } = tables
  const { kmalloc_failed: kmallocFailed, kmem_cache_alloc_failed: cacheFailed } = tables
  const all = [kmalloc, cacheAlloc, kfree, cacheFree, kmallocFailed, cacheFailed]
  if (all.every(({ length }) => length === 0)) return undefined
  const fates = new SlabFates(events)
  const sums = new SlabSums(events, fates)
  const { matched, crossCpu, neverSeen, alreadyFree, reallocated, nulls, hidden } = fates.matching
  return {
    allocs: kmalloc.length + cacheAlloc.length,
    ...waste({ bytesReq: sums.total('bytesReq'), bytesAlloc: sums.total('bytesAlloc') }),
    frees: kfree.length + cacheFree.length - nulls,
    failures: kmallocFailed.length + cacheFailed.length,
    matching: {
      matched,
      /** Objects freed on another CPU than they were allocated on: ping-pong. */
      crossCpu,
      neverSeen,
      alreadyFree,
      reallocated,
      aliveAtEnd: sums.total('aliveAtEnd'),
      /** Calls that passed no object: kfree(NULL). */
      nulls,
      /** Events of which the text hides the address. */
      hidden,
    },
    /** As the kernel records it: what an interrupt does counts for the process it interrupted. */
    byProcess: mostFirst(
      fates.byProcess.list((comm) => ({ comm: comm === ABSENT_COMM ? undefined : strings.get(comm) })),
      (row) => row.bytesAlloc,
      (row) => row.frees,
    ).map(waste),
    byCache: mostFirst(
      sums.byCache.list((cache) => ({ cache: cache })),
      (row) => row.bytesAlloc,
      (row) => row.frees,
    ).map(waste),
    byCallSite: mostFirst(
      sums.byCallSite.list((site) => ({ callSite: strings.get(site) ?? '(unknown)' })),
      (row) => row.bytesAlloc,
      (row) => row.failures,
    ).map(({ frees: _, ...row }) => waste(row)),
  }
}

export type SlabSurvey = NonNullable<ReturnType<typeof surveySlab>>
