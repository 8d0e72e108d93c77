import { z } from 'zod'
import { comparisonHeadSchema } from '../head.ts'
import { kvfreeVerdictFields } from './verdict-fields.ts'

/** Counts of one run, over the whole trace and all CPUs. */
export const kvfreeWorkSchema = z.object({
  enqueued: z.number().meta({ help: 'Calls of kvfree_call_rcu().' }),
  freed: z.number(),
  inFlightAtEnd: z.number().meta({ help: 'Objects not freed when the trace ends.' }),
  bulkFrees: z.number().meta({ help: 'Pages of pointers, sheaves or callbacks freed.' }),
  listFallbacks: z.number().meta({ help: 'Objects put on a list since no page was to be had.' }),
  inlineWaits: z.number().meta({ help: 'One-argument callers that slept a grace period.' }),
  batches: z.number().meta({ help: 'Times that a batch or a sheaf was handed over to wait.' }),
  slotsBusy: z.number().meta({ help: 'Monitor runs that found every batch slot busy.' }),
  readyEarly: z.number().meta({ help: 'Objects freed with no wait, since their grace period was over.' }),
  pagesByRefill: z.number().meta({ help: 'Pages of pointers that a worker allocated.' }),
  pagesByCaller: z.number().meta({ help: 'Pages of pointers that a caller allocated.' }),
  pagesByPcp: z.number().meta({ help: 'Pages of pointers taken from the per-CPU page lists.' }),
  pagesReturned: z.number(),
  pagesWasted: z.number().meta({ help: 'Pages allocated that another had made needless meanwhile.' }),
  throttledCallers: z
    .number()
    .meta({ help: 'Callers that slept: for a page, for another’s page, for a grace period.' }),
  throttledNs: z.number().meta({ unit: 'ns', help: 'How long they slept in all.' }),
  pcpMisses: z.number().meta({ help: 'Times that the per-CPU page lists had no page when one was first asked for.' }),
  shrinks: z.number().meta({ help: 'Runs of the policy’s shrinker, since no memory was left; workloads only.' }),
  shrunkObjects: z
    .number()
    .meta({ help: 'Objects collected when it ran: it frees what is ready and makes batches of the rest.' }),
  shrunkPages: z.number().meta({ help: 'Spare pages of pointers that it gave back.' }),
  monitorRuns: z.number(),
  batchRuns: z.number().meta({ help: 'Work items that freed a batch.' }),
  refillRuns: z.number().meta({ help: 'Work items that filled a page cache.' }),
  callbacks: z.number().meta({ help: 'call_rcu() callbacks invoked, besides those that queue work.' }),
  gracePeriods: z.number().meta({ help: 'Normal grace periods begun within the run.' }),
  workersAsleepPeak: z.number().meta({ help: 'Workers that slept a grace period, most at a time.' }),
  workersAsleepNs: z.number().meta({ unit: 'ns', help: 'How long workers slept for grace periods, in all.' }),
  gracePeriodsUsed: z.number().meta({ help: 'Grace periods after whose end a batch began to be freed.' }),
  contextSwitches: z.number().optional().meta({ help: 'To and from workers; workloads only.' }),
  stolenNs: z
    .number()
    .optional()
    .meta({ unit: 'ns', help: 'CPU time that workers took from callers; workloads only.' }),
})
export type KvfreeWork = z.infer<typeof kvfreeWorkSchema>

const after = z.number().optional()

const kvfreeRunSchema = z.object({
  capture: z.string(),
  policy: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  work: kvfreeWorkSchema,
  footprint: z.object({
    meanObjects: z.number(),
    meanBytes: z
      .number()
      .optional()
      .meta({ unit: 'bytes', help: 'While calls came; objects and pages of pointers. Absent where none came.' }),
    peakObjects: z.number(),
    peakBytes: z.number().meta({ unit: 'bytes', help: 'Objects and pages of pointers.' }),
    afterLastCall: z
      .object({ ms100: after, s1: after, s5: after })
      .meta({ unit: 'bytes', help: 'So long after the last call; absent where the trace ends before.' }),
  }),
  meanWaitNs: z.object({ collected: z.number(), waiting: z.number(), freeing: z.number() }).meta({
    unit: 'ns',
    help: 'What an object waits on average: on its CPU’s lists, for its grace period and worker, to be freed. By Little’s law from the series.',
  }),
  quantiles: z.object({
    reclaimLatencyNs: z
      .object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() })
      .optional()
      .meta({ unit: 'ns', help: 'From call to free, each page or list taken as filled evenly; within 1 %.' }),
  }),
  series: z
    .object({
      t: z.array(z.number()),
      collected: z.array(z.number()),
      waiting: z.array(z.number()),
      freeing: z.array(z.number()),
      bytes: z.array(z.number()),
    })
    .meta({ help: 'Objects by what they wait for, and bytes with the pages of pointers, at the ends of equal steps.' }),
  latency: z
    .array(z.object({ fromNs: z.number(), objects: z.number() }))
    .meta({ help: 'Objects by how long they waited, in classes of half an octave.' }),
  batches: z
    .array(
      z.object({
        cpu: z.number(),
        slot: z.number().optional().meta({ help: 'Which of the CPU’s batches.' }),
        queued: z.number().optional().meta({ help: 'When its CPU handed it over: its work was queued.' }),
        begun: z.number().meta({
          help: 'When its work began to free, after any sleep; of workloads, when its work began, which may sleep then.',
        }),
        freed: z.number(),
        objects: z.number(),
      }),
    )
    .meta({
      help: 'When each batch was handed over, begun and freed; at most 2000, of workloads those in the middle. Slot and handing over are absent in results of before they were kept.',
    }),
  cpus: z
    .array(
      z.object({
        cpu: z.number(),
        slab: z.number(),
        vmalloc: z.number(),
        list: z.number(),
        sheaf: z.number(),
        callback: z.number(),
        inline: z.number(),
      }),
    )
    .meta({ help: 'Objects freed, by the CPU that queued them and by the way they took.' }),
  gracePeriods: z
    .array(z.object({ start: z.number(), end: z.number().optional(), expedited: z.boolean() }))
    .meta({ help: 'At most 2000, of workloads those in the middle.' }),
  rcuscale: z
    .object({
      line: z.string().meta({ help: 'As the benchmark prints it.' }),
      timeNs: z.number(),
      batches: z.number().meta({ help: 'Grace periods, by the benchmark’s own word for them.' }),
      footprintMiB: z.number(),
    })
    .optional()
    .meta({ help: 'Where the workload is the kernel’s own benchmark.' }),
})
export type KvfreeComparedRun = z.infer<typeof kvfreeRunSchema>

export const kvfreeComparisonSchema = comparisonHeadSchema.extend({
  family: z.literal('kvfree'),
  workloads: z
    .array(
      z.object({
        capture: z.string().meta({ help: 'Name of the file.' }),
        workload: z.string(),
        params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
        seed: z.number(),
      }),
    )
    .meta({ help: 'Which captures are workloads for the machine model, not recordings.' }),
  runs: z.array(kvfreeRunSchema),
  ...kvfreeVerdictFields,
})
export type KvfreeComparison = z.infer<typeof kvfreeComparisonSchema>
