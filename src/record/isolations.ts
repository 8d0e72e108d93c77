import { Op, type Script } from './script.ts'

/** A row at which compaction may have taken free pages, and how many of them are in use to the end. */
export interface Isolation {
  readonly row: number
  /** Index into the zones; −1: nothing shows. */
  readonly zone: number
  readonly pages: number
}

/** Row and zone at which a page came back that compaction had taken. */
export interface Returned {
  readonly row: number
  readonly zone: number
}

/**
 * Free pages that compaction took, which no event shows. kcompactd is known by name: each page that it frees one by one was moved into
 * one of these, or is one that it took in vain. Where it freed fewer than were moved, other tasks compacted too: what was isolated and not
 * moved had been free. Source: compaction_alloc(), release_free_list(), mm/compaction.c, v5.10 to v7.2.
 */
function isolatedFree({ machine, length, op, order }: Script): number {
  const rise = machine.vmstatRise ?? {}
  const moved = rise.pgmigrate_success ?? 0
  let byDaemon = 0
  for (let row = 0; row < length; row++) if (op[row] === Op.compactionTook) byDaemon += 1 << order[row]!
  if (byDaemon >= moved) return byDaemon
  return Math.max(moved, (rise.compact_isolated ?? 0) - moved - (rise.pgmigrate_fail ?? 0))
}

/**
 * When compaction took the free pages that did not come back: wherever kcompactd moved one, each time less the last of its zone before one
 * came back, since it moves pages within a zone. Of other tasks no event shows when, nor in which: before the first came back.
 * `returned`: each page that did, by its user or by compaction itself. The last entry is the end of the record.
 */
export function isolations(script: Script, returned: readonly Returned[]): Isolation[] {
  const { length, op, order, zone, zones } = script
  const all: { row: number; zone: number; pages: number }[] = []
  const open = zones.map((): { pages: number }[] => [])
  let next = 0
  for (let row = 0; row < length; row++) {
    for (; returned[next]?.row === row; next++) {
      const before = open[returned[next]!.zone]!
      const last = before.at(-1)
      if (last === undefined) all.push({ row, zone: -1, pages: 0 })
      else if (--last.pages === 0) before.pop()
    }
    if (op[row] !== Op.compactionTook) continue
    const isolation = { row, zone: zone[row]!, pages: 1 << order[row]! }
    all.push(isolation)
    open[isolation.zone]!.push(isolation)
  }
  all.push({ row: length, zone: -1, pages: 0 })
  const known = all.reduce((sum, { pages }) => sum + pages, 0)
  // No more than were moved can be in use.
  const left = Math.min(isolatedFree(script) - returned.length, script.machine.vmstatRise?.pgmigrate_success ?? 0)
  return [{ row: all[0]!.row, zone: -1, pages: Math.max(0, left - known) }, ...all]
}
