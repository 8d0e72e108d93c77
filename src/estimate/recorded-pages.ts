import type { Script } from '#record'
import { type Isolation, isolations, PageIndex, type Returned } from '#record'
import type { Buddy } from '#sim'
import { pagesets } from '#sim'
import { FreeScanner } from './free-scanner.ts'
import { buddyAtStart, type PageStart } from './free-start.ts'
import { ownPolicy } from './inferred.ts'
import { carryOn, type Later } from './later.ts'
import { eachMovement } from './sightings.ts'

/** The buddy as the record drives it, by zone: the pfns are the recorded ones. */
export interface RecordedPages {
  readonly zones: readonly {
    /** Free blocks by order at the end. */
    readonly blocks: readonly number[]
    /** The same, less what refills fetched since, with what a tick gave back. */
    readonly blocksLater: readonly number[]
    /** Free pages that compaction took without an event, and that were in use still at the end: inferred. */
    readonly compacted: number
    /** Pages taken from the buddy that were not free there, or given back that were. */
    readonly contradictions: number
  }[]
}

/** Blocks that were seen beyond what buddyinfo counts belong to larger ones: those are split, so that the pages stay as many. */
function splitDebts(blocks: number[]): number[] {
  for (let order = 0; order < blocks.length; order++)
    while (blocks[order]! < 0) {
      const from = blocks.findIndex((count, level) => level > order && count > 0)
      if (from < 0) return blocks.map((count) => Math.max(0, count))
      blocks[from]!--
      for (let level = from - 1; level >= order; level--) blocks[level]!++
      blocks[order]!++
    }
  return blocks
}

interface Followed {
  readonly buddies: readonly Buddy[]
  readonly contradictions: readonly number[]
  /** By zone: pages that compaction took and that were in use at the end. */
  readonly compacted: readonly number[]
}

/** Compaction, for which there is no event, as inferred from page events. */
interface Compaction {
  /** Pages that were given back and were free: compaction had taken them. */
  readonly returned: readonly Returned[]
  /** Row at which the record last shows each page, + 1. */
  readonly last: Uint32Array
}

/** Follows which single pages are free, without the buddy allocator’s blocks. */
function compactionOf(script: Script, start: PageStart): Compaction {
  const { rules } = pagesets(script, ownPolicy(script))
  const index = new PageIndex(script.zones)
  const isFree = new Uint8Array(index.size)
  const last = new Uint32Array(index.size)
  const returned: Returned[] = []
  start.zones.forEach(({ pfn, order }, zone) => {
    pfn.forEach((head, at) => {
      const page = index.at(head, zone)
      isFree.fill(1, page, page + (1 << order[at]!))
    })
  })
  const becomes = (free: number, page: number, order: number, row: number): number => {
    let wereFree = 0
    for (let each = page; each < page + (1 << order); each++) {
      wereFree += isFree[each]!
      isFree[each] = free
      last[each] = row + 1
    }
    return wereFree
  }
  const comesBack = (pages: number, row: number, zone: number): void => {
    for (let page = 0; page < pages; page++) returned.push({ row, zone })
  }
  const taken = (page: number, order: number, _zone: number, row: number): void => {
    becomes(0, page, order, row)
  }
  eachMovement(script, index, rules, {
    taken,
    allocated: taken,
    freed: (page, order, zone, row) => comesBack(becomes(0, page, order, row), row, zone),
    released: (page, order, zone, row) => comesBack(becomes(1, page, order, row), row, zone),
    drained: (page, order, _zone, row) => {
      becomes(1, page, order, row)
    },
  })
  return { returned, last }
}

/** Follows the record, with what compaction took. */
function follow(
  script: Script,
  start: PageStart,
  { last, isolations }: Pick<Compaction, 'last'> & { readonly isolations: readonly Isolation[] },
): Followed {
  const { rules } = pagesets(script, ownPolicy(script))
  const { zones, machine } = script
  const index = new PageIndex(zones)
  const buddies = zones.map((_, zone) => buddyAtStart(script, start, zone))
  const scanners = zones.map((zone, at) => new FreeScanner(buddies[at]!, zone, machine.pageblockOrder))
  const contradictions = zones.map(() => 0)
  const compacted = zones.map(() => 0)
  const settle = (pfn: number, order: number, zone: number, row: number) => {
    for (let page = pfn; page < pfn + (1 << order); page++)
      if (last[index.at(page, zone)] === row) scanners[zone]!.settle(page)
  }
  buddies.forEach((buddy, zone) => {
    buddy.eachBlock((pfn, order) => settle(pfn, order, zone, 0))
  })
  let next = 0
  /** By zone, then in any of them: pages that compaction took and that are not found yet. */
  const owed = new Int32Array(zones.length + 1)
  /**
   * Comes to a row, before what happens there. What compaction can't have taken yet it takes later; where nothing shows the zone, from the
   * last one down, as a request goes through them. Source: try_to_compact_pages(), mm/compaction.c, v5.10 to v7.2.
   */
  const come = (row: number): void => {
    for (; next < isolations.length && isolations[next]!.row <= row; next++) {
      const { zone, pages } = isolations[next]!
      owed[zone < 0 ? zones.length : zone]! += pages
      for (let of = zones.length - 1; of >= 0; of--) {
        takeOwed(of, of)
        takeOwed(zones.length, of)
      }
    }
  }
  const takeOwed = (known: number, zone: number): void => {
    for (; owed[known]! > 0 && scanners[zone]!.take(); owed[known]!--) compacted[zone]!++
  }
  const take = (page: number, order: number, zone: number, row: number): number => {
    come(row)
    return buddies[zone]!.takeFree(index.pfn(page, zone), order)
  }
  const give = (page: number, order: number, zone: number, row: number): number => {
    come(row)
    const pfn = index.pfn(page, zone)
    const wereFree = buddies[zone]!.give(pfn, order)
    settle(pfn, order, zone, row + 1)
    return wereFree
  }
  eachMovement(script, index, rules, {
    taken: (page, order, zone, row) => {
      contradictions[zone]! += (1 << order) - take(page, order, zone, row)
    },
    allocated: (page, order, zone, row) => {
      contradictions[zone]! += take(page, order, zone, row)
    },
    freed: take,
    released: give,
    drained: (page, order, zone, row) => {
      contradictions[zone]! += give(page, order, zone, row)
    },
  })
  come(script.length)
  return { buddies, contradictions, compacted }
}

/** Follows the recording's own pages from its first event to its last; then does what went on `later`, which no event shows. */
export function recordedPages(script: Script, start: PageStart, later?: Later): RecordedPages {
  const { returned, last } = compactionOf(script, start)
  const whole = follow(script, start, { last, isolations: isolations(script, returned) })
  return {
    zones: whole.buddies.map((buddy, zone) => {
      const { unplaced } = start.zones[zone]!
      const blocksNow = () => splitDebts(Array.from(buddy.blocks, (blocks, order) => blocks + unplaced[order]!))
      const blocks = blocksNow()
      if (later !== undefined) carryOn(buddy, zone, later)
      return {
        blocks,
        blocksLater: blocksNow(),
        compacted: whole.compacted[zone]!,
        contradictions: whole.contradictions[zone]!,
      }
    }),
  }
}
