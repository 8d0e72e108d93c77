import { parseLimit, parseObjective } from './objective.ts'
import type { RankingQuestion } from './ranking.ts'
import { measuresOf, usualBesides } from './ranking.ts'
import type { SweepResult } from './results.ts'

/** What a result is asked: its objective and limits, checked against the measures that its runs have. @throws UsageError */
export function questionOf({
  runs,
  objective,
  limits,
  baseline,
}: Pick<SweepResult, 'runs' | 'objective' | 'limits' | 'baseline'>): RankingQuestion {
  const known = measuresOf(runs)
  const goal = parseObjective(objective, known)
  const parsed = limits.map((text) => parseLimit(text, known))
  return {
    baseline,
    objective: goal,
    limits: parsed,
    besides: usualBesides(runs, goal),
  }
}
