import { type OwnMeasure, OwnVerdicts } from '../own-verdicts.ts'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import type { KvfreeComparedRun } from './schema.ts'
import type { KvfreeMeasure } from './verdict-fields.ts'

type Measure = OwnMeasure<KvfreeComparedRun, KvfreeFidelity>

/** `checked`: the recording kernel’s own policy after the same delays as a what-if. */
const measures: Readonly<Record<KvfreeMeasure, Measure>> = {
  meanObjects: {
    of: ({ footprint }) => footprint.meanObjects,
    checked: ({ generatedDelays: { footprint } }) => ({
      recorded: footprint.recorded.mean,
      predicted: footprint.predicted.mean,
    }),
  },
  peakObjects: {
    of: ({ footprint }) => footprint.peakObjects,
    checked: ({ generatedDelays: { footprint } }) => ({
      recorded: footprint.recorded.peak,
      predicted: footprint.predicted.peak,
    }),
  },
  latencyP50Ns: {
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p50,
    checked: ({ generatedDelays: { reclaimLatencyNs: waits } }) =>
      waits && { recorded: waits.recorded.p50, predicted: waits.predicted.p50 },
  },
  latencyP99Ns: {
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p99,
    checked: ({ generatedDelays: { reclaimLatencyNs: waits } }) =>
      waits && { recorded: waits.recorded.p99, predicted: waits.predicted.p99 },
  },
  bulkFrees: { of: ({ work }) => work.bulkFrees, checked: ({ generatedDelays }) => generatedDelays.bulkFrees },
  listObjects: { of: ({ work }) => work.listFallbacks, checked: ({ generatedDelays }) => generatedDelays.listFrees },
  batches: { of: ({ work }) => work.batches },
  pointerPages: { of: ({ work }) => work.pagesByRefill + work.pagesByCaller + work.pagesByPcp },
}

export const kvfreeVerdicts = new OwnVerdicts(measures)

/** The row of the record; undefined where the trace records no free to check anything. */
export const kvfreeRecordedRow = (capture: string, fidelity: KvfreeFidelity | undefined) =>
  fidelity === undefined || fidelity.bulkFrees.recorded + fidelity.listFrees.recorded === 0
    ? undefined
    : kvfreeVerdicts.recordedRow(capture, fidelity.policy, fidelity)
