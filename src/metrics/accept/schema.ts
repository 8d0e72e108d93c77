import { z } from 'zod'
import { comparisonHeadSchema } from '../head.ts'

/** Counts of one run. Pages are base pages. */
export const acceptWorkSchema = z.object({
  allocs: z.number().meta({ help: 'Allocations of the trace.' }),
  refills: z.number().meta({ help: 'Recorded fetches from the free lists under zone->lock.' }),
  drains: z.number().meta({ help: 'Recorded returns to the free lists under zone->lock.' }),
  acceptedPages: z.number().meta({ help: 'Accepted, at boot or later.' }),
  acceptedAtBootPages: z.number().meta({ help: 'Of them before the trace begins.' }),
  calls: z.number().meta({ help: 'Calls into the module or hypervisor, at boot or later.' }),
  bitmapChecks: z.number().meta({ help: 'Looks at the bitmap for pages that were never looked at.' }),
  extraChecks: z
    .number()
    .meta({ help: 'Of them for remainders of a block that was accepted already: up to 511 for 2 MiB.' }),
  delayedAllocs: z
    .number()
    .meta({ help: 'Allocations that accepted memory, looked at the bitmap or waited for a lock.' }),
  zoneLockWaits: z.number().meta({ help: 'Times that zone->lock was found held.' }),
  bitmapLockWaits: z.number().meta({ help: 'Times that the bitmap’s lock was found held.' }),
  unitWaits: z.number().meta({ help: 'Times that a range was being accepted by another CPU.' }),
})
export type AcceptWork = z.infer<typeof acceptWorkSchema>

/** Percentiles are absent below 20 values. */
const quantiles = z.object({ p50: z.number().optional(), p99: z.number().optional(), max: z.number() })

/** What a run costs those who allocate, in ns. */
export const acceptCostsSchema = z.object({
  bootNs: z.number().meta({ help: 'Accepting before the trace begins.' }),
  addedNs: quantiles.meta({ help: 'Added latency over all allocations, those without any among them.' }),
  delayedNs: quantiles.optional().meta({ help: 'The same over allocations that were delayed at all.' }),
  addedTotalNs: z.number(),
  lockWaitNs: z.number().meta({ help: 'All CPUs’ waits for zone->lock and the bitmap’s lock.' }),
  lateNs: z.number().meta({ help: 'How much later than recorded the last CPU is done.' }),
  longestZoneWaitNs: z.number(),
  longestIrqsOffNs: z.number().meta({ help: 'Longest time that a CPU had interrupts off.' }),
})
export type AcceptCosts = z.infer<typeof acceptCostsSchema>

export const acceptRunSchema = z.object({
  capture: z.string(),
  policy: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  work: acceptWorkSchema,
  costs: acceptCostsSchema.meta({ help: 'With the parameters as given.' }),
  bounds: z
    .object({ least: acceptCostsSchema, most: acceptCostsSchema })
    .meta({ help: 'The same run with one call per 2 MiB and no zeroing, and with a call for each 4 KiB page.' }),
  waits: z.array(z.object({ cpu: z.number(), zoneNs: z.number(), bitmapNs: z.number(), unitNs: z.number() })),
  nodes: z.array(z.object({ node: z.number(), zoneWaitNs: z.number() })),
  irqsOff: z.array(z.object({ cpu: z.number(), longestNs: z.number() })),
  threadNs: z.number().meta({ help: 'CPU time of the background thread.' }),
  allAcceptedNs: z.number().optional().meta({ help: 'From the trace’s start, or boot; absent: never.' }),
  pages: z
    .object({ atStart: z.number(), left: z.number(), acceptedTwice: z.number() })
    .meta({ help: 'Unaccepted at the start and at the end. What is accepted is so once: atStart = accepted + left.' }),
  series: z.object({
    t: z.array(z.number()),
    acceptedFree: z.array(z.number()).meta({ help: 'Pages accepted and free: accepted but unused.' }),
    unaccepted: z.array(z.number()),
  }),
})
export type AcceptRun = z.infer<typeof acceptRunSchema>

export const acceptComparisonSchema = comparisonHeadSchema.extend({
  family: z.literal('accept'),
  runs: z.array(acceptRunSchema),
})
export type AcceptComparison = z.infer<typeof acceptComparisonSchema>
