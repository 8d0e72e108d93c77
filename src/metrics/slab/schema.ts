import { z } from 'zod'
import { comparisonHeadSchema } from '../head.ts'
import { slabVerdictFields } from './verdict-fields.ts'

/** Counts of one run, over the whole trace, all caches and CPUs. */
export const slabWorkSchema = z.object({
  allocs: z.number(),
  frees: z.number().meta({ help: 'With those that no event shows, and calls of kfree_rcu().' }),
  allocSlowPaths: z.number().meta({ help: 'Allocations that found nothing in what their CPU keeps at hand.' }),
  freeSlowPaths: z.number().meta({ help: 'Frees that their CPU could not keep at hand.' }),
  pastSheaves: z.number().meta({ help: 'Frees past the sheaves: of another node’s object, or with the CPU’s locked.' }),
  slabFrees: z.number().meta({ help: 'Calls of __slab_free(): objects of one slab that go back to it at once.' }),
  refills: z.number().meta({ help: 'Times that a CPU fetched objects from slabs.' }),
  refilledObjects: z.number(),
  flushes: z
    .number()
    .meta({ help: 'Times that a CPU gave a sheaf’s objects back to slabs, or its partial slabs to their node.' }),
  flushedObjects: z.number(),
  listLocks: z.number().meta({ help: 'Acquisitions of a node’s list_lock.' }),
  barnLocks: z.number().meta({ help: 'Acquisitions of a barn’s lock.' }),
  slabsAllocated: z.number(),
  slabsFreed: z.number(),
  slabPagesAllocated: z.number().meta({ help: 'Pages that slabs took from the page allocator.' }),
  slabPagesFreed: z.number(),
  remoteFrees: z
    .number()
    .meta({ help: 'Frees into a slab that another CPU holds, or past the sheaves since it is another node’s.' }),
  rcuSheaves: z.number().meta({ help: 'Full sheaves that waited for a grace period.' }),
})
export type SlabWork = z.infer<typeof slabWorkSchema>

const held = z.object({
  meanPerCpu: z.number().meta({ help: 'Free objects per CPU, mean over CPUs and time.' }),
  peak: z.number().meta({ help: 'Of all CPUs, at the ends of steps.' }),
  atEnd: z.number(),
  meanInBarn: z.number(),
  peakInBarn: z.number(),
  rcuMean: z.number().meta({ help: 'Objects that wait in RCU sheaves which are not full: no timer flushes them.' }),
  rcuAtEnd: z.number(),
})

const cacheRunSchema = z.object({
  cache: z.string(),
  size: z.number().meta({ unit: 'bytes' }),
  allocs: z.number(),
  allocSlowPaths: z.number(),
  slabFrees: z.number(),
  listLocks: z.number(),
  slabsAllocated: z.number(),
  slabsFreed: z.number(),
  cachedPeak: z.number(),
  cachedAtEnd: z.number(),
})

export const slabRunSchema = z.object({
  capture: z.string(),
  policy: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  work: slabWorkSchema,
  held: held.meta({ unit: 'objects' }),
  caches: z.array(cacheRunSchema).meta({ help: 'Those with most allocations first, at most 40.' }),
  series: z
    .object({
      t: z.array(z.number()),
      cached: z.array(z.number()).meta({ help: 'Free objects that CPUs hold.' }),
      barn: z.array(z.number()).meta({ help: 'Those in barns.' }),
      rcuHeld: z.array(z.number()).meta({ help: 'Those in RCU sheaves which are not full.' }),
      pages: z.array(z.number()).meta({ help: 'Pages of slabs that the trace touches.' }),
      listLocks: z.array(z.number()).meta({ help: 'Acquisitions of list_lock so far.' }),
    })
    .meta({ help: 'At the ends of equal steps, over all caches.' }),
})
export type SlabComparedRun = z.infer<typeof slabRunSchema>

const sweepSchema = z.object({
  capture: z.string(),
  capacities: z.array(z.number()),
  maxFulls: z.array(z.number()),
  cells: z.array(
    z.object({
      capacity: z.number(),
      maxFull: z.number(),
      listLocks: z.number(),
      slabPages: z.number().meta({ help: 'Pages that slabs took from the page allocator.' }),
      held: z.number().meta({ help: 'Free objects on CPUs and in barns, mean over time.' }),
    }),
  ),
})
export type SlabSweep = z.infer<typeof sweepSchema>

const slabPagesSchema = z.object({
  capture: z.string(),
  slab: z.string().meta({ help: 'Whose slab pages drive the page allocator; "recorded": the record’s own.' }),
  pcp: z.string().meta({ help: 'Under which page lists.' }),
  refills: z.number(),
  zoneLocks: z.number(),
  zoneLockPages: z.number().meta({ unit: 'pages', help: 'Pages moved under zone->lock.' }),
  bulkFrees: z.number(),
})
export type SlabPagesRow = z.infer<typeof slabPagesSchema>

export const slabComparisonSchema = comparisonHeadSchema.extend({
  family: z.literal('slab'),
  runs: z.array(slabRunSchema),
  ...slabVerdictFields,
  pages: z.array(slabPagesSchema).default([]).meta({
    help: 'The page demand of the trace with the slab pages of each policy. Absent where new slabs were not probed, or frees of pages not traced.',
  }),
  sweeps: z
    .array(sweepSchema)
    .default([])
    .meta({ help: 'Where sheaves are compared: sheaves of other sizes, and barns, for all caches alike.' }),
})
export type SlabComparison = z.infer<typeof slabComparisonSchema>
