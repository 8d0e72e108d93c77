import type { Recording } from '#events'
import type { SlabCounts } from '#policies/slab'
import { type CacheRun, type RecordedCache, riseOf } from '#replay/slab'
import type { SlabFidelity } from './fidelity-schema.ts'

type Stats = NonNullable<SlabFidelity['caches'][number]['stats']>

/** Counters of SLUB_STATS that count what a replay counts; several are added. */
const counters: Readonly<Record<'sheaves' | 'cpuPartial', readonly (readonly [keyof SlabCounts, ...string[]])[]>> = {
  sheaves: [
    ['barnGets', 'barn_get'],
    ['barnGetFails', 'barn_get_fail'],
    ['barnPuts', 'barn_put'],
    ['barnPutFails', 'barn_put_fail'],
    ['refilledObjects', 'sheaf_refill'],
    ['flushedObjects', 'sheaf_flush'],
    ['prefills', 'sheaf_prefill_fast', 'sheaf_prefill_slow', 'sheaf_prefill_oversize'],
  ],
  cpuPartial: [
    ['allocSlowPaths', 'alloc_slowpath'],
    ['slabFrees', 'free_slowpath'],
    ['flushes', 'cpu_partial_drain'],
    ['slabsAllocated', 'alloc_slab'],
    ['slabsFreed', 'free_slab'],
  ],
}

/**
 * What SLUB_STATS counted beside what the replay counts, for a cache that nothing else used between the two readings. Undefined for any other, or without
 * the counters.
 */
export function statsOf({ machine }: Recording, cache: RecordedCache, { counts }: CacheRun): Stats | undefined {
  const { id, undisturbed } = cache
  const { slabsBefore: before, slabsAfter: after } = machine
  if (id === undefined || !undisturbed) return undefined
  const stats: Stats = []
  const hasSheaves = after?.stats[id]?.sheaf_refill !== undefined && after.stats[id].cpu_partial_drain === undefined
  for (const [what, ...files] of hasSheaves ? counters.sheaves : counters.cpuPartial) {
    const rises = files.map((file) => riseOf(before, after, id, file)).filter((rise) => rise !== undefined)
    if (rises.length === 0) continue
    stats.push({ what: files[0]!, recorded: rises.reduce((sum, rise) => sum + rise, 0), predicted: counts[what] })
  }
  return stats.length === 0 ? undefined : stats
}
