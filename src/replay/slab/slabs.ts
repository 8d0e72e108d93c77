import { moved } from '#events/columns'
import type { Cpu } from '#kernel'
import { Place, type SlabCounts, type SlabId, type SlabShape, type Slabs } from '#policies/slab'

/** Nothing counted yet. */
export const noCounts = (): SlabCounts => ({
  allocSlowPaths: 0,
  freeSlowPaths: 0,
  pastSheaves: 0,
  slabFrees: 0,
  refills: 0,
  refilledObjects: 0,
  flushes: 0,
  flushedObjects: 0,
  listLocks: 0,
  barnLocks: 0,
  barnGets: 0,
  barnGetFails: 0,
  barnPuts: 0,
  barnPutFails: 0,
  prefills: 0,
  prefillRefills: 0,
  slabsAllocated: 0,
  slabsFreed: 0,
  remoteFrees: 0,
  rcuSheaves: 0,
})

/** What the caches of a machine share. */
export interface SlabMachine {
  readonly cpus: number
  /** By CPU. */
  readonly nodeOf: Uint8Array
  readonly nodes: number
  readonly callRcu: (cpu: Cpu, invoke: () => void) => void
  /** Hears of slabs: pages from the page allocator and back. */
  readonly pages?: ((shape: SlabShape, slab: SlabId, taken: boolean) => void) | undefined
}

/** Keeps the slabs of one cache: columns by slab, and a list of partial ones for each node. */
export class SlabStore implements Slabs {
  readonly shape: SlabShape
  readonly cpus: number
  readonly nodes: number
  readonly nodeOf: Uint8Array
  readonly counts = noCounts()
  readonly cached: Int32Array
  readonly rcuHeld: Int32Array
  readonly inBarn: Int32Array
  readonly nrPartial: Int32Array
  inuse = new Int32Array(64)
  place = new Uint8Array(64)
  node = new Uint8Array(64)
  owner = new Uint16Array(64)
  next = new Int32Array(64)
  depth = new Int32Array(64)
  #before = new Int32Array(64)
  #after = new Int32Array(64)
  readonly #head: Int32Array
  readonly #tail: Int32Array
  /** Slabs that are there, and numbers of those that were. */
  slabs = 0
  #numbers = 0
  readonly #gone: SlabId[] = []
  readonly #machine: SlabMachine

  constructor(shape: SlabShape, machine: SlabMachine) {
    const { cpus, nodes, nodeOf } = machine
    this.shape = shape
    this.cpus = cpus
    this.nodes = nodes
    this.nodeOf = nodeOf
    this.#machine = machine
    this.cached = new Int32Array(cpus)
    this.rcuHeld = new Int32Array(cpus)
    this.inBarn = new Int32Array(nodes)
    this.nrPartial = new Int32Array(nodes)
    this.#head = new Int32Array(nodes).fill(-1)
    this.#tail = new Int32Array(nodes).fill(-1)
  }

  create(cpu: Cpu): SlabId {
    this.counts.slabsAllocated++
    const slab = this.add(this.nodeOf[cpu]!)
    this.#machine.pages?.(this.shape, slab, true)
    return slab
  }

  /** A slab that is there from the start. */
  add(node: number): SlabId {
    const slab = this.#gone.pop() ?? this.#numbers++
    if (slab === this.inuse.length) this.#grow()
    this.slabs++
    this.inuse[slab] = 0
    this.place[slab] = Place.none
    this.node[slab] = node
    return slab
  }

  discard(slab: SlabId): void {
    this.counts.slabsFreed++
    this.slabs--
    this.#gone.push(slab)
    this.#machine.pages?.(this.shape, slab, false)
  }

  addPartial(slab: SlabId, at: 'head' | 'tail'): void {
    const node = this.node[slab]!
    this.place[slab] = Place.nodePartial
    this.nrPartial[node]!++
    const [from, to] = at === 'head' ? [-1, this.#head[node]!] : [this.#tail[node]!, -1]
    this.#link(node, from, slab)
    this.#link(node, slab, to)
  }

  removePartial(slab: SlabId): void {
    const node = this.node[slab]!
    this.place[slab] = Place.none
    this.nrPartial[node]!--
    this.#link(node, this.#before[slab]!, this.#after[slab]!)
  }

  #link(node: number, one: SlabId, other: SlabId): void {
    if (one < 0) this.#head[node] = other
    else this.#after[one] = other
    if (other < 0) this.#tail[node] = one
    else this.#before[other] = one
  }

  firstPartial(node: number): SlabId {
    return this.#head[node]!
  }

  nextPartial(slab: SlabId): SlabId {
    return this.#after[slab]!
  }

  callRcu(cpu: Cpu, invoke: () => void): void {
    this.#machine.callRcu(cpu, invoke)
  }

  #grow(): void {
    const rows = this.inuse.length * 2
    this.inuse = moved(this.inuse, rows)
    this.place = moved(this.place, rows)
    this.node = moved(this.node, rows)
    this.owner = moved(this.owner, rows)
    this.next = moved(this.next, rows)
    this.depth = moved(this.depth, rows)
    this.#before = moved(this.#before, rows)
    this.#after = moved(this.#after, rows)
  }
}
