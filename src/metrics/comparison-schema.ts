import { z } from 'zod'
import { acceptComparisonSchema } from './accept/schema.ts'
import { comparisonHeadSchema } from './head.ts'
import { kvfreeComparisonSchema } from './kvfree/schema.ts'
import { runSchema } from './schemas.ts'

export const pcpComparisonSchema = comparisonHeadSchema.extend({
  family: z.literal('pcp').meta({ help: 'The family of policies that was compared.' }),
  runs: z.array(runSchema),
})
export type PcpComparison = z.infer<typeof pcpComparisonSchema>

/** One line for each family. */
export const comparisonSchema = z.discriminatedUnion('family', [
  pcpComparisonSchema,
  kvfreeComparisonSchema,
  acceptComparisonSchema,
])
export type Comparison = z.infer<typeof comparisonSchema>
