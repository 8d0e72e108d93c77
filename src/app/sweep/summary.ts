import { questionOf } from './question.ts'
import { type Ranked, ranked } from './ranking.ts'
import type { SweepResult } from './results.ts'

/** What a sweep's result comes to: its policies in order, and the measures that count. */
export interface SweepSummary {
  readonly objective: string
  /** Measures by which the front is drawn, the objective first. */
  readonly axes: readonly string[]
  readonly rows: readonly Ranked[]
}

/** @throws UsageError where an objective or a limit names a measure that no run has */
export function summaryOf(result: SweepResult): SweepSummary {
  if (result.runs.length === 0) return { objective: result.objective, axes: [], rows: [] }
  const question = questionOf(result)
  const { objective, limits, besides } = question
  return {
    objective: result.objective,
    axes: [...new Set([objective.measure, ...besides, ...limits.map(({ measure }) => measure)])],
    rows: ranked(result.runs, question),
  }
}
