import { z } from 'zod'

/** The JSON that `fidelity` and `compare` print: the contract with scripts. Fields may be added, never renamed. */

const perCpu = z.record(z.string(), z.number()).meta({ help: 'By CPU number.' })

const score = z.object({
  recorded: z.number(),
  predicted: z.number(),
  exact: z
    .number()
    .meta({ help: 'Recorded ones that the replay predicted at the same moment and with the same size.' }),
})

const drainedPages = z.object({
  recorded: z.number().meta({ help: 'Those scored: in a burst that was predicted, after warm-up.' }),
  exact: z.number().meta({ help: 'The predicted page at the predicted place in the burst.' }),
  unknownStart: z
    .number()
    .meta({ help: 'Pages that lay on a list before the trace began: the replay cannot know them.' }),
  wrong: z.number(),
})

export const pcpFidelitySchema = z.object({
  policy: z.string(),
  refills: score,
  drainBursts: score,
  drainedPages,
  interruptions: z.object({ recorded: perCpu, predicted: perCpu }),
  warmupShare: z.number().meta({ help: 'Share of events before a CPU’s lists were known.' }),
  resyncs: z.number().meta({ help: 'Times that the replay was put right from the record, after scoring.' }),
  withoutResync: z.object({ refills: score, drainBursts: score, drainedPages }),
  /** Added fields below this line. */
  perCpu: z.array(
    z.object({
      cpu: z.number(),
      warmupShare: z.number(),
      scored: z.boolean().meta({ help: 'False where warm-up took over 25 % of the CPU’s events.' }),
      refills: score,
      drainBursts: score,
      drainedPages,
    }),
  ),
  requestedDrains: score.meta({ help: 'Drains by work items: 5.10. Size equal to what the replay held.' }),
  excusedRefills: z.number().meta({
    help: 'Exact refills of a list that still held pages in the replay, all of which only the untraced bulk allocator can have taken.',
  }),
  coverage: z
    .object({ drainedPages: z.object({ inTrace: z.number(), scored: z.number() }) })
    .meta({ help: 'What the trace holds, and how much of it the scores cover.' }),
  inferredLocalDrains: z.number().meta({
    help: 'Times that compaction emptied its own CPU’s lists, inferred from recorded drains that match all that was held.',
  }),
  inferredBulkPages: z
    .number()
    .meta({ help: 'Pages taken by the untraced bulk allocator, inferred from later frees.' }),
  misses: z.array(z.object({ cause: z.string(), count: z.number(), help: z.string() })),
  scores: z.object({
    refills: z.number().optional().meta({ help: 'exact ÷ max(recorded, predicted); absent where nothing happened.' }),
    drainBursts: z.number().optional(),
    wrongPages: z.number().optional().meta({ help: 'wrong ÷ recorded' }),
  }),
})

const losses = z.object({ gaps: z.number(), events: z.number(), uncounted: z.number() })

export const tallySchema = z.array(
  z.object({
    cause: z.string(),
    count: z.number(),
    level: z.enum(['note', 'data-loss', 'error']),
    help: z.string(),
    first: z.string().optional(),
  }),
)

export const fidelitySchema = z.object({
  schema: z.literal('kreplay.fidelity/1'),
  capture: z.string(),
  kernel: z.string().meta({ help: 'Release as recorded, or "unknown".' }),
  losses,
  pcp: pcpFidelitySchema.optional(),
  notes: z.array(z.string()),
})
export type Fidelity = z.infer<typeof fidelitySchema>
export type PcpFidelity = z.infer<typeof pcpFidelitySchema>

/** Counts of one run. Pages are base pages; everything is over the whole trace and all CPUs. */
export const workSchema = z.object({
  allocs: z.number().meta({ help: 'Allocations that succeeded, any order.' }),
  frees: z.number(),
  allocsFromList: z.number().meta({ help: 'Served from a list that was not empty.' }),
  allocsAfterRefill: z.number().meta({ help: 'Found the list empty and refilled it.' }),
  allocsFromBuddy: z.number().meta({ help: 'Taken from the buddy one by one: order not kept on lists, or lists off.' }),
  freesToBuddy: z.number(),
  refills: z.number(),
  refillPages: z.number(),
  drainBursts: z.number().meta({ help: 'Times that a free crossed the limit and gave pages back.' }),
  drainBurstPages: z.number(),
  drainRequests: z.number().meta({ help: 'drain_all_pages() calls, recorded or inferred.' }),
  drainRequestsSkipped: z.number().meta({ help: 'Found pcpu_drain_mutex taken and drained nothing.' }),
  requestedDrainPages: z.number().meta({ help: 'Pages given back because of a drain request.' }),
  remoteDrains: z.number().meta({ help: 'CPU lists emptied by the requester itself, its own among them.' }),
  gracePeriodWaits: z.number().meta({ help: 'Grace periods that a requester waited for.' }),
  workItemWaits: z.number().meta({ help: 'Work items that a requester waited for, its own CPU’s among them.' }),
  interruptions: z
    .number()
    .meta({ help: 'kworker activations or IPIs on all CPUs, the requester’s own kworker among them.' }),
  zoneLocks: z.number().meta({ help: 'Times zone->lock was taken.' }),
  zoneLockPages: z.number().meta({ help: 'Pages moved between lists or users and the buddy under zone->lock.' }),
  pcpLocks: z.number().meta({ help: 'Per-CPU spinlocks taken by local operations.' }),
  dereferences: z.number().meta({ help: 'Extra dependent loads of the list pointer (RCU swap).' }),
  strandedPagesAtEnd: z.number().meta({ help: 'Pages on the lists of isolated CPUs when the trace ends.' }),
})
export type Work = z.infer<typeof workSchema>

export const pricedSchema = z.object({
  prices: z.string().meta({ help: 'Id of the price list.' }),
  machine: z.string(),
  source: z.string(),
  zoneLockHoldNs: z
    .number()
    .optional()
    .meta({ unit: 'ns', help: 'Time zone->lock is held for refills and bulk frees.' }),
  longestHoldNs: z.number().optional().meta({ unit: 'ns' }),
  requesterWaitNs: z.number().optional().meta({ unit: 'ns', help: 'Where the price list has a price for it.' }),
  unpriced: z.array(z.string()).meta({ help: 'Work fields that this price list has no price for: they stay counts.' }),
})

/** Values at the ends of equal steps of time; `t` in ns after the trace’s first whole second. */
const seriesOfCpus = z.object({ t: z.array(z.number()), cpus: z.record(z.string(), z.array(z.number())) })
const seriesOfOne = z.object({ t: z.array(z.number()), pages: z.array(z.number()) })

export const runSchema = z.object({
  capture: z.string(),
  policy: z.string().meta({ help: 'Id as given, parameters in braces included.' }),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  lists: z.string().meta({ help: 'Id of the list rules used.' }),
  sizes: z
    .array(z.object({ zone: z.string(), high: z.number(), batch: z.number() }))
    .meta({ help: '`high` and `batch` that the lists began with, on the first CPU.' }),
  drain: z.string().meta({ help: 'Id of the drain mechanism used.' }),
  work: workSchema,
  priced: z.array(pricedSchema),
  series: z.object({
    cachedPages: seriesOfCpus.meta({ help: 'Pages on each CPU’s lists at the end of each step.' }),
    zoneLockPages: seriesOfOne.meta({ help: 'Pages moved under zone->lock within each step.' }),
    strandedPages: seriesOfOne.meta({ help: 'Pages on isolated CPUs’ lists at the end of each step.' }),
    bursts: z
      .object({
        t: z.array(z.number()),
        cpu: z.array(z.number()),
        pages: z.array(z.number()),
        requested: z.array(z.boolean()),
      })
      .meta({ help: 'Each time pages were given back; at most 2000, evenly thinned if more (totals are in `work`).' }),
    burstsShown: z.number(),
    burstsTotal: z.number(),
  }),
  quantiles: z.object({
    burstPages: z.object({ p50: z.number(), p99: z.number(), max: z.number() }).optional(),
    refillPages: z.object({ p50: z.number(), p99: z.number(), max: z.number() }).optional(),
  }),
  interruptions: perCpu,
})
export type Run = z.infer<typeof runSchema>

export const comparisonSchema = z.object({
  schema: z.literal('kreplay.comparison/1'),
  captures: z.array(
    z.object({
      name: z.string(),
      kernel: z.string(),
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
  ),
  baseline: z.string().meta({ help: 'Policy id that others are compared with.' }),
  runs: z.array(runSchema),
  fidelity: z.array(fidelitySchema),
  tally: tallySchema.meta({ help: 'What replays could not use, by cause, over all captures.' }),
  headline: z.string().meta({ help: 'The finding in one sentence.' }),
  notes: z.array(z.string()),
  version: z.string().meta({ help: 'Of kreplay.' }),
})
export type Comparison = z.infer<typeof comparisonSchema>
