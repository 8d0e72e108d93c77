import type { SlabCounters } from '#kernel/slab'
import { type RecordedCache, riseOf } from '#replay/slab'
import type { SlabCounted, SlabMeasure } from './fidelity-schema.ts'

/** What a cause needs to know. */
export interface MissContext {
  readonly cache: RecordedCache
  readonly cpus: number
  readonly before: SlabCounters | undefined
  readonly after: SlabCounters | undefined
}

interface Cause {
  readonly id: string
  readonly help: string
  readonly holds: (context: MissContext, counted: SlabCounted, what: SlabMeasure) => boolean
}

const rise = ({ cache, before, after }: MissContext, file: string): number =>
  cache.id === undefined ? 0 : (riseOf(before, after, cache.id, file) ?? 0)

/** The first that holds explains a miss. */
const causes: readonly Cause[] = [
  {
    id: 'prefilled',
    help: 'The maple tree allocates from sheaves that it prefills (kmem_cache_prefill_sheaf()). When it did, and for how many objects, is inferred from the allocations; how full these sheaves were at the start is unknown.',
    holds: (context) => rise(context, 'sheaf_prefill_fast') + rise(context, 'sheaf_prefill_slow') > 0,
  },
  {
    id: 'unseen-frees',
    help: 'Objects are freed in bulk by kfree_rcu(), which no event shows: they are taken to be free when a slow path has them, or when they are allocated again.',
    holds: ({ cache }) => cache.unseenFrees * 100 > cache.traced.allocs,
  },
  {
    id: 'start',
    help: 'No more than what the lists of the CPUs held when the trace began: a slow path, or as many slabs as a sheaf has objects of, for each CPU. The trace shows them only as far as it takes from them.',
    holds: ({ cache, cpus }, { recorded, predicted }, what) => {
      const { shape } = cache
      const each =
        what === 'slabFrees' ? shape.sheafCapacity : Math.max(1, Math.ceil(shape.sheafCapacity / shape.perSlab))
      return Math.abs(predicted - recorded) <= cpus * (what.startsWith('slabs') || what === 'slabFrees' ? each : 1)
    },
  },
]

/** Why a prediction is off. */
export function causeOf(
  context: MissContext,
  counted: SlabCounted,
  what: SlabMeasure,
): { readonly cause: string; readonly help: string } {
  const found = causes.find(({ holds }) => holds(context, counted, what))
  return found === undefined
    ? { cause: 'unexplained', help: 'Nothing that the trace shows explains it.' }
    : { cause: found.id, help: found.help }
}
