import { type Ranked, type RankingQuestion, ranked } from '../sweep/ranking.ts'
import type { SweepRun } from '../sweep/results.ts'
import { gridEdges } from './grid-edge.ts'
import { type Evidence, type Judgement, judged, limitDoubts } from './judge.ts'
import type { TurningPoint } from './turning-points.ts'

/** A policy in the order of a recommendation, judged beside the baseline. */
export interface Candidate extends Ranked {
  readonly beside: Judgement
}

export interface Decision {
  /** Absent: nothing is recommended. */
  readonly recommended?: string
  /** Why, or why not: one sentence each. */
  readonly because: readonly string[]
  /** Policies that cannot be told from the best. */
  readonly ties: readonly string[]
  /** The best by the replays alone; absent where no policy keeps the limits. */
  readonly best?: string
  /** Best first. */
  readonly candidates: readonly Candidate[]
}

/** What `recommend` found: plain data. */
export interface Recommendation extends Decision {
  readonly schema: 'kreplay.recommendation/1'
  readonly captures: Evidence['contexts']
  readonly baseline: string
  readonly objective: string
  readonly limits: readonly string[]
  readonly search: { readonly kind: string; readonly choices: number; readonly runs: number; readonly seed: number }
  /** One for each assumed input of the best and of the best of each other mechanism. */
  readonly turningPoints: readonly TurningPoint[]
  readonly version: string
}

const percent = (share: number): string => `${(Math.abs(share) * 100).toFixed(1)} %`

/**
 * Hard limits first; of those that keep them, the best by the objective. Nothing is recommended where the baseline keeps the limits and
 * the best is not better than it by more than the error; of policies that can't be told from the best, the one that was named first is.
 */
export function decide(
  runs: readonly SweepRun[],
  question: RankingQuestion,
  evidence: Evidence,
  top: number,
): Decision {
  const { baseline, limits } = question
  const order = ranked(runs, question)
  const candidates = order
    .slice(0, Math.max(top, 1))
    .concat(order.slice(top).filter(({ policy }) => policy === baseline))
    .map((row): Candidate => ({ ...row, beside: judged(row.policy, baseline, evidence) }))
  const keepers = order.filter(({ breaks }) => breaks.length === 0)
  const [best] = keepers
  const none = { candidates, ties: [] as string[] }
  if (best === undefined)
    return { ...none, because: [`No policy keeps ${limits.map(({ text }) => text).join(' and ')} on every capture.`] }
  const tied = new Set(
    keepers
      .filter(({ policy }) => policy === best.policy || !judged(best.policy, policy, evidence).isBetter)
      .map(({ policy }) => policy),
  )
  // In the order in which they were named: simple before tuned.
  const ties = [...new Set(runs.map(({ policy }) => policy))].filter((policy) => tied.has(policy))
  const found = { candidates, ties, best: best.policy }
  if (tied.has(baseline)) return { ...found, because: [whyNone(best, baseline, evidence, limits.length > 0)] }
  const recommended = ties[0]!
  const because = [...whyThis(recommended, order, question, evidence), ...gridEdges(recommended, runs)]
  return { ...found, recommended, because }
}

function whyNone(best: Ranked, baseline: string, evidence: Evidence, limited: boolean): string {
  const { measure } = evidence.objective
  if (best.policy === baseline || best.difference === 0)
    return `No policy is better than ${baseline} by ${measure}${limited ? ', which keeps the limits' : ''}.`
  const { byCapture, interval } = judged(best.policy, baseline, evidence)
  const reasons = [...new Set(byCapture.flatMap(({ verdict, because }) => (verdict === 'settled' ? [] : because)))]
  const spread =
    interval !== undefined && interval.high >= 0
      ? [`over captures the difference lies between ${signed(interval.low)} and ${signed(interval.high)}`]
      : []
  return `${best.policy} differs from ${baseline} by ${signed(best.difference)}, which is no finding: ${[...reasons, ...spread].join('; ') || 'captures disagree'}.`
}

const signed = (share: number): string => (share === 0 ? '0 %' : `${share < 0 ? '−' : '+'}${percent(share)}`)

function whyThis(
  policy: string,
  order: readonly Ranked[],
  { baseline, limits, objective }: RankingQuestion,
  evidence: Evidence,
): string[] {
  const [own, base] = [policy, baseline].map((id) => order.find((row) => row.policy === id))
  const { difference, isBetter, interval } = judged(policy, baseline, evidence)
  const span = interval === undefined ? '' : ` (95 %: ${signed(interval.low)} to ${signed(interval.high)})`
  const broken = base?.breaks ?? []
  return [
    ...(broken.length > 0
      ? [`${baseline} breaks ${broken.join(' and ')}; ${policy} keeps ${limits.length === 1 ? 'it' : 'all limits'}.`]
      : []),
    isBetter
      ? `It has ${percent(difference)} ${objective.goal === 'min' ? 'less' : 'more'} ${objective.measure} than ${baseline}${span}, more than every known error.`
      : `By ${objective.measure} it differs from ${baseline} by ${signed(own === undefined ? 0 : difference)}, which is no finding.`,
    ...limitDoubts(policy, limits, evidence),
  ]
}
