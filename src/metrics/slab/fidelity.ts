import type { Recording } from '#events'
import { counted } from '#kernel/messages'
import { type CacheRun, ownSlab, type RecordedCache, riseOf, runSlab, type SlabRecord, slabRecord } from '#replay/slab'
import { causeOf } from './causes.ts'
import { busiest } from './comparison.ts'
import { type SlabCounted, type SlabFidelity, type SlabMeasure, slabMeasures } from './fidelity-schema.ts'
import { statsOf } from './slub-stats.ts'

/** A prediction this far from the record, relative, is a miss. */
const NEAR = 0.05

/** Which slow path counts what; of several the first that was probed. */
const pathsOf: Readonly<Record<SlabMeasure, readonly string[]>> = {
  allocSlowPaths: ['___slab_alloc', '__pcs_replace_empty_main'],
  freeSlowPaths: ['__pcs_replace_full_main'],
  slabFrees: ['__slab_free'],
  slabsAllocated: ['allocate_slab', 'new_slab'],
  slabsFreed: ['__free_slab', 'discard_slab'],
}

type Paths = SlabFidelity['totals']

/** Whether a trace holds what drives these replays: operations on objects with addresses. */
export const hasSlab = ({ events: { tables } }: Recording): boolean =>
  tables.kmem_cache_alloc.length + tables.kmalloc.length > 0 && tables.kmem_cache_free.length + tables.kfree.length > 0

/** `choice`: by default the recording kernel's own policy. */
export function slabFidelity(recording: Recording, choice = ownSlab(recording.machine)): SlabFidelity {
  const { slabsBefore: before, slabsAfter: after } = recording.machine
  const record = slabRecord(recording)
  const run = runSlab(record, choice, { counters: before, warm: true })
  const caches = busiest(record)
    .filter((at) => record.caches[at]!.traced.allocs + record.caches[at]!.traced.frees > 0)
    .map((at) => {
      const cache = record.caches[at]!
      const paths = pathsCounted(record, cache, run.caches[at]!)
      const context = { cache, cpus: record.cpus, before, after }
      const misses = entries(paths).filter(([, counted]) => !isNear(counted))
      const counters = countersOf(recording, cache)
      const stats = statsOf(recording, cache, run.caches[at]!)
      const slabs = slabsOf(recording, cache, run.caches[at]!)
      return {
        cache: cache.shape.name,
        names: [...cache.names],
        ...(cache.id === undefined ? {} : { id: cache.id }),
        size: cache.shape.size,
        allocs: cache.traced.allocs,
        frees: cache.traced.frees,
        unseenFrees: cache.unseenFrees,
        paths,
        ...(entries(paths).length === 0 ? {} : { within: misses.length === 0 }),
        misses: misses.map(([what, counted]) => ({ what, ...causeOf(context, counted, what) })),
        ...(counters === undefined ? {} : { counters }),
        ...(stats === undefined ? {} : { stats }),
        ...(slabs === undefined ? {} : { slabs }),
      }
    })
  const slow: SlabMeasure[] = ['allocSlowPaths', 'freeSlowPaths', 'slabFrees']
  const slowScore = scoreOver(caches, slow)
  const pageScore = scoreOver(caches, ['slabsAllocated', 'slabsFreed'])
  return {
    policy: choice.id,
    totals: totalsOf(caches.map(({ paths }) => paths)),
    caches,
    unknownFrees: record.unknownFrees,
    scores: {
      ...(slowScore === undefined ? {} : { slabSlowPaths: slowScore }),
      ...(pageScore === undefined ? {} : { slabPages: pageScore }),
    },
  }
}

const entries = (paths: Paths): [SlabMeasure, SlabCounted][] =>
  slabMeasures.flatMap((what): [SlabMeasure, SlabCounted][] => {
    const counted = paths[what]
    return counted === undefined ? [] : [[what, counted]]
  })

export const isNear = ({ recorded, predicted }: SlabCounted): boolean =>
  Math.abs(predicted - recorded) <= NEAR * recorded

function pathsCounted({ probed }: SlabRecord, { traced }: RecordedCache, { counts }: CacheRun): Paths {
  return Object.fromEntries(
    slabMeasures.flatMap((what) => {
      const path = pathsOf[what].find((name) => probed.has(name))
      return path === undefined ? [] : [[what, { recorded: traced.paths.get(path) ?? 0, predicted: counts[what] }]]
    }),
  )
}

function totalsOf(all: readonly Paths[]): Paths {
  const totals: Partial<Record<SlabMeasure, SlabCounted>> = {}
  for (const paths of all)
    for (const [what, { recorded, predicted }] of entries(paths)) {
      totals[what] ??= { recorded: 0, predicted: 0 }
      totals[what].recorded += recorded
      totals[what].predicted += predicted
    }
  return totals
}

function scoreOver(caches: readonly { readonly paths: Paths }[], whats: readonly SlabMeasure[]): number | undefined {
  let [apart, all] = [0, 0]
  for (const { paths } of caches)
    for (const what of whats) {
      const counted = paths[what]
      if (counted === undefined) continue
      apart += Math.abs(counted.predicted - counted.recorded)
      all += Math.max(counted.predicted, counted.recorded)
    }
  return all === 0 ? undefined : 1 - apart / all
}

function countersOf(
  { machine }: Recording,
  { id, traced, prefilled, unseenFrees }: RecordedCache,
): SlabFidelity['caches'][number]['counters'] {
  const { slabsBefore: before, slabsAfter: after } = machine
  if (id === undefined) return undefined
  const rise = (file: string): number | undefined => riseOf(before, after, id, file)
  const fast = rise('alloc_fastpath')
  if (fast === undefined) return undefined
  const rcu = traced.paths.get('__kfree_rcu_sheaf') ?? 0
  const allocs = { traced: traced.allocs - prefilled, counted: fast + (rise('alloc_slowpath') ?? 0) }
  const frees = {
    traced: traced.frees + rcu + unseenFrees,
    counted: (rise('free_fastpath') ?? 0) + (rise('free_slowpath') ?? 0) + (rise('free_rcu_sheaf') ?? 0),
  }
  const agree = allocs.traced === allocs.counted && frees.traced === frees.counted
  const because = [
    ...(prefilled === 0
      ? []
      : [`without ${counted(prefilled, 'allocation')} from prefilled sheaves, which no counter counts`]),
    ...(agree ? [] : [untracedPath(allocs, frees, unseenFrees)]),
  ].join('; ')
  return { allocs, frees, agree, ...(because === '' ? {} : { because }) }
}

/** Which path the events miss, or why the counters have more. */
function untracedPath(
  allocs: { traced: number; counted: number },
  frees: { traced: number; counted: number },
  unseenFrees: number,
): string {
  const [more, moreFrees] = [allocs.counted - allocs.traced, frees.counted - frees.traced]
  if (more < 0)
    return `the counters have ${counted(-more, 'allocation')} fewer: an object counts for the cache that it came from`
  if (more === 0)
    return unseenFrees > 0
      ? 'kfree_rcu() frees in bulk, and a list of objects counts once'
      : `${counted(Math.abs(moreFrees), 'free')} ${moreFrees > 0 ? 'that no event shows' : 'that the counters lack'}`
  return `the counters run on while their files are read one by one: ${counted(more, 'allocation')} and ${counted(moreFrees, 'free')} beyond the events`
}

/** Slabs that the counters have at the end, against those at the start and what the replay made of them. */
function slabsOf({ machine }: Recording, { id, shape }: RecordedCache, { counts }: CacheRun): SlabCounted | undefined {
  const of = (counters: typeof machine.slabsBefore): number | undefined =>
    counters?.info.find(({ name }) => name === shape.name || name === id)?.slabs ??
    (id === undefined ? undefined : counters?.stats[id]?.slabs?.total)
  const [before, after] = [of(machine.slabsBefore), of(machine.slabsAfter)]
  if (before === undefined || after === undefined) return undefined
  return { recorded: after, predicted: before + counts.slabsAllocated - counts.slabsFreed }
}
