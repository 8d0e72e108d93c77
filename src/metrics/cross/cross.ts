import { median } from 'd3-array'
import { z } from 'zod'
import type { StagePages } from '#estimate'
import type { Recording } from '#events'
import { caveatsOf } from '../caveats.ts'
import { notModelledSchema } from '../machine-schemas.ts'
import { notModelledOf } from '../not-modelled.ts'
import { type CrossPair, crossPairSchema, medianPairError } from './cross-pairs.ts'

const pair = z.object({
  predicted: z.number(),
  recorded: z.number(),
  error: z.number().optional().meta({ help: 'predicted ÷ recorded − 1; absent where nothing was recorded.' }),
})

/** One kernel's capture under another kernel's rules, against what that kernel recorded of the same workload. */
const crossCellSchema = z.object({
  capture: z.string().meta({ help: 'Whose allocations and frees were replayed.' }),
  rules: z.string().meta({ help: 'Whose rules they were replayed under.' }),
  against: z.string().meta({ help: 'The capture that the kernel of these rules recorded itself.' }),
  refilled: pair.meta({ unit: 'pages per 1000 pages allocated' }),
  drained: pair.meta({ unit: 'pages per 1000 pages allocated' }),
  wholeStages: z.object({ refilled: pair, drained: pair }).meta({
    unit: 'pages per 1000 pages allocated',
    help: 'The same over all of each stage, however far each kernel came in it.',
  }),
  interruptions: z.object({ predicted: z.number(), recorded: z.number() }),
})
export type CrossCell = z.infer<typeof crossCellSchema>

/** What `cross --json` prints: each capture’s demand under each capture’s rules, predicted beside recorded. */
export const crossSchema = z.object({
  schema: z.literal('kreplay.cross/1'),
  notModelled: notModelledSchema,
  cells: z.array(crossCellSchema),
  medianError: z
    .number()
    .optional()
    .meta({ help: 'Over the cells of two different kernels; a cell’s error is the mean of its two rates’.' }),
  medianErrorWholeStages: z.number().optional().meta({ help: 'As `medianError`, over whole stages.' }),
  pairs: z.array(crossPairSchema).optional().meta({
    help: 'By kernel and setting, each pooled over its repeats. Reports of older versions have none.',
  }),
  medianPairError: z.number().optional().meta({ help: 'Median of the absolute errors over all pairs and measures.' }),
  notes: z.array(z.string()),
})
export type Cross = z.infer<typeof crossSchema>

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/**
 * Pages per 1000 allocated, with the stages in the proportion that `like` has them.
 */
export function rateLike(pages: readonly number[], allocated: readonly number[], like: readonly number[]): number {
  const all = sum(like)
  return (
    sum(like.map((part, stage) => (allocated[stage]! === 0 ? 0 : (part / all) * (pages[stage]! / allocated[stage]!)))) *
    1000
  )
}

const compared = (predicted: number, recorded: number): z.infer<typeof pair> => ({
  predicted,
  recorded,
  ...(recorded === 0 ? {} : { error: predicted / recorded - 1 }),
})

/** Stages as some rules predict them of one capture, and as another kernel recorded its own. */
export interface ComparedStages {
  readonly predicted: StagePages
  readonly recorded: StagePages
}

const ratesOf = ({ predicted, recorded }: ComparedStages): CrossCell['wholeStages'] => {
  const rates = (what: 'refilled' | 'drained') =>
    compared(
      rateLike(predicted[what], predicted.allocated, recorded.allocated),
      rateLike(recorded[what], recorded.allocated, recorded.allocated),
    )
  return { refilled: rates('refilled'), drained: rates('drained') }
}

/** Of one capture: what the rules make of its stages, and what their own kernel recorded of its own; as far as both came, and in all. */
export const crossCell = (
  { capture, rules, against }: Pick<CrossCell, 'capture' | 'rules' | 'against'>,
  common: ComparedStages,
  whole: ComparedStages,
  interruptions: CrossCell['interruptions'],
): CrossCell => ({ capture, rules, against, ...ratesOf(common), wholeStages: ratesOf(whole), interruptions })

/** The mean of the two rates' errors, sign left out; undefined where neither has one. */
export function errorOf({ refilled, drained }: CrossCell['wholeStages']): number | undefined {
  const errors = [refilled.error, drained.error].flatMap((error) => (error === undefined ? [] : [Math.abs(error)]))
  return errors.length === 0 ? undefined : sum(errors) / errors.length
}

/** `captures`: the recordings, of which what they lack stands before all else. */
export function composeCross(
  cells: readonly CrossCell[],
  captures: readonly Recording[],
  pairs: readonly CrossPair[] = [],
): Cross {
  const foreign = cells.filter(({ capture, against }) => capture !== against)
  const medianError = median(foreign, errorOf)
  const pairError = medianPairError(pairs)
  const medianErrorWholeStages = median(foreign, ({ wholeStages }) => errorOf(wholeStages))
  return {
    schema: 'kreplay.cross/1',
    notModelled: notModelledOf(captures),
    cells: [...cells],
    ...(medianError === undefined ? {} : { medianError }),
    ...(medianErrorWholeStages === undefined ? {} : { medianErrorWholeStages }),
    pairs: [...pairs],
    ...(pairError === undefined ? {} : { medianPairError: pairError }),
    notes: [
      ...captures.flatMap((capture) => caveatsOf(capture).map((sentence) => `${capture.name}: ${sentence}`)),
      'A workload’s stages (all tasks of its program gone before the next start) were cut by time, so a faster kernel did more in each: each is compared only as far as both kernels came in it, in pages allocated.',
      'Settings, and sizes and pages of the lists at the start, are those of the kernel whose rules are replayed, from its own capture.',
    ],
  }
}
