import { traitsOf, type Zone } from '#kernel'
import type { ListRules } from '#policies/pcp'
import type { Script } from '#record'
import { BlockIndex, PageIndex } from '#record'
import { Buddy, type FallbackFamily } from '#sim'
import { Seen, type Sightings, sightingsOf } from './sightings.ts'

/** Free blocks of one zone when the trace began. */
interface FreeBlocks {
  readonly pfn: Uint32Array
  readonly order: Uint8Array
  /** Blocks that buddyinfo counts beyond these, by order: the zone has no unseen place left for them. Negative: fewer than were seen, which then lay in parts of larger ones. */
  readonly unplaced: readonly number[]
}

/** Where all pages were when the trace began: what every replay with a buddy starts from. Plain data. */
export interface PageStart {
  readonly sightings: Sightings
  /** By zone. */
  readonly zones: readonly FreeBlocks[]
}

const family = (script: Script): FallbackFamily => (traitsOf(script.machine).fallbackIsPage ? 'claim' : 'steal')

/** An empty buddy of a zone, its pageblocks typed as when the trace began. */
function emptyBuddy(script: Script, zone: number, fallback = family(script)): Buddy {
  const { zones, machine, blockTypes } = script
  const first = new BlockIndex(zones, machine.pageblockOrder).at(zones[zone]!.startPfn, zone)
  return new Buddy(zones[zone]!, machine.pageblockOrder, fallback, blockTypes.subarray(first), machine.maxPageOrder)
}

/** The buddy of a zone as it was when the trace began. */
export function buddyAtStart(script: Script, start: PageStart, zone: number, fallback?: FallbackFamily): Buddy {
  const buddy = emptyBuddy(script, zone, fallback)
  const { pfn, order } = start.zones[zone]!
  for (let block = 0; block < pfn.length; block++) buddy.put(pfn[block]!, order[block]!)
  return buddy
}

/** `/proc/buddyinfo` of a zone; undefined where the capture has none. */
export const buddyinfoOf = (counts: Script['machine']['buddyBefore'], { node, name }: Zone) =>
  counts.find((line) => line.node === node && line.zone === name)?.blocks

/**
 * What was free when the trace began: the pages that the buddy hands out before anybody gave them up, and the blocks that buddyinfo
 * counts beyond them, in places that the trace never shows. `rules`: the recording kernel's own, by zone.
 */
export function pageStartOf(script: Script, rules: readonly ListRules[]): PageStart {
  const index = new PageIndex(script.zones)
  const sightings = sightingsOf(script, index, rules)
  const zones = script.zones.map((zone, at) => {
    const buddy = emptyBuddy(script, at)
    const first = index.at(zone.startPfn, at)
    const { seen } = sightings
    for (let page = first, end = first + zone.spanned; page < end; page++)
      if (seen[page] === Seen.free) buddy.release(index.pfn(page, at), 0)
    const counts = buddyinfoOf(script.machine.buddyBefore, zone)
    const wanted = Array.from({ length: buddy.maxOrder + 1 }, (_, order) => counts?.[order] ?? 0)
    const free = new Places(zone, at, index, sightings)
    if (counts !== undefined) {
      completeParts(buddy, wanted, free)
      completeBlocks(buddy, wanted, free)
    }
    // Without buddyinfo, what zoneinfo counts as free is taken to be in the largest blocks.
    else
      wanted[buddy.maxOrder] = Math.max(0, (zone.free - buddy.free) >> buddy.maxOrder) + buddy.blocks[buddy.maxOrder]!
    const unplaced = placeUnseen(
      buddy,
      counts === undefined ? buddy.blocks.with(buddy.maxOrder, wanted[buddy.maxOrder]!) : wanted,
      free,
    )
    const blocks = { pfn: [] as number[], order: [] as number[] }
    buddy.eachBlock((pfn, order) => {
      blocks.pfn.push(pfn)
      blocks.order.push(order)
    })
    return { pfn: Uint32Array.from(blocks.pfn), order: Uint8Array.from(blocks.order), unplaced }
  })
  return { sightings, zones }
}

/** What of a zone nothing is known of yet. */
class Places {
  readonly zone: Zone
  readonly #first: number
  readonly #seen: Uint8Array
  readonly #row: Uint32Array
  readonly #claimed: Uint8Array

  constructor(zone: Zone, at: number, index: PageIndex, { seen, row }: Sightings) {
    this.zone = zone
    this.#first = index.at(zone.startPfn, at)
    this.#seen = seen
    this.#row = row
    this.#claimed = new Uint8Array(zone.spanned)
  }

  /** Whether no page of a block was ever seen, nor claimed. */
  isOpen(pfn: number, order: number): boolean {
    const from = pfn - this.zone.startPfn
    if (from < 0 || from + (1 << order) > this.zone.spanned) return false
    for (let page = from; page < from + (1 << order); page++)
      if (this.#seen[this.#first + page] !== Seen.never || this.#claimed[page] !== 0) return false
    return true
  }

  /** Whether no page of a block lay on a list, nor was claimed. */
  mayHaveBeenFree(pfn: number, order: number): boolean {
    const from = pfn - this.zone.startPfn
    if (from < 0 || from + (1 << order) > this.zone.spanned) return false
    for (let page = from; page < from + (1 << order); page++)
      if (this.#seen[this.#first + page] === Seen.listed || this.#claimed[page] !== 0) return false
    return true
  }

  claim(pfn: number, order: number): void {
    const from = pfn - this.zone.startPfn
    this.#claimed.fill(1, from, from + (1 << order))
  }

  /** Row at which the last page of a block came to light. */
  lastSeen(pfn: number, order: number): number {
    let last = 0
    const from = this.#first + pfn - this.zone.startPfn
    for (let page = from; page < from + (1 << order); page++) last = Math.max(last, this.#row[page]!)
    return last
  }
}

/**
 * Pages leave a block from its lowest on, so one that was begun and never used up looks like several smaller ones. Where buddyinfo
 * counts fewer of an order than were seen, the one begun last was the lower half of a larger block.
 */
function completeBlocks(buddy: Buddy, wanted: readonly number[], places: Places): void {
  const pages = pagesOf(wanted)
  for (let order = 0; order < buddy.maxOrder; order++) {
    if (buddy.blocks[order]! <= wanted[order]!) continue
    const halves: number[] = []
    buddy.eachBlock((pfn, level) => {
      const other = pfn ^ (1 << order)
      if (level === order && other > pfn && places.isOpen(other, order)) halves.push(pfn)
    })
    halves.sort((a, b) => places.lastSeen(b, order) - places.lastSeen(a, order))
    for (const pfn of halves) {
      if (buddy.blocks[order]! <= wanted[order]! || buddy.free + (1 << order) > pages) break
      places.claim(pfn ^ (1 << order), order)
      buddy.release(pfn ^ (1 << order), order)
    }
  }
}

/**
 * Not every page of a block comes to light as free: some stay free to the end, and some were filled by compaction, without an event, and
 * are first seen in use. Where most of a block was seen free and nothing of it came from a list, it was one, if buddyinfo then agrees better.
 */
function completeParts(buddy: Buddy, wanted: readonly number[], places: Places): void {
  for (let order = buddy.maxOrder; order > 0; order--) {
    if (buddy.blocks[order]! >= wanted[order]!) continue
    /** By the first page of each place of this size: the smaller blocks in it. */
    const parts = new Map<number, number[]>()
    buddy.eachBlock((pfn, level) => {
      if (level >= order) return
      const start = pfn - ((pfn - buddy.base) % (1 << order))
      const blocks = parts.get(start) ?? new Array<number>(order).fill(0)
      blocks[level]!++
      parts.set(start, blocks)
    })
    const candidates = [...parts]
      .map(([start, blocks]) => ({ start, blocks, free: pagesOf(blocks) }))
      .filter(({ start, free }) => free > 1 << (order - 1) && places.mayHaveBeenFree(start, order))
      .sort((a, b) => b.free - a.free)
    for (const { start, blocks } of candidates) {
      if (buddy.blocks[order]! >= wanted[order]!) break
      const gain = blocks.reduce((sum, count, level) => {
        const surplus = buddy.blocks[level]! - wanted[level]!
        return sum + (Math.abs(surplus) - Math.abs(surplus - count)) * 2 ** level
      }, 0)
      if (gain <= 0) continue
      places.claim(start, order)
      for (let pfn = start; pfn < start + (1 << order); pfn++) if (buddy.orderAround(pfn) < 0) buddy.release(pfn, 0)
    }
  }
}

/** Pages in blocks by order. */
export const pagesOf = (blocks: readonly number[]): number =>
  blocks.reduce((pages, count, order) => pages + count * 2 ** order, 0)

/** Puts the blocks that were never seen where no page was, each beside pages in use, so that it stays as it is. */
function placeUnseen(buddy: Buddy, wanted: ArrayLike<number>, places: Places): number[] {
  const missing = Array.from({ length: buddy.maxOrder + 1 }, (_, order) => wanted[order]! - buddy.blocks[order]!)
  for (let order = buddy.maxOrder; order >= 0; order--) {
    const room = Math.min(order + 1, buddy.maxOrder)
    const end = places.zone.startPfn + places.zone.spanned
    for (let pfn = buddy.base; missing[order]! > 0 && pfn < end; pfn += 1 << room) {
      if (!places.isOpen(pfn, room)) continue
      places.claim(pfn, room)
      buddy.put(pfn, order)
      missing[order]!--
    }
  }
  return missing
}
