import { z } from 'zod'

const counted = z.object({ recorded: z.number(), predicted: z.number() })
export type SlabCounted = z.infer<typeof counted>

/** What slow-path probes count, by the name of the run's count. */
export const slabMeasures = [
  'allocSlowPaths',
  'freeSlowPaths',
  'slabFrees',
  'slabsAllocated',
  'slabsFreed',
] as const satisfies readonly string[]
export type SlabMeasure = (typeof slabMeasures)[number]

const measures = z.object({
  allocSlowPaths: counted.optional().meta({ help: '___slab_alloc(), or from 7.0 on __pcs_replace_empty_main().' }),
  freeSlowPaths: counted.optional().meta({ help: '__pcs_replace_full_main(), from 7.0 on.' }),
  slabFrees: counted.optional().meta({ help: '__slab_free().' }),
  slabsAllocated: counted.optional().meta({ help: 'allocate_slab().' }),
  slabsFreed: counted.optional().meta({ help: '__free_slab().' }),
})

const against = z.object({ traced: z.number(), counted: z.number() })

export const slabFidelitySchema = z.object({
  policy: z.string(),
  totals: measures.meta({ help: 'Over all caches; what was not probed is absent.' }),
  caches: z
    .array(
      z.object({
        cache: z.string(),
        names: z.array(z.string()).meta({ help: 'Names that events have for it: a merged cache has several.' }),
        id: z.string().optional().meta({ help: 'Its directory below /sys/kernel/slab.' }),
        size: z.number().meta({ unit: 'bytes' }),
        allocs: z.number(),
        frees: z.number(),
        unseenFrees: z.number().meta({ help: 'Frees that no event shows, proven by what came after.' }),
        paths: measures,
        within: z.boolean().optional().meta({ help: 'All of them within 5 %; absent where nothing was probed.' }),
        misses: z.array(z.object({ what: z.enum(slabMeasures), cause: z.string(), help: z.string() })),
        counters: z
          .object({
            allocs: against,
            frees: against,
            agree: z.boolean(),
            because: z.string().optional(),
          })
          .optional()
          .meta({
            help: 'Events against SLUB_STATS: how much its counters rose between the two readings. Allocations from prefilled sheaves are left out: no counter counts them.',
          }),
        stats: z
          .array(counted.extend({ what: z.string() }))
          .optional()
          .meta({
            help: 'Rise of each SLUB_STATS counter, and what the replay counts; only for a cache that nothing else used between the two readings.',
          }),
        slabs: counted.optional().meta({ help: 'Slabs at the end, with those of the counters that no event touches.' }),
      }),
    )
    .meta({ help: 'Those that the trace allocates from, the busiest first.' }),
  unknownFrees: z.number().meta({ help: 'Frees whose cache nothing tells: not replayed.' }),
  scores: z.object({
    slabSlowPaths: z
      .number()
      .optional()
      .meta({ help: '1 − differences ÷ larger counts, over slow paths of all caches.' }),
    slabPages: z.number().optional().meta({ help: 'The same over slabs allocated and freed.' }),
  }),
})
export type SlabFidelity = z.infer<typeof slabFidelitySchema>
