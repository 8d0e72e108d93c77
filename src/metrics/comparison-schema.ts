import { z } from 'zod'
import { acceptComparisonSchema } from './accept/schema.ts'
import { comparisonHeadSchema } from './head.ts'
import { kvfreeComparisonSchema } from './kvfree/schema.ts'
import { differenceSchema, modelErrorSchema, recordedRowSchema } from './measures.ts'
import { runSchema } from './schemas.ts'
import { slabComparisonSchema } from './slab/schema.ts'

export const pcpComparisonSchema = comparisonHeadSchema.extend({
  family: z.literal('pcp').meta({ help: 'The family of policies that was compared.' }),
  runs: z.array(runSchema),
  recorded: z
    .array(recordedRowSchema)
    .default([])
    .meta({ help: 'What the recorded kernel itself did, one row a capture.' }),
  modelError: modelErrorSchema.default({}).meta({ help: 'By measure: the largest over all captures.' }),
  differences: z
    .array(differenceSchema)
    .default([])
    .meta({ help: 'Each policy beside the baseline, measure by measure.' }),
})
export type PcpComparison = z.infer<typeof pcpComparisonSchema>

/** What `compare --json` prints; `family` says which form. */
export const comparisonSchema = z.discriminatedUnion('family', [
  pcpComparisonSchema,
  kvfreeComparisonSchema,
  acceptComparisonSchema,
  slabComparisonSchema,
])
/** The result of `compare`, one form for each `family`. Every field is explained in `comparisonSchema`. */
export type Comparison = z.infer<typeof comparisonSchema>
