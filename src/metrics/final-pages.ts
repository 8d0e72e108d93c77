import { buddyinfoOf, type FidelityRun, type Later, type LaterRefills, type RecordedPages } from '#estimate'
import type { Script } from '#record'
import type { PcpFidelity } from './schemas.ts'

const isWithin = (predicted: number, recorded: number, absolute: number, relative: number): boolean =>
  Math.abs(predicted - recorded) <= Math.max(absolute, relative * recorded)

/** Pages on each CPU’s lists when the trace ended, against zoneinfo.after; empty where the capture lacks it. */
export function listCounts(
  { machine, zones }: Script,
  { finalCounts, finalHighs }: Pick<FidelityRun, 'finalCounts' | 'finalHighs'>,
  later: readonly LaterRefills[],
): PcpFidelity['listCounts'] {
  return zones.flatMap(({ node, name }, zone) => {
    const after = machine.zonesAfter.find((other) => other.node === node && other.name === name)
    return (after?.pagesets ?? []).map(({ cpu, count, high }) => {
      const pset = cpu * zones.length + zone
      const predicted = finalCounts[pset]!
      const refills = later.find((other) => other.cpu === cpu && other.zone === zone)
      return {
        cpu,
        node,
        zone: name,
        recorded: count,
        predicted,
        within: isWithin(predicted, count, 100, 0.05),
        high: { recorded: high, predicted: finalHighs[pset]! },
        ...(refills === undefined ? {} : { refilledAfter: refills.pages }),
      }
    })
  })
}

const pagesOf = (blocks: readonly number[]): number => blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0)

/** Free blocks predicted, beside those recorded. */
function freeBlocks(recorded: readonly number[], predicted: readonly number[]) {
  const pages = { recorded: pagesOf(recorded), predicted: pagesOf(predicted) }
  return {
    predicted: [...predicted],
    pages: { ...pages, within: isWithin(pages.predicted, pages.recorded, 0, 0.01) },
    ordersWithin: recorded.map((blocks, order) => isWithin(predicted[order] ?? 0, blocks, 16, 0.05)),
  }
}

/** Free blocks when the trace ended, against buddyinfo.after; no line for a zone without both buddyinfos. */
export function freePages(
  { machine, zones }: Script,
  run: RecordedPages,
  { refills, ticked }: Later,
): PcpFidelity['freePages'] {
  return zones.flatMap((zone, at) => {
    const recorded = buddyinfoOf(machine.buddyAfter, zone)
    const after = machine.zonesAfter.find(({ node, name }) => node === zone.node && name === zone.name)
    const { blocks, blocksLater, compacted, contradictions } = run.zones[at]!
    if (recorded === undefined || buddyinfoOf(machine.buddyBefore, zone) === undefined) return []
    const refilled = refills.reduce((sum, refill) => sum + (refill.zone === at ? refill.pages : 0), 0)
    const givenBack = ticked[at]?.order.reduce((sum, order) => sum + 2 ** order, 0) ?? 0
    return {
      node: zone.node,
      zone: zone.name,
      recorded: [...recorded],
      ...(after === undefined ? {} : { byZoneinfo: after.free }),
      ...freeBlocks(recorded, blocks),
      compacted,
      contradictions,
      ...(refilled + givenBack === 0 ? {} : { later: { refilled, givenBack, ...freeBlocks(recorded, blocksLater) } }),
    }
  })
}
