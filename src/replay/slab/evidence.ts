import type { Cpu } from '#kernel'
import type { SlabShape } from '#policies/slab'

/** A slab that was there before the trace. */
export interface FirstSlab {
  /** Objects in use that the trace frees, and free ones that it allocates before it frees them. */
  used: number
  free: number
  /** What is neither is taken to be in use, unless the slab was given back with nothing in use. */
  othersFree: boolean
  /** CPU that first allocated from it, and the when of that among such slabs. */
  cpu: Cpu
  turn: number
}

/** By CPU: what it held of one cache when the trace began, as far as its first operations show. */
export interface FirstHeld {
  /** The slab it allocates from: its first operation was fast and had an object of it. −1: none; undefined: not shown. */
  slab: number | undefined
  /** Allocations less frees since then, at most and now; and at the first slow path: how many objects there must have been. */
  most: number
  net: number
  main: number | undefined
  /** Slabs of the objects that were there, in the order in which they were taken. */
  readonly taken: number[]
}

/** What a trace shows of how one cache began. */
export class StartEvidence {
  readonly slabs: FirstSlab[] = []
  readonly held: FirstHeld[]
  readonly shape: SlabShape
  readonly #at = new Map<number, number>()
  #turns = 0

  constructor(shape: SlabShape, cpus: number) {
    this.shape = shape
    this.held = Array.from({ length: cpus }, () => ({ slab: undefined, most: 0, net: 0, main: undefined, taken: [] }))
  }

  /** Number of the slab at an address; −1 where it was made within the trace. */
  slabAt(address: number): number {
    const known = this.#at.get(address)
    if (known !== undefined) return known
    const slab = this.slabs.push({ used: 0, free: 0, othersFree: false, cpu: 0, turn: Number.POSITIVE_INFINITY }) - 1
    this.#at.set(address, slab)
    return slab
  }

  /** A slab is given back, or made: nothing of what was there is in use, and what is seen there from now on was not there at the start. */
  renew(address: number): void {
    const slab = this.#at.get(address)
    if (slab !== undefined && slab >= 0) this.slabs[slab]!.othersFree = true
    this.#at.set(address, -1)
  }

  /** The first that is seen of an object is its allocation. */
  firstAllocated(slab: number): void {
    this.slabs[slab]!.free++
  }

  firstFreed(slab: number): void {
    this.slabs[slab]!.used++
  }

  allocated(cpu: Cpu, slab: number): void {
    if (slab < 0) return
    const of = this.slabs[slab]!
    if (of.turn !== Number.POSITIVE_INFINITY) return
    of.cpu = cpu
    of.turn = this.#turns++
  }

  /** Objects that nobody had. */
  freeAtStart(slab: number): number {
    const { used, free, othersFree } = this.slabs[slab]!
    const all = othersFree ? this.shape.perSlab - used : free
    return Math.max(0, Math.min(all, this.shape.perSlab - used))
  }
}
