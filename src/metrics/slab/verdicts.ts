import { type Checked, type OwnMeasure, OwnVerdicts } from '../own-verdicts.ts'
import type { SlabFidelity, SlabMeasure } from './fidelity-schema.ts'
import type { SlabComparedRun } from './schema.ts'
import type { SlabMeasureCompared } from './verdict-fields.ts'

/** What slow-path probes counted, and how far each cache is from it: in the sum of all, caches that miss in both directions would cancel. */
function checkedBy(what: SlabMeasure): (fidelity: SlabFidelity) => Checked | undefined {
  return ({ totals, caches }) => {
    const total = totals[what]
    if (total === undefined) return undefined
    const apart = caches.reduce(
      (sum, { paths: { [what]: of } }) => sum + Math.abs((of?.predicted ?? 0) - (of?.recorded ?? 0)),
      0,
    )
    return { ...total, error: apart === 0 ? 0 : total.recorded === 0 ? 1 : apart / total.recorded }
  }
}

const counted = (what: SlabMeasure): OwnMeasure<SlabComparedRun, SlabFidelity> => ({
  of: ({ work }) => work[what],
  checked: checkedBy(what),
})

const measures: Readonly<Record<SlabMeasureCompared, OwnMeasure<SlabComparedRun, SlabFidelity>>> = {
  listLocks: { of: ({ work }) => work.listLocks },
  allocSlowPaths: counted('allocSlowPaths'),
  freeSlowPaths: counted('freeSlowPaths'),
  slabFrees: counted('slabFrees'),
  slabsAllocated: counted('slabsAllocated'),
  slabsFreed: counted('slabsFreed'),
  heldPerCpu: { of: ({ held }) => held.meanPerCpu },
  peakInBarn: { of: ({ held }) => held.peakInBarn },
  remoteFrees: { of: ({ work }) => work.remoteFrees },
  rcuMean: { of: ({ held }) => held.rcuMean },
}

export const slabVerdicts = new OwnVerdicts(measures)

/** A run’s figures, as verdicts take them. */
export const slabTotals = (run: SlabComparedRun) => slabVerdicts.totalsOf(run)

/** The row of the record; undefined where no slow path was probed, so that nothing checks a replay. */
export const slabRecordedRow = (capture: string, fidelity: SlabFidelity | undefined) =>
  fidelity === undefined || Object.keys(fidelity.totals).length === 0
    ? undefined
    : slabVerdicts.recordedRow(capture, fidelity.policy, fidelity)
