/** The slab allocators again, as plain as can be: slabs are objects, lists are arrays, every object is kept. For tests. */
import type { SlabCounts, SlabShape } from '#policies/slab'
import { noCounts } from '../slabs.ts'

export interface SlowSlab {
  /** Free objects on the slab's own list, and on that of the CPU that allocates from it. */
  free: number
  where: 'nowhere' | 'cpu' | 'cpuPartial' | 'node'
  owner: number
  readonly node: number
}

export interface SlowSetting {
  readonly shape: SlabShape
  readonly cpus: number
  readonly nodeOf: readonly number[]
}

abstract class Slow {
  readonly counts: SlabCounts = noCounts()
  readonly shape: SlabShape
  readonly cpus: number
  readonly nodeOf: readonly number[]
  /** By node: partial slabs, the head first. */
  readonly partial: SlowSlab[][]
  slabs = 0

  constructor({ shape, cpus, nodeOf }: SlowSetting) {
    this.shape = shape
    this.cpus = cpus
    this.nodeOf = nodeOf
    this.partial = Array.from({ length: Math.max(...nodeOf) + 1 }, () => [])
  }

  abstract alloc(cpu: number): SlowSlab
  abstract free(cpu: number, slab: SlowSlab): void
  /** Free objects that CPUs and barns hold. */
  abstract held(): number

  create(cpu: number): SlowSlab {
    this.slabs++
    this.counts.slabsAllocated++
    return { free: this.shape.perSlab, where: 'nowhere', owner: -1, node: this.nodeOf[cpu]! }
  }

  discard(): void {
    this.slabs--
    this.counts.slabsFreed++
  }

  list(slab: SlowSlab, at: 'head' | 'tail'): void {
    slab.where = 'node'
    if (at === 'head') this.partial[slab.node]!.unshift(slab)
    else this.partial[slab.node]!.push(slab)
  }

  unlist(slab: SlowSlab): void {
    slab.where = 'nowhere'
    const list = this.partial[slab.node]!
    list.splice(list.indexOf(slab), 1)
  }

  isEmpty(slab: SlowSlab): boolean {
    return slab.free === this.shape.perSlab
  }

  enoughPartial(slab: SlowSlab): boolean {
    return this.partial[slab.node]!.length >= this.shape.minPartial
  }
}

export class SlowNone extends Slow {
  alloc(cpu: number): SlowSlab {
    const { counts } = this
    counts.allocSlowPaths++
    counts.refills++
    counts.refilledObjects++
    counts.listLocks++
    let slab = this.partial[this.nodeOf[cpu]!]![0]
    if (slab === undefined) {
      slab = this.create(cpu)
      this.list(slab, 'head')
    }
    slab.free--
    if (slab.free === 0) this.unlist(slab)
    return slab
  }

  free(cpu: number, slab: SlowSlab): void {
    const { counts } = this
    counts.freeSlowPaths++
    counts.slabFrees++
    counts.flushes++
    counts.flushedObjects++
    counts.listLocks++
    if (slab.node !== this.nodeOf[cpu]) counts.remoteFrees++
    slab.free++
    if (this.isEmpty(slab) && this.enoughPartial(slab)) {
      if (slab.where === 'node') this.unlist(slab)
      this.discard()
    } else if (slab.where !== 'node') this.list(slab, 'tail')
  }

  held(): number {
    return 0
  }
}

export class SlowCpuPartial extends Slow {
  readonly #inObjects: boolean
  /** By CPU: the slab it allocates from, the objects on its own list, and its partial slabs, the newest first. */
  readonly #current: (SlowSlab | undefined)[]
  readonly #own: number[]
  readonly #partial: { slab: SlowSlab; freeWhenPut: number }[][]

  constructor(setting: SlowSetting, inObjects: boolean) {
    super(setting)
    this.#inObjects = inObjects
    this.#current = Array.from({ length: this.cpus }, () => undefined)
    this.#own = Array.from({ length: this.cpus }, () => 0)
    this.#partial = Array.from({ length: this.cpus }, () => [])
  }

  alloc(cpu: number): SlowSlab {
    if (this.#own[cpu] === 0) this.#fetch(cpu)
    this.#own[cpu]!--
    return this.#current[cpu]!
  }

  #fetch(cpu: number): void {
    const { counts } = this
    counts.allocSlowPaths++
    counts.refills++
    const slab = this.#next(cpu)
    counts.refilledObjects += slab.free
    this.#own[cpu] = slab.free
    slab.free = 0
    slab.where = 'cpu'
    slab.owner = cpu
    this.#current[cpu] = slab
  }

  #next(cpu: number): SlowSlab {
    const current = this.#current[cpu]
    if (current !== undefined && current.free > 0) return current
    if (current !== undefined) current.where = 'nowhere'
    const own = this.#partial[cpu]!.shift()
    if (own !== undefined) return own.slab
    const list = this.partial[this.nodeOf[cpu]!]!
    if (list.length === 0) return this.create(cpu)
    this.counts.listLocks++
    const first = list[0]!
    this.unlist(first)
    if (this.#inObjects) {
      let available = first.free
      while (list.length > 0 && this.shape.cpuPartial > 0 && available <= Math.floor(this.shape.cpuPartial / 2)) {
        available += list[0]!.free
        this.#moveTo(cpu, list[0]!)
      }
    } else if (this.#slabLimit() > 0) {
      for (let moved = 0; list.length > 0 && moved <= Math.floor(this.#slabLimit() / 2); moved++)
        this.#moveTo(cpu, list[0]!)
    }
    return first
  }

  #slabLimit(): number {
    return Math.ceil((this.shape.cpuPartial * 2) / this.shape.perSlab)
  }

  #moveTo(cpu: number, slab: SlowSlab): void {
    this.unlist(slab)
    this.#put(cpu, slab)
  }

  #put(cpu: number, slab: SlowSlab): void {
    slab.where = 'cpuPartial'
    slab.owner = cpu
    this.#partial[cpu]!.unshift({ slab, freeWhenPut: slab.free })
  }

  free(cpu: number, slab: SlowSlab): void {
    const { counts } = this
    if (slab === this.#current[cpu]) {
      this.#own[cpu]!++
      return
    }
    counts.freeSlowPaths++
    counts.slabFrees++
    slab.free++
    switch (slab.where) {
      case 'cpu':
        if (slab.owner !== cpu) counts.remoteFrees++
        return
      case 'cpuPartial':
        if (slab.owner !== cpu) counts.remoteFrees++
        if (this.isEmpty(slab) && !this.#inObjects) counts.listLocks++
        return
      case 'node':
        if (!this.isEmpty(slab)) return
        counts.listLocks++
        if (!this.enoughPartial(slab)) return
        this.unlist(slab)
        this.discard()
        return
      default:
        if (this.shape.cpuPartial === 0) {
          counts.listLocks++
          this.#toNode(slab)
          return
        }
        if (this.#isFull(cpu)) this.#drain(cpu)
        this.#put(cpu, slab)
    }
  }

  #isFull(cpu: number): boolean {
    const own = this.#partial[cpu]!
    if (own.length === 0) return false
    return this.#inObjects
      ? own.reduce((sum, { freeWhenPut }) => sum + freeWhenPut, 0) > this.shape.cpuPartial
      : own.length >= this.#slabLimit()
  }

  #drain(cpu: number): void {
    this.counts.flushes++
    const own = this.#partial[cpu]!.splice(0)
    for (const [at, { slab }] of own.entries()) {
      this.counts.flushedObjects += slab.free
      if (at === 0 || own[at - 1]!.slab.node !== slab.node) this.counts.listLocks++
      this.#toNode(slab)
    }
  }

  #toNode(slab: SlowSlab): void {
    slab.where = 'nowhere'
    if (this.isEmpty(slab) && this.enoughPartial(slab)) this.discard()
    else this.list(slab, 'tail')
  }

  held(): number {
    const partial = this.#partial.flat().reduce((sum, { slab }) => sum + slab.free, 0)
    const current = this.#current.reduce((sum, slab, cpu) => sum + (slab?.owner === cpu ? slab.free : 0), 0)
    return partial + current + this.#own.reduce((a, b) => a + b, 0)
  }
}

type Sheaf = SlowSlab[]

export class SlowSheaves extends Slow {
  readonly #maxFull: number
  readonly #maxEmpty: number
  readonly #keepsRemainder: boolean
  readonly #main: Sheaf[]
  readonly #spare: (Sheaf | undefined)[]
  readonly #rcu: (Sheaf | undefined)[]
  readonly #prefilled: { sheaf: Sheaf; room: number }[] = []
  readonly #full: Sheaf[][]
  /** Empty sheaves in the barns. */
  readonly #empty: number[]
  readonly waiting: (() => void)[] = []

  constructor(setting: SlowSetting, maxFull: number, maxEmpty: number, keepsRemainder: boolean) {
    super(setting)
    this.#keepsRemainder = keepsRemainder
    this.#maxFull = maxFull
    this.#maxEmpty = maxEmpty
    this.#main = Array.from({ length: this.cpus }, () => [])
    this.#spare = Array.from({ length: this.cpus }, () => undefined)
    this.#rcu = Array.from({ length: this.cpus }, () => undefined)
    this.#full = this.partial.map(() => [])
    this.#empty = this.partial.map(() => 0)
  }

  get #capacity(): number {
    return this.shape.sheafCapacity
  }

  #takeEmpty(node: number): void {
    this.counts.barnLocks++
    if (this.#empty[node]! > 0) this.#empty[node]!--
  }

  alloc(cpu: number): SlowSlab {
    if (this.#main[cpu]!.length === 0) this.#fill(cpu)
    return this.#main[cpu]!.pop()!
  }

  #fill(cpu: number): void {
    const node = this.nodeOf[cpu]!
    this.counts.allocSlowPaths++
    const spare = this.#spare[cpu]
    if (spare !== undefined && spare.length > 0) {
      this.#spare[cpu] = []
      this.#main[cpu] = spare
      return
    }
    this.counts.barnLocks++
    const full = this.#takeFull(node)
    if (full !== undefined) {
      this.#main[cpu] = full
      this.#empty[node]!++
      return
    }
    if (spare === undefined) this.#takeEmpty(node)
    this.#spare[cpu] = []
    this.#main[cpu] = []
    this.#refill(cpu, this.#main[cpu]!, this.#capacity)
  }

  #takeFull(node: number): Sheaf | undefined {
    const full = this.#full[node]!.pop()
    if (full === undefined) this.counts.barnGetFails++
    else this.counts.barnGets++
    return full
  }

  prefill(cpu: number, objects: number): void {
    const node = this.nodeOf[cpu]!
    const { counts } = this
    counts.prefills++
    let sheaf: Sheaf = []
    const spare = this.#spare[cpu]
    if (objects <= this.#capacity && spare !== undefined) {
      sheaf = spare
      this.#spare[cpu] = undefined
    } else if (objects <= this.#capacity) {
      counts.barnLocks++
      const full = this.#takeFull(node)
      if (full !== undefined) sheaf = full
      else if (this.#empty[node]! > 0) this.#empty[node]!--
    }
    const room = Math.max(objects, this.#capacity)
    this.#prefilled[cpu] = { sheaf, room }
    if (sheaf.length >= objects) return
    counts.prefillRefills++
    this.#refill(cpu, sheaf, room)
  }

  allocPrefilled(cpu: number): SlowSlab {
    return this.#prefilled[cpu]!.sheaf.pop()!
  }

  returnPrefilled(cpu: number): void {
    const { sheaf, room } = this.#prefilled[cpu]!
    delete this.#prefilled[cpu]
    const node = this.nodeOf[cpu]!
    if (room === this.#capacity && this.#spare[cpu] === undefined) this.#spare[cpu] = sheaf
    else if (room === this.#capacity && this.#full[node]!.length < this.#maxFull) {
      if (sheaf.length < room) this.#refill(cpu, sheaf, room)
      this.counts.barnLocks++
      this.counts.barnPuts++
      this.#full[node]!.push(sheaf)
    } else if (sheaf.length > 0) this.#flush(sheaf)
  }

  #refill(cpu: number, sheaf: Sheaf, room: number): void {
    const node = this.nodeOf[cpu]!
    const { counts } = this
    const before = sheaf.length
    const list = this.partial[node]!
    if (list.length > 0) {
      counts.listLocks++
      const isolated: SlowSlab[] = []
      while (list.length > 0 && isolated.reduce((sum, { free }) => sum + free, 0) < room - before) {
        const slab = list[0]!
        this.unlist(slab)
        if (this.#keepsRemainder) isolated.push(slab)
        else isolated.unshift(slab)
      }
      while (isolated.length > 0 && sheaf.length < room) {
        const slab = isolated.shift()!
        const whole = slab.free
        const taken = Math.min(whole, room - sheaf.length)
        for (let i = 0; i < taken; i++) sheaf.push(slab)
        slab.free = 0
        if (whole > taken && this.#keepsRemainder) {
          counts.listLocks++
          slab.free = whole - taken
          this.list(slab, 'head')
        } else if (whole > taken) this.#slabFree(slab, whole - taken)
      }
      if (isolated.length > 0) {
        counts.listLocks++
        for (const slab of isolated)
          if (this.isEmpty(slab) && this.enoughPartial(slab)) this.discard()
          else this.list(slab, 'head')
      }
    }
    while (sheaf.length < room) {
      const slab = this.create(cpu)
      while (slab.free > 0 && sheaf.length < room) {
        sheaf.push(slab)
        slab.free--
      }
      if (slab.free > 0) {
        counts.listLocks++
        this.list(slab, 'head')
      }
    }
    counts.refills++
    counts.refilledObjects += sheaf.length - before
  }

  free(cpu: number, slab: SlowSlab): void {
    if (slab.node !== this.nodeOf[cpu]) {
      this.counts.remoteFrees++
      this.freeLocked(slab)
      return
    }
    if (this.#main[cpu]!.length === this.#capacity) this.#makeRoom(cpu)
    this.#main[cpu]!.push(slab)
  }

  freeLocked(slab: SlowSlab): void {
    this.counts.pastSheaves++
    this.#slabFree(slab, 1)
  }

  #makeRoom(cpu: number): void {
    const node = this.nodeOf[cpu]!
    const { counts } = this
    counts.freeSlowPaths++
    const main = this.#main[cpu]!
    const spare = this.#spare[cpu]
    if (spare === undefined) {
      this.#takeEmpty(node)
      this.#spare[cpu] = main
      this.#main[cpu] = []
    } else if (spare.length < this.#capacity) {
      this.#main[cpu] = spare
      this.#spare[cpu] = main
    } else {
      counts.barnLocks++
      if (this.#full[node]!.length >= this.#maxFull) {
        counts.barnPutFails++
        this.#spare[cpu] = main
        this.#main[cpu] = []
        this.#flush(spare)
      } else {
        if (this.#empty[node]! > 0) this.#empty[node]!--
        else counts.barnLocks++
        counts.barnPuts++
        this.#full[node]!.push(main)
        this.#main[cpu] = []
      }
    }
  }

  /** From the end: a slab, and as many of its objects as stand before the third of another. */
  #flush(sheaf: Sheaf): void {
    this.counts.flushes++
    this.counts.flushedObjects += sheaf.length
    let left = [...sheaf]
    while (left.length > 0) {
      const slab = left.at(-1)!
      const size = left.length
      let others = 0
      let same = size - 1
      for (let at = size - 2; at >= 0; at--) {
        if (left[at] === slab) {
          same--
          const there = left[same]!
          left[same] = slab
          left[at] = there
        } else {
          others++
          if (others === 3) break
        }
      }
      this.#slabFree(slab, size - same)
      left = left.slice(0, same)
    }
  }

  #slabFree(slab: SlowSlab, objects: number): void {
    const { counts } = this
    counts.slabFrees++
    const wasFull = slab.free === 0
    slab.free += objects
    if (!wasFull && !this.isEmpty(slab)) return
    counts.listLocks++
    const listed = slab.where === 'node'
    if (!wasFull && !listed) return
    if (this.isEmpty(slab) && this.enoughPartial(slab)) {
      if (listed) this.unlist(slab)
      this.discard()
    } else if (wasFull) this.list(slab, 'tail')
  }

  freeRcu(cpu: number, slab: SlowSlab): void {
    const node = this.nodeOf[cpu]!
    if (this.#rcu[cpu] === undefined) {
      this.#rcu[cpu] = []
      if (this.#spare[cpu]?.length === 0) this.#spare[cpu] = undefined
      else this.#takeEmpty(node)
    }
    const sheaf = this.#rcu[cpu]!
    sheaf.push(slab)
    if (sheaf.length < this.#capacity) return
    this.#rcu[cpu] = undefined
    this.counts.rcuSheaves++
    this.waiting.push(() => {
      if (this.#full[node]!.length < this.#maxFull) {
        this.counts.barnLocks++
        this.counts.barnPuts++
        this.#full[node]!.push(sheaf)
        return
      }
      this.counts.barnPutFails++
      this.#flush(sheaf)
      if (this.#empty[node]! >= this.#maxEmpty) return
      this.counts.barnLocks++
      this.#empty[node]!++
    })
  }

  held(): number {
    const size = (sheaf: Sheaf | undefined) => sheaf?.length ?? 0
    const of = (sheaves: readonly (Sheaf | undefined)[]) => sheaves.reduce((sum, sheaf) => sum + size(sheaf), 0)
    const own = this.#prefilled.map((one) => one?.sheaf)
    return of(this.#main) + of(this.#spare) + of(own) + of(this.#full.flat())
  }
}
