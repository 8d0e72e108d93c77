import { type Checked, errorOf } from '../own-verdicts.ts'
import type { KvfreeAgreement, KvfreeFidelity } from './fidelity-schema.ts'

/** Figures of runs that a record checks: the recording kernel’s own policy after the same delays as a what-if. */
const checks = {
  meanObjects: ({ footprint: { recorded, predicted } }) => ({ recorded: recorded.mean, predicted: predicted.mean }),
  peakObjects: ({ footprint: { recorded, predicted } }) => ({ recorded: recorded.peak, predicted: predicted.peak }),
  latencyP50Ns: ({ reclaimLatencyNs: waits }) =>
    waits && { recorded: waits.recorded.p50, predicted: waits.predicted.p50 },
  latencyP99Ns: ({ reclaimLatencyNs: waits }) =>
    waits && { recorded: waits.recorded.p99, predicted: waits.predicted.p99 },
  bulkFrees: ({ bulkFrees }) => bulkFrees,
  listObjects: ({ listFrees }) => listFrees,
} as const satisfies Record<string, (one: KvfreeAgreement) => Checked | undefined>
export type KvfreeCheck = keyof typeof checks

/** Whether anything checks the replay. */
export const recordsFrees = (fidelity: KvfreeFidelity | undefined): fidelity is KvfreeFidelity =>
  fidelity !== undefined && fidelity.bulkFrees.recorded + fidelity.listFrees.recorded > 0

/**
 * A figure as recorded and as predicted with the delays of what-ifs, and the model error: the larger of that prediction's and of the one whose delays
 * were learnt from others. Undefined where the trace records no free, or too few for the figure.
 */
export function kvfreeCheck(fidelity: KvfreeFidelity | undefined, check: KvfreeCheck): Required<Checked> | undefined {
  if (!recordsFrees(fidelity)) return undefined
  const { generatedDelays, leftOut = generatedDelays } = fidelity
  const [pair, other]: (Checked | undefined)[] = [checks[check](generatedDelays), checks[check](leftOut)]
  return pair && { ...pair, error: Math.max(errorOf(pair), other === undefined ? 0 : errorOf(other)) }
}
