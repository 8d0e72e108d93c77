import { z } from 'zod'
import { kvfreeFidelitySchema } from './kvfree/fidelity-schema.ts'
import { largeHoldsSchema } from './large-holds.ts'
import { intervalSchema } from './losses/interval.ts'
import { nodeOfZone, notModelledSchema, windowSchema } from './machine-schemas.ts'
import { stepSumsSchema, totalsSchema } from './measures.ts'
import { slabFidelitySchema } from './slab/fidelity-schema.ts'
import { workField, workSchema } from './work-schema.ts'

/** The JSON that `fidelity` and `compare` print: the contract with scripts. Fields may be added, never renamed. */

export const perCpu = z.record(z.string(), z.number()).meta({ help: 'By CPU number.' })

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

const freeRunning = z.object({
  refills: score,
  drainBursts: score,
  drainedPages,
  requestedDrains: score.optional(),
  tickDrains: score.optional(),
})

const covered = z.object({ inTrace: z.number(), scored: z.number() })

const freeBlocksSchema = z.object({
  predicted: z.array(z.number()).meta({ help: 'Free blocks by order.' }),
  pages: z.object({ recorded: z.number(), predicted: z.number(), within: z.boolean() }).meta({ help: 'Within: 1 %.' }),
  ordersWithin: z.array(z.boolean()).meta({ help: 'By order. Within: 16 blocks or 5 %.' }),
})

const predictedTotal = z.object({
  recorded: z.number(),
  predicted: z.number(),
  loss: z
    .object({ recorded: intervalSchema, predicted: intervalSchema })
    .optional()
    .meta({ help: 'Where events were lost: what the losses leave open of both.' }),
})

export const pcpFidelitySchema = z.object({
  policy: z.string(),
  refills: score,
  drainBursts: score,
  drainedPages,
  interruptions: z.object({ recorded: perCpu, predicted: perCpu }),
  warmupShare: z.number().meta({
    help: 'Share of list operations whose outcome was unknown: an allocation from pages that lay on a list before the trace, a free near a limit at a count not yet proven.',
  }),
  resyncs: z.number().meta({ help: 'Times that the replay’s lists were corrected from the record, after scoring.' }),
  withoutResync: freeRunning.meta({
    help: 'Free-running: recorded refills and drains are used until the state of a pageset is first proven, and then no more. As what-ifs run.',
  }),
  poorBecause: z
    .string()
    .optional()
    .meta({ help: 'Where the free-running score is poor: what is missing, and the command that records it.' }),
  /** Added fields below this line. */
  freeRunning: freeRunning.optional().meta({ help: 'The same as `withoutResync`.' }),
  ranFree: z.object({ refills: z.int(), drainBursts: z.int() }).optional().meta({
    help: 'Of the refills and bulk frees that `withoutResync` scores: those after all that is hidden of their lists was proven. The others follow the record until then.',
  }),
  totals: z
    .object({
      refills: predictedTotal,
      refilledPages: predictedTotal,
      bulkFrees: predictedTotal.meta({
        help: 'Of any kind: of full lists (`drainBursts`), at ticks, by requests and by compaction.',
      }),
      bulkFreedPages: predictedTotal,
      zoneLocks: predictedTotal.meta({
        help: 'Refills, bulk frees, and blocks that went past the lists: the record says which, so both sides have them.',
      }),
      interruptions: predictedTotal,
      requestedDrains: predictedTotal.meta({ help: 'Pagesets that a request emptied.' }),
    })
    .optional()
    .meta({
      help: 'Totals of the whole trace, scored or not. Predicted: by the rules alone once a list’s contents are known; until then its recorded operations count as predicted. `recorded` is the same number as in a comparison.',
    }),
  state: z.object({ recorded: z.number(), exact: z.number() }).optional().meta({
    help: 'Free-running: pagesets that a probe showed at bulk frees, and how many of them were as predicted: count, high and pacing.',
  }),
  perCpu: z.array(
    z.object({
      cpu: z.number(),
      warmupShare: z.number(),
      scored: z.boolean().meta({ help: 'Whether the CPU did anything on its lists.' }),
      refills: score,
      drainBursts: score,
      drainedPages,
    }),
  ),
  tickDrains: score
    .meta({
      help: 'Pages given back at vmstat ticks, from 6.12 on. Where no event shows the ticks, their times are learnt from ticks that gave pages back.',
    })
    .optional(),
  requestedDrains: score.meta({ help: 'Drains by work items: 5.10. Size equal to what the replay held.' }),
  excusedRefills: z.number().meta({
    help: 'Exact refills of a list that still held pages in the replay, all of which only the untraced bulk allocator can have taken.',
  }),
  excusedBursts: z
    .number()
    .meta({
      help: 'Frees that led to no burst at the replay’s limit, since the untraced bulk allocator had taken a page that the replay still held.',
    })
    .optional(),
  coverage: z
    .object({
      drainedPages: covered,
      refills: covered.optional(),
      drainBursts: covered
        .meta({ help: 'In the trace: frees after which pages were given back, but for local drains by compaction.' })
        .optional(),
    })
    .meta({ help: 'What the trace holds, and how much of it the scores cover: the rest fell into warm-up.' }),
  inferredLocalDrains: z.number().meta({
    help: 'Times that compaction emptied its own CPU’s lists, inferred from recorded drains that match all that was held.',
  }),
  inferredBulkPages: z
    .number()
    .meta({ help: 'Pages taken by the untraced bulk allocator, inferred from later frees.' }),
  inferredPastFrees: z.number().meta({
    help: 'Freed blocks that next came from the buddy though no drain had brought them there: another operation held the list’s lock, so they went past the lists.',
  }),
  inferredEarlyPops: z
    .number()
    .meta({
      help: 'Pages that left their lists before the event of their allocation, whose task was preempted: others used the list as if they were gone.',
    })
    .optional(),
  listCounts: z
    .array(
      z.object({
        cpu: z.number(),
        node: nodeOfZone,
        zone: z.string(),
        recorded: z.number(),
        predicted: z.number(),
        within: z.boolean(),
        high: z
          .object({ recorded: z.number(), predicted: z.number() })
          .meta({ help: 'The limit of the list, which tunes itself from 6.12 on.' })
          .optional(),
        refilledAfter: z
          .number()
          .meta({
            help: 'Pages that refills fetched between the trace’s end and zoneinfo.after. From 6.12 on: `high` is so much above what was predicted, in whole batches, and the count by no more. Before: the count rose where a list stood empty, in whole batches less what was taken.',
          })
          .optional(),
      }),
    )
    .meta({
      help: 'Pages on each CPU’s lists at the end, against zoneinfo.after, which is read a little later. Within: 100 pages or 5 %.',
    }),
  freePages: z
    .array(
      freeBlocksSchema.extend({
        node: nodeOfZone,
        zone: z.string(),
        recorded: z
          .array(z.number())
          .meta({ help: 'Free blocks by order: buddyinfo.after, read a little after the trace ended.' }),
        byZoneinfo: z
          .number()
          .meta({
            help: 'Free pages by zoneinfo.after, read right before buddyinfo.after: how far two readings of the kernel itself lie apart. Each CPU keeps what it last moved out of this count until it is more.',
          })
          .optional(),
        compacted: z.number().meta({
          help: 'Free pages that compaction took without an event and that were in use at the end: known from what it freed, or from vmstat, not predicted.',
        }),
        contradictions: z
          .number()
          .meta({ help: 'Pages taken that were not free in the replay, or given back that were.' }),
        later: freeBlocksSchema
          .extend({
            refilled: z
              .number()
              .meta({ help: 'Pages that these refills fetched: known from zoneinfo.after, not predicted.' }),
            givenBack: z.number().meta({
              help: 'Pages that a vmstat tick gave back between the reading of zoneinfo.after and of buddyinfo.after, as their free pages tell: that it came is known, which pages it gave back is predicted.',
            }),
          })
          .meta({
            help: 'With the refills since the trace (`refilledAfter`) and the tick carried out; absent where there was neither.',
          })
          .optional(),
      }),
    )
    .meta({ help: 'The buddy at the end of the trace, by zone; empty without buddyinfo.' }),
  misses: z.array(
    z.object({
      cause: z.string(),
      count: z.number(),
      help: z.string(),
      what: z.string().optional().meta({ help: 'What missed: a refill, a bulk free, a tick, a page …' }),
      hypothesis: z.string().optional().meta({ help: 'The unknown that explains it, or `unexplained`.' }),
    }),
  ),
  scores: z.object({
    refills: z.number().optional().meta({ help: 'exact ÷ max(recorded, predicted); absent where nothing happened.' }),
    drainBursts: z.number().optional(),
    wrongPages: z.number().optional().meta({ help: 'wrong ÷ recorded' }),
  }),
})

export const losses = z.object({ gaps: z.number(), events: z.number(), uncounted: z.number() })

export const tallySchema = z.array(
  z.object({
    cause: z.string(),
    count: z.number(),
    level: z.enum(['note', 'data-loss', 'error']),
    help: z.string(),
    first: z.string().optional(),
  }),
)

/** What `fidelity --json` prints: `pcp` or `kvfree` is absent where the capture has no such events. */
export const fidelitySchema = z.object({
  schema: z.literal('kreplay.fidelity/1'),
  notModelled: notModelledSchema,
  capture: z.string(),
  kernel: z.string().meta({ help: 'Release as recorded, or "unknown".' }),
  synthetic: z
    .boolean()
    .optional()
    .meta({ help: 'True where kreplay’s own model made the trace: agreement with it proves nothing about a kernel.' }),
  losses,
  lossShare: z
    .number()
    .optional()
    .meta({ help: 'Share of the events that are missing, marked or found by contradictions; absent where none are.' }),
  window: windowSchema.optional(),
  pcp: pcpFidelitySchema.optional(),
  kvfree: kvfreeFidelitySchema.optional(),
  slab: slabFidelitySchema.optional(),
  notes: z.array(z.string()),
})
/** How well the recording kernel’s own rules reproduce its record. Every field is explained in `fidelitySchema`. */
export type Fidelity = z.infer<typeof fidelitySchema>
export type PcpFidelity = z.infer<typeof pcpFidelitySchema>

export const pricedSchema = z.object({
  prices: z.string().meta({ help: 'Id of the price list.' }),
  machine: z.string(),
  source: z.string(),
  zoneLockHoldNs: z
    .number()
    .optional()
    .meta({ unit: 'ns', help: 'Time zone->lock is held for refills and bulk frees.' }),
  longestHoldNs: z.number().optional().meta({ unit: 'ns' }),
  smallHolds: z
    .object({
      holds: z.number().meta({ help: 'Refills and bulk frees of fewer pages than any that the list has a point for.' }),
      of: z.number().meta({ help: 'All of them.' }),
      belowPages: z.number().meta({ unit: 'pages', help: 'The smallest size with a published point.' }),
      leastNs: z.number().meta({
        unit: 'ns',
        help: '`zoneLockHoldNs` if these cost in proportion to the smallest published size, none of it fixed.',
      }),
    })
    .optional()
    .meta({ help: 'Where the price of a hold is a line carried on below what was measured.' }),
  requesterWaitNs: z.number().optional().meta({ unit: 'ns', help: 'Where the price list has a price for it.' }),
  unpriced: z.array(workField).meta({ help: 'Work fields that this price list has no price for: they stay counts.' }),
})

/** Percentiles are absent below 20 values. */
const sizeQuantiles = z.object({ p50: z.number().optional(), p99: z.number().optional(), max: z.number() })

const spread = z.object({
  count: z.number(),
  positive: z.number().meta({ help: 'Those that took any time at all.' }),
  sumNs: z.number().meta({ unit: 'ns' }),
  p50: z.number().optional().meta({
    unit: 'ns',
    help: 'Percentiles of all `count`; at most 1.1 % too high. Absent where `count` is below 20.',
  }),
  p99: z.number().optional().meta({ unit: 'ns' }),
  p999: z.number().optional().meta({ unit: 'ns' }),
  max: z.number().meta({ unit: 'ns' }),
})

export const timesSchema = z.object({
  prices: z.string().meta({ help: 'Id of the price list whose hold times the run was made with.' }),
  zoneHold: spread.meta({ help: 'Holds of zone->lock.' }),
  zoneWait: spread.meta({ help: 'Waits for zone->lock, of all who took it.' }),
  listWait: spread.meta({ help: 'Operations that waited for the lock of a pageset: see `pcpLocksContended`.' }),
  operation: spread.meta({ help: 'What an allocation or free took beyond the list operation itself.' }),
  requester: spread.meta({
    help: 'From a drain request to its end; requests that found the mutex taken are not among them.',
  }),
  stolenNs: perCpu.meta({ unit: 'ns', help: 'By CPU: for how long drain work kept it from what it did.' }),
  longestIrqsOffNs: z
    .number()
    .meta({ unit: 'ns', help: 'The longest that a drain had interrupts off, waiting included.' }),
  letGos: z
    .number()
    .default(0)
    .meta({ help: 'Times that a bulk free in chunks let zone->lock go half-way to somebody who waited.' }),
})

const lockWork = z.object({
  pages: z.number().meta({ unit: 'pages', help: 'Moved between the buddy and lists or users.' }),
  takes: z.number().meta({ help: 'Times zone->lock is taken.' }),
})

export const boundsSchema = z.object({
  peakPages: z.number().meta({ unit: 'pages', help: 'The most on the lists of each CPU and zone at once, summed.' }),
  least: lockWork.meta({
    help: 'No rules with the lists of 6.1 to 7.2 that begin with as much on each CPU and never hold more there could do with less, even if they knew the future. Pages and takes each by a plan of its own.',
  }),
  unlimited: lockWork.meta({ help: 'The same for lists that may hold any number of pages.' }),
  none: lockWork.meta({ help: 'Without lists: every operation takes zone->lock for its own pages.' }),
})
export type Bounds = z.infer<typeof boundsSchema>

/** Values at the ends of equal steps of time; `t` in ns after the trace’s first whole second. */
const seriesOfCpus = z.object({ t: z.array(z.number()), cpus: z.record(z.string(), z.array(z.number())) })
const seriesOfOne = z.object({ t: z.array(z.number()), pages: z.array(z.number()) })

export const runSchema = z.object({
  capture: z.string(),
  policy: z.string().meta({ help: 'Id as given, parameters in braces included.' }),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  lists: z.string().meta({ help: 'Id of the list rules used.' }),
  sizes: z
    .array(z.object({ node: nodeOfZone, zone: z.string(), high: z.number(), batch: z.number() }))
    .meta({ help: '`high` and `batch` that the lists began with, on the first CPU.' }),
  drain: z.string().meta({ help: 'Id of the drain mechanism used.' }),
  isBound: z
    .boolean()
    .optional()
    .meta({ help: 'No kernel could have such rules: a line to measure others by, never called the best.' }),
  work: workSchema,
  totals: totalsSchema.default({}).meta({ help: 'The measures that `differences` compares.' }),
  intervals: z
    .record(z.string(), intervalSchema)
    .optional()
    .meta({ help: 'By measure, where events were lost: what the losses leave open of `totals`.' }),
  bounds: boundsSchema.optional().meta({ help: 'Between what work under zone->lock this run stands.' }),
  priced: z.array(pricedSchema),
  series: z.object({
    cachedPages: seriesOfCpus.meta({ help: 'Pages on each CPU’s lists at the end of each step.' }),
    zoneLockPages: seriesOfOne.meta({ help: 'Pages moved under zone->lock within each step.' }),
    freePages: seriesOfOne
      .extend({
        contiguous: z.array(z.number()).meta({ help: 'Of these, pages in free blocks of a pageblock or more.' }),
      })
      .meta({ help: 'Free pages in the buddy at the end of each step.' }),
    strandedPages: seriesOfOne.meta({ help: 'Pages on isolated CPUs’ lists at the end of each step.' }),
    bursts: z
      .object({
        t: z.array(z.number()),
        cpu: z.array(z.number()),
        pages: z.array(z.number()),
        requested: z.array(z.boolean()),
      })
      .meta({ help: 'Each time pages were given back; at most 2000, evenly thinned if more (totals are in `work`).' }),
    sums: stepSumsSchema.optional(),
    drainWaits: z
      .object({ t: z.array(z.number()), durationNs: z.array(z.number()) })
      .optional()
      .meta({ help: 'Drain requests and how long each took, under the first price list; at most the first 2000.' }),
    burstsShown: z.number(),
    burstsTotal: z.number(),
  }),
  quantiles: z.object({
    burstPages: sizeQuantiles.optional(),
    refillPages: sizeQuantiles.optional(),
  }),
  largeHolds: largeHoldsSchema.default([]),
  interruptions: perCpu,
  times: z.array(timesSchema).meta({ help: 'Who waited how long: one for each price list.' }),
  freeBlocksAtEnd: z.array(z.number()).meta({ help: 'Free blocks in the buddy when the trace ends, by order.' }),
})
export type Run = z.infer<typeof runSchema>
