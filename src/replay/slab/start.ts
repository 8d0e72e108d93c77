import type { SlabCounters, SlabStat } from '#kernel/slab'
import type { SlabStart } from '#policies/slab'
import type { RecordedCache } from './recorded.ts'

/** How a cache began: its slabs, and what the CPUs held of them. */
export interface CacheStart {
  /** By slab, those that the trace shows first: objects in use. */
  readonly used: Int32Array
  /** Slabs in the order in which the node's list has them, if they have free objects. */
  readonly order: readonly number[]
  readonly held: SlabStart
}

type Stats = Readonly<Record<string, SlabStat>>

const nothingHeld = (cpus: number): SlabStart => ({
  cpuSlab: new Array<number>(cpus).fill(-1),
  cpuFree: new Array<undefined>(cpus).fill(undefined),
  cpuPartial: Array.from({ length: cpus }, () => []),
  main: Array.from({ length: cpus }, () => []),
  spare: Array.from({ length: cpus }, () => undefined),
  barn: [],
  emptySheaves: 0,
})

/** Slabs that the node had on its list and the trace never touches: as many as the counters have more, with their free objects evenly. */
function untouched(perSlab: number, stats: Stats | undefined, listed: number, free: number): number[] {
  const more = (stats?.partial?.total ?? 0) - listed
  if (more <= 0) return []
  const freeThere = Math.max(0, (stats?.total_objects?.total ?? 0) - (stats?.objects?.total ?? 0) - free)
  const each = Math.min(perSlab, Math.max(1, Math.round(freeThere / more)))
  return new Array<number>(more).fill(perSlab - each)
}

/** The start as the trace and the counters read before it show it. `warm` false: CPUs held nothing. */
export function startOf(cache: RecordedCache, counters: SlabCounters | undefined, warm: boolean): CacheStart {
  const { evidence, shape, id } = cache
  // What else used the cache after its counters were read made them stale; how full its barn was changes least.
  const said = id === undefined ? undefined : counters?.stats[id]
  const stats = cache.undisturbed ? said : undefined
  const used = evidence.slabs.map((_, slab) => shape.perSlab - evidence.freeAtStart(slab))
  // The order in which they were first allocated from is that of the list.
  const byTurn = [...used.keys()].sort((a, b) => evidence.slabs[a]!.turn - evidence.slabs[b]!.turn || a - b)
  const none = nothingHeld(evidence.held.length)
  const own = warm ? { ...none, ...ownSlabs(cache, stats, byTurn) } : none
  const held = warm ? { ...own, ...sheavesOf(cache, stats, said, used) } : none
  const taken = new Set([...held.cpuSlab, ...held.cpuPartial.flat()])
  const listed = byTurn.filter((slab) => used[slab]! < shape.perSlab && !taken.has(slab))
  const free = listed.reduce((sum, slab) => sum + shape.perSlab - used[slab]!, 0)
  const more = untouched(shape.perSlab, stats, listed.length, free)
  return {
    used: Int32Array.from([...used, ...more]),
    order: [...byTurn, ...more.map((_, at) => used.length + at)],
    held,
  }
}

/** The slab that each CPU allocates from, and its partial slabs: those it was first to allocate from. */
function ownSlabs(
  { evidence, shape }: RecordedCache,
  stats: Stats | undefined,
  byTurn: readonly number[],
): Pick<SlabStart, 'cpuSlab' | 'cpuFree' | 'cpuPartial'> {
  const { held, slabs } = evidence
  const cpuSlab = held.map(({ slab }) => slab ?? -1)
  const taken = new Set(cpuSlab)
  // A node that had partial slabs may be where they came from; else they can only have been the CPU's.
  const said = (stats?.partial?.total ?? 0) > 0 ? stats?.slabs_cpu_partial : undefined
  const cpuPartial = held.map((_, cpu) => {
    const most = said === undefined ? Number.POSITIVE_INFINITY : partialSlabs(said.text, cpu)
    return byTurn
      .filter((slab) => {
        const { cpu: by, turn } = slabs[slab]!
        return by === cpu && turn !== Number.POSITIVE_INFINITY && evidence.freeAtStart(slab) > 0 && !taken.has(slab)
      })
      .slice(0, most)
  })
  const cpuFree = held.map(({ atHand }) => atHand)
  return { cpuSlab, cpuFree, cpuPartial: cpuPartial.map((own) => own.slice(0, shape.cpuPartial)) }
}

/** `72(6) C0=60(5) C1=12(1)`: objects and slabs by CPU. */
function partialSlabs(text: string, cpu: number): number {
  const own = new RegExp(` C${cpu}=\\d+\\((\\d+)\\)`).exec(text)?.[1]
  return own === undefined ? 0 : Number(own)
}

const MAX_FULL_SHEAVES = 10

/**
 * Sheaves. Main ones as first operations show them. A full spare is what the counters of a CPU’s moves leave beside that. Full ones in the barn: those
 * put there less those taken, since boot. Of objects in them that nobody takes `used` gives way.
 */
function sheavesOf(
  { evidence, shape }: RecordedCache,
  stats: Stats | undefined,
  said: Stats | undefined,
  used: number[],
): Pick<SlabStart, 'main' | 'spare' | 'barn'> {
  const { perSlab, sheafCapacity: capacity } = shape
  const left = used.map((inUse) => perSlab - inUse)
  const take = (slab: number): boolean => left[slab]! > 0 && left[slab]!-- > 0
  const unknown = (objects: number): number[] => {
    const found: number[] = []
    for (let slab = 0; found.length < objects; slab++) {
      // Beyond those that the trace touches there are others.
      if (slab === used.length) used.push(perSlab)
      for (; found.length < objects && used[slab]! > (evidence.slabs[slab]?.used ?? 0); used[slab]!--) found.push(slab)
    }
    return found
  }
  const sheaf = (known: readonly number[], size: number): number[] => {
    const kept = known.filter(take).reverse()
    return [...unknown(size - kept.length), ...kept]
  }
  const sizes = evidence.held.map(({ atHand, most }) => Math.min(Math.max(0, atHand ?? most), capacity))
  const main = evidence.held.map(({ taken }, cpu) => sheaf(taken.slice(0, sizes[cpu]), sizes[cpu]!))
  const spare = evidence.held.map(({ taken, prefilled }, cpu) => {
    // A task’s sheaf is the spare one before and after. How much it held nothing shows: half of what it can is taken.
    if (prefilled.length > 0) return sheaf(prefilled.slice(0, capacity >> 1), capacity >> 1)
    const objects = stats === undefined ? 0 : objectsOn(cpu, stats, capacity)
    const isFull = objects - sizes[cpu]! > capacity / 2
    return isFull ? sheaf(taken.slice(sizes[cpu], sizes[cpu]! + capacity), capacity) : undefined
  })
  const full = Math.min(MAX_FULL_SHEAVES, (said?.barn_put?.total ?? 0) - (said?.barn_get?.total ?? 0))
  const rest = left.flatMap((n, slab) => new Array<number>(Math.max(0, n)).fill(slab))
  const barn: number[][] = []
  for (let one = 0; one < full; one++) {
    const known = rest.splice(0, capacity)
    barn.push([...unknown(capacity - known.length), ...known])
  }
  return { main, spare, barn }
}

/** Objects that moved to a CPU’s sheaves, less those that moved away. */
function objectsOn(cpu: number, stats: Stats, capacity: number): number {
  const of = (file: string): number => stats[file]?.cpus[cpu] ?? 0
  const sheaves = of('barn_get') - of('barn_put')
  return of('sheaf_refill') - of('sheaf_flush') - of('alloc_fastpath') + of('free_fastpath') + capacity * sheaves
}
