import { type OwnMeasure, OwnVerdicts } from '../own-verdicts.ts'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import { type KvfreeCheck, kvfreeCheck, recordsFrees } from './model-error.ts'
import type { KvfreeComparedRun } from './schema.ts'
import type { KvfreeMeasure } from './verdict-fields.ts'

type Measure = OwnMeasure<KvfreeComparedRun, KvfreeFidelity>

const checkedBy = (check: KvfreeCheck) => (fidelity: KvfreeFidelity) => kvfreeCheck(fidelity, check)

const measures: Readonly<Record<KvfreeMeasure, Measure>> = {
  meanObjects: { of: ({ footprint }) => footprint.meanObjects, checked: checkedBy('meanObjects') },
  peakObjects: { of: ({ footprint }) => footprint.peakObjects, checked: checkedBy('peakObjects') },
  latencyP50Ns: { of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p50, checked: checkedBy('latencyP50Ns') },
  latencyP99Ns: { of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p99, checked: checkedBy('latencyP99Ns') },
  bulkFrees: { of: ({ work }) => work.bulkFrees, checked: checkedBy('bulkFrees') },
  listObjects: { of: ({ work }) => work.listFallbacks, checked: checkedBy('listObjects') },
  batches: { of: ({ work }) => work.batches },
  pointerPages: { of: ({ work }) => work.pagesByRefill + work.pagesByCaller + work.pagesByPcp },
}

export const kvfreeVerdicts = new OwnVerdicts(measures)

/** The row of the record; undefined where the trace records no free to check anything. */
export const kvfreeRecordedRow = (capture: string, fidelity: KvfreeFidelity | undefined) =>
  recordsFrees(fidelity) ? kvfreeVerdicts.recordedRow(capture, fidelity.policy, fidelity) : undefined
