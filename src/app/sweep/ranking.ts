import { holds, type Limit, type Objective } from './objective.ts'
import type { SweepRun } from './results.ts'

/** A policy with its results on every capture, price list and seed. */
export interface Ranked {
  readonly policy: string
  /** Mean of its relative differences from the baseline by the objective: −0.2 is a fifth less. */
  readonly difference: number
  /** The same, one for each pair of runs: by capture, price list and seed. */
  readonly pairs: readonly { readonly cell: string; readonly capture: string; readonly relative: number }[]
  /** Mean over captures of the measures that count. */
  readonly means: Readonly<Record<string, number>>
  /** Limits that do not hold somewhere. */
  readonly breaks: readonly string[]
  /** Whether no other that keeps the limits is at least as good in all that counts and better in one. */
  readonly onFront: boolean
}

/** Relative to the larger of the two, so that it does not matter which of them is the baseline, and a zero is no trouble. */
export const relativeDifference = (value: number, baseline: number): number =>
  value === baseline ? 0 : (value - baseline) / Math.max(Math.abs(value), Math.abs(baseline))

export const cellOf = ({ capture, prices, seed }: Pick<SweepRun, 'capture' | 'prices' | 'seed'>): string =>
  JSON.stringify([capture, prices, seed ?? null])

export interface RankingQuestion {
  readonly baseline: string
  readonly objective: Objective
  readonly limits: readonly Limit[]
  /** Measures besides the objective by which a front is drawn. */
  readonly besides: readonly string[]
}

/** Policies that keep the limits first, the best first; of equals the one that was named first. Runs with other assumed inputs are none. */
export function ranked(runs: readonly SweepRun[], question: RankingQuestion): Ranked[] {
  const { baseline, objective, limits, besides } = question
  const candidates = Map.groupBy(
    runs.filter(({ assumed }) => assumed === undefined),
    ({ policy }) => policy,
  )
  const base = new Map((candidates.get(baseline) ?? []).map((run) => [cellOf(run), run]))
  const axes = [...new Set([objective.measure, ...besides, ...limits.map(({ measure }) => measure)])]
  const rows = [...candidates].map(([policy, own]) => rowOf(policy, own))
  const front = frontOf(rows, axes, objective)
  return rows
    .map((row) => ({ ...row, onFront: front.has(row) }))
    .sort((a, b) => Number(a.breaks.length > 0) - Number(b.breaks.length > 0) || a.difference - b.difference)

  function rowOf(policy: string, own: readonly SweepRun[]): Omit<Ranked, 'onFront'> {
    const pairs = own.flatMap((run) => {
      const [value, from] = [run.measures[objective.measure], base.get(cellOf(run))?.measures[objective.measure]]
      if (value === undefined || from === undefined) return []
      const relative = relativeDifference(value, from) * (objective.goal === 'min' ? 1 : -1)
      return [{ cell: cellOf(run), capture: run.capture, relative }]
    })
    const broken = limits.filter((limit) => own.some(({ measures }) => breaks(limit, measures)))
    return {
      policy,
      pairs,
      difference: pairs.length === 0 ? 0 : pairs.reduce((sum, { relative }) => sum + relative, 0) / pairs.length,
      means: Object.fromEntries(axes.flatMap((name) => meanOf(own, name))),
      breaks: broken.map(({ text }) => text),
    }
  }
}

/** A measure that a run does not have holds no limit: what is not known may be anything. */
const breaks = (limit: Limit, measures: SweepRun['measures']): boolean => {
  const value = measures[limit.measure]
  return value === undefined || !holds(limit, value)
}

function meanOf(runs: readonly SweepRun[], name: string): [string, number][] {
  const values = runs.flatMap(({ measures }) => measures[name] ?? [])
  return values.length === 0 ? [] : [[name, values.reduce((sum, value) => sum + value, 0) / values.length]]
}

/** Rows that keep the limits and that no other such row dominates. */
function frontOf(
  rows: readonly Omit<Ranked, 'onFront'>[],
  axes: readonly string[],
  { measure, goal }: Objective,
): ReadonlySet<Omit<Ranked, 'onFront'>> {
  const along = (row: Omit<Ranked, 'onFront'>, axis: string): number => {
    const value = row.means[axis] ?? 0
    return axis === measure && goal === 'max' ? -value : value
  }
  const kept = rows.filter((row) => row.breaks.length === 0)
  // By the first axis, so that whoever dominates a row stands before it.
  const sorted = kept.toSorted((a, b) => {
    for (const axis of axes) {
      const apart = along(a, axis) - along(b, axis)
      if (apart !== 0) return apart
    }
    return 0
  })
  const front: Omit<Ranked, 'onFront'>[] = []
  for (const row of sorted) {
    const isDominated = front.some(
      (other) =>
        axes.every((axis) => along(other, axis) <= along(row, axis)) &&
        axes.some((axis) => along(other, axis) < along(row, axis)),
    )
    if (!isDominated) front.push(row)
  }
  return new Set(front)
}

/** Measures by which a front is drawn beside the objective and those with a limit: who is interrupted, and what lies on lists. */
export const usualBesides = (runs: readonly SweepRun[], objective: Objective): string[] =>
  ['interruptions', 'cachedPages', 'footprint.peakBytes', 'throttledNs', 'costs.bootNs'].filter(
    (name) => name !== objective.measure && runs.some(({ measures }) => measures[name] !== undefined),
  )

/** Names of all measures that runs have. */
export const measuresOf = (runs: readonly SweepRun[]): string[] =>
  [...new Set(runs.flatMap(({ measures }) => Object.keys(measures)))].sort()
