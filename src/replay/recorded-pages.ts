import type { Buddy } from './buddy.ts'
import { buddyAtStart, type PageStart } from './free-start.ts'
import { ownPolicy } from './inferred.ts'
import { fetchLater, type LaterRefills } from './later-refills.ts'
import { pagesets } from './pagesets.ts'
import { PageIndex } from './places.ts'
import { Op, type Script } from './script.ts'
import { eachMovement } from './sightings.ts'

/** The buddy as the record drives it, by zone: the pfns are the recorded ones. */
export interface RecordedPages {
  readonly zones: readonly {
    /** Free blocks by order at the end. */
    readonly blocks: readonly number[]
    /** The same, less what refills fetched since. */
    readonly blocksLater: readonly number[]
    /** Free pages that compaction took without an event, and that were in use still at the end: by vmstat. */
    readonly compacted: number
    /** Pages taken from the buddy that were not free there, or given back that were. */
    readonly contradictions: number
  }[]
}

/**
 * Compaction takes free pages without an event, and each page that it moves fills one of them: so many are in use, less those that a
 * later event freed. Of these, some it took in vain and gave back itself. kcompactd is known by name; where it did not free all that was
 * moved, another task compacted too, and in vain is what was isolated beyond each moved page and the one it fills.
 */
function compactedAtEnd({ machine, length, op, order }: Script, freedAgain: number): number {
  const rise = machine.vmstatRise ?? {}
  const moved = rise.pgmigrate_success ?? 0
  let byDaemon = 0
  for (let row = 0; row < length; row++) if (op[row] === Op.isolated) byDaemon += 1 << order[row]!
  const unmoved = rise.pgmigrate_fail ?? 0
  const inVain = byDaemon >= moved ? 0 : Math.max(0, (rise.compact_isolated ?? 0) - 2 * moved - unmoved)
  return Math.max(0, moved - Math.max(0, freedAgain - inVain))
}

/** Follows the recording's own pages from its first event to its last; then takes what `later` fetched, which no event tells. */
export function recordedPages(script: Script, start: PageStart, later: readonly LaterRefills[] = []): RecordedPages {
  const { rules } = pagesets(script, ownPolicy(script))
  const index = new PageIndex(script.zones)
  const buddies = script.zones.map((_, zone) => buddyAtStart(script, start, zone))
  const contradictions = buddies.map(() => 0)
  /** Pages that compaction filled, freed since. */
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
    freed: (page, order, zone, row) => {
      const unseen = take(buddies[zone]!, index.pfn(page, zone), order)
      // What compaction itself frees of these it took in vain.
      if (!(row > 0 && script.op[row - 1] === Op.isolated && script.pfn[row - 1] === script.pfn[row]))
        freedAgain += unseen
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
      const blocksNow = () => Array.from(buddy.blocks, (blocks, order) => Math.max(0, blocks + unplaced[order]!))
      const blocks = blocksNow()
      for (const refills of later) if (refills.zone === zone) fetchLater(buddy, refills)
      return {
        blocks,
        blocksLater: blocksNow(),
        compacted,
        contradictions: contradictions[zone]!,
      }
    }),
  }
}
