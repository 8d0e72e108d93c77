import { z } from 'zod'
import type { Cpu } from '#kernel'
import { minPartial, OWN, ownOr } from './params.ts'
import { defineSlabPolicy, Place, type SlabId, type SlabRules, type SlabStart, type Slabs } from './types.ts'

const params = z.object({
  cpuPartial: z
    .int()
    .min(OWN)
    .max(1 << 20)
    .default(OWN)
    .meta({
      unit: 'objects',
      help: 'cpu_partial: free objects that a CPU’s partial slabs may hold; 0: CPUs have no partial slabs; −1: the cache’s own.',
    }),
  limitIn: z.enum(['slabs', 'objects']).default('slabs').meta({
    help: 'What the limit counts: from 5.16 on slabs, taken to be half full; before, free objects at the time a slab came. From 6.8 on such slabs are not frozen; `slabs` stands for that too.',
  }),
  minPartial,
})

class CpuPartial implements SlabRules {
  readonly #slabs: Slabs
  readonly #perSlab: number
  readonly #minPartial: number
  readonly #inObjects: boolean
  readonly #limit: number
  /** By CPU: the slab that it allocates from, −1: none; the objects on its own list; the top of its partial slabs. */
  readonly #current: Int32Array
  readonly #free: Int32Array
  readonly #top: Int32Array

  constructor(slabs: Slabs, params_: z.infer<typeof params>) {
    const { shape, cpus } = slabs
    this.#slabs = slabs
    this.#perSlab = shape.perSlab
    this.#minPartial = ownOr(params_.minPartial, shape.minPartial)
    this.#inObjects = params_.limitIn === 'objects'
    const objects = ownOr(params_.cpuPartial, shape.cpuPartial)
    this.#limit = this.#inObjects ? objects : Math.ceil((objects * 2) / shape.perSlab)
    this.#current = new Int32Array(cpus).fill(-1)
    this.#free = new Int32Array(cpus)
    this.#top = new Int32Array(cpus).fill(-1)
  }

  start({ cpuSlab, cpuFree, cpuPartial }: SlabStart): void {
    const slabs = this.#slabs
    for (let cpu = 0; cpu < slabs.cpus; cpu++) {
      for (const slab of (cpuPartial[cpu] ?? []).toReversed()) {
        if (slabs.place[slab] !== Place.nodePartial || this.#limit === 0) continue
        slabs.removePartial(slab)
        slabs.cached[cpu]! += this.#perSlab - slabs.inuse[slab]!
        this.#push(cpu, slab)
      }
      const slab = cpuSlab[cpu] ?? -1
      if (slab < 0 || slabs.place[slab] === Place.cpu) continue
      if (slabs.place[slab] === Place.nodePartial) slabs.removePartial(slab)
      const free = this.#perSlab - slabs.inuse[slab]!
      const own = Math.max(0, Math.min(free, cpuFree[cpu] ?? free))
      slabs.cached[cpu]! += free
      slabs.inuse[slab]! += own
      this.#load(cpu, slab, own)
    }
  }

  alloc(cpu: Cpu): SlabId {
    if (this.#free[cpu]! > 0) {
      this.#free[cpu]!--
      this.#slabs.cached[cpu]!--
      return this.#current[cpu]!
    }
    return this.#allocSlow(cpu)
  }

  free(cpu: Cpu, slab: SlabId): void {
    if (this.#current[cpu] === slab) {
      this.#free[cpu]!++
      this.#slabs.cached[cpu]!++
    } else this.#freeSlow(cpu, slab)
  }

  #load(cpu: Cpu, slab: SlabId, free: number): void {
    this.#slabs.place[slab] = Place.cpu
    this.#slabs.owner[slab] = cpu
    this.#current[cpu] = slab
    this.#free[cpu] = free
  }

  #allocSlow(cpu: Cpu): SlabId {
    const slabs = this.#slabs
    slabs.counts.allocSlowPaths++
    slabs.counts.refills++
    const slab = this.#fetch(cpu)
    const free = this.#perSlab - slabs.inuse[slab]!
    slabs.counts.refilledObjects += free
    slabs.inuse[slab] = this.#perSlab
    this.#load(cpu, slab, free - 1)
    slabs.cached[cpu]!--
    return slab
  }

  /** The slab to allocate from: what others freed into the CPU's own, its partial slabs, its node's, a new one. */
  #fetch(cpu: Cpu): SlabId {
    const slabs = this.#slabs
    const own = this.#current[cpu]!
    if (own >= 0) {
      if (slabs.inuse[own]! < this.#perSlab) return own
      slabs.place[own] = Place.none
      this.#current[cpu] = -1
    }
    const top = this.#top[cpu]!
    if (top >= 0) {
      this.#top[cpu] = slabs.next[top]!
      return top
    }
    return this.#fromNode(cpu)
  }

  #fromNode(cpu: Cpu): SlabId {
    const slabs = this.#slabs
    const node = slabs.nodeOf[cpu]!
    const first = slabs.firstPartial(node)
    if (first < 0) {
      const fresh = slabs.create(cpu)
      slabs.cached[cpu]! += this.#perSlab
      return fresh
    }
    slabs.counts.listLocks++
    let taken = 0
    for (let slab = first; slab >= 0; ) {
      const after = slabs.nextPartial(slab)
      slabs.removePartial(slab)
      const free = this.#perSlab - slabs.inuse[slab]!
      slabs.cached[cpu]! += free
      if (slab !== first) this.#push(cpu, slab)
      // The first slab counts by its objects, but not as a slab.
      taken += this.#inObjects ? free : slab === first ? 0 : 1
      if (this.#limit === 0 || taken > (this.#inObjects ? this.#limit / 2 : Math.trunc(this.#limit / 2))) break
      slab = after
    }
    return first
  }

  #push(cpu: Cpu, slab: SlabId): void {
    const slabs = this.#slabs
    const top = this.#top[cpu]!
    slabs.place[slab] = Place.cpuPartial
    slabs.owner[slab] = cpu
    slabs.next[slab] = top
    slabs.depth[slab] = (top < 0 ? 0 : slabs.depth[top]!) + (this.#inObjects ? this.#perSlab - slabs.inuse[slab]! : 1)
    this.#top[cpu] = slab
  }

  #freeSlow(cpu: Cpu, slab: SlabId): void {
    const slabs = this.#slabs
    const { counts } = slabs
    counts.freeSlowPaths++
    counts.slabFrees++
    const inuse = --slabs.inuse[slab]!
    const place = slabs.place[slab]!
    if (place === Place.cpu || place === Place.cpuPartial) {
      const owner = slabs.owner[slab]!
      slabs.cached[owner]!++
      if (owner !== cpu) counts.remoteFrees++
      // Not frozen: an empty one might be its node's, which only the lock tells.
      if (inuse === 0 && place === Place.cpuPartial && !this.#inObjects) counts.listLocks++
    } else if (place === Place.nodePartial) {
      if (inuse > 0) return
      counts.listLocks++
      if (slabs.nrPartial[slabs.node[slab]!]! < this.#minPartial) return
      slabs.removePartial(slab)
      slabs.discard(slab)
    } else if (this.#limit > 0) {
      const top = this.#top[cpu]!
      if (top >= 0 && (this.#inObjects ? slabs.depth[top]! > this.#limit : slabs.depth[top]! >= this.#limit))
        this.#drain(cpu)
      slabs.cached[cpu]! += this.#perSlab - inuse
      this.#push(cpu, slab)
    } else this.#toNode(slab, true)
  }

  /** All partial slabs of a CPU to their nodes. */
  #drain(cpu: Cpu): void {
    const slabs = this.#slabs
    slabs.counts.flushes++
    let node = -1
    for (let slab = this.#top[cpu]!; slab >= 0; ) {
      const after = slabs.next[slab]!
      const free = this.#perSlab - slabs.inuse[slab]!
      slabs.cached[cpu]! -= free
      slabs.counts.flushedObjects += free
      const takesLock = slabs.node[slab] !== node
      node = slabs.node[slab]!
      this.#toNode(slab, takesLock)
      slab = after
    }
    this.#top[cpu] = -1
  }

  #toNode(slab: SlabId, takesLock: boolean): void {
    const slabs = this.#slabs
    if (takesLock) slabs.counts.listLocks++
    slabs.place[slab] = Place.none
    if (slabs.inuse[slab] === 0 && slabs.nrPartial[slabs.node[slab]!]! >= this.#minPartial) slabs.discard(slab)
    else slabs.addPartial(slab, 'tail')
  }
}

/** SLUB up to 6.19: each CPU allocates from a slab of its own and keeps partial slabs; beyond a limit all go to the node. */
export const cpuPartial = defineSlabPolicy({
  id: 'cpu-partial',
  title: 'a slab of its own and a list of partial slabs for each CPU',
  source:
    '___slab_alloc(), get_partial_node(), __slab_free(), put_cpu_partial(), unfreeze_partials(), mm/slub.c, 5.10.223 and 6.12.107; b47291ef02b0 "mm, slub: change percpu partial accounting from objects to pages" (5.16)',
  leavesOut:
    'flushes by memory hotplug and cache shrinking, debugging, other nodes’ slabs for an allocation, and races: an operation is over before the next begins',
  params,
  create: (given, slabs) => new CpuPartial(slabs, given),
})
