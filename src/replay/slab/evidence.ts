import type { Cpu } from '#kernel'
import type { SlabShape } from '#policies/slab'

/** A slab that was there before the trace. */
export interface FirstSlab {
  /** Objects in use that the trace frees, and free ones that it allocates before it frees them. */
  used: number
  free: number
  /** Allocations less frees so far. */
  net: number
  /** Free objects at the start, where a moment at which none was free, or all were, proves them. */
  proven: number | undefined
  /** CPU that first allocated from it, and the when of that among such slabs. */
  cpu: Cpu
  turn: number
}

/** By CPU: what it held of one cache when the trace began, as far as its first operations show. */
export interface FirstHeld {
  /** The slab it allocates from: its first operation was fast and had an object of it. −1: none; undefined: not shown. */
  slab: number | undefined
  /** The slab of its last allocation. */
  last: number
  /** Allocations less frees since then, at most and now; and at the first slow path: how many objects were at hand. */
  most: number
  net: number
  atHand: number | undefined
  /** Slabs of the objects that were free at the start, in the order in which it took them. */
  readonly taken: number[]
  /** The same of those that came out of sheaves of tasks. */
  readonly prefilled: number[]
}

/** Objects of a CPU’s sheaves, more than any has. */
const MOST_TAKEN = 1 << 12

/** What a trace shows of how one cache began. */
export class StartEvidence {
  readonly slabs: FirstSlab[] = []
  readonly held: FirstHeld[]
  readonly shape: SlabShape
  /** Whether CPUs allocate from slabs of their own: one that a CPU leaves has nothing free. */
  readonly #ownSlabs: boolean
  readonly #at = new Map<number, number>()
  #turns = 0

  constructor(shape: SlabShape, cpus: number, ownSlabs: boolean) {
    this.shape = shape
    this.#ownSlabs = ownSlabs
    this.held = Array.from({ length: cpus }, () => ({
      slab: undefined,
      last: -1,
      most: 0,
      net: 0,
      atHand: undefined,
      taken: [],
      prefilled: [],
    }))
  }

  /** Number of the slab at an address; −1 where it was made within the trace. */
  slabAt(address: number): number {
    const known = this.#at.get(address)
    if (known !== undefined) return known
    const fresh = { used: 0, free: 0, net: 0, proven: undefined, cpu: 0, turn: Number.POSITIVE_INFINITY }
    const slab = this.slabs.push(fresh) - 1
    this.#at.set(address, slab)
    return slab
  }

  /** A slab is given back, or made: nothing of what was there is in use, and what is seen there from now on was not there at the start. */
  renew(address: number): void {
    const slab = this.#at.get(address)
    if (slab !== undefined && slab >= 0) this.#prove(slab, this.shape.perSlab + this.slabs[slab]!.net)
    this.#at.set(address, -1)
  }

  /** A slab had nothing free, `since` frees ago. */
  full(slab: number, since = 0): void {
    if (slab >= 0) this.#prove(slab, this.slabs[slab]!.net + since)
  }

  #prove(slab: number, free: number): void {
    const of = this.slabs[slab]!
    of.proven ??= Math.max(0, Math.min(this.shape.perSlab, free))
  }

  /** The first that is seen of an object is its allocation. False: it cannot have been free at the start, somebody freed it unseen. */
  firstAllocated(cpu: Cpu, slab: number, isPrefilled = false): boolean {
    const of = this.slabs[slab]!
    if (of.proven !== undefined && of.free >= of.proven) return false
    of.free++
    const held = this.held[cpu]!
    const taken = isPrefilled ? held.prefilled : held.taken
    if (taken.length < MOST_TAKEN) taken.push(slab)
    return true
  }

  firstFreed(slab: number): void {
    this.slabs[slab]!.used++
  }

  freed(slab: number): void {
    if (slab >= 0) this.slabs[slab]!.net--
  }

  allocated(cpu: Cpu, slab: number): void {
    const held = this.held[cpu]!
    if (this.#ownSlabs && held.last >= 0 && held.last !== slab) this.full(held.last)
    held.last = slab
    if (slab < 0) return
    const of = this.slabs[slab]!
    of.net++
    if (of.turn !== Number.POSITIVE_INFINITY) return
    of.cpu = cpu
    of.turn = this.#turns++
  }

  /** Objects that nobody had. What the trace does not touch is taken to be in use. */
  freeAtStart(slab: number): number {
    const { used, free, proven } = this.slabs[slab]!
    return Math.max(0, Math.min(proven ?? free, this.shape.perSlab - used))
  }
}
