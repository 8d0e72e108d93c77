import type { SlabCounters } from '#kernel'
import type { SlabStart } from '#policies/slab'
import type { RecordedCache } from './recorded.ts'

/** How a cache began: its slabs, and what the CPUs held of them. */
export interface CacheStart {
  /** By slab, those that the trace shows first, in the order in which they stand on the node's list: objects in use. */
  readonly used: Int32Array
  /** Slabs as the node's list has them, if they have free objects. */
  readonly order: readonly number[]
  readonly held: SlabStart
}

const nothingHeld = (cpus: number): SlabStart => ({
  cpuSlab: new Array<number>(cpus).fill(-1),
  cpuPartial: Array.from({ length: cpus }, () => []),
  main: Array.from({ length: cpus }, () => []),
  spare: Array.from({ length: cpus }, () => undefined),
  barn: [],
  emptySheaves: 0,
})

/** Slabs that the node had on its list and the trace never touches: as many as the counters have more, with their free objects evenly. */
function untouched(cache: RecordedCache, counters: SlabCounters | undefined, listed: number, free: number): number[] {
  const stats = cache.id === undefined ? undefined : counters?.stats[cache.id]
  const { perSlab } = cache.shape
  const more = (stats?.partial?.total ?? 0) - listed
  if (more <= 0) return []
  const freeThere = Math.max(0, (stats?.total_objects?.total ?? 0) - (stats?.objects?.total ?? 0) - free)
  const each = Math.min(perSlab, Math.max(1, Math.round(freeThere / more)))
  return new Array<number>(more).fill(perSlab - each)
}

/** The start as the trace and the counters read before it show it. `warm` false: CPUs held nothing. */
export function startOf(cache: RecordedCache, counters: SlabCounters | undefined, warm: boolean): CacheStart {
  const { evidence, shape } = cache
  const cpus = evidence.held.length
  const used = evidence.slabs.map((_, slab) => shape.perSlab - evidence.freeAtStart(slab))
  // The order in which they were first allocated from is that of the list.
  const byTurn = [...used.keys()].sort((a, b) => evidence.slabs[a]!.turn - evidence.slabs[b]!.turn || a - b)
  const held = warm ? heldAtStart(cache, counters, byTurn) : nothingHeld(cpus)
  const taken = new Set([...held.cpuSlab, ...held.cpuPartial.flat()])
  const listed = byTurn.filter((slab) => used[slab]! < shape.perSlab && !taken.has(slab))
  const free = listed.reduce((sum, slab) => sum + shape.perSlab - used[slab]!, 0)
  const more = untouched(cache, counters, listed.length, free)
  return {
    used: Int32Array.from([...used, ...more]),
    order: [...byTurn, ...more.map((_, at) => used.length + at)],
    held,
  }
}

function heldAtStart(cache: RecordedCache, counters: SlabCounters | undefined, byTurn: readonly number[]): SlabStart {
  const { evidence, shape, id } = cache
  const { held, slabs } = evidence
  const stats = id === undefined ? undefined : counters?.stats[id]
  const cpuSlab = held.map(({ slab }) => slab ?? -1)
  const taken = new Set(cpuSlab)
  const cpuPartial = held.map((_, cpu) => {
    const said = stats?.slabs_cpu_partial
    const most = said === undefined ? Math.ceil((shape.cpuPartial * 2) / shape.perSlab) : partialSlabs(said.text, cpu)
    const own = byTurn.filter((slab) => {
      const { cpu: by, turn } = slabs[slab]!
      return by === cpu && turn !== Number.POSITIVE_INFINITY && evidence.freeAtStart(slab) > 0 && !taken.has(slab)
    })
    return own.slice(0, most)
  })
  return { ...nothingHeld(held.length), cpuSlab, cpuPartial, ...sheavesAtStart(cache, counters) }
}

/** `72(6) C0=60(5) C1=12(1)`: objects and slabs by CPU. */
function partialSlabs(text: string, cpu: number): number {
  const own = new RegExp(` C${cpu}=\\d+\\((\\d+)\\)`).exec(text)?.[1]
  return own === undefined ? 0 : Number(own)
}

/** Full sheaves of the barn: those put there less those taken, since boot. */
function sheavesAtStart(
  { evidence, shape, id }: RecordedCache,
  counters: SlabCounters | undefined,
): Pick<SlabStart, 'main' | 'spare' | 'barn' | 'emptySheaves'> {
  const stats = id === undefined ? undefined : counters?.stats[id]
  const pool = evidence.slabs.flatMap((_, slab) => new Array<number>(evidence.freeAtStart(slab)).fill(slab))
  const left = new Map<number, number>()
  for (const slab of pool) left.set(slab, (left.get(slab) ?? 0) + 1)
  const take = (slab: number): boolean => {
    const n = left.get(slab) ?? 0
    left.set(slab, n - 1)
    return n > 0
  }
  const main = evidence.held.map(({ main: shown, most, taken }) => {
    const size = Math.min(shown ?? most, shape.sheafCapacity)
    const first = taken.slice(0, size).filter(take)
    return first.reverse()
  })
  const full = Math.max(0, Math.min(10, (stats?.barn_put?.total ?? 0) - (stats?.barn_get?.total ?? 0)))
  const rest = [...left].flatMap(([slab, n]) => (n > 0 ? new Array<number>(n).fill(slab) : []))
  const barn: number[][] = []
  for (let sheaf = 0; sheaf < full && rest.length >= shape.sheafCapacity; sheaf++)
    barn.push(rest.splice(0, shape.sheafCapacity))
  return { main, spare: main.map(() => undefined), barn, emptySheaves: 0 }
}
