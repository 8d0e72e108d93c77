import { z } from 'zod'
import type { Cpu } from '#kernel'
import { minPartial, ownOr } from './params.ts'
import { newSheaf, type Sheaf, SheafSlabs } from './sheaf-slabs.ts'
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

class Sheaves implements SlabRules {
  readonly #slabs: Slabs
  readonly #perSlab: number
  readonly #capacity: number
  readonly #maxFull: number
  readonly #maxEmpty: number
  readonly #under: SheafSlabs
  readonly #main: Sheaf[]
  readonly #spare: (Sheaf | undefined)[]
  readonly #rcu: (Sheaf | undefined)[]
  /** That a task on the CPU allocates out of. */
  readonly #prefilled: (Sheaf | undefined)[]
  /** By node: the last is the first taken. */
  readonly #full: Sheaf[][]
  readonly #empty: Sheaf[][]

  constructor(slabs: Slabs, given: z.infer<typeof params>) {
    const { shape, cpus, nodes } = slabs
    this.#slabs = slabs
    this.#perSlab = shape.perSlab
    this.#capacity = given.capacity === 0 ? shape.sheafCapacity : given.capacity
    this.#maxFull = given.maxFull
    this.#maxEmpty = given.maxEmpty
    this.#under = new SheafSlabs(slabs, ownOr(given.minPartial, shape.minPartial), given.remainder === 'list')
    this.#main = Array.from({ length: cpus }, () => this.#newSheaf())
    this.#spare = Array.from({ length: cpus }, () => undefined)
    this.#rcu = Array.from({ length: cpus }, () => undefined)
    this.#prefilled = Array.from({ length: cpus }, () => undefined)
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
    this.#under.slabFree(slab, 1)
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

  prefill(cpu: Cpu, objects: number): void {
    const slabs = this.#slabs
    const { counts } = slabs
    const node = slabs.nodeOf[cpu]!
    counts.prefills++
    let sheaf: Sheaf | undefined
    if (objects > this.#capacity) sheaf = newSheaf(objects)
    else if (this.#spare[cpu] !== undefined) {
      sheaf = this.#spare[cpu]
      this.#spare[cpu] = undefined
    } else {
      counts.barnLocks++
      sheaf = this.#takeFull(cpu, node) ?? this.#empty[node]!.pop() ?? this.#newSheaf()
    }
    this.#prefilled[cpu] = sheaf
    if (sheaf.n >= objects) return
    counts.prefillRefills++
    this.#under.refill(cpu, sheaf)
  }

  allocPrefilled(cpu: Cpu): SlabId {
    const sheaf = this.#prefilled[cpu]!
    this.#slabs.cached[cpu]!--
    return sheaf.slab[--sheaf.n]!
  }

  returnPrefilled(cpu: Cpu): void {
    const slabs = this.#slabs
    const node = slabs.nodeOf[cpu]!
    const sheaf = this.#prefilled[cpu]!
    this.#prefilled[cpu] = undefined
    const isOwn = sheaf.slab.length === this.#capacity
    if (isOwn && this.#spare[cpu] === undefined) {
      this.#spare[cpu] = sheaf
      return
    }
    if (isOwn && this.#full[node]!.length < this.#maxFull) {
      if (sheaf.n < this.#capacity) this.#under.refill(cpu, sheaf)
      slabs.cached[cpu]! -= sheaf.n
      this.#putFull(node, sheaf)
      return
    }
    slabs.cached[cpu]! -= sheaf.n
    if (sheaf.n > 0) this.#under.flush(sheaf)
  }

  #rcuDone(sheaf: Sheaf, node: number): void {
    const full = this.#full[node]!
    if (full.length < this.#maxFull) {
      this.#putFull(node, sheaf)
      return
    }
    this.#slabs.counts.barnPutFails++
    this.#under.flush(sheaf)
    if (this.#empty[node]!.length < this.#maxEmpty) this.#putEmpty(node, sheaf)
  }

  #newSheaf(): Sheaf {
    return newSheaf(this.#capacity)
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
    this.#slabs.counts.barnPuts++
    this.#slabs.inBarn[node]! += sheaf.n
    this.#full[node]!.push(sheaf)
  }

  /** A full sheaf out of the barn, whose lock the caller counts. */
  #takeFull(cpu: Cpu, node: number): Sheaf | undefined {
    const slabs = this.#slabs
    const full = this.#full[node]!.pop()
    if (full === undefined) {
      slabs.counts.barnGetFails++
      return undefined
    }
    slabs.counts.barnGets++
    slabs.inBarn[node]! -= full.n
    slabs.cached[cpu]! += full.n
    return full
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
    const full = this.#takeFull(cpu, node)
    if (full !== undefined) {
      this.#empty[node]!.push(empty)
      this.#main[cpu] = full
      return full
    }
    const sheaf = spare ?? this.#takeEmpty(node) ?? this.#newSheaf()
    this.#under.refill(cpu, sheaf)
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
      slabs.counts.barnPutFails++
      slabs.cached[cpu]! -= spare.n
      this.#under.flush(spare)
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
    slabs.counts.barnPuts++
    this.#full[node]!.push(main)
    this.#main[cpu] = empty
    return empty
  }
}

/** SLUB with sheaves for all caches, from 7.0 on: two arrays of objects for each CPU, a barn of full and empty ones for each node. */
export const sheaves = defineSlabPolicy({
  id: 'sheaves',
  title: 'two sheaves of objects for each CPU, a barn for each node, RCU sheaves',
  source:
    '__pcs_replace_empty_main(), __pcs_replace_full_main(), refill_objects(), __kfree_rcu_sheaf(), rcu_free_sheaf(), mm/slub.c; Vlastimil Babka, "slab: replace cpu (partial) slabs with sheaves", Jan 2026 (7.0); 93a51a74d7de "mm, slab: simplify returning slab in __refill_objects_node()", 0fc52deec106 "mm/slub: detach and reattach partial slabs in batch" (7.2); 6.18 has sheaves for some caches alone',
  leavesOut:
    'the objects that sheaves are themselves, other nodes’ slabs for a refill, memory policies, flushes by hotplug and shrinking, and races',
  params,
  create: (given, slabs) => new Sheaves(slabs, given),
})
