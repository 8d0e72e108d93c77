import { z } from 'zod'
import { fidelitySchema, losses, perCpu, tallySchema } from './schemas.ts'

const capturesSchema = z.array(
  z.object({
    name: z.string(),
    kernel: z.string(),
    synthetic: z.boolean().optional().meta({ help: 'True where kreplay’s own model made the trace.' }),
    format: z.string(),
    clock: z.string().optional(),
    cpus: z.array(z.number()),
    isolated: z.array(z.number()),
    spanNs: z.number(),
    events: z.record(z.string(), z.number()),
    losses,
    tally: tallySchema,
    missing: z.array(z.string()).meta({ help: 'Sidecars that the capture lacks.' }),
    zones: z.array(z.object({ name: z.string(), managed: z.number(), batch: z.number(), high: z.number() })),
    /** What the trace itself recorded of interruptions by `drain_local_pages_wq`. */
    recordedInterruptions: perCpu,
  }),
)

/** What every comparison holds. Policies of one family are compared with each other, never with another family's. */
export const comparisonHeadSchema = z.object({
  schema: z.literal('kreplay.comparison/1'),
  captures: capturesSchema,
  baseline: z.string().meta({ help: 'Policy id that others are compared with.' }),
  fidelity: z.array(fidelitySchema),
  tally: tallySchema.meta({ help: 'What replays could not use, by cause, over all captures.' }),
  headline: z.string().meta({ help: 'The finding and how far to trust it, in a few sentences.' }),
  notes: z.array(z.string()),
  version: z.string().meta({ help: 'Of kreplay.' }),
})
export type ComparisonHead = z.infer<typeof comparisonHeadSchema>
