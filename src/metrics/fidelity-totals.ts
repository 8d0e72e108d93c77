import type { FidelityRun } from '#estimate'
import type { Events } from '#events'
import type { Script } from '#record'
import type { Window } from '#replay'
import { recordedSumsWithin } from './recorded-sums.ts'
import type { PcpFidelity } from './schemas.ts'

/** Totals of the whole record, scored or not. `recorded` is counted as in a comparison. */
export function fidelityTotals(
  events: Events,
  script: Script,
  { totals: { interruptions, ...predicted } }: Pick<FidelityRun, 'totals'>,
  window: Window = {},
): NonNullable<PcpFidelity['totals']> {
  const sums = recordedSumsWithin(events, script, [Number.POSITIVE_INFINITY], window)
  const total = (id: keyof typeof predicted) => ({ recorded: sums[id][0]!, predicted: predicted[id].predicted })
  const [refills, bulkFrees] = [total('refills'), total('bulkFrees')]
  // The record says which blocks went past the lists, so a free-running pass has as many.
  const direct = sums.zoneLocks[0]! - refills.recorded - bulkFrees.recorded
  return {
    refills,
    refilledPages: total('refilledPages'),
    bulkFrees,
    bulkFreedPages: total('bulkFreedPages'),
    zoneLocks: { recorded: sums.zoneLocks[0]!, predicted: refills.predicted + bulkFrees.predicted + direct },
    interruptions,
    requestedDrains: total('requestedDrains'),
  }
}
