import { z } from 'zod'

const counted = z.object({ recorded: z.number(), predicted: z.number() })
const waits = z.object({ p50: z.number(), p99: z.number() })
const held = z.object({ mean: z.number(), peak: z.number() })

const agreement = z.object({
  bulkFrees: counted.meta({ help: 'Pages of pointers freed; on 7.2, sheaves.' }),
  bulkObjects: counted.meta({ help: 'Objects in them. A sheaf holds as many as its cache’s capacity.' }),
  listFrees: counted.meta({ help: 'Objects freed one by one: they were on a list since no page was to be had.' }),
  listShare: z
    .object({ recorded: z.number(), predicted: z.number() })
    .optional()
    .meta({ help: 'listFrees ÷ all frees; absent where nothing was freed.' }),
  footprint: z
    .object({
      meanError: z.number(),
      peakError: z.number(),
      recorded: held,
      predicted: held,
    })
    .meta({ unit: 'objects', help: 'Objects in flight over the trace. Errors are (predicted − recorded) ÷ recorded.' }),
  reclaimLatencyNs: z.object({ recorded: waits, predicted: waits }).optional().meta({
    unit: 'ns',
    help: 'From call to free, matched first in, first out over the machine on both sides: bulk frees carry no pointers.',
  }),
})
export type KvfreeAgreement = z.infer<typeof agreement>

export const kvfreeFidelitySchema = agreement.extend({
  policy: z.string(),
  enqueued: z.number(),
  callsInferred: z.boolean().meta({ help: 'No kprobe recorded the calls: their moments are spread between detaches.' }),
  evidence: z
    .object({
      gracePeriods: z.enum(['tracepoints', 'probes', 'inferred']),
      calls: z.enum(['probes', 'inferred']),
      callbacks: z.enum(['tracepoints', 'probes']),
      frees: z.enum(['tracepoints', 'probes']),
    })
    .meta({
      help: 'Where the record comes from: events of the kernel, probes that stand for them, or what follows from others.',
    }),
  begun: z
    .object({ recorded: z.number(), generated: z.number() })
    .meta({ help: 'Work items and callbacks of the replay begun when the record says, and after a generated delay.' }),
  pagesAtStart: z
    .array(z.number())
    .meta({ help: 'Spare pages that each CPU began with, learnt from its first recorded batch.' }),
  withoutStart: agreement.meta({ help: 'The same with nothing learnt: every CPU begins with no spare page.' }),
  generatedDelays: agreement.meta({
    help: 'What-ifs: recorded grace periods, but works and callbacks of the policy’s own, as late as the record shows the machine’s to be.',
  }),
  leftOut: agreement.optional().meta({
    help: 'The same, each delay learnt from every second one that is recorded and used where the others were: nothing is scored on what it was learnt from. Absent in results of older versions.',
  }),
  scores: z
    .object({
      bulkFrees: z.number().optional(),
      bulkObjects: z.number().optional(),
      meanFootprint: z.number().optional(),
      peakFootprint: z.number().optional(),
      latencyP50: z.number().optional(),
      latencyP99: z.number().optional(),
    })
    .meta({ help: 'Smaller ÷ larger of recorded and predicted; absent where both are 0.' }),
})
export type KvfreeFidelity = z.infer<typeof kvfreeFidelitySchema>
