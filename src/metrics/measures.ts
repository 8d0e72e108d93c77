import { z } from 'zod'
import { intervalSchema } from './losses/interval.ts'

/** How a measure is read: what it is called, in what unit, and which way is better. */
export interface Measure {
  readonly title: string
  /** Two or three words, for the head of a narrow column. */
  readonly short: string
  readonly unit?: 'pages' | 'ns'
  readonly better?: 'fewer' | 'more'
  /** Whether a trace can record it; the others are never checked against a record. */
  readonly recordable: boolean
  readonly help: string
}

const measure = (about: Measure) =>
  z
    .number()
    .optional()
    .meta({ ...about })

/**
 * The questions that a comparison answers, each with one number a policy. Totals cover the whole trace, warm-up included. The schema
 * is the only list of them: JSON, verdicts, terminal and report read it.
 */
export const totalsSchema = z.object({
  isolatedInterruptions: measure({
    title: 'interruptions of isolated CPUs',
    short: 'isolated CPUs interrupted',
    better: 'fewer',
    recordable: true,
    help: 'kworker activations or IPIs by drain requests on CPUs that the machine isolates.',
  }),
  interruptions: measure({
    title: 'interruptions',
    short: 'interruptions',
    better: 'fewer',
    recordable: true,
    help: 'kworker activations or IPIs by drain requests on all CPUs.',
  }),
  zoneLocks: measure({
    title: 'operations under zone->lock',
    short: 'zone->lock operations',
    better: 'fewer',
    recordable: true,
    help: 'Refills, bulk frees, and blocks that go to the buddy or come from it one by one. A bulk free counts once, as the record shows it, also where it lets go of the lock between batches.',
  }),
  zoneLockPages: measure({
    title: 'pages moved under zone->lock',
    short: 'moved under it',
    unit: 'pages',
    better: 'fewer',
    recordable: true,
    help: 'Pages that refills, bulk frees and single operations move to or from the buddy.',
  }),
  refills: measure({
    title: 'refills',
    short: 'refills',
    better: 'fewer',
    recordable: true,
    help: 'Times that an empty list was filled from the buddy.',
  }),
  refilledPages: measure({
    title: 'pages refilled',
    short: 'pages refilled',
    unit: 'pages',
    recordable: true,
    help: 'Pages that refills fetched.',
  }),
  bulkFrees: measure({
    title: 'bulk frees',
    short: 'bulk frees',
    better: 'fewer',
    recordable: true,
    help: 'Times that a pageset gave pages back: at a threshold, at a vmstat tick, on request, or for compaction.',
  }),
  bulkFreedPages: measure({
    title: 'pages freed in bulk',
    short: 'freed in bulk',
    unit: 'pages',
    recordable: true,
    help: 'Pages that bulk frees gave back.',
  }),
  requestedDrains: measure({
    title: 'requested drains',
    short: 'requested drains',
    recordable: true,
    help: 'Pagesets that a drain request emptied.',
  }),
  requesterWaitNs: measure({
    title: 'mean wait for a drain',
    short: 'requester waits',
    unit: 'ns',
    better: 'fewer',
    recordable: false,
    help: 'From a drain request to its end, on average. Most of it is set by assumed delays.',
  }),
  cachedPages: measure({
    title: 'pages on lists, mean',
    short: 'cached, mean',
    unit: 'pages',
    recordable: false,
    help: 'Pages on the lists of all CPUs, averaged over the trace.',
  }),
  cachedPeakPages: measure({
    title: 'pages on lists, peak',
    short: 'cached, peak',
    unit: 'pages',
    better: 'fewer',
    recordable: false,
    help: 'The most pages on the lists of all CPUs at the end of a step.',
  }),
  strandedPages: measure({
    title: 'pages stranded on isolated CPUs, mean',
    short: 'stranded, mean',
    unit: 'pages',
    better: 'fewer',
    recordable: false,
    help: 'Pages on the lists of isolated CPUs, averaged over the trace.',
  }),
  fastPathSteps: measure({
    title: 'extra fast-path steps',
    short: 'fast-path steps',
    better: 'fewer',
    recordable: false,
    help: 'Per-CPU locks taken, interrupts turned off, and pointers followed by local list operations.',
  }),
})
export type Totals = z.infer<typeof totalsSchema>
export type MeasureId = keyof Totals

export const measureIds = Object.keys(totalsSchema.shape) as MeasureId[]

const known = new Map(measureIds.map((id) => [id, readMeasure(id)]))

function readMeasure(id: MeasureId): Measure {
  const { title, short, unit, better, recordable, help } = totalsSchema.shape[id].meta() as Partial<Measure>
  if (title === undefined || short === undefined || help === undefined || recordable === undefined)
    throw new Error(`the measure ${id} does not say what it is`)
  return {
    title,
    short,
    recordable,
    help,
    ...(unit === undefined ? {} : { unit }),
    ...(better === undefined ? {} : { better }),
  }
}

export const measureOf = (id: MeasureId): Measure => known.get(id)!

export const verdicts = [
  'unchecked',
  'within-loss',
  'within-model-error',
  'depends-on-assumption',
  'within-repeats',
  'not-modelled',
  'settled',
] as const
export type VerdictId = (typeof verdicts)[number]

export const verdictHelp: Readonly<Record<VerdictId, string>> = {
  unchecked: 'not checked against the record',
  'within-loss': 'smaller than what lost events leave open',
  'within-model-error': 'smaller than the model error',
  'depends-on-assumption': 'changes sign or halves within the range of an assumed input',
  'within-repeats': 'smaller than the spread of the captures',
  'not-modelled': 'the rules do not model how this kernel was built',
  settled: 'larger than every known error',
}

export const differenceSchema = z.object({
  capture: z.string(),
  policy: z.string(),
  measure: z.enum(measureIds as [MeasureId, ...MeasureId[]]),
  value: z.number(),
  baseline: z.number(),
  verdict: z.enum(verdicts).meta({
    help: 'In this order of precedence: unchecked, within-loss, within-model-error, depends-on-assumption, within-repeats, not-modelled, settled.',
  }),
  interval: intervalSchema
    .optional()
    .meta({ help: 'Of value less baseline, where events were lost: what the losses leave open of it.' }),
  because: z
    .array(z.string())
    .meta({ help: 'What the verdict rests on: the assumed input, or the error that is larger.' }),
})
export type Difference = z.infer<typeof differenceSchema>

export const modelErrorSchema = z.record(z.string(), z.number()).meta({
  help: 'By measure: the largest relative difference between the free-running replay of the recording kernel’s own policy and the record, over the whole trace and over ten equal windows. A window’s difference is relative to what it recorded, or to a tenth of the whole if that is more. Capped at 1 where nothing was recorded.',
})

const spans = z.object({ t: z.array(z.number()), cpu: z.array(z.number()) })

/** What happened within each step of time, by measure, and for some of them by CPU. */
export const stepSumsSchema = z.object({
  t: z.array(z.number()).meta({ help: 'Ends of the steps, ns after the trace’s first whole second.' }),
  totals: z.record(z.string(), z.array(z.number())),
  refillsOf: z.record(z.string(), z.array(z.number())).meta({ help: 'By CPU; those without any are left out.' }),
  interruptionsOf: z.record(z.string(), z.array(z.number())).meta({ help: 'By CPU; those without any are left out.' }),
})

export const recordedRowSchema = z.object({
  capture: z.string(),
  totals: totalsSchema.meta({ help: 'Measures that the trace does not record are absent.' }),
  modelError: modelErrorSchema,
  /** The free-running replay of the recording kernel’s own policy, which the model error compares with the record. */
  ownPolicy: z.string(),
  predicted: totalsSchema,
  lossShare: z.number().meta({ help: 'Share of the events that were lost or unreadable, as far as that is known.' }),
  intervals: z
    .record(z.string(), intervalSchema)
    .optional()
    .meta({ help: 'By measure, where events were lost: what the losses leave open of `totals`.' }),
  sums: stepSumsSchema,
  marks: z.object({
    requests: spans.meta({ help: 'Drain requests; at most 500.' }),
    losses: spans.meta({ help: 'Gaps in the recording; at most 500.' }),
    kswapd: z
      .object({ t: z.array(z.number()), durationNs: z.array(z.number()) })
      .meta({ help: 'kswapd balances; at most 500.' }),
    gracePeriods: z
      .object({ t: z.array(z.number()), durationNs: z.array(z.number()) })
      .optional()
      .meta({ help: 'Recorded grace periods; at most 500.' }),
  }),
})
export type RecordedRow = z.infer<typeof recordedRowSchema>
