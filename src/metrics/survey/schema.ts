import { z } from 'zod'
import { largeHoldsSchema } from '../large-holds.ts'
import { NOT_MODELLED } from '../machine-schemas.ts'
import { losses, perCpu, tallySchema } from '../schemas.ts'
import { cpuFlowsSchema } from './cpu-flows-schema.ts'
import { memoryMapSchema } from './memory-map.ts'
import { worksSchema } from './works-schema.ts'

const count = z.number()
const pages = z.number().meta({ unit: 'pages' })
const ns = z.number().meta({ unit: 'ns' })
const share = z.number().optional().meta({ help: 'Between 0 and 1; absent where there is nothing to have a share in.' })

const spread = z
  .object({
    count,
    total: z.number(),
    min: z.number(),
    p50: z.number().optional(),
    p99: z.number().optional(),
    max: z.number(),
  })
  .meta({ help: 'A quantile is a value that occurred; absent below 20 values.' })

/** Frees with the allocations they belong to: of pages, page by page; of objects, by address. */
const matching = z.object({
  matched: z.number().meta({ help: 'Freed, and the allocation was recorded.' }),
  crossCpu: z.number().meta({ help: 'Of those, freed on another CPU than allocated on.' }),
  neverSeen: z.number().meta({ help: 'Freed, and not seen before: allocated before the trace.' }),
  alreadyFree: z.number().meta({ help: 'Freed while free: their allocation was not recorded.' }),
  reallocated: z.number().meta({ help: 'Allocated while allocated: their free was not recorded.' }),
  aliveAtEnd: z.number().meta({ help: 'Allocated and not freed by the end; no leak by itself.' }),
})

const pageSums = { allocs: count, pagesAllocated: pages, failures: count }

const pageSurveySchema = z.object({
  ...pageSums,
  frees: count,
  pagesFreed: pages,
  freesBatched: z.number().meta({ help: 'Among `frees`: those that came by a batch.' }),
  matching: matching.meta({ unit: 'pages' }),
  memoryMap: memoryMapSchema.optional(),
  cpuFlows: cpuFlowsSchema.optional().meta({ help: 'Which CPU freed what which CPU allocated.' }),
  byOrder: z.array(
    z.object({
      order: z.number(),
      ...pageSums,
      frees: count,
      pagesFreed: pages,
      byMigratetype: z.record(z.string(), z.number()).meta({ help: 'Allocations by the migratetype’s name.' }),
    }),
  ),
  byMigratetype: z.array(z.object({ migratetype: z.number(), name: z.string(), ...pageSums })),
  byGfp: z.array(
    z.object({
      gfpFlags: z.number().optional().meta({ help: 'Bits; absent where the text printed none.' }),
      names: z.string(),
      ...pageSums,
    }),
  ),
  byCallSite: z
    .array(
      z.object({
        callSite: z.string().optional().meta({
          help: 'The first function of the event’s stack beyond the allocator; absent: events without a stack.',
        }),
        ...pageSums,
        frees: count,
        pagesFreed: pages.meta({ help: 'Freed by it, whoever allocated them.' }),
        pagesAliveAtEnd: pages.meta({ help: 'Allocated by it and not freed by the end, whoever frees.' }),
      }),
    )
    .optional()
    .meta({ help: 'Where stacks were recorded: `stacktrace` of ftrace, `-g` of perf.' }),
})

const processSurveySchema = z.array(
  z.object({
    comm: z.string().optional().meta({ help: 'All processes of one name; absent where the name was not recorded.' }),
    pids: count,
    ...pageSums,
    frees: count,
    pagesFreed: pages,
    freesBatched: count,
    lockedPages: pages.meta({ help: 'Taken from the buddy allocator under zone->lock.' }),
    refills: count,
    refillPages: pages,
    drains: count,
    drainedPages: pages,
    fallbacks: count,
    fragmenting: count,
    severe: count,
    changedOwnership: count,
  }),
)

const listSurveySchema = z.object({
  refills: spread.optional().meta({ help: 'Runs of consecutive events on one CPU; all but `count` in pages.' }),
  drains: spread.optional(),
  largeRuns: largeHoldsSchema.meta({
    help: 'Runs of more pages than so many. From 6.19 on a bulk free lets zone->lock go after each batch, which no event shows: its run is one.',
  }),
  directPages: pages.meta({ help: 'Pages that left the buddy allocator for one allocation, past the lists.' }),
  perCpu: z.array(
    z.object({ cpu: z.number(), refills: count, refillPages: pages, drains: count, drainedPages: pages }),
  ),
})

const severities = {
  events: count,
  severe: z.number().meta({ help: 'Took less than a pageblock, of order 3 or below.' }),
  moderate: z.number().meta({ help: 'Took less than a pageblock, above order 3.' }),
  changedOwnership: z.number().meta({ help: 'The whole pageblock changed its type.' }),
}

const fragmentationSurveySchema = z.object({
  ...severities,
  fragmenting: z.number().meta({ help: 'severe + moderate' }),
  pageblockOrder: z.number(),
  byMigratetypes: z.array(
    z.object({
      for: z.string().meta({ help: 'Migratetype asked for.' }),
      from: z.string().meta({ help: 'Migratetype taken from.' }),
      ...severities,
      whole: z.number().meta({ help: 'Took a pageblock or more.' }),
    }),
  ),
})

const bytes = {
  bytesReq: z.number().meta({ help: 'Asked for.', unit: 'bytes' }),
  bytesAlloc: z.number().meta({ help: 'Taken.', unit: 'bytes' }),
  waste: share,
}

const objects = {
  allocs: count,
  ...bytes,
  failures: count,
  freedSeen: z.number().meta({ help: 'Of the allocations, those whose free was recorded.' }),
  pingPong: z.number().meta({ help: 'Of those, freed on another CPU.' }),
  aliveAtEnd: count,
  bytesAliveAtEnd: z.number().meta({ unit: 'bytes' }),
}

const slabSurveySchema = z.object({
  allocs: count,
  ...bytes,
  frees: count,
  failures: count,
  matching: matching.extend({
    nulls: z.number().meta({ help: 'Calls that passed no object: kfree(NULL).' }),
    hidden: z.number().meta({ help: 'Events of which the text hides the address.' }),
  }),
  byProcess: z.array(z.object({ comm: z.string().optional(), allocs: count, ...bytes, frees: count })),
  byCache: z.array(
    z.object({
      cache: z.string().meta({
        help: 'Before 7.2 allocations name none: it is that of their frees, else `(unnamed, N B)`; of kmalloc() the size class.',
      }),
      ...objects,
      frees: z.number().meta({ help: 'By the name in the free; `(kfree)` has none.' }),
    }),
  ),
  byCallSite: z.array(z.object({ callSite: z.string(), ...objects })),
})

const rcuSurveySchema = z.object({
  gracePeriods: z.array(
    z.object({
      flavour: z.string().meta({ help: 'rcu_preempt, rcu_sched, …; expedited ones apart.' }),
      count: z.number().meta({ help: 'With start and end in the trace.' }),
      unfinished: z.number().meta({ help: 'Begun before the trace, or not ended in it.' }),
      lengthNs: spread.optional(),
      gapNs: spread.optional().meta({ help: 'From the end of one to the start of the next.' }),
      lastReport: z.array(
        z.object({
          by: z.string().meta({ help: 'Whose quiescent state came last: a CPU, or the scan for idle CPUs.' }),
          count,
          lengthNs: spread,
        }),
      ),
    }),
  ),
  callbacks: z
    .object({
      queued: count,
      invoked: count,
      unmatched: z.number().meta({ help: 'Invoked, and queued before the trace or by an untraced call.' }),
      batches: spread.optional().meta({ help: 'Callbacks in one batch.' }),
      byFunction: z.array(
        z.object({
          function: z.string(),
          queued: count,
          invoked: count,
          unmatched: count,
          latencyNs: spread.optional().meta({ help: 'From queueing to invocation.' }),
        }),
      ),
    })
    .optional(),
  kvfree: z
    .object({
      queued: z.number().meta({ help: 'Objects given to kvfree_rcu(); 0 where neither event nor probe tells.' }),
      inBulk: count,
      oneByOne: count,
    })
    .optional(),
  kvfreeBulk: spread.optional().meta({ help: 'Objects in one bulk free of kvfree_rcu().' }),
})

const qualitySurveySchema = z.object({
  losses,
  skipped: z.number().meta({ help: 'Lines or records that could not be read.' }),
  unmatchedFrees: z.object({ pages: z.number(), objects: z.number() }),
  reallocated: z.object({ pages: z.number(), objects: z.number() }),
  kfreeNull: count,
  silentCpus: z.array(z.number()).meta({ help: 'CPUs of the machine without an event.' }),
  verdict: z.array(z.string()).meta({ help: 'What can and can’t be concluded, a sentence each.' }),
})

/** What a trace says by itself. A part is absent where the events that it needs were not recorded. */
export const surveySchema = z.object({
  processes: processSurveySchema.optional(),
  pages: pageSurveySchema.optional(),
  lists: listSurveySchema.optional(),
  fragmentation: fragmentationSurveySchema.optional(),
  slab: slabSurveySchema.optional(),
  rcu: rcuSurveySchema.optional(),
  works: worksSchema.optional().meta({ help: 'Work items: which ran where, who asked for them.' }),
  quality: qualitySurveySchema,
})

const pageset = z.object({
  cpu: z.number(),
  count: pages,
  high: pages,
  batch: pages,
  highMin: pages.optional(),
  highMax: pages.optional(),
})

/** What `info --json` prints. */
export const infoSchema = z.object({
  schema: z.literal('kreplay.info/1'),
  notModelled: z.array(z.string()).meta({ help: NOT_MODELLED }),
  capture: z.string(),
  kernel: z.string().meta({ help: 'Release as recorded, or "unknown".' }),
  format: z.string(),
  clock: z.string().optional(),
  resolutionNs: ns.meta({ help: 'Step of the recorded stamps.' }),
  cpus: z.array(z.number()),
  isolated: z.array(z.number()),
  spanNs: ns.meta({ help: 'From the first event to the last.' }),
  events: z.record(z.string(), z.number()).meta({ help: 'By the name as recorded.' }),
  eventsPerCpu: perCpu,
  overTime: z
    .object({
      t: z.array(z.number()).meta({ unit: 's', help: 'Ends of equal steps, on the trace’s clock.' }),
      events: z.record(z.string(), z.array(count)).meta({ help: 'By kind: events within each step.' }),
      cpus: z.record(z.string(), z.array(count)).meta({ help: 'By CPU: events within each step.' }),
    })
    .optional()
    .meta({ help: 'When events came; absent of an empty trace.' }),
  losses,
  tally: tallySchema,
  lines: z
    .object({ total: count, comments: count, events: count })
    .optional()
    .meta({ help: 'Text: total = comments + events + the lines of `tally`.' }),
  zones: z.array(
    z.object({
      node: z.number(),
      name: z.string(),
      startPfn: z.number(),
      managed: pages,
      min: pages,
      low: pages,
      high: pages,
      pagesets: z.array(pageset),
    }),
  ),
  missing: z.array(z.string()).meta({ help: 'Files that the capture lacks.' }),
  ...surveySchema.shape,
})
