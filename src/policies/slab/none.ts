import { z } from 'zod'
import { minPartial, ownOr } from './params.ts'
import { defineSlabPolicy, Place, type SlabId, type SlabRules, type Slabs } from './types.ts'

class None implements SlabRules {
  readonly #slabs: Slabs
  readonly #minPartial: number

  constructor(slabs: Slabs, least: number) {
    this.#slabs = slabs
    this.#minPartial = least
  }

  start(): void {}

  alloc(cpu: number): SlabId {
    const slabs = this.#slabs
    const { counts, shape } = slabs
    counts.allocSlowPaths++
    counts.refills++
    counts.refilledObjects++
    counts.listLocks++
    const found = slabs.firstPartial(slabs.nodeOf[cpu]!)
    const slab = found >= 0 ? found : slabs.create(cpu)
    if (++slabs.inuse[slab]! === shape.perSlab) {
      if (found >= 0) slabs.removePartial(slab)
    } else if (found < 0) slabs.addPartial(slab, 'head')
    return slab
  }

  free(cpu: number, slab: SlabId): void {
    const slabs = this.#slabs
    const { counts } = slabs
    counts.freeSlowPaths++
    counts.slabFrees++
    counts.flushes++
    counts.flushedObjects++
    counts.listLocks++
    const node = slabs.node[slab]!
    if (node !== slabs.nodeOf[cpu]) counts.remoteFrees++
    const listed = slabs.place[slab] === Place.nodePartial
    if (--slabs.inuse[slab]! === 0 && slabs.nrPartial[node]! >= this.#minPartial) {
      if (listed) slabs.removePartial(slab)
      slabs.discard(slab)
    } else if (!listed) slabs.addPartial(slab, 'tail')
  }
}

/** No CPU keeps anything: each allocation and each free takes the node's list_lock. */
export const none = defineSlabPolicy({
  id: 'none',
  title: 'CPUs keep nothing: every operation takes list_lock (a bound)',
  source:
    'a bound of ours; nearest are caches with debugging, alloc_single_from_partial() and free_to_partial_list(), mm/slub.c, 6.12',
  leavesOut: 'debugging’s own costs, and memory policies',
  params: z.object({ minPartial }),
  create: ({ minPartial }, slabs) => new None(slabs, ownOr(minPartial, slabs.shape.minPartial)),
})
