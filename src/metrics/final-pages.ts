import { buddyinfoOf, type FidelityRun, type RecordedPages, type Script } from '#replay'
import type { PcpFidelity } from './schemas.ts'

const isWithin = (predicted: number, recorded: number, absolute: number, relative: number): boolean =>
  Math.abs(predicted - recorded) <= Math.max(absolute, relative * recorded)

/**
 * Pages on each CPU's lists when the trace ended, against zoneinfo.after; empty where the capture lacks it. Who reads that file still
 * allocates: where `high` tunes itself, each refill since has raised it by what it fetched, in whole batches.
 */
export function listCounts(
  { machine, zones }: Script,
  { finalCounts, finalHighs }: Pick<FidelityRun, 'finalCounts' | 'finalHighs'>,
): PcpFidelity['listCounts'] {
  return zones.flatMap(({ node, name }, zone) => {
    const after = machine.zonesAfter.find((other) => other.node === node && other.name === name)
    return (after?.pagesets ?? []).map(({ cpu, count, high, batch }) => {
      const pset = cpu * zones.length + zone
      const predicted = finalCounts[pset]!
      const raised = high - finalHighs[pset]!
      const refilled = raised % batch === 0 && count > predicted && count - predicted <= raised
      return {
        cpu,
        zone: name,
        recorded: count,
        predicted,
        within: isWithin(predicted, count, 100, 0.05),
        high: { recorded: high, predicted: finalHighs[pset]! },
        ...(refilled ? { refilledAfter: raised } : {}),
      }
    })
  })
}

const pagesOf = (blocks: readonly number[]): number => blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0)

/** Free blocks when the trace ended, against buddyinfo.after; no line for a zone without both buddyinfos. */
export function freePages({ machine, zones }: Script, run: RecordedPages): PcpFidelity['freePages'] {
  return zones.flatMap((zone, at) => {
    const recorded = buddyinfoOf(machine.buddyAfter, zone)
    const predicted = run.zones[at]!.blocks
    if (recorded === undefined || buddyinfoOf(machine.buddyBefore, zone) === undefined) return []
    const pages = { recorded: pagesOf(recorded), predicted: pagesOf(predicted) }
    return {
      zone: zone.name,
      recorded: [...recorded],
      predicted: [...predicted],
      pages: { ...pages, within: isWithin(pages.predicted, pages.recorded, 0, 0.01) },
      ordersWithin: recorded.map((blocks, order) => isWithin(predicted[order] ?? 0, blocks, 16, 0.05)),
      compacted: run.zones[at]!.compacted,
      contradictions: run.zones[at]!.contradictions,
    }
  })
}
