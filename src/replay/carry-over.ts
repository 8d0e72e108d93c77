import { NO_PFN, type StartState, type WhatIf } from '#events/demand'
import type { Ns, Pfn } from '#kernel'
import type { PcpChoice } from '#policies'
import { BORROWED, type PageAllocator } from '#sim'
import { Replay } from './replay.ts'
import type { ReplayOptions } from './result.ts'
import { firstRowFrom, type Held, windowDemand } from './window-demand.ts'

/** A window of a recording, in ns as its events have them: from `from`, and before `to`. Absent: from its start, to its end. */
export interface Window {
  readonly from?: Ns | undefined
  readonly to?: Ns | undefined
}

/**
 * A window of a what-if. The recording kernel's own policy, `choice`, is replayed up to `from`: where pages lie by then, on lists, in the
 * buddy or in use, is where every policy begins. Drain work that is on its way at that moment is not carried over.
 */
export function carriedOver(whatIf: WhatIf, choice: PcpChoice, window: Window, options: ReplayOptions = {}): WhatIf {
  const { demand } = whatIf
  const { from, to } = spanWithin(whatIf, window)
  const end = window.to === undefined ? demand.length : firstRowFrom(demand, window.to)
  const { allocator, own, row } = new Replay(whatIf, choice, options).runBefore(from)
  const { demand: rows, held } = windowDemand(demand, row, Math.max(row, end), (block) => {
    const { page, order, held } = own.of(block)
    return { page, order, zone: own.zoneOf(block), left: held }
  })
  return {
    ...whatIf,
    demand: rows,
    start: startOf(whatIf, allocator, held, choice),
    gracePeriods: gracePeriodsFrom(whatIf.gracePeriods, from),
    from,
    to,
  }
}

/** From when to when a window of a recording goes. */
export function spanWithin(
  whole: { readonly from: Ns; readonly to: Ns },
  { from = whole.from, to = whole.to }: Window,
) {
  return { from, to: Math.max(from, Math.min(to, whole.to)) }
}

/** Those that a request from then on may wait for. */
function gracePeriodsFrom({ start, end }: WhatIf['gracePeriods'], from: Ns): WhatIf['gracePeriods'] {
  const first = start.findIndex((ns) => ns >= from)
  return first < 0 ? { start: [], end: [] } : { start: start.slice(first), end: end.slice(first) }
}

function startOf(
  { zones, start }: Pick<WhatIf, 'zones' | 'start'>,
  allocator: PageAllocator,
  held: readonly Held[],
  { lists, listParams }: PcpChoice,
): StartState {
  const listed = { pset: [] as number[], order: [] as number[], migratetype: [] as number[], pfn: [] as Pfn[] }
  allocator.eachListed((pset, order, migratetype, page) => {
    listed.pset.push(pset)
    listed.order.push(order)
    listed.migratetype.push(migratetype)
    listed.pfn.push(page >= BORROWED ? NO_PFN : page)
  })
  const byPfn = [...held].sort((a, b) => a.pfn - b.pfn)
  return {
    free: allocator.buddies.map((buddy) => {
      const free = { pfn: [] as Pfn[], order: [] as number[], migratetype: [] as number[] }
      buddy.eachListed((pfn, order, type) => {
        free.pfn.push(pfn)
        free.order.push(order)
        free.migratetype.push(type)
      })
      return {
        pfn: Uint32Array.from(free.pfn),
        order: Uint8Array.from(free.order),
        migratetype: Uint8Array.from(free.migratetype),
      }
    }),
    blockTypes: zones.map(({ startPfn }, zone) => allocator.buddies[zone]!.typesFrom(startPfn)),
    fallback: start.fallback,
    inUse: {
      block: Uint32Array.from(byPfn, ({ block }) => block),
      zone: Uint8Array.from(byPfn, ({ zone }) => zone),
      pfn: Uint32Array.from(byPfn, ({ pfn }) => pfn),
      order: Uint8Array.from(byPfn, ({ order }) => order),
    },
    listed: {
      pset: Uint32Array.from(listed.pset),
      order: Uint8Array.from(listed.order),
      migratetype: Uint8Array.from(listed.migratetype),
      pfn: Uint32Array.from(listed.pfn),
    },
    carried: {
      reclaimActive: Uint8Array.from(allocator.flags, ({ reclaimActive }) => Number(reclaimActive)),
      belowHigh: Uint8Array.from(allocator.flags, ({ belowHigh }) => Number(belowHigh)),
      lists: lists.id,
      params: listParams,
      pacing: allocator.pcps.map(({ high, freeFactor, freeCount, allocFactor, prevFreeHighOrder }) => ({
        high,
        freeFactor,
        freeCount,
        allocFactor,
        prevFreeHighOrder,
      })),
    },
  }
}
