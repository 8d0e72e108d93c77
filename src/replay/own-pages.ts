import { buddyAtStart, type PageStart, Seen } from '#estimate'
import type { Script } from '#record'
import { PageIndex } from '#record'
import type { Buddy, FallbackFamily } from '#sim'

/** From here on page numbers name no page of the machine: see `borrow`. */
const BORROWED = 2 ** 31

/**
 * Pages of a policy’s own. The recording says who allocates and frees; which page that is, the buddy under the policy decides, so
 * each recorded page in use stands for one of these.
 *
 * Where the zone has none left the kernel would reclaim: a page is borrowed then, and vanishes when it comes back to the buddy.
 */
export class OwnPages {
  readonly buddies: readonly Buddy[]
  readonly #index: PageIndex
  /** By recorded page: the page that stands for it, + 1; 0 where the recorded one is not in use. */
  readonly #own: Uint32Array
  /** In use by what left no event: the bulk allocator, or an allocation whose free was lost. */
  readonly #untraced: number[] = []
  /** Blocks that lay on lists when the trace began, not yet given to a list; by zone and order. */
  readonly #listed: number[][][]
  readonly #zones: Script['zones']
  readonly #seen: Uint8Array
  readonly #cursors: number[]
  #borrowed = 0
  /** Pages borrowed, and of these not yet back. */
  borrowed = 0
  owed = 0
  /** Pages freed that nothing was seen to allocate: taken from the buddy at that moment. */
  unseen = 0

  constructor(script: Script, start: PageStart, fallback?: FallbackFamily) {
    this.#index = new PageIndex(script.zones)
    this.buddies = script.zones.map((_, zone) => buddyAtStart(script, start, zone, fallback))
    const { seen, listed } = start.sightings
    this.#own = new Uint32Array(this.#index.size)
    script.zones.forEach(({ startPfn, spanned }, zone) => {
      const first = this.#index.at(startPfn, zone)
      for (let page = first; page < first + spanned; page++) {
        if (seen[page] !== Seen.used) continue
        const pfn = startPfn + (page - first)
        this.#own[page] = pfn + 1
        // Free until compaction moved another into it, which only replays of the record do: here it is in use from the start.
        this.buddies[zone]!.takeAt(pfn, 0)
      }
    })
    this.#zones = script.zones
    this.#seen = seen
    this.#cursors = script.zones.map(() => 0)
    this.#listed = script.zones.map(() => [])
    for (let block = listed.pfn.length - 1; block >= 0; block--) {
      const blocks = this.#listed[listed.zone[block]!]!
      const order = listed.order[block]!
      blocks[order] ??= []
      blocks[order].push(listed.pfn[block]!)
    }
  }

  /** A block that lay on some list when the trace began: one that came to light later, else a page that never did. */
  fromStart(zone: number, order: number): number {
    return this.#listed[zone]![order]?.pop() ?? this.#neverSeen(zone, order) ?? this.#borrow(order)
  }

  #neverSeen(zone: number, order: number): number | undefined {
    const { startPfn, spanned } = this.#zones[zone]!
    const first = this.#index.at(startPfn, zone)
    for (let at = this.#cursors[zone]!; order === 0 && at < spanned; at++) {
      if (this.#seen[first + at] !== Seen.never || this.buddies[zone]!.isFree(startPfn + at)) continue
      this.#cursors[zone] = at + 1
      return startPfn + at
    }
    return undefined
  }

  #borrow(order: number): number {
    this.#borrowed = (this.#borrowed + (1 << order) - 1) & -(1 << order)
    const page = BORROWED + this.#borrowed
    this.#borrowed += 1 << order
    this.borrowed += 1 << order
    this.owed += 1 << order
    return page
  }

  /** A block from the buddy; −1 where none is left. */
  take(zone: number, order: number, type: number): number {
    return this.buddies[zone]!.take(order, type)
  }

  /** The same for a request that can't fail. */
  takeAnyhow(zone: number, order: number, type: number): number {
    const page = this.buddies[zone]!.take(order, type)
    return page >= 0 ? page : this.#borrow(order)
  }

  release(zone: number, page: number, order: number): void {
    if (page >= BORROWED) this.owed -= 1 << order
    else this.buddies[zone]!.release(page, order)
  }

  /** From here on `page` stands for the recorded page `pfn`. */
  allocated(zone: number, pfn: number, order: number, page: number): void {
    const at = this.#index.at(pfn, zone)
    for (let each = 0; each < 1 << order; each++) {
      const before = this.#own[at + each]!
      if (before !== 0) this.#untraced.push(before - 1)
      this.#own[at + each] = page + each + 1
    }
  }

  /** One page to the untraced bulk allocator. */
  allocatedUntraced(page: number): void {
    this.#untraced.push(page)
  }

  /** The page that stood for a recorded one, which is no longer in use. */
  freed(zone: number, pfn: number, type: number): number {
    const at = this.#index.at(pfn, zone)
    const own = this.#own[at]!
    this.#own[at] = 0
    if (own !== 0) return own - 1
    const untraced = this.#untraced.pop()
    if (untraced !== undefined) return untraced
    this.unseen++
    return this.takeAnyhow(zone, 0, type < 3 ? type : 1)
  }

  /** The same for a block; −1 where its pages do not stand together, so that they must be freed one by one. */
  freedBlock(zone: number, pfn: number, order: number, type: number): number {
    const at = this.#index.at(pfn, zone)
    const own = this.#own[at]!
    const seen = own !== 0
    if (seen && ((own - 1) & ((1 << order) - 1)) !== 0) return -1
    for (let each = 1; each < 1 << order; each++) if (this.#own[at + each] !== (seen ? own + each : 0)) return -1
    if (!seen) {
      this.unseen += 1 << order
      return this.takeAnyhow(zone, order, type < 3 ? type : 1)
    }
    this.#own.fill(0, at, at + (1 << order))
    return own - 1
  }

  /**
   * Marks every page that is free, in use or listed, and counts those found in two places. `eachListed` visits the blocks on the
   * lists. Borrowed pages are none of the machine’s.
   */
  audit(eachListed: (visit: (page: number, order: number) => void) => void): { marks: Uint8Array; twice: number } {
    const marks = new Uint8Array(this.#index.size)
    let twice = 0
    const mark = (block: number, order: number) => {
      if (block >= BORROWED) return
      const first = this.#index.at(block, this.#index.zone(block))
      for (let at = first; at < first + (1 << order); at++) {
        twice += marks[at]!
        marks[at] = 1
      }
    }
    for (const buddy of this.buddies) buddy.eachBlock(mark)
    for (let at = 0; at < this.#own.length; at++) if (this.#own[at] !== 0) mark(this.#own[at]! - 1, 0)
    for (const page of this.#untraced) mark(page, 0)
    eachListed(mark)
    return { marks, twice }
  }
}
