import { z } from 'zod'
import { verdicts } from '../measures.ts'

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

const totals = z.partialRecord(z.enum(kvfreeMeasures), z.number())

const errors = totals.meta({
  help: 'Relative difference between the recording kernel’s own policy, after the same delays as a what-if, and the record, over the whole trace. Capped at 1 where nothing was recorded.',
})

export const kvfreeVerdictFields = {
  recorded: z
    .array(
      z.object({
        capture: z.string(),
        ownPolicy: z.string(),
        totals: totals.meta({ help: 'Measures that the trace does not record are absent.' }),
        predicted: totals,
        modelError: errors,
      }),
    )
    .default([])
    .meta({ help: 'What the recorded kernel itself did, one row a capture; none of workloads.' }),
  modelError: errors.default({}),
  differences: z
    .array(
      z.object({
        capture: z.string(),
        policy: z.string(),
        measure: z.enum(kvfreeMeasures),
        value: z.number(),
        baseline: z.number(),
        verdict: z.enum(verdicts),
        because: z.array(z.string()),
      }),
    )
    .default([])
    .meta({ help: 'Each policy beside the baseline, measure by measure.' }),
}
