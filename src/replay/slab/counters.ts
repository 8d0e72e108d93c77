import type { SlabCounters } from '#kernel/slab'
import type { FoundCache } from './caches.ts'

/** What a trace counts of a cache. */
export interface Traced {
  readonly allocs: number
  readonly frees: number
  /** Calls of slow paths, by their functions' names. */
  readonly paths: ReadonlyMap<string, number>
}

/** How much a counter rose from one reading to the other; undefined where a reading lacks it. */
export function riseOf(
  before: SlabCounters | undefined,
  after: SlabCounters | undefined,
  id: string,
  file: string,
): number | undefined {
  const [from, to] = [before?.stats[id]?.[file]?.total, after?.stats[id]?.[file]?.total]
  return from === undefined || to === undefined ? undefined : to - from
}

/** Slow paths and the counters that count them, or more. */
const counted: readonly (readonly [path: string, file: string])[] = [
  ['__slab_free', 'free_slowpath'],
  ['allocate_slab', 'alloc_slab'],
  ['put_cpu_partial', 'cpu_partial_free'],
  ['__kfree_rcu_sheaf', 'free_rcu_sheaf'],
]

/** How far counters are above what the trace has; Infinity where one is below, which no cache of these events can be. */
function distance(
  id: string,
  { allocs, paths }: Traced,
  before: SlabCounters | undefined,
  after: SlabCounters,
): number {
  const rise = (file: string): number => riseOf(before, after, id, file) ?? 0
  let sum = 0
  for (const [more, least] of [
    [rise('alloc_fastpath') + rise('alloc_slowpath'), allocs],
    ...counted
      .filter(([path]) => path !== '__slab_free' || !('sheaf_refill' in after.stats[id]!))
      .map(([path, file]) => [rise(file), paths.get(path) ?? 0] as const),
  ] as const) {
    if (more < least) return Number.POSITIVE_INFINITY
    sum += more - least
  }
  return sum
}

/**
 * The directory of each cache below /sys/kernel/slab: that of its name, else among those of its size the one whose counters rose by
 * what the trace has and least more. Merged caches have names like `:a-0000192`.
 */
export function statsIds(
  caches: readonly FoundCache[],
  traced: readonly Traced[],
  before: SlabCounters | undefined,
  after: SlabCounters | undefined,
): (string | undefined)[] {
  const counters = after ?? before
  const ids = caches.map(({ names }) => names.find((name) => counters?.stats[name] !== undefined))
  if (counters === undefined) return ids
  const taken = new Set(ids)
  const pairs = caches.flatMap(({ bytes, names }, cache) => {
    if (ids[cache] !== undefined || traced[cache]!.allocs + traced[cache]!.frees === 0) return []
    return Object.keys(counters.stats).flatMap((id) => {
      if (taken.has(id) || counters.stats[id]!.slab_size?.total !== bytes) return []
      // A name that is not there belongs to a cache that was merged.
      if (names.length > 0 && !id.startsWith(':')) return []
      return [{ cache, id, distance: distance(id, traced[cache]!, before, counters), busy: traced[cache]!.allocs }]
    })
  })
  // The busiest first: it has the fewest places where it fits.
  for (const { cache, id, distance } of pairs.sort((a, b) => b.busy - a.busy || a.distance - b.distance)) {
    if (ids[cache] !== undefined || taken.has(id) || distance === Number.POSITIVE_INFINITY) continue
    ids[cache] = id
    taken.add(id)
  }
  return ids
}
