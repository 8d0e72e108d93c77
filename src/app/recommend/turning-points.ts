import type { Catalogue, ParamValue } from '#policies'
import { choosePcp } from '#policies'
import { idWith, partsOfId } from '../sweep/ids.ts'
import { holds } from '../sweep/objective.ts'
import { type RankingQuestion, relativeDifference } from '../sweep/ranking.ts'
import type { SweepRun } from '../sweep/results.ts'
import type { Choice } from '../sweep/space.ts'
import type { Evaluator } from './evaluator.ts'

/** An assumed input, what is assumed of it, and the range in which it is taken to lie. */
export interface Assumed {
  readonly param: string
  readonly value: number
  readonly low: number
  readonly high: number
}

/** From which value of an assumed input on another policy would win. */
export interface TurningPoint {
  readonly param: string
  /** Which policies have it. */
  readonly of: readonly string[]
  readonly assumed: number
  readonly low: number
  readonly high: number
  readonly rival: string
  /** Absent: the rival wins nowhere in the range. */
  readonly at?: number
  /** At ÷ assumed; absent where 0 is assumed. */
  readonly factor?: number
}

/** Steps of a bisection: the value is then known to a thousandth of the range, on a scale of ratios. */
const STEPS = 10

/** What a choice assumes on captures of which some have no recorded grace periods. */
export function assumedBy(
  id: string,
  catalogue: Catalogue,
  gracePeriods: boolean,
  release: Parameters<typeof choosePcp>[1],
): Assumed[] {
  const { drain, drainParams } = choosePcp(id, release, {}, catalogue)
  const all = drain.assumes?.(drainParams, { gracePeriods }) ?? []
  return all.flatMap(({ param, low, high }) => {
    const value = drainParams[param]
    return typeof value === 'number' ? [{ param, low, high, value }] : []
  })
}

/** A choice with an assumed input at another value. */
export const varied = (id: string, param: string, value: ParamValue): Choice => ({
  id: idWith(id, { [param]: value }),
  assumed: { param, value },
  of: id,
})

/**
 * One assumed input at a time, the others as they are: where in its range the rival begins to win over the winner. Both take the value
 * where both have the input.
 */
export async function turningPoint(
  evaluator: Pick<Evaluator, 'run'>,
  { winner, rival, has }: { readonly winner: string; readonly rival: string; readonly has: (id: string) => boolean },
  { param, value, low, high }: Assumed,
  question: RankingQuestion,
): Promise<TurningPoint> {
  const of = [winner, rival].filter(has)
  const point = { param, of, assumed: value, low, high, rival }
  const rivalWins = async (at: number): Promise<boolean> => {
    const choices = [winner, rival].map((id): Choice => (has(id) ? varied(id, param, at) : { id }))
    const runs = await evaluator.run(choices)
    return wins(runs, choices[1]!.id, choices[0]!.id, question)
  }
  for (const end of [low, high]) {
    if (end === value || !(await rivalWins(end))) continue
    let [stays, turns] = [value, end]
    for (let step = 0; step < STEPS && Math.abs(stays - turns) > 1; step++) {
      const middle = Math.round(stays > 0 && turns > 0 ? Math.sqrt(stays * turns) : (stays + turns) / 2)
      if (await rivalWins(middle)) turns = middle
      else stays = middle
    }
    return { ...point, at: turns, ...(value === 0 ? {} : { factor: turns / value }) }
  }
  return point
}

/** Whether a policy keeps the limits on every capture and has less of the objective on average. */
function wins(
  runs: readonly SweepRun[],
  policy: string,
  other: string,
  { objective, limits }: RankingQuestion,
): boolean {
  const [mine, theirs] = [policy, other].map((id) => runs.filter((run) => run.policy === id)) as [
    SweepRun[],
    SweepRun[],
  ]
  const keeps = (some: readonly SweepRun[]): boolean =>
    some.every(({ measures }) => limits.every((limit) => holds(limit, measures[limit.measure] ?? Number.NaN)))
  if (!keeps(mine)) return false
  if (!keeps(theirs)) return true
  const sign = objective.goal === 'min' ? 1 : -1
  const apart = mine.map(
    (run, at) =>
      sign * relativeDifference(run.measures[objective.measure] ?? 0, theirs[at]?.measures[objective.measure] ?? 0),
  )
  return apart.reduce((sum, one) => sum + one, 0) < 0
}

/** What tells mechanisms apart: `pcp/linux-6.1+rcu-swap{…}` drains by `rcu-swap`. */
export const mechanismOf = (id: string, catalogue: Catalogue, release: Parameters<typeof choosePcp>[1]): string =>
  choosePcp(partsOfId(id).name, release, {}, catalogue).drain.id
