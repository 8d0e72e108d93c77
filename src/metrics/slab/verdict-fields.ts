import { verdictFields } from '../own-verdicts.ts'

/** Figures that policies are compared by. */
export const slabMeasuresCompared = [
  'listLocks',
  'allocSlowPaths',
  'freeSlowPaths',
  'slabFrees',
  'slabsAllocated',
  'slabsFreed',
  'heldPerCpu',
  'peakInBarn',
  'remoteFrees',
  'rcuMean',
] as const
export type SlabMeasureCompared = (typeof slabMeasuresCompared)[number]

export const slabVerdictFields = verdictFields(
  slabMeasuresCompared,
  'How far the recording kernel’s own policy is from the record, cache by cache: the sum of the differences, relative to what was recorded.',
)
