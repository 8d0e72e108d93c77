/** What the slab allocator says of itself (`slabinfo`, and `slabstats`: lines of cache, counter, value) against what `info` counts. For tests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SlabSurvey } from '../slab.ts'

type Counters = ReadonlyMap<string, ReadonlyMap<string, number>>

/** One cache, or on kernels whose allocations name none all caches of one object size. */
export interface Counted {
  readonly key: string
  /** The kernel's counters between the two readings. */
  readonly allocs: number
  readonly frees: number
  /** By events. */
  readonly tracedAllocs: number
  readonly tracedFrees: number
}

function countersOf(folder: string, when: 'before' | 'after'): Counters {
  const caches = new Map<string, Map<string, number>>()
  for (const line of readFileSync(join(folder, `slabstats.${when}`), 'utf8').split('\n')) {
    const [, cache, counter, value] = /^(\S+) (\S+) (\d+)/.exec(line) ?? []
    if (cache === undefined) continue
    let counters = caches.get(cache)
    if (counters === undefined) {
      counters = new Map()
      caches.set(cache, counters)
    }
    counters.set(counter!, Number(value))
  }
  return caches
}

/** Object sizes of caches by the names that events have. */
const sizesOf = (folder: string): ReadonlyMap<string, number> =>
  new Map(
    [...readFileSync(join(folder, 'slabinfo.after'), 'utf8').matchAll(/^(\S+) +\d+ +\d+ +(\d+) /gm)].map(
      ([, name, size]) => [name!, Number(size)],
    ),
  )

export function countSlabs(folder: string, slab: SlabSurvey): readonly Counted[] {
  const [before, after] = [countersOf(folder, 'before'), countersOf(folder, 'after')]
  const sizes = sizesOf(folder)
  const named = slab.byCache.some(({ cache }) => sizes.has(cache))
  const sizeOf = (id: string): number => after.get(id)!.get('slab_size')!
  const keyOfId = (id: string): string => (named ? id : `${sizeOf(id)} B`)
  /** SLUB merges caches of one size and kind: `:a-0000192`, where `a-` is what memory can be reclaimed of. */
  const keyOfCache = (cache: string): string => {
    if (named && after.has(cache)) return cache
    const size = Number(/, (\d+) B\)?$/.exec(cache)?.[1] ?? sizes.get(cache))
    const merged = `:${cache.startsWith('kmalloc-rcl') ? 'a-' : ''}${String(size).padStart(7, '0')}`
    return named ? merged : `${size} B`
  }
  const rows = new Map<string, { -readonly [K in keyof Counted]: Counted[K] }>()
  const rowOf = (key: string) => {
    let row = rows.get(key)
    if (row === undefined) {
      row = { key, allocs: 0, frees: 0, tracedAllocs: 0, tracedFrees: 0 }
      rows.set(key, row)
    }
    return row
  }
  for (const [id, counters] of after) {
    const row = rowOf(keyOfId(id))
    const change = (counter: string) => (counters.get(counter) ?? 0) - (before.get(id)?.get(counter) ?? 0)
    row.allocs += change('alloc_fastpath') + change('alloc_slowpath')
    row.frees += change('free_fastpath') + change('free_slowpath') + change('free_rcu_sheaf')
  }
  for (const { cache, allocs, frees, freedSeen } of slab.byCache) {
    if (/^\((kfree|unnamed)\)$/.test(cache)) continue
    const row = rowOf(keyOfCache(cache))
    row.tracedAllocs += allocs
    // kfree() and, before 5.12, every free name no cache: such frees belong to their allocation.
    row.tracedFrees += /, \d+ B/.test(cache) ? freedSeen : frees
  }
  return [...rows.values()].filter((row) => row.allocs + row.frees + row.tracedAllocs + row.tracedFrees > 0)
}

/** Files that the reading of the counters opens, each with some processes of its own. */
export const filesRead = (folder: string): number =>
  readFileSync(join(folder, 'slabstats.before'), 'utf8').trimEnd().split('\n').length
