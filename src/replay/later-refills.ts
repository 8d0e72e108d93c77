import type { Cpu, Pages } from '#kernel'
import type { Buddy } from './buddy.ts'
import { ownPolicy } from './inferred.ts'
import { pagesets } from './pagesets.ts'
import type { FidelityRun } from './scores.ts'
import type { Script } from './script.ts'

/** Order-0 lists that a process draws from as it starts: UNMOVABLE (page tables, stacks), MOVABLE (its own memory). */
const DRAWN = [0, 1] as const

/** What refills of one CPU's lists fetched between the last event and the reading of zoneinfo.after. */
export interface LaterRefills {
  readonly cpu: Cpu
  /** Index into the script's zones. */
  readonly zone: number
  readonly pages: Pages
  readonly batch: Pages
  /** Entries of each list in `DRAWN` when the trace ended. */
  readonly lens: readonly number[]
}

/**
 * Refills since the trace, as zoneinfo.after tells: who reads it forks and execs. Where `high` tunes itself, each refill raised it by
 * what it fetched, in whole batches. Elsewhere a count that rose on a CPU with such a list empty rose by whole batches, less than one
 * of which its readers took; frees alone could raise it too.
 * Source: rmqueue_bulk() by way of __rmqueue_pcplist(), nr_pcp_alloc(), mm/page_alloc.c, v5.10 to v7.2.
 */
export function laterRefills(
  script: Script,
  { finalCounts, finalHighs, finalLists }: Pick<FidelityRun, 'finalCounts' | 'finalHighs' | 'finalLists'>,
): LaterRefills[] {
  const { zones, machine } = script
  const { rules } = pagesets(script, ownPolicy(script))
  return zones.flatMap(({ node, name }, zone) => {
    const { lists, listOf, tunesHigh } = rules[zone]!
    const after = machine.zonesAfter.find((other) => other.node === node && other.name === name)
    return (after?.pagesets ?? []).flatMap(({ cpu, count, high, batch }) => {
      const pset = cpu * zones.length + zone
      const lens = DRAWN.map((type) => finalLists[pset * lists + listOf(0, type)]!)
      const rise = count - finalCounts[pset]!
      const raised = high - finalHighs[pset]!
      if (batch < 1 || rise <= 0) return []
      if (tunesHigh === true)
        return raised % batch === 0 && rise <= raised ? [{ cpu, zone, pages: raised, batch, lens }] : []
      return lens.includes(0) ? [{ cpu, zone, pages: Math.ceil(rise / batch) * batch, batch, lens }] : []
    })
  })
}

/** Fetches what refills since took: one batch after another, each for the list that is shortest by then. */
export function fetchLater(buddy: Buddy, { pages, batch, lens }: LaterRefills): void {
  const left = [...lens]
  let type = 0
  for (let page = 0; page < pages; page++) {
    if (page % batch === 0) {
      type = left.indexOf(Math.min(...left))
      left[type]! += batch
    }
    if (buddy.take(0, DRAWN[type]!) < 0) return
  }
}
