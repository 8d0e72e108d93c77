import { percent } from './caveats.ts'
import type { Interval } from './losses/interval.ts'
import { type Difference, type MeasureId, measureIds, type Totals, type VerdictId } from './measures.ts'

/** One policy’s totals with an assumed input at one end of its range. */
export interface VariedRun {
  readonly policy: string
  readonly param: string
  readonly end: 'low' | 'high'
  readonly totals: Totals
}

/** All that may explain a difference on one capture, other than the policies. */
export interface Uncertainty {
  /** Measures that the trace records. */
  readonly recorded: ReadonlySet<MeasureId>
  readonly modelError: Readonly<Partial<Record<MeasureId, number>>>
  /** Share of the events that were lost or unreadable. */
  readonly lossShare: number
  /** What the losses leave open of how far a policy is from the baseline; undefined where that was not tried. */
  readonly lossInterval?: ((policy: string, measure: MeasureId) => Interval | undefined) | undefined
  readonly varied: readonly VariedRun[]
  /** What the rules leave out of how the recording kernel was built. */
  readonly unmodelled?: string | undefined
  /** By policy and measure: relative differences on captures that repeat this one, its own among them. */
  readonly repeats?: ReadonlyMap<string, readonly number[]>
}

interface Measured {
  readonly policy: string
  readonly totals: Totals
}

/** Relative to the larger of the two, so that it does not matter which of them is the baseline. */
export const relative = (value: number, baseline: number): number =>
  value === baseline ? 0 : (value - baseline) / Math.max(Math.abs(value), Math.abs(baseline))

/** Params whose range changes the sign of a difference, or halves it. */
function unsettling(of: Measured, base: Measured, measure: MeasureId, varied: readonly VariedRun[]): string[] {
  const difference = (of.totals[measure] ?? 0) - (base.totals[measure] ?? 0)
  const at = (one: Measured, param: string, end: string): number =>
    varied.find((run) => run.policy === one.policy && run.param === param && run.end === end)?.totals[measure] ??
    one.totals[measure] ??
    0
  const params = new Set(
    varied.filter(({ policy }) => policy === of.policy || policy === base.policy).map(({ param }) => param),
  )
  return [...params].filter((param) =>
    (['low', 'high'] as const).some((end) => {
      const moved = at(of, param, end) - at(base, param, end)
      return moved * difference <= 0 || Math.abs(moved) < Math.abs(difference) / 2
    }),
  )
}

export const repeatKey = (policy: string, measure: MeasureId): string => `${policy} ${measure}`

/** The first error that is at least as large as the difference; precedence as listed in `verdicts`. */
function judge(of: Measured, base: Measured, measure: MeasureId, given: Uncertainty): [VerdictId, string[]] {
  if (!given.recorded.has(measure)) return ['unchecked', ['not recorded']]
  const apart = Math.abs(relative(of.totals[measure]!, base.totals[measure]!))
  const open = given.lossInterval?.(of.policy, measure)
  if (open === undefined ? given.lossShare > 0 && apart <= given.lossShare : open.low <= 0 && open.high >= 0)
    return ['within-loss', [`${percent(given.lossShare)} of the events lost`]]
  const error = given.modelError[measure]
  if (error === undefined) return ['unchecked', ['not recorded']]
  if (apart <= error) return ['within-model-error', [`model error ${percent(error)}`]]
  const params = unsettling(of, base, measure, given.varied)
  if (params.length > 0) return ['depends-on-assumption', params]
  const repeats = given.repeats?.get(repeatKey(of.policy, measure)) ?? []
  const spread = repeats.length < 2 ? 0 : Math.max(...repeats) - Math.min(...repeats)
  if (spread > apart) return ['within-repeats', [`captures differ by ${percent(spread)}`]]
  if (given.unmodelled !== undefined) return ['not-modelled', [`${given.unmodelled} is not modelled`]]
  return ['settled', []]
}

/** Every measure of every policy beside the baseline, on one capture. */
export function differencesOf(
  capture: string,
  runs: readonly Measured[],
  baseline: string,
  given: Uncertainty,
): Difference[] {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined) return []
  return runs
    .filter((run) => run !== base)
    .flatMap((run) =>
      measureIds.flatMap((measure): Difference[] => {
        const [value, from] = [run.totals[measure], base.totals[measure]]
        if (value === undefined || from === undefined) return []
        const [verdict, because] = judge(run, base, measure, given)
        const interval = given.lossInterval?.(run.policy, measure)
        const open = interval === undefined ? {} : { interval }
        return [{ capture, policy: run.policy, measure, value, baseline: from, verdict, ...open, because }]
      }),
    )
}
