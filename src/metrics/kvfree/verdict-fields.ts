import { verdictFields } from '../own-verdicts.ts'

/** Figures that policies are compared by. */
export const kvfreeMeasures = [
  'meanObjects',
  'peakObjects',
  'latencyP50Ns',
  'latencyP99Ns',
  'bulkFrees',
  'listObjects',
  'batches',
  'pointerPages',
] as const
export type KvfreeMeasure = (typeof kvfreeMeasures)[number]

export const kvfreeVerdictFields = verdictFields(
  kvfreeMeasures,
  'Relative difference between the recording kernel’s own policy, after the same delays as a what-if, and the record, over the whole trace: the larger of two, with delays learnt from all of the record and with each learnt from others.',
)
