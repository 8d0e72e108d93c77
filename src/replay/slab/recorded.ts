import { type Events, Kind, type Recording } from '#events'
import { Addresses, AddressRows, FREED, NEVER_SEEN } from '#events/columns'
import { SlabAsk, type SlabDemand, SlabDemandBuilder } from '#events/demand'
import type { Cpu } from '#kernel'
import { factsOf } from '#kernel/releases'
import { choosePolicy, type PolicyChoice } from '#policies'
import { type AnySlabPolicy, type SlabShape, slabPolicies } from '#policies/slab'
import { type FoundCache, type FoundCaches, findCaches, UNKNOWN } from './caches.ts'
import { riseOf, statsIds, type Traced } from './counters.ts'
import { StartEvidence } from './evidence.ts'
import { addressOfSlab, type Frames, framesOf, slabAddress } from './frames.ts'
import { Prefills } from './prefills.ts'
import { shapeOf } from './shapes.ts'

/** A cache of a recording: what it is, what was counted of it, and what the trace shows of its beginning. */
export interface RecordedCache extends FoundCache {
  readonly shape: SlabShape
  /** Its directory below /sys/kernel/slab, where there are counters. */
  readonly id?: string
  readonly traced: Traced
  /** Whether the counters rose by what the trace has: nothing else used the cache between their reading and the trace. */
  readonly undisturbed: boolean
  /** Allocations out of sheaves that their task had filled beforehand: no counter counts them. */
  readonly prefilled: number
  /** Frees that no event shows: the object is allocated again, or a slow path has it. */
  readonly unseenFrees: number
  readonly evidence: StartEvidence
}

/** What a trace tells of the slab allocator: demand drives replays, the rest is what they begin with or are compared with. */
export interface SlabRecord {
  readonly cpus: number
  readonly nodes: number
  /** By CPU. */
  readonly nodeOf: Uint8Array
  readonly from: number
  readonly to: number
  readonly demand: SlabDemand
  readonly caches: readonly RecordedCache[]
  /** By object: the slab of its cache in which it was when the trace began, −1: it was not. */
  readonly slabAtStart: Int32Array
  /** Slow paths that were probed. */
  readonly probed: ReadonlySet<string>
  /** Frees whose cache nothing tells: not replayed. */
  readonly unknownFrees: number
}

function tracedOf(events: Events, found: FoundCaches): { traced: Traced[]; probed: Set<string> } {
  const { slab_slow_path } = events.tables
  const counts = found.caches.map(() => ({ allocs: 0, frees: 0, paths: new Map<string, number>() }))
  for (const keys of [found.keyOfAlloc, found.keyOfKmalloc])
    for (const key of keys) if (key !== UNKNOWN) counts[found.cacheOf[key]!]!.allocs++
  for (const keys of [found.keyOfFree, found.keyOfKfree])
    for (const key of keys) if (key !== UNKNOWN) counts[found.cacheOf[key]!]!.frees++
  const probed = new Set<string>()
  for (let slot = 0; slot < slab_slow_path.length; slot++) {
    const name = events.strings.get(slab_slow_path.column.recordedAs.data[slot]!) ?? ''
    probed.add(name)
    const cache = found.cacheOfPath[slot]!
    if (cache === UNKNOWN) continue
    const { paths } = counts[cache]!
    paths.set(name, (paths.get(name) ?? 0) + 1)
  }
  return { traced: counts, probed }
}

const isNamed = ({ names, pointer }: FoundCache): string =>
  names[0] ?? (pointer === undefined ? '' : `cache 0x${pointer.toString(16)}`)

/** Reads the events in order: demand, and how each cache began. */
class Walk {
  readonly builder = new SlabDemandBuilder()
  readonly evidence: readonly StartEvidence[]
  readonly unseenFrees: Uint32Array
  readonly slabAtStart: number[] = []
  unknownFrees = 0
  readonly #events: Events
  readonly #found: FoundCaches
  readonly #frames: Frames
  readonly #shapes: readonly SlabShape[]
  readonly prefills: Prefills
  /** By address: number of the object that somebody has. */
  readonly #objects = new AddressRows()
  /** By CPU: a slab that is being made; a free that a slow path may follow; whether a slow path comes before this allocation. */
  readonly #making: (number | undefined)[] = []
  readonly #freeing: ({ cache: number; slab: number; object: number; row: number } | undefined)[] = []
  readonly #slow: (number | undefined)[] = []
  /** By CPU: the object that a slow path just freed, whose event may follow. */
  readonly #unannounced: (number | undefined)[] = []
  /** By task: a slow path that an allocation takes, and where. */
  readonly #asking = new Map<number, { readonly cache: number; readonly cpu: Cpu }>()
  /** By CPU: the slab of the last slow free. */
  readonly #slabFreed: (number | undefined)[] = []
  /** Whether slow paths have objects that were freed before: the kernel has sheaves. */
  readonly #flushes: boolean

  constructor(
    events: Events,
    found: FoundCaches,
    shapes: readonly SlabShape[],
    frames: Frames,
    { cpus, flushes }: { readonly cpus: number; readonly flushes: boolean },
  ) {
    this.#flushes = flushes
    this.#events = events
    this.#found = found
    this.#shapes = shapes
    this.#frames = frames
    this.prefills = new Prefills(events, this.builder, flushes ? found.caches : [])
    this.evidence = shapes.map((shape) => new StartEvidence(shape, cpus, !flushes))
    this.unseenFrees = new Uint32Array(shapes.length)
  }

  walk(): void {
    const { kind: kinds, slot: slots, cpu: cpus, pid: pids, time: times, length, tables } = this.#events
    const { kmem_cache_alloc, kmalloc, kmem_cache_free, kfree, mm_page_alloc } = tables
    const allocAt = new Addresses(kmem_cache_alloc.column.ptr.data)
    const kmallocAt = new Addresses(kmalloc.column.ptr.data)
    const freeAt = new Addresses(kmem_cache_free.column.ptr.data)
    const kfreeAt = new Addresses(kfree.column.ptr.data)
    const { keyOfAlloc, keyOfKmalloc, keyOfFree, keyOfKfree } = this.#found
    for (let row = 0; row < length; row++) {
      const slot = slots[row]!
      const cpu = cpus[row]!
      const time = times[row]!
      switch (kinds[row]) {
        case Kind.kmem_cache_alloc: {
          const key = keyOfAlloc[slot]!
          const pid = pids[row]!
          const isOut = key !== UNKNOWN && this.prefills.isOut(this.#found.cacheOf[key]!, slot)
          this.#alloc(time, isOut ? cpu : this.#askedOn(cpu, pid, key), key, allocAt.at(slot), isOut ? pid : undefined)
          break
        }
        case Kind.kmalloc: {
          const key = keyOfKmalloc[slot]!
          this.#alloc(time, this.#askedOn(cpu, pids[row]!, key), key, kmallocAt.at(slot))
          break
        }
        case Kind.kmem_cache_free:
          this.#free(time, cpu, keyOfFree[slot]!, freeAt.at(slot))
          break
        case Kind.kfree:
          this.#free(time, cpu, keyOfKfree[slot]!, kfreeAt.at(slot))
          break
        case Kind.mm_page_alloc: {
          const cache = this.#making[cpu]
          if (cache === undefined || mm_page_alloc.column.order.data[slot] !== this.#shapes[cache]!.order) break
          this.#making[cpu] = undefined
          const { memory, pageSize } = this.#frames
          if (memory !== undefined)
            this.evidence[cache]!.renew(memory + mm_page_alloc.column.pfn.data[slot]! * pageSize)
          break
        }
        case Kind.slab_slow_path:
          this.#slowPath(time, cpu, slot, pids[row]!)
      }
    }
    this.prefills.endAll(length === 0 ? 0 : times[length - 1]!)
  }

  /** The CPU on which an allocation began: its task may have moved before the event, and its slow path shows where it was. */
  #askedOn(cpu: Cpu, pid: number, key: number): Cpu {
    const asking = this.#asking.get(pid)
    if (asking === undefined) return cpu
    if (key === UNKNOWN || this.#found.cacheOf[key] !== asking.cache) return cpu
    this.#asking.delete(pid)
    return asking.cpu
  }

  #slabOf(cache: number, address: number): number {
    const { order } = this.#shapes[cache]!
    return this.evidence[cache]!.slabAt(slabAddress(address, order, this.#frames.pageSize))
  }

  #newObject(slab: number): number {
    this.slabAtStart.push(slab)
    return this.builder.newObject()
  }

  /** `outOf`: the task that allocates it out of a sheaf of its own. */
  #alloc(time: number, cpu: Cpu, key: number, address: number | undefined, outOf?: number): void {
    if (key === UNKNOWN || address === undefined || address === 0) return
    const cache = this.#found.cacheOf[key]!
    this.#settleFree(cpu)
    if (outOf === undefined) this.prefills.endOf(time, cpu, cache)
    const evidence = this.evidence[cache]!
    // A slab that was made without a page event that would show where.
    if (this.#making[cpu] === cache && this.#frames.memory === undefined)
      evidence.renew(slabAddress(address, this.#shapes[cache]!.order, this.#frames.pageSize))
    if (this.#making[cpu] === cache) this.#making[cpu] = undefined
    const before = this.#objects.get(address)
    const slab = this.#slabOf(cache, address)
    if (before >= 0) this.#unseenFree(time, cpu, cache, slab, before)
    else if (before === NEVER_SEEN && slab >= 0 && !evidence.firstAllocated(cpu, slab, outOf !== undefined))
      this.#unseenFree(time, cpu, cache, slab, this.#newObject(slab))
    evidence.allocated(cpu, slab)
    const object = this.#newObject(-1)
    this.#objects.set(address, object)
    if (outOf !== undefined) {
      this.prefills.take(time, cpu, outOf, cache)
      this.builder.push(time, SlabAsk.allocPrefilled, cpu, cache, object)
      return
    }
    const held = evidence.held[cpu]!
    held.slab ??= this.#slow[cpu] === cache ? -1 : slab
    if (held.atHand === undefined) held.most = Math.max(held.most, ++held.net)
    this.#slow[cpu] = undefined
    this.builder.push(time, SlabAsk.alloc, cpu, cache, object)
  }

  /** A free that no event shows comes to light: the object is allocated again. */
  #unseenFree(time: number, cpu: Cpu, cache: number, slab: number, object: number): void {
    this.unseenFrees[cache]!++
    this.evidence[cache]!.freed(slab)
    this.builder.push(time, SlabAsk.free, cpu, cache, object)
  }

  /** The number of an object that is freed, if it can be. */
  #freed(cache: number, address: number): number | undefined {
    const object = this.#objects.get(address)
    if (object === FREED) return undefined
    this.#objects.set(address, FREED)
    const slab = this.#slabOf(cache, address)
    this.evidence[cache]!.freed(slab)
    if (object >= 0) return object
    if (slab >= 0) this.evidence[cache]!.firstFreed(slab)
    return this.#newObject(slab)
  }

  #free(time: number, cpu: Cpu, key: number, address: number | undefined): void {
    if (address === undefined || address === 0) return
    if (key === UNKNOWN) {
      this.unknownFrees++
      return
    }
    const cache = this.#found.cacheOf[key]!
    this.#settleFree(cpu)
    this.prefills.endOf(time, cpu, cache)
    if (this.#unannounced[cpu] === address) {
      this.#unannounced[cpu] = undefined
      this.unseenFrees[cache]!--
      return
    }
    const slab = this.#slabOf(cache, address)
    const object = this.#freed(cache, address)
    if (object === undefined) return
    const row = this.builder.push(time, SlabAsk.free, cpu, cache, object)
    this.#freeing[cpu] = { cache, slab, object: address, row }
  }

  /** The last free of a CPU took no slow path. */
  #settleFree(cpu: Cpu): void {
    const freeing = this.#freeing[cpu]
    if (freeing === undefined) return
    this.#freeing[cpu] = undefined
    const held = this.evidence[freeing.cache]!.held[cpu]!
    held.slab ??= freeing.slab
    if (held.atHand === undefined) held.net--
  }

  #slowPath(time: number, cpu: Cpu, slot: number, pid: number): void {
    const cache = this.#found.cacheOfPath[slot]!
    if (cache === UNKNOWN) return
    const { column } = this.#events.tables.slab_slow_path
    const evidence = this.evidence[cache]!
    const held = evidence.held[cpu]!
    this.prefills.endOf(time, cpu, cache)
    const at = (of: keyof typeof column & ('slab' | 'object')): number | undefined => {
      const value = column[of].data[slot]!
      return value === 0xffff_ffff_ffff_ffffn || value === 0n ? undefined : Number(value & 0x1f_ffff_ffff_ffffn)
    }
    switch (this.#events.strings.get(column.recordedAs.data[slot]!)) {
      case '___slab_alloc':
        this.#settleFree(cpu)
        held.atHand ??= held.net
        this.#slow[cpu] = cache
        this.#asking.set(pid, { cache, cpu })
        break
      case 'allocate_slab':
        this.#slow[cpu] = cache
        this.#making[cpu] = cache
        break
      case '__free_slab': {
        const slab = at('slab')
        const address = slab === undefined ? undefined : addressOfSlab(this.#frames, slab)
        if (address !== undefined) evidence.renew(address)
        break
      }
      case '__pcs_replace_empty_main':
        this.#settleFree(cpu)
        held.atHand ??= held.net
        this.#asking.set(pid, { cache, cpu })
        break
      case '__pcs_replace_full_main':
        // The free that found it full is announced already.
        if (this.#freeing[cpu]?.cache !== cache) this.#settleFree(cpu)
        held.atHand ??= this.#shapes[cache]!.sheafCapacity + held.net
        break
      case '__slab_free': {
        const object = at('object')
        const freeing = this.#freeing[cpu]
        if (freeing?.object === object && freeing !== undefined) {
          // A CPU that has sheaves frees past them only if it cannot touch them.
          if (this.#flushes) this.builder.settle(freeing.row, SlabAsk.freeLocked)
          this.#freeing[cpu] = undefined
        } else if (object !== undefined) this.#freedUnannounced(time, cpu, cache, object)
        this.#slabFreed[cpu] = at('slab')
        break
      }
      case 'put_cpu_partial': {
        // Out of a free: the slab had nothing free before it. Else it comes from the node's list.
        const slab = at('slab')
        const address = slab === undefined ? undefined : addressOfSlab(this.#frames, slab)
        if (address !== undefined && slab === this.#slabFreed[cpu]) evidence.full(evidence.slabAt(address), 1)
        break
      }
      case '__kfree_rcu_sheaf': {
        const address = at('object')
        const object = address === undefined ? undefined : this.#freed(cache, address)
        if (object !== undefined) this.builder.push(time, SlabAsk.freeRcu, cpu, cache, object)
      }
    }
  }

  /** A slow path has the object before any event: up to 5.11 its event follows; else it is freed in bulk, and none does. */
  #freedUnannounced(time: number, cpu: Cpu, cache: number, address: number): void {
    if (this.#flushes || this.#objects.get(address) === FREED) return
    const object = this.#freed(cache, address)
    if (object === undefined) return
    this.unseenFrees[cache]!++
    this.#unannounced[cpu] = address
    this.builder.push(time, SlabAsk.free, cpu, cache, object)
  }
}

/** CPUs by node: as the machine says, else all of one. */
function nodesOf({ machine }: Recording, cpus: number): Pick<SlabRecord, 'nodes' | 'nodeOf'> {
  const nodeOf = new Uint8Array(cpus)
  const own = machine.nodes.filter(({ cpus: listed }) => listed.length > 0)
  for (const [number, { cpus: listed }] of own.entries())
    for (const cpu of listed) if (cpu < cpus) nodeOf[cpu] = Math.min(number, 254)
  return { nodes: Math.max(1, Math.min(own.length, 255)), nodeOf }
}

function isUndisturbed({ slabsBefore, slabsAfter }: Recording['machine'], id: string, allocs: number): boolean {
  const rise = (file: string): number | undefined => riseOf(slabsBefore, slabsAfter, id, file)
  const fast = rise('alloc_fastpath')
  return fast !== undefined && fast + (rise('alloc_slowpath') ?? 0) === allocs
}

export function slabRecord(recording: Recording): SlabRecord {
  const { events, machine } = recording
  const found = findCaches(events)
  const { traced, probed } = tracedOf(events, found)
  const ids = statsIds(found.caches, traced, machine.slabsBefore, machine.slabsAfter)
  const counters = machine.slabsBefore ?? machine.slabsAfter
  const shapes = found.caches.map((cache, at) => {
    const name = isNamed(cache) || `(unnamed, ${cache.bytes} B)`
    return shapeOf(cache.names.length === 0 ? (ids[at] ?? name) : name, cache, machine, counters, ids[at])
  })
  const frames = framesOf(events, found, shapes, machine.pageSize)
  const highest = events.cpu.reduce((most, cpu) => Math.max(most, cpu), 0)
  const cpus = Math.max(highest + 1, ...machine.cpus.map((cpu) => cpu + 1))
  const walk = new Walk(events, found, shapes, frames, {
    cpus,
    flushes: factsOf(machine.release).slab.startsWith('sheaves'),
  })
  walk.walk()
  return {
    cpus,
    ...nodesOf(recording, cpus),
    from: events.time[0] ?? 0,
    to: events.time.at(-1) ?? 0,
    demand: walk.builder.finish(),
    slabAtStart: Int32Array.from(walk.slabAtStart),
    probed,
    unknownFrees: walk.unknownFrees,
    caches: found.caches.map((cache, at) => {
      const id = ids[at]
      const prefilled = walk.prefills.allocs[at] ?? 0
      return {
        ...cache,
        shape: shapes[at]!,
        ...(id === undefined ? {} : { id }),
        traced: traced[at]!,
        prefilled,
        undisturbed: id !== undefined && isUndisturbed(machine, id, traced[at]!.allocs - prefilled),
        unseenFrees: walk.unseenFrees[at]!,
        evidence: walk.evidence[at]!,
      }
    }),
  }
}

/** The recording kernel's own policy. */
export const ownSlab = ({ release }: Recording['machine']): PolicyChoice<AnySlabPolicy> =>
  choosePolicy('slab', slabPolicies, factsOf(release).slab)
