import { Touch, type Touches } from '#events/demand'
import type { Ns, Order, Pages, Pfn } from '#kernel'
import {
  type AcceptHost,
  acceptCalls,
  acceptCost,
  type GuestParams,
  MAX_ORDER_PAGES,
  PAGES_PER_BIT,
} from '#policies/accept'

/** Locks by number: a zone->lock for each node, the bitmap's, then one for each unit. */
const BITMAP_LOCK = 1 << 16
const FIRST_UNIT_LOCK = BITMAP_LOCK + 1

/** What a unit was when the trace began. */
const unknown = 0
const inUse = 1
const unaccepted = 2
const accepted = 3

interface Node {
  /** Free pages, accepted or not. */
  free: Pages
  unacceptedPages: Pages
  readonly min: Pages
  readonly promo: Pages
  /** Blocks on zone->unaccepted_pages, by number: `next` to `end`. */
  next: number
  readonly first: number
  readonly end: number
}

/**
 * The memory of a guest: which of it is accepted. Driven by touch, units are those of the recorded pfns; driven by level, each
 * node has only a number of blocks.
 */
export class Guest implements AcceptHost {
  readonly guest: GuestParams
  readonly bitmapLock = BITMAP_LOCK
  readonly nodes: number
  readonly #drivenBy: 'touch' | 'level'
  readonly #unitPages: Pages
  readonly #basePfn: Pfn
  readonly #pagesPerNode: Pages
  /** By unit, when driven by touch. */
  readonly #state: Uint8Array
  /** A bit for each page: set once its remainder was looked at. */
  readonly #looked: Uint8Array
  /** By 2 MiB, when driven by level: 1 once accepted. */
  readonly #bits: Uint8Array
  readonly #nodes: Node[]
  /** Free memory that no event touches, in units: it stays unaccepted where nothing is touched first. */
  untouchedUnits: number
  /** Pages unaccepted at the start. */
  readonly pagesAtStart: Pages
  acceptedPages: Pages = 0
  acceptedTwice = 0
  calls = 0
  bitmapChecks = 0
  extraChecks = 0

  constructor(touches: Touches, guest: GuestParams, unitPages: Pages, drivenBy: 'touch' | 'level') {
    this.guest = guest
    this.nodes = guest.nodes
    this.#drivenBy = drivenBy
    this.#unitPages = unitPages
    const first = Math.min(...touches.zones.map(({ startPfn }) => startPfn))
    const last = Math.max(...touches.zones.map(({ startPfn, spanned }) => startPfn + spanned))
    this.#basePfn = first - (first % MAX_ORDER_PAGES)
    const span = Math.ceil((last - this.#basePfn) / MAX_ORDER_PAGES) * MAX_ORDER_PAGES
    this.#pagesPerNode = Math.ceil(span / MAX_ORDER_PAGES / guest.nodes) * MAX_ORDER_PAGES
    this.#state = new Uint8Array(span / unitPages)
    this.#looked = new Uint8Array(Math.ceil(span / 8))
    const sum = (of: (zone: Touches['zones'][number]) => number) =>
      touches.zones.reduce((all, zone) => all + of(zone), 0)
    const free = sum((zone) => zone.free)
    const touched = this.#firstTouches(touches, guest.unacceptedShare)
    const share = Math.floor((free * guest.unacceptedShare) / MAX_ORDER_PAGES)
    this.untouchedUnits = Math.max(0, Math.floor((share * MAX_ORDER_PAGES) / unitPages) - touched)
    const blocksOf = (node: number) =>
      Math.floor(((node + 1) * share) / guest.nodes) - Math.floor((node * share) / guest.nodes)
    let block = 0
    this.#nodes = Array.from({ length: guest.nodes }, (_, node) => {
      const from = block
      block += drivenBy === 'level' ? blocksOf(node) : 0
      const promo = sum((zone) => zone.promo ?? zone.high + (zone.high - zone.low))
      return {
        free: free / guest.nodes,
        unacceptedPages: (block - from) * MAX_ORDER_PAGES,
        min: sum((zone) => zone.min) / guest.nodes,
        promo: promo / guest.nodes,
        next: from,
        first: from,
        end: block,
      }
    })
    this.#bits = new Uint8Array(block * 2)
    this.pagesAtStart = drivenBy === 'level' ? block * MAX_ORDER_PAGES : (touched + this.untouchedUnits) * unitPages
  }

  /** A unit that is taken before anything of it is freed was free when the trace began. Returns how many are unaccepted. */
  #firstTouches(touches: Touches, share: number): number {
    const { length, does, frees, pfn, order, takenStart, takenEnd, taken, givenStart, givenEnd, given } = touches
    const state = this.#state
    let takenFirst = 0
    let count = 0
    const touch = (page: Pfn, size: Order, was: number) => {
      const end = Math.min(this.unitEnd(page, size), state.length)
      for (let unit = this.unitOf(page); unit < end; unit++) {
        if (state[unit] !== unknown) continue
        if (was === inUse) state[unit] = inUse
        else {
          // Every so many of them, evenly, so that a share is a share of each stretch of the trace.
          const chosen = Math.floor((takenFirst + 1) * share) > Math.floor(takenFirst * share)
          takenFirst++
          state[unit] = chosen ? unaccepted : inUse
          if (chosen) count++
        }
      }
    }
    for (let row = 0; row < length; row++) {
      for (let at = takenStart[row]!; at < takenEnd[row]!; at++) touch(taken.pfn[at]!, taken.order[at]!, unaccepted)
      if (does[row] === Touch.alloc) touch(pfn[row]!, order[row]!, unaccepted)
      else if (frees[row] === 1) touch(pfn[row]!, order[row]!, inUse)
      for (let at = givenStart[row]!; at < givenEnd[row]!; at++) touch(given.pfn[at]!, 0, inUse)
    }
    return count
  }

  nodeOf(pfn: Pfn): number {
    return Math.min(this.nodes - 1, Math.floor((pfn - this.#basePfn) / this.#pagesPerNode))
  }

  /** Pages reach (positive) or leave a node's free lists. */
  moveFree(node: number, pages: Pages): void {
    this.#nodes[node]!.free += pages
  }

  get freePages(): Pages {
    return this.#nodes.reduce((sum, { free }) => sum + free, 0)
  }

  get unacceptedPages(): Pages {
    return this.pagesAtStart - this.acceptedPages
  }

  /** The same, counted unit by unit: with what was accepted it must make the start’s. */
  countUnaccepted(): Pages {
    if (this.#drivenBy === 'level') return this.#bits.reduce((sum, bit) => sum + (bit === 0 ? PAGES_PER_BIT : 0), 0)
    return (
      this.#state.reduce((sum, state) => sum + (state === unaccepted ? 1 : 0), this.untouchedUnits) * this.#unitPages
    )
  }

  /** Everything, before anything runs. Returns the time that it takes one CPU. */
  acceptAll(): Ns {
    const bits = this.pagesAtStart / PAGES_PER_BIT
    const ranges = Math.ceil(this.pagesAtStart / this.#unitPages)
    for (let unit = 0; unit < this.#state.length; unit++)
      if (this.#state[unit] === unaccepted) this.#state[unit] = accepted
    this.untouchedUnits = 0
    this.#note(this.pagesAtStart, bits, ranges)
    return acceptCost(this.guest, bits, ranges)
  }

  #note(pages: Pages, bits: number, ranges = 1): void {
    this.acceptedPages += pages
    this.calls += acceptCalls(this.guest, bits, ranges)
  }

  unitLock(unit: number): number {
    return FIRST_UNIT_LOCK + unit
  }

  zoneLock(node: number): number {
    return node
  }

  unitOf(pfn: Pfn): number {
    return Math.floor((pfn - this.#basePfn) / this.#unitPages)
  }

  unitEnd(pfn: Pfn, order: Order): number {
    return Math.ceil((pfn - this.#basePfn + (1 << order)) / this.#unitPages)
  }

  isUnaccepted(unit: number): boolean {
    return this.#state[unit] === unaccepted
  }

  accept(from: number, to: number): void {
    for (let unit = from; unit < to; unit++) {
      if (this.#state[unit] === accepted) this.acceptedTwice++
      this.#state[unit] = accepted
    }
    this.#note((to - from) * this.#unitPages, ((to - from) * this.#unitPages) / PAGES_PER_BIT)
  }

  check(pfn: Pfn): boolean {
    const unit = this.unitOf(pfn)
    const state = this.#state[unit]
    // Memory in use when the trace began has no marked remainders.
    if (state !== unaccepted && state !== accepted) return false
    const page = pfn - this.#basePfn
    const mask = 1 << (page & 7)
    if ((this.#looked[page >>> 3]! & mask) !== 0) return false
    this.#looked[page >>> 3]! |= mask
    this.bitmapChecks++
    if (state === accepted) this.extraChecks++
    return true
  }

  above(node: number, watermark: 'min' | 'promo'): Pages {
    const { free, unacceptedPages, [watermark]: mark } = this.#nodes[node]!
    return free - unacceptedPages - mark
  }

  unacceptedBlocks(node: number): number {
    const { next, end } = this.#nodes[node]!
    return end - next
  }

  takeBlock(node: number): number | undefined {
    const at = this.#nodes[node]!
    if (at.next === at.end) return undefined
    // Counters change as the block leaves the list: nobody else takes one more for the same need.
    at.unacceptedPages -= MAX_ORDER_PAGES
    return at.next++
  }

  acceptBlock(node: number, block: number): number {
    const guardEnd = Math.min(block * 2 + 3, this.#nodes[node]!.end * 2)
    let bits = 0
    for (let bit = block * 2; bit < guardEnd; bit++) {
      if (this.#bits[bit] === 1) continue
      this.#bits[bit] = 1
      bits++
    }
    this.#note(bits * PAGES_PER_BIT, bits)
    return bits
  }
}
