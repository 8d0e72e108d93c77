import type { Cpu } from '#kernel'
import { Place, type SlabId, type Slabs } from './types.ts'

/** The slab of each object in a sheaf; the last one is taken first. The array’s length is the sheaf’s capacity. */
export interface Sheaf {
  n: number
  readonly slab: Int32Array
}

export const newSheaf = (capacity: number): Sheaf => ({ n: 0, slab: new Int32Array(capacity) })

/** Objects of other slabs that a bulk free skips to find more of one slab. Source: build_detached_freelist(), mm/slub.c, v6.18 to v7.2. */
const LOOKAHEAD = 3

/** Objects between sheaves and slabs: `refill_objects()`, `__kmem_cache_free_bulk()`, `__slab_free()` of 7.0 and later. */
export class SheafSlabs {
  readonly #slabs: Slabs
  readonly #perSlab: number
  readonly #minPartial: number
  readonly #keepsRemainder: boolean
  /** Slabs of a refill, on their way from the node's list. */
  readonly #isolated: SlabId[] = []

  constructor(slabs: Slabs, minPartial: number, keepsRemainder: boolean) {
    this.#slabs = slabs
    this.#perSlab = slabs.shape.perSlab
    this.#minPartial = minPartial
    this.#keepsRemainder = keepsRemainder
  }

  /** Fills a sheaf to its capacity: from the node's partial slabs, then from new ones. */
  refill(cpu: Cpu, sheaf: Sheaf): void {
    const slabs = this.#slabs
    const { counts } = slabs
    const before = sheaf.n
    this.#fromNode(slabs.nodeOf[cpu]!, sheaf)
    const room = sheaf.slab.length
    while (sheaf.n < room) {
      const slab = slabs.create(cpu)
      const taken = Math.min(this.#perSlab, room - sheaf.n)
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
    const room = sheaf.slab.length
    const wanted = room - sheaf.n
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
    while (used < isolated.length && sheaf.n < room) {
      const slab = isolated[used++]!
      const free = this.#perSlab - slabs.inuse[slab]!
      const taken = Math.min(free, room - sheaf.n)
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
    this.slabFree(slab, objects)
  }

  /** build_detached_freelist(): from the end, objects of one slab together, unless too many others stand between. */
  flush(sheaf: Sheaf): void {
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
      this.slabFree(slab, count)
    }
    sheaf.n = 0
  }

  slabFree(slab: SlabId, objects: number): void {
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
