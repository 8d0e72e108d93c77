import { differencesOf, type MeasureId, type VerdictId } from '#metrics'
import type { CaptureContext } from '../sweep/measure.ts'
import type { Limit, Objective } from '../sweep/objective.ts'
import { relativeDifference } from '../sweep/ranking.ts'
import type { SweepRun } from '../sweep/results.ts'
import { type Interval, pairedInterval } from './bootstrap.ts'

/** How much better one policy is than another, and whether that is more than error. */
export interface Judgement {
  /** Mean relative difference over captures; below 0: the first is better. */
  readonly difference: number
  /** Of the mean, over captures; undefined for fewer than three. */
  readonly interval?: Interval
  readonly byCapture: readonly {
    readonly capture: string
    readonly difference: number
    readonly verdict: VerdictId
    readonly because: readonly string[]
  }[]
  /** Whether the first is better by more than everything that may explain it otherwise. */
  readonly isBetter: boolean
}

export interface Evidence {
  readonly contexts: readonly CaptureContext[]
  /** Runs of all candidates, and of some with an assumed input at an end of its range. */
  readonly runs: readonly SweepRun[]
  readonly objective: Objective
  readonly seed: number
}

/** Runs with an input at either end of its range, as verdicts take them. */
const endOf = ({ assumed }: SweepRun, low: ReadonlyMap<string, number>): 'low' | 'high' =>
  assumed !== undefined && assumed.value === low.get(`${assumed.of} ${assumed.param}`) ? 'low' : 'high'

/** One policy beside another by the objective, capture by capture, judged as `compare` judges. */
export function judged(policy: string, other: string, evidence: Evidence): Judgement {
  const { contexts, runs, objective, seed } = evidence
  const measure = objective.measure
  const low = lowEnds(runs)
  const byCapture = contexts.flatMap((context) => {
    const here = runs.filter(({ capture }) => capture === context.name)
    const [mine, theirs] = [policy, other].map((id) =>
      here.find((run) => run.policy === id && run.assumed === undefined),
    )
    const [value, from] = [mine?.measures[measure], theirs?.measures[measure]]
    if (value === undefined || from === undefined) return []
    const difference = relativeDifference(value, from) * (objective.goal === 'min' ? 1 : -1)
    const found = differencesOf(
      context.name,
      [mine!, theirs!].map((run) => ({ policy: run.policy, totals: run.measures })),
      other,
      {
        recorded: new Set(Object.keys(context.recorded) as MeasureId[]),
        modelError: context.modelError,
        lossShare: context.lossShare,
        unmodelled: context.unmodelled,
        varied: here.flatMap((run) =>
          run.assumed === undefined
            ? []
            : [{ policy: run.assumed.of, param: run.assumed.param, end: endOf(run, low), totals: run.measures }],
        ),
      },
    ).find((one) => one.measure === measure)
    const verdict: VerdictId = found?.verdict ?? 'unchecked'
    return [{ capture: context.name, difference, verdict, because: found?.because ?? ['not recorded'] }]
  })
  const differences = byCapture.map(({ difference }) => difference)
  const difference = differences.reduce((sum, one) => sum + one, 0) / Math.max(1, differences.length)
  const interval = pairedInterval(differences, seed)
  return {
    difference,
    ...(interval === undefined ? {} : { interval }),
    byCapture,
    isBetter: difference < 0 && isSettled(byCapture, interval, difference, evidence),
  }
}

function lowEnds(runs: readonly SweepRun[]): Map<string, number> {
  const low = new Map<string, number>()
  for (const { assumed } of runs)
    if (assumed !== undefined && typeof assumed.value === 'number') {
      const key = `${assumed.of} ${assumed.param}`
      low.set(key, Math.min(low.get(key) ?? assumed.value, assumed.value))
    }
  return low
}

/**
 * On one or two captures each difference must be settled. On more the interval must lie on one side, the mean must be larger than the
 * mean model error, and no capture may settle the contrary or leave the measure unchecked.
 */
function isSettled(
  byCapture: Judgement['byCapture'],
  interval: Interval | undefined,
  mean: number,
  { contexts, objective }: Evidence,
): boolean {
  const differing = byCapture.filter(({ difference }) => difference !== 0)
  if (differing.length === 0) return false
  if (interval === undefined)
    return differing.every(({ difference, verdict }) => difference < 0 && verdict === 'settled')
  const error =
    contexts.reduce((sum, { modelError }) => sum + (modelError[objective.measure] ?? 0), 0) / contexts.length
  return (
    interval.high < 0 &&
    -mean > error &&
    byCapture.every(({ verdict }) => verdict !== 'unchecked' && verdict !== 'depends-on-assumption') &&
    !differing.some(({ difference, verdict }) => difference > 0 && verdict === 'settled')
  )
}

/** What makes it doubtful that a policy keeps a limit, or that another breaks it. */
export function limitDoubts(policy: string, limits: readonly Limit[], { contexts, runs }: Evidence): string[] {
  return limits.flatMap(({ measure, value: limit, text }) =>
    contexts.flatMap(({ name, recorded, modelError }) => {
      const value = runs.find((run) => run.capture === name && run.policy === policy && run.assumed === undefined)
        ?.measures[measure]
      if (value === undefined) return []
      if (recorded[measure] === undefined) return [`${text}: ${name} does not record it, so nothing checks it`]
      const error = value === 0 && limit === 0 ? 0 : (modelError[measure] ?? 0)
      return error > 0 && Math.abs(relativeDifference(value, limit)) <= error
        ? [`${text}: on ${name} ${policy} is within the model error of the limit`]
        : []
    }),
  )
}
