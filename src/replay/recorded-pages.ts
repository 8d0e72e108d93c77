import type { Buddy } from './buddy.ts'
import { buddyAtStart, type PageStart } from './free-start.ts'
import { ownPolicy } from './inferred.ts'
import { pagesets } from './pagesets.ts'
import { PageIndex } from './places.ts'
import type { Script } from './script.ts'
import { eachMovement } from './sightings.ts'

/** The buddy as the record drives it, by zone: the pfns are the recorded ones. */
export interface RecordedPages {
  readonly zones: readonly {
    /** Free blocks by order at the end. */
    readonly blocks: readonly number[]
    /** Free pages that compaction took without an event, and that were in use still at the end: by vmstat. */
    readonly compacted: number
    /** Pages taken from the buddy that were not free there, or given back that were. */
    readonly contradictions: number
  }[]
}

/**
 * Compaction takes free pages without an event. Each was freed by a later event, or is in use still: as many as vmstat says were
 * isolated, without those that were moved from, that failed, and that were seen again.
 */
const compactedAtEnd = ({ machine }: Script, freedAgain: number): number => {
  const { compact_isolated = 0, pgmigrate_success = 0, pgmigrate_fail = 0 } = machine.vmstatRise ?? {}
  return Math.max(0, compact_isolated - pgmigrate_success - pgmigrate_fail - freedAgain)
}

/** Follows the recording's own pages from its first event to its last. */
export function recordedPages(script: Script, start: PageStart): RecordedPages {
  const { rules } = pagesets(script, ownPolicy(script))
  const index = new PageIndex(script.zones)
  const buddies = script.zones.map((_, zone) => buddyAtStart(script, start, zone))
  const contradictions = buddies.map(() => 0)
  let freedAgain = 0
  /** Takes what is free of a block; returns how many pages were. */
  const take = (buddy: Buddy, pfn: number, order: number): number => {
    if (buddy.takeAt(pfn, order)) return 1 << order
    let taken = 0
    for (let page = pfn; order > 0 && page < pfn + (1 << order); page++) taken += Number(buddy.takeAt(page, 0))
    return taken
  }
  const give = (page: number, order: number, zone: number) => {
    const pfn = index.pfn(page, zone)
    contradictions[zone]! += take(buddies[zone]!, pfn, order)
    buddies[zone]!.release(pfn, order)
  }
  eachMovement(script, index, rules, {
    taken: (page, order, zone) => {
      contradictions[zone]! += (1 << order) - take(buddies[zone]!, index.pfn(page, zone), order)
    },
    allocated: (page, order, zone) => {
      contradictions[zone]! += take(buddies[zone]!, index.pfn(page, zone), order)
    },
    freed: (page, order, zone) => {
      freedAgain += take(buddies[zone]!, index.pfn(page, zone), order)
    },
    released: give,
    drained: give,
  })
  let left = compactedAtEnd(script, freedAgain)
  return {
    zones: buddies.map((buddy, zone) => {
      const compacted = buddy.isolateFromEnd(left)
      left -= compacted
      const { unplaced } = start.zones[zone]!
      return {
        blocks: Array.from(buddy.blocks, (blocks, order) => Math.max(0, blocks + unplaced[order]!)),
        compacted,
        contradictions: contradictions[zone]!,
      }
    }),
  }
}
