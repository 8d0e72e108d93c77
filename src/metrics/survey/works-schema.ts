import { z } from 'zod'

const ns = z.number().meta({ unit: 'ns' })
const spread = z.object({
  count: z.number(),
  total: z.number(),
  min: z.number(),
  p50: z.number().optional(),
  p99: z.number().optional(),
  max: z.number(),
})

/** What empties the caches of a CPU, and how else it could be done. */
export const subjects = ['page lists', 'LRU batches', 'SLUB', 'memcg stocks', 'vmstat'] as const

const drainsSchema = z.object({
  subject: z.enum(subjects),
  functions: z.array(z.string()),
  work: z
    .object({ runs: z.number(), onIsolated: z.number(), ns })
    .meta({ help: 'As recorded: a work item on each CPU, which interrupts it.' }),
  remoteLock: z.object({ locks: z.number(), own: z.number() }).meta({
    help: '`locks`: runs that another CPU asked for, each of which it would do itself under the lock of that CPU’s cache. `own`: those that a CPU asked of itself, which stay.',
  }),
  deferred: z
    .object({
      runs: z.number().meta({ help: 'Returns from the kernel at which something is due, at least.' }),
      onIsolated: z.number(),
      saved: z.number().meta({ help: 'Items that came while one was due already.' }),
      pending: z.number().meta({ help: 'CPUs that had not been seen in the kernel again by the end.' }),
      waitNs: spread.optional().meta({
        help: 'From the request until a task of that CPU is next seen in the kernel: an upper bound, since not every entry leaves an event.',
      }),
    })
    .meta({ help: 'Left to the CPU until it next returns from the kernel.' }),
})

export const worksSchema = z.object({
  byFunction: z.array(
    z.object({
      function: z.string(),
      queued: z.number(),
      runs: z.number(),
      onIsolated: z.number().meta({ help: 'Runs on isolated CPUs.' }),
      ns,
    }),
  ),
  cells: z
    .array(
      z.object({
        function: z.string(),
        cpu: z.number(),
        requester: z.string().meta({
          help: 'Name of the task that queued it; (interrupt): a timer or interrupt did; (unknown): before the trace, or unrecorded.',
        }),
        runs: z.number(),
        ns,
        longestNs: ns,
      }),
    )
    .meta({ help: 'By function, CPU that ran it, and requester; the most runs first.' }),
  drains: z.array(drainsSchema),
})
export type Works = z.infer<typeof worksSchema>
