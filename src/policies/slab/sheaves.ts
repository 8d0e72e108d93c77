import { z } from 'zod'
import type { Cpu } from '#kernel'
import { minPartial, ownOr } from './params.ts'
import { defineSlabPolicy, Place, type SlabId, type SlabRules, type SlabStart, type Slabs } from './types.ts'

const params = z.object({
  capacity: z
    .int()
    .min(0)
    .max(1 << 12)
    .default(0)
    .meta({ unit: 'objects', help: 'Objects of a sheaf; 0: the cache’s own, as calculate_sheaf_capacity() says.' }),
  maxFull: z
    .int()
    .min(0)
    .max(1 << 12)
    .default(10)
    .meta({ unit: 'sheaves', help: 'MAX_FULL_SHEAVES: full ones that a node’s barn takes.' }),
  maxEmpty: z
    .int()
    .min(0)
    .max(1 << 12)
    .default(10)
    .meta({ unit: 'sheaves', help: 'MAX_EMPTY_SHEAVES: empty ones that it takes after a grace period.' }),
  remainder: z.enum(['list', 'free']).default('list').meta({
    help: 'Where objects of a slab go that a refill does not need: `list`: the slab keeps them and heads its node’s list (7.2); `free`: by __slab_free(), and the slab ends the list.',
  }),
  minPartial,
})

/** The slabs of the objects in a sheaf, the one taken first last. */
interface Sheaf {
  n: number
  readonly slab: Int32Array
}

/** Objects of other slabs that a bulk free looks past for more of the slab it is at. */
const LOOKAHEAD = 3

class Sheaves implements SlabRules {
  readonly #slabs: Slabs
  readonly #perSlab: number
  readonly #minPartial: number
  readonly #capacity: number
  readonly #maxFull: number
  readonly #maxEmpty: number
  readonly #keepsRemainder: boolean
  readonly #main: Sheaf[]
  readonly #spare: (Sheaf | undefined)[]
  readonly #rcu: (Sheaf | undefined)[]
  /** By node: the last is the first taken. */
  readonly #full: Sheaf[][]
  readonly #empty: Sheaf[][]
  /** Slabs of a refill, on their way from the node's list. */
  readonly #isolated: SlabId[] = []

  constructor(slabs: Slabs, given: z.infer<typeof params>) {
    const { shape, cpus, nodes } = slabs
    this.#slabs = slabs
    this.#perSlab = shape.perSlab
    this.#minPartial = ownOr(given.minPartial, shape.minPartial)
    this.#capacity = given.capacity === 0 ? shape.sheafCapacity : given.capacity
    this.#maxFull = given.maxFull
    this.#maxEmpty = given.maxEmpty
    this.#keepsRemainder = given.remainder === 'list'
    this.#main = Array.from({ length: cpus }, () => this.#newSheaf())
    this.#spare = Array.from({ length: cpus }, () => undefined)
    this.#rcu = Array.from({ length: cpus }, () => undefined)
    this.#full = Array.from({ length: nodes }, () => [])
    this.#empty = Array.from({ length: nodes }, () => [])
  }

  start({ main, spare, barn, emptySheaves }: SlabStart): void {
    const slabs = this.#slabs
    for (let cpu = 0; cpu < slabs.cpus; cpu++) {
      slabs.cached[cpu]! += this.#fill(this.#main[cpu]!, main[cpu] ?? [])
      const second = spare[cpu]
      if (second === undefined) continue
      const sheaf = this.#newSheaf()
      slabs.cached[cpu]! += this.#fill(sheaf, second)
      this.#spare[cpu] = sheaf
    }
    for (const objects of barn.slice(0, this.#maxFull).toReversed()) {
      if (objects.length < this.#capacity) continue
      const sheaf = this.#newSheaf()
      slabs.inBarn[0]! += this.#fill(sheaf, objects)
      this.#full[0]!.push(sheaf)
    }
    for (let i = 0; i < emptySheaves; i++) this.#empty[0]!.push(this.#newSheaf())
  }

  alloc(cpu: Cpu): SlabId {
    let main = this.#main[cpu]!
    if (main.n === 0) main = this.#replaceEmpty(cpu)
    this.#slabs.cached[cpu]!--
    return main.slab[--main.n]!
  }

  free(cpu: Cpu, slab: SlabId): void {
    const slabs = this.#slabs
    if (slabs.node[slab] !== slabs.nodeOf[cpu]) {
      slabs.counts.remoteFrees++
      this.freeLocked(cpu, slab)
      return
    }
    let main = this.#main[cpu]!
    if (main.n === this.#capacity) main = this.#replaceFull(cpu)
    main.slab[main.n++] = slab
    slabs.cached[cpu]!++
  }

  freeLocked(_cpu: Cpu, slab: SlabId): void {
    this.#slabs.counts.pastSheaves++
    this.#slabFree(slab, 1)
  }

  freeRcu(cpu: Cpu, slab: SlabId): void {
    const slabs = this.#slabs
    const node = slabs.nodeOf[cpu]!
    let sheaf = this.#rcu[cpu]
    if (sheaf === undefined) {
      const spare = this.#spare[cpu]
      if (spare?.n === 0) {
        sheaf = spare
        this.#spare[cpu] = undefined
      } else sheaf = this.#takeEmpty(node) ?? this.#newSheaf()
      this.#rcu[cpu] = sheaf
    }
    sheaf.slab[sheaf.n++] = slab
    slabs.rcuHeld[cpu]!++
    if (sheaf.n < this.#capacity) return
    const whole = sheaf
    this.#rcu[cpu] = undefined
    slabs.rcuHeld[cpu]! -= whole.n
    slabs.counts.rcuSheaves++
    slabs.callRcu(cpu, () => this.#rcuDone(whole, node))
  }

  #rcuDone(sheaf: Sheaf, node: number): void {
    const full = this.#full[node]!
    if (full.length < this.#maxFull) {
      this.#putFull(node, sheaf)
      return
    }
    this.#flush(sheaf)
    if (this.#empty[node]!.length < this.#maxEmpty) this.#putEmpty(node, sheaf)
  }

  #newSheaf(): Sheaf {
    return { n: 0, slab: new Int32Array(this.#capacity) }
  }

  /** Objects that were free in their slabs, as many as fit; returns how many. */
  #fill(sheaf: Sheaf, objects: readonly SlabId[]): number {
    const slabs = this.#slabs
    for (const slab of objects.slice(-this.#capacity)) {
      if (slabs.inuse[slab]! >= this.#perSlab) continue
      if (++slabs.inuse[slab]! === this.#perSlab && slabs.place[slab] === Place.nodePartial) slabs.removePartial(slab)
      sheaf.slab[sheaf.n++] = slab
    }
    return sheaf.n
  }

  #takeEmpty(node: number): Sheaf | undefined {
    this.#slabs.counts.barnLocks++
    return this.#empty[node]!.pop()
  }

  #putEmpty(node: number, sheaf: Sheaf): void {
    this.#slabs.counts.barnLocks++
    this.#empty[node]!.push(sheaf)
  }

  #putFull(node: number, sheaf: Sheaf): void {
    this.#slabs.counts.barnLocks++
    this.#slabs.inBarn[node]! += sheaf.n
    this.#full[node]!.push(sheaf)
  }

  #replaceEmpty(cpu: Cpu): Sheaf {
    const slabs = this.#slabs
    slabs.counts.allocSlowPaths++
    const empty = this.#main[cpu]!
    const spare = this.#spare[cpu]
    if (spare !== undefined && spare.n > 0) {
      this.#spare[cpu] = empty
      this.#main[cpu] = spare
      return spare
    }
    const node = slabs.nodeOf[cpu]!
    slabs.counts.barnLocks++
    const full = this.#full[node]!.pop()
    if (full !== undefined) {
      slabs.inBarn[node]! -= full.n
      slabs.cached[cpu]! += full.n
      this.#empty[node]!.push(empty)
      this.#main[cpu] = full
      return full
    }
    const sheaf = spare ?? this.#takeEmpty(node) ?? this.#newSheaf()
    this.#refill(cpu, sheaf)
    this.#spare[cpu] = empty
    this.#main[cpu] = sheaf
    return sheaf
  }

  #replaceFull(cpu: Cpu): Sheaf {
    const slabs = this.#slabs
    slabs.counts.freeSlowPaths++
    const node = slabs.nodeOf[cpu]!
    const main = this.#main[cpu]!
    const spare = this.#spare[cpu]
    if (spare === undefined) {
      this.#spare[cpu] = main
      this.#main[cpu] = this.#takeEmpty(node) ?? this.#newSheaf()
      return this.#main[cpu]!
    }
    if (spare.n < this.#capacity) {
      this.#main[cpu] = spare
      this.#spare[cpu] = main
      return spare
    }
    slabs.counts.barnLocks++
    if (this.#full[node]!.length >= this.#maxFull) {
      slabs.cached[cpu]! -= spare.n
      this.#flush(spare)
      this.#spare[cpu] = main
      this.#main[cpu] = spare
      return spare
    }
    let empty = this.#empty[node]!.pop()
    // Without an empty one the barn is asked again with one just allocated.
    if (empty === undefined) {
      empty = this.#newSheaf()
      slabs.counts.barnLocks++
    }
    slabs.cached[cpu]! -= main.n
    slabs.inBarn[node]! += main.n
    this.#full[node]!.push(main)
    this.#main[cpu] = empty
    return empty
  }

  /** To its capacity, from the node's partial slabs and then from new ones. */
  #refill(cpu: Cpu, sheaf: Sheaf): void {
    const slabs = this.#slabs
    const { counts } = slabs
    const before = sheaf.n
    this.#fromNode(slabs.nodeOf[cpu]!, sheaf)
    while (sheaf.n < this.#capacity) {
      const slab = slabs.create(cpu)
      const taken = Math.min(this.#perSlab, this.#capacity - sheaf.n)
      this.#take(sheaf, slab, taken)
      if (taken === this.#perSlab) continue
      counts.listLocks++
      slabs.addPartial(slab, 'head')
    }
    counts.refills++
    counts.refilledObjects += sheaf.n - before
    slabs.cached[cpu]! += sheaf.n - before
  }

  #take(sheaf: Sheaf, slab: SlabId, objects: number): void {
    this.#slabs.inuse[slab]! += objects
    sheaf.slab.fill(slab, sheaf.n, sheaf.n + objects)
    sheaf.n += objects
  }

  #fromNode(node: number, sheaf: Sheaf): void {
    const slabs = this.#slabs
    const { counts } = slabs
    if (slabs.nrPartial[node] === 0) return
    counts.listLocks++
    const isolated = this.#isolated
    const wanted = this.#capacity - sheaf.n
    for (let slab = slabs.firstPartial(node), free = 0; slab >= 0 && free < wanted; ) {
      const after = slabs.nextPartial(slab)
      slabs.removePartial(slab)
      isolated.push(slab)
      free += this.#perSlab - slabs.inuse[slab]!
      slab = after
    }
    // Before 7.2 those taken last from the list come first.
    if (!this.#keepsRemainder) isolated.reverse()
    let used = 0
    while (used < isolated.length && sheaf.n < this.#capacity) {
      const slab = isolated[used++]!
      const free = this.#perSlab - slabs.inuse[slab]!
      const taken = Math.min(free, this.#capacity - sheaf.n)
      this.#take(sheaf, slab, taken)
      if (free > taken) this.#giveBack(slab, free - taken)
    }
    if (used < isolated.length) counts.listLocks++
    for (; used < isolated.length; used++) {
      const slab = isolated[used]!
      if (slabs.inuse[slab] === 0 && slabs.nrPartial[node]! >= this.#minPartial) slabs.discard(slab)
      else slabs.addPartial(slab, 'head')
    }
    isolated.length = 0
  }

  /** Free objects of a slab that a refill found and does not need. */
  #giveBack(slab: SlabId, objects: number): void {
    const slabs = this.#slabs
    if (this.#keepsRemainder) {
      slabs.counts.listLocks++
      slabs.addPartial(slab, 'head')
      return
    }
    // Its whole list of free objects was taken; the rest goes back like any other free.
    slabs.inuse[slab]! += objects
    this.#slabFree(slab, objects)
  }

  /** build_detached_freelist(): from the end, objects of one slab together, unless too many others stand between. */
  #flush(sheaf: Sheaf): void {
    const { counts } = this.#slabs
    const objects = sheaf.slab
    counts.flushes++
    counts.flushedObjects += sheaf.n
    let size = sheaf.n
    while (size > 0) {
      const slab = objects[--size]!
      let count = 1
      let same = size
      for (let at = size - 1, ahead = LOOKAHEAD; at >= 0; at--) {
        if (objects[at] === slab) {
          count++
          same--
          objects[at] = objects[same]!
          objects[same] = slab
        } else if (--ahead === 0) break
      }
      size = same
      this.#slabFree(slab, count)
    }
    sheaf.n = 0
  }

  #slabFree(slab: SlabId, objects: number): void {
    const slabs = this.#slabs
    const { counts } = slabs
    counts.slabFrees++
    const wasFull = slabs.inuse[slab] === this.#perSlab
    slabs.inuse[slab]! -= objects
    const inuse = slabs.inuse[slab]!
    if (inuse > 0 && !wasFull) return
    counts.listLocks++
    const listed = slabs.place[slab] === Place.nodePartial
    if (!wasFull && !listed) return
    if (inuse === 0 && slabs.nrPartial[slabs.node[slab]!]! >= this.#minPartial) {
      if (listed) slabs.removePartial(slab)
      slabs.discard(slab)
    } else if (wasFull) slabs.addPartial(slab, 'tail')
  }
}

/** SLUB with sheaves for all caches, from 7.0 on: two arrays of objects for each CPU, a barn of full and empty ones for each node. */
export const sheaves = defineSlabPolicy({
  id: 'sheaves',
  title: 'two sheaves of objects for each CPU, a barn for each node, RCU sheaves',
  source:
    '__pcs_replace_empty_main(), __pcs_replace_full_main(), refill_objects(), __kfree_rcu_sheaf(), rcu_free_sheaf(), mm/slub.c; Vlastimil Babka, "slab: replace cpu (partial) slabs with sheaves", Jan 2026 (7.0); 93a51a74d7de "mm, slab: simplify returning slab in __refill_objects_node()", 0fc52deec106 "mm/slub: detach and reattach partial slabs in batch" (7.2); 6.18 has sheaves for some caches alone',
  leavesOut:
    'prefilled sheaves (maple tree), the objects that sheaves are themselves, other nodes’ slabs for a refill, memory policies, flushes by hotplug and shrinking, and races',
  params,
  create: (given, slabs) => new Sheaves(slabs, given),
})
