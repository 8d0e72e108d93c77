import type { z } from 'zod'
import type { Cpu, Order } from '#kernel'
import type { PolicyHead } from '../head.ts'

/** Number of a slab within its cache. */
export type SlabId = number

/** What a cache is built like, as its kernel made it. */
export interface SlabShape {
  readonly name: string
  /** Bytes from one object to the next. */
  readonly size: number
  readonly perSlab: number
  readonly order: Order
  /** Empty slabs that a node keeps (`min_partial`). */
  readonly minPartial: number
  /** Objects that a CPU's partial slabs may hold free (`cpu_partial`). */
  readonly cpuPartial: number
  /** Objects of a sheaf (`sheaf_capacity`). */
  readonly sheafCapacity: number
}

/** On whose list a slab is. */
export const Place = { none: 0, cpu: 1, cpuPartial: 2, nodePartial: 3 } as const

/** What a policy counts, cache by cache. */
export interface SlabCounts {
  /** Allocations that found nothing in what their CPU keeps at hand: `___slab_alloc()`, `__pcs_replace_empty_main()`. */
  allocSlowPaths: number
  /** Frees that their CPU could not keep at hand: `__slab_free()` of one object, `__pcs_replace_full_main()`. */
  freeSlowPaths: number
  /** Frees past the sheaves: of another node’s object, or with the CPU’s lists locked. */
  pastSheaves: number
  /** Calls of `__slab_free()`: objects of one slab that go back at once. */
  slabFrees: number
  /** Times that a CPU fetched objects from slabs, and how many. */
  refills: number
  refilledObjects: number
  /** Times that a CPU gave objects back to slabs or slabs to its node, and how many objects. */
  flushes: number
  flushedObjects: number
  /** Acquisitions of a node's `list_lock`, and of a barn's lock. */
  listLocks: number
  barnLocks: number
  /** Full sheaves out of a barn and into it, and how often it had none or no room. */
  barnGets: number
  barnGetFails: number
  barnPuts: number
  barnPutFails: number
  /** Sheaves that tasks took to allocate out of, and those of them that had too few objects. */
  prefills: number
  prefillRefills: number
  slabsAllocated: number
  slabsFreed: number
  /** Frees into a slab from which another CPU allocates, or past the sheaves since the slab is another node's. */
  remoteFrees: number
  /** Sheaves that wait for a grace period, handed over full. */
  rcuSheaves: number
}

/** The slabs of one cache. A policy says where they go; the host keeps them. */
export interface Slabs {
  readonly shape: SlabShape
  readonly cpus: number
  readonly nodes: number
  /** By CPU. */
  readonly nodeOf: Uint8Array
  readonly counts: SlabCounts
  /** By CPU: free objects that it holds, and those in its incomplete RCU sheaf. By node: those in its barn. */
  readonly cached: Int32Array
  readonly rcuHeld: Int32Array
  readonly inBarn: Int32Array
  /** By slab. `inuse`: objects that are not free in the slab, whoever has them. They grow: not to be kept across a call. */
  readonly inuse: Int32Array
  readonly place: Uint8Array
  readonly node: Uint8Array
  readonly owner: Uint16Array
  /** For a policy's own lists. */
  readonly next: Int32Array
  readonly depth: Int32Array
  /** A slab from the page allocator: nothing in use. */
  create(cpu: Cpu): SlabId
  /** Its pages go back. It is on no list and nothing of it is in use. */
  discard(slab: SlabId): void
  /** By node. */
  readonly nrPartial: Int32Array
  addPartial(slab: SlabId, at: 'head' | 'tail'): void
  removePartial(slab: SlabId): void
  /** −1: none. */
  firstPartial(node: number): SlabId
  nextPartial(slab: SlabId): SlabId
  /** Calls back on this CPU after a grace period. */
  callRcu(cpu: Cpu, invoke: () => void): void
}

/** What CPUs held when a trace began, as far as it is known. Slabs that nobody held are on their node's list if they have free objects. */
export interface SlabStart {
  /** By CPU: the slab from which it allocates, −1: none; its free objects are the CPU's. */
  readonly cpuSlab: readonly SlabId[]
  /** By CPU: how many of them are on its own list; undefined: all. */
  readonly cpuFree: readonly (number | undefined)[]
  /** By CPU: its partial slabs, that on top first. */
  readonly cpuPartial: readonly (readonly SlabId[])[]
  /** By CPU: the slab of each object in its main and its spare sheaf, the one that is taken first last. */
  readonly main: readonly (readonly SlabId[])[]
  readonly spare: readonly (readonly SlabId[] | undefined)[]
  /** Full sheaves of the barn, the one that is taken first first. */
  readonly barn: readonly (readonly SlabId[])[]
  /** Empty sheaves in the barn. */
  readonly emptySheaves: number
}

/** A policy at work on one cache. */
export interface SlabRules {
  /** Of the slabs, already where `slabs` has them, takes what the CPUs hold. Called once, before anything else. */
  start(start: SlabStart): void
  /** The slab of the object that an allocation gets. */
  alloc(cpu: Cpu): SlabId
  free(cpu: Cpu, slab: SlabId): void
  /** A free that cannot touch what its CPU keeps at hand. Absent: as any other. */
  freeLocked?(cpu: Cpu, slab: SlabId): void
  /** kfree_rcu() of one object. Absent: it is freed after a grace period. */
  freeRcu?(cpu: Cpu, slab: SlabId): void
  /** `kmem_cache_prefill_sheaf()`: a task on this CPU takes a sheaf with this many objects or more. Absent: `alloc` in place of what follows. */
  prefill?(cpu: Cpu, objects: number): void
  allocPrefilled?(cpu: Cpu): SlabId
  returnPrefilled?(cpu: Cpu): void
}

export interface SlabPolicy<P extends z.ZodObject = z.ZodObject> extends PolicyHead {
  readonly params: P
  readonly create: (params: z.infer<P>, slabs: Slabs) => SlabRules
}
export type AnySlabPolicy = SlabPolicy<z.ZodObject>
export const defineSlabPolicy = <P extends z.ZodObject>(policy: SlabPolicy<P>): SlabPolicy<P> => policy
