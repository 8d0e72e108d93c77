import { z } from 'zod'
import { nodeOfZone, notModelledSchema, windowSchema } from './machine-schemas.ts'
import { fidelitySchema, losses, perCpu, tallySchema } from './schemas.ts'
import { cpuFlowsSchema } from './survey/cpu-flows-schema.ts'
import { lockWaitsSchema } from './survey/lock-waits.ts'
import { worksSchema } from './survey/works-schema.ts'

const capturesSchema = z.array(
  z.object({
    name: z.string(),
    kernel: z.string(),
    synthetic: z.boolean().optional().meta({ help: 'True where kreplay’s own model made the trace.' }),
    format: z.string(),
    clock: z.string().optional(),
    cpus: z.array(z.number()),
    isolated: z.array(z.number()),
    zero: z
      .number()
      .optional()
      .meta({ unit: 's', help: 'First whole second of the trace’s clock: what `t` of series counts from.' }),
    spanNs: z.number(),
    window: windowSchema.optional(),
    events: z.record(z.string(), z.number()),
    losses,
    tally: tallySchema,
    missing: z.array(z.string()).meta({ help: 'Sidecars that the capture lacks.' }),
    zones: z.array(
      z.object({ node: nodeOfZone, name: z.string(), managed: z.number(), batch: z.number(), high: z.number() }),
    ),
    /** What the trace itself recorded of interruptions by `drain_local_pages_wq`. */
    recordedInterruptions: perCpu,
    works: worksSchema.optional().meta({ help: 'Work items as recorded; of `cells` the first 200.' }),
    lockWaits: lockWaitsSchema.optional().meta({ help: 'Waits for locks as recorded, from 5.19 on.' }),
    cpuFlows: cpuFlowsSchema.optional().meta({ help: 'Which CPU freed what which CPU allocated, as recorded.' }),
    recordedDrains: z
      .object({
        requests: z.number().meta({ help: 'drain_all_pages() calls in the trace.' }),
        withWork: z.number().meta({
          help: 'Of these, those that queued work items. The others found the mutex taken, or no CPU with pages.',
        }),
        waits: z
          .object({
            count: z.number(),
            mean: z.number(),
            p50: z.number().optional(),
            p99: z.number().optional(),
            max: z.number(),
          })
          .meta({ unit: 'ns', help: 'From the call to the end of its last work item.' })
          .optional(),
      })
      .optional()
      .meta({ help: 'What requesters of drains waited as recorded, where drains are work items (before 6.0).' }),
  }),
)

/** What every comparison holds. Policies of one family are compared with each other, never with another family's. */
export const comparisonHeadSchema = z.object({
  schema: z.literal('kreplay.comparison/1'),
  notModelled: notModelledSchema,
  captures: capturesSchema,
  baseline: z.string().meta({ help: 'Policy id that others are compared with.' }),
  fidelity: z.array(fidelitySchema),
  tally: tallySchema.meta({ help: 'What replays could not use, by cause, over all captures.' }),
  headline: z.string().meta({ help: 'The finding and how far to trust it, in a few sentences.' }),
  notes: z.array(z.string()),
  version: z.string().meta({ help: 'Of kreplay.' }),
  commit: z
    .string()
    .optional()
    .meta({ help: 'Of kreplay’s source, where it ran from a clone; "-dirty": changed since.' }),
  command: z.string().optional().meta({ help: 'What makes this comparison again, captures and files by name alone.' }),
})
export type ComparisonHead = z.infer<typeof comparisonHeadSchema>
