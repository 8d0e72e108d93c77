import type { Zone } from '#kernel'
import { FALLBACKS, type Fallback, type FallbackFamily, worthClaiming } from './fallback.ts'
import { eachFreeBlock, HIGHATOMIC, TYPES } from './free-blocks.ts'
import { Links } from './links.ts'

/** MAX_PAGE_ORDER of machines with pages of 4 KiB. */
const USUAL_MAX_ORDER = 10

/**
 * The buddy allocator of one zone: free blocks by order and migratetype, split and merged as the kernel does (pcp-unaccepted.md §4).
 *
 * Leaves out: ISOLATE and CMA; the HIGHATOMIC reserve; movable pages in use when a block is claimed (only free ones count as alike);
 * capture by compaction; ALLOC_NOFRAGMENT, which no zone but NORMAL above a DMA32 has.
 * Source: __free_one_page(), __rmqueue_smallest(), __rmqueue_fallback(), mm/page_alloc.c, v5.10 and v6.1; __rmqueue_claim(),
 * __rmqueue_steal(), v6.12 and v7.2.
 */
export class Buddy {
  /** Pfn of index 0: a multiple of the largest block. */
  readonly base: number
  readonly #end: number
  readonly #pageblockOrder: number
  readonly #family: FallbackFamily
  /** Of the head of a free block: its list, order × TYPES + migratetype, + 1: memory never touched costs none. */
  readonly #where: Uint8Array
  readonly #links: Links
  /** By migratetype: bit n is set where the list of order n holds a block. */
  readonly #orders = new Int32Array(TYPES)
  readonly #blockTypes: Uint8Array
  /** Free blocks by order. */
  readonly blocks: Int32Array
  /** MAX_PAGE_ORDER: blocks have orders 0 to this. */
  readonly maxOrder: number
  /** Free pages. */
  free = 0
  /** mm_page_alloc_extfrag events; those that made a whole pageblock the request's type. */
  fallbacks = 0
  claims = 0
  /** Pageblocks of another type that the last `take` looked at, to break into them: each boosts the watermarks. */
  looked = 0
  /** Whether a fallback of this hold of zone->lock found nothing to claim: the next does not look. Source: __rmqueue(), mm/page_alloc.c, v6.12. */
  #steals = false
  /** How the last `take` fell back; undefined where its own type had a block. */
  fallback: Fallback | undefined

  /** `blockTypes`: migratetype by pageblock, of the block of the zone's first page on. */
  constructor(
    zone: Zone,
    pageblockOrder: number,
    family: FallbackFamily,
    blockTypes: Uint8Array,
    maxOrder = USUAL_MAX_ORDER,
  ) {
    const mask = (1 << maxOrder) - 1
    this.maxOrder = maxOrder
    this.blocks = new Int32Array(maxOrder + 1)
    this.base = zone.startPfn - (zone.startPfn & mask)
    this.#end = zone.startPfn + zone.spanned - this.base
    const size = (this.#end + mask) & ~mask
    this.#pageblockOrder = pageblockOrder
    this.#family = family
    this.#where = new Uint8Array(size)
    this.#links = new Links((maxOrder + 1) * TYPES, size)
    this.#blockTypes = new Uint8Array(size >>> pageblockOrder)
    const first = (zone.startPfn - this.base) >>> pageblockOrder
    for (let block = first; block < this.#blockTypes.length; block++) {
      const type = blockTypes[block - first] ?? 1
      this.#blockTypes[block] = type < TYPES ? type : 1
    }
  }

  #add(at: number, order: number, type: number, toTail: boolean): void {
    const list = order * TYPES + type
    this.#where[at] = list + 1
    if (this.#links.add(at, list, toTail)) this.#orders[type]! |= 1 << order
    this.blocks[order]!++
  }

  #remove(at: number): void {
    const list = this.#where[at]! - 1
    if (this.#links.remove(at, list)) this.#orders[list & (TYPES - 1)]! &= ~(1 << (list >> 2))
    this.#where[at] = 0
    this.blocks[list >> 2]!--
  }

  /** Puts a block there as it is, without merging. It must lie in the zone and be free nowhere. `type`: of its list; default its pageblock’s. */
  put(pfn: number, order: number, type = this.typeOf(pfn)): void {
    this.#add(pfn - this.base, order, type < TYPES ? type : 1, true)
    this.free += 1 << order
  }

  /** Migratetype of the pageblock that a page lies in. */
  typeOf(pfn: number): number {
    return this.#typeOf(pfn - this.base)
  }

  #typeOf(at: number): number {
    return this.#blockTypes[at >>> this.#pageblockOrder]!
  }

  /** Gives a block back and merges it as far as it goes. Returns the order of the free block that it is part of then. */
  release(pfn: number, order: number): number {
    let at = pfn - this.base
    const type = this.#typeOf(at)
    this.free += 1 << order
    let level = order
    while (level < this.maxOrder) {
      const buddy = at ^ (1 << level)
      if ((this.#where[buddy]! - 1) >> 2 !== level) break
      if (level >= this.#pageblockOrder && !this.#mergeBlocks(at, buddy, level, type)) break
      this.#remove(buddy)
      at &= buddy
      level++
    }
    this.#add(at, level, type, level < this.maxOrder - 1 && this.#likelyToMerge(at, level))
    return level
  }

  /** Whether whole pageblocks may merge; a reserve never does. From 6.12 on they take one type. */
  #mergeBlocks(at: number, buddy: number, order: number, type: number): boolean {
    const other = this.#typeOf(buddy)
    if (other === type) return true
    if (other === HIGHATOMIC || type === HIGHATOMIC) return false
    if (this.#family === 'claim') this.#setTypes(at & buddy, order + 1, type)
    return true
  }

  #setTypes(at: number, order: number, type: number): void {
    const first = at >>> this.#pageblockOrder
    this.#blockTypes.fill(type, first, first + Math.max(1, (1 << order) >>> this.#pageblockOrder))
  }

  /** Such a block goes to the tail: the longer it stays, the sooner its parent is whole. Source: buddy_merge_likely(), v5.15. */
  #likelyToMerge(at: number, order: number): boolean {
    const parent = at & ~(1 << order)
    return (this.#where[parent ^ (1 << (order + 1))]! - 1) >> 2 === order + 1
  }

  /** A hold of zone->lock begins. */
  begin(): void {
    this.#steals = false
  }

  /** A block of this order and type; −1 where the zone has none left, of any type. */
  take(order: number, type: number): number {
    this.fallback = undefined
    this.looked = 0
    const pfn = this.takeOwn(order, type)
    if (pfn >= 0) {
      this.#steals = false
      return pfn
    }
    return this.#family === 'steal' ? this.#steal(order, type) : this.#claim(order, type)
  }

  /** As `take`, of this type alone: −1 where it has none left. `restType`: of the list that the halves left over go to. */
  takeOwn(order: number, type: number, restType = type): number {
    const fitting = this.#orders[type]! >>> order
    if (fitting === 0) return -1
    const from = order + 31 - Math.clz32(fitting & -fitting)
    const at = this.#links.first(from * TYPES + type)
    this.#remove(at)
    return this.#split(at, from, order, restType)
  }

  /** Keeps the lowest part; the rest goes back as halves. */
  #split(at: number, from: number, order: number, restType: number): number {
    for (let level = from - 1; level >= order; level--) this.#add(at + (1 << level), level, restType, false)
    this.free -= 1 << order
    return at + this.base
  }

  /** The first type in turn with a block of that order; −1: none. */
  #fallbackType(order: number, type: number): number {
    const [first, second] = FALLBACKS[type]!
    return (this.#orders[first]! >>> order) & 1 ? first : (this.#orders[second]! >>> order) & 1 ? second : -1
  }

  /** 5.10 and 6.1: makes the largest block of another type the request's own, with all that is free of its pageblock. */
  #steal(order: number, type: number): number {
    if (type >= FALLBACKS.length) return -1
    for (let level = this.maxOrder; level >= order; level--) {
      let from = this.#fallbackType(level, type)
      if (from < 0) continue
      let found = level
      const whole = worthClaiming(level, type, this.#pageblockOrder)
      if (!whole) {
        // A small MOVABLE request takes the smallest that fits, to break up as little as it can.
        for (found = order; this.#fallbackType(found, type) < 0; ) found++
        from = this.#fallbackType(found, type)
      }
      const at = this.#links.first(found * TYPES + from)
      this.fallbacks++
      if (found >= this.#pageblockOrder) {
        this.claims++
        this.#setTypes(at, found, type)
      } else if (whole) this.#claimBlock(at, type)
      this.looked = found < this.#pageblockOrder ? 1 : 0
      if ((this.#where[at]! - 1) % TYPES !== type) this.#retype(at, found, type)
      this.#note(at + this.base, found, from, type)
      return this.takeOwn(order, type)
    }
    return -1
  }

  /** 6.12 and 7.2: claims a block that is worth it, else takes one block and leaves its rest to its own type. */
  #claim(order: number, type: number): number {
    if (type >= FALLBACKS.length) return -1
    for (let level = this.maxOrder; level >= order; level--) {
      const from = this.#fallbackType(level, type)
      if (from < 0) continue
      if (!worthClaiming(level, type, this.#pageblockOrder)) break
      const at = this.#links.first(level * TYPES + from)
      if (level >= this.#pageblockOrder) {
        this.fallbacks++
        this.claims++
        this.#remove(at)
        this.#setTypes(at, level, type)
        return this.#note(this.#split(at, level, order, type), level, from, type)
      }
      if (!this.#steals) this.looked++
      if (!this.#claimBlock(at, type)) continue
      this.#steals = false
      this.looked = Math.max(1, this.looked)
      this.fallbacks++
      return this.#note(this.takeOwn(order, type), level, from, type)
    }
    this.#steals = true
    for (let level = order; level <= this.maxOrder; level++) {
      const from = this.#fallbackType(level, type)
      if (from < 0) continue
      this.fallbacks++
      return this.#note(this.takeOwn(order, from), level, from, type)
    }
    return -1
  }

  /** Returns `pfn`. */
  #note(pfn: number, order: number, migratetype: number, type: number): number {
    this.fallback = { pfn, order, migratetype, changeOwnership: this.typeOf(pfn) === type }
    return pfn
  }

  /**
   * Moves what is free of a pageblock to the request's lists, and makes the block its type if that is half of it or more. 6.12 and
   * 7.2 move nothing where it is less. Returns whether the block changed its type.
   */
  #claimBlock(at: number, type: number): boolean {
    const size = 1 << this.#pageblockOrder
    const start = at & ~(size - 1)
    let free = 0
    for (let page = start; page < start + size; ) {
      const order = this.#where[page] === 0 ? 0 : (this.#where[page]! - 1) >> 2
      if (this.#where[page] !== 0) free += 1 << order
      page += 1 << order
    }
    const claimed = free >= size >> 1
    if (claimed || this.#family === 'steal') this.#retypeFree(start, size, type)
    if (claimed) {
      this.claims++
      this.#setTypes(start, this.#pageblockOrder, type)
    }
    return claimed
  }

  #retypeFree(start: number, size: number, type: number): void {
    for (let page = start; page < start + size; ) {
      const order = this.#where[page] === 0 ? 0 : (this.#where[page]! - 1) >> 2
      if (this.#where[page] !== 0) this.#retype(page, order, type)
      page += 1 << order
    }
  }

  #retype(at: number, order: number, type: number): void {
    this.#remove(at)
    this.#add(at, order, type, true)
  }

  /** Takes this very block out of the free one around it, as a recording says. False where it is not free as a whole. */
  takeAt(pfn: number, order: number): boolean {
    const at = pfn - this.base
    for (let level = order; level <= this.maxOrder; level++) {
      const head = at & ~((1 << level) - 1)
      const list = this.#where[head]! - 1
      if (list >> 2 !== level) continue
      this.#remove(head)
      let rest = head
      for (let half = level - 1; half >= order; half--) {
        const upper = rest + (1 << half)
        const inUpper = at >= upper
        this.#add(inUpper ? rest : upper, half, list % TYPES, false)
        if (inUpper) rest = upper
      }
      this.free -= 1 << order
      return true
    }
    return false
  }

  /** 6.12 and 7.2: how many pageblocks a fallback looks at, to claim them in part, until it comes to blocks of order `to`. */
  looks(order: number, type: number, to: number): number {
    if (type >= FALLBACKS.length) return 0
    let looks = 0
    for (let level = this.#pageblockOrder - 1; level >= Math.max(order, to); level--)
      if (worthClaiming(level, type, this.#pageblockOrder) && this.#fallbackType(level, type) >= 0) looks++
    return looks
  }

  /** Makes the pageblocks of a block a type, as a recording says, with what is free of them. */
  claimAt(pfn: number, order: number, type: number): void {
    const whole = Math.max(order, this.#pageblockOrder)
    const start = (pfn - this.base) & ~((1 << whole) - 1)
    this.#retypeFree(start, 1 << whole, type)
    this.#setTypes(start, whole, type)
  }

  /** Takes what is free of a block; returns how many pages were. */
  takeFree(pfn: number, order: number): number {
    if (this.takeAt(pfn, order)) return 1 << order
    let taken = 0
    for (let page = pfn; order > 0 && page < pfn + (1 << order); page++) taken += Number(this.takeAt(page, 0))
    return taken
  }

  /** Gives a block back, as a recording says; what of it was free was taken unseen: returns how many pages were. */
  give(pfn: number, order: number): number {
    const wereFree = this.takeFree(pfn, order)
    this.release(pfn, order)
    return wereFree
  }

  /** Order of the free block that begins at a page; −1: none does. */
  orderAt(pfn: number): number {
    return (this.#where[pfn - this.base]! - 1) >> 2
  }

  /** Order of the free block that holds a page; −1: it is not free. */
  orderAround(pfn: number): number {
    const at = pfn - this.base
    for (let level = 0; level <= this.maxOrder; level++)
      if ((this.#where[at & ~((1 << level) - 1)]! - 1) >> 2 === level) return level
    return -1
  }

  /** Calls back for every free block, list by list, the hottest first. */
  eachListed(visit: (pfn: number, order: number, type: number) => void): void {
    for (let list = 0; list < (this.maxOrder + 1) * TYPES; list++)
      for (let at = this.#links.first(list); at >= 0; at = this.#links.after(at))
        visit(at + this.base, list >> 2, list & (TYPES - 1))
  }

  /** Migratetype by pageblock, of the block of a page on. */
  typesFrom(pfn: number): Uint8Array {
    return this.#blockTypes.slice((pfn - this.base) >>> this.#pageblockOrder)
  }

  /** Calls back for every free block, from the lowest pfn on. */
  eachBlock(visit: (pfn: number, order: number) => void): void {
    eachFreeBlock(this.#where, this.base, visit)
  }
}
