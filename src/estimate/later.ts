import type { Cpu, Pages } from '#kernel'
import type { Script } from '#record'
import type { Buddy } from '#sim'
import { pagesets } from '#sim'
import { statThreshold } from './free-pages.ts'
import { buddyinfoOf, pagesOf } from './free-start.ts'
import { ownPolicy } from './inferred.ts'
import type { FidelityRun } from './scores.ts'
/** What went on between the last event and the reading of the files of `*.after`, as far as these tell. */
export interface Later {
  readonly refills: readonly LaterRefills[]
  /** By zone: blocks that a vmstat tick gave back. */
  readonly ticked: FidelityRun['nextTick']
}

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
function laterRefills(
  script: Script,
  { finalCounts, finalHighs, finalLists }: Pick<FidelityRun, 'finalCounts' | 'finalHighs' | 'finalLists'>,
): LaterRefills[] {
  const { zones, machine } = script
  const { rules } = pagesets(script, ownPolicy(script))
  return zones.flatMap(({ node, name }, zone) => {
    const { lists, listOf, onTick } = rules[zone]!
    const after = machine.zonesAfter.find((other) => other.node === node && other.name === name)
    return (after?.pagesets ?? []).flatMap(({ cpu, count, high, batch }) => {
      const pset = cpu * zones.length + zone
      const lens = DRAWN.map((type) => finalLists[pset * lists + listOf(0, type)]!)
      const rise = count - finalCounts[pset]!
      const raised = high - finalHighs[pset]!
      if (batch < 1 || rise <= 0) return []
      if (onTick !== undefined)
        return raised % batch === 0 && rise <= raised ? [{ cpu, zone, pages: raised, batch, lens }] : []
      return lens.includes(0) ? [{ cpu, zone, pages: Math.ceil(rise / batch) * batch, batch, lens }] : []
    })
  })
}

/**
 * What a vmstat tick of all CPUs gave back between the reading of zoneinfo.after and of buddyinfo.after: there was one if more pages than
 * half of that are free in the second beyond those free in the first, and more than CPUs may keep back of the first, which is a counter.
 * Source: decay_pcp_high(), mm/page_alloc.c, v6.12 and v7.2.
 */
function tickSince({ zones, machine }: Script, nextTick: FidelityRun['nextTick']): FidelityRun['nextTick'] {
  return nextTick.map((blocks, at) => {
    const zone = zones[at]!
    const before = machine.zonesAfter.find(({ node, name }) => node === zone.node && name === zone.name)
    const after = buddyinfoOf(machine.buddyAfter, zone)
    if (before === undefined || after === undefined) return { pfn: [], order: [] }
    const given = blocks.order.reduce((pages, order) => pages + 2 ** order, 0)
    const rise = pagesOf(after) - before.free
    const kept = machine.cpus.length * statThreshold(machine.cpus.length, zone.managed)
    return given > 0 && 2 * rise > given && rise > kept ? blocks : { pfn: [], order: [] }
  })
}

/** What went on since the trace. */
export function laterOf(
  script: Script,
  run: Pick<FidelityRun, 'finalCounts' | 'finalHighs' | 'finalLists' | 'nextTick'>,
): Later {
  return { refills: laterRefills(script, run), ticked: tickSince(script, run.nextTick) }
}

/** Does in a zone's buddy what went on since: refills, then the tick. */
export function carryOn(buddy: Buddy, zone: number, { refills, ticked }: Later): void {
  for (const refill of refills) if (refill.zone === zone) fetchLater(buddy, refill)
  const { pfn, order } = ticked[zone] ?? { pfn: [], order: [] }
  for (const [at, head] of pfn.entries()) buddy.release(head, order[at]!)
}

/** Fetches what refills since took: one batch after another, each for the list that is shortest by then. */
function fetchLater(buddy: Buddy, { pages, batch, lens }: LaterRefills): void {
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
