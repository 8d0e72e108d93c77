import { type Page, verdictHelp } from '#report'
import { composeSweep } from '#report/sweep'
import type { Ranked } from '../sweep/ranking.ts'
import type { SweepRun } from '../sweep/results.ts'
import type { Candidate, Recommendation } from './recommendation.ts'

function verdictOf(candidate: Candidate | undefined): string | undefined {
  if (candidate === undefined || candidate.difference === 0) return undefined
  const open = candidate.beside.byCapture.find(({ verdict }) => verdict !== 'settled')
  return candidate.beside.isBetter || open === undefined ? 'settled' : verdictHelp[open.verdict]
}

/** A recommendation as a page: what it is and why, the best, the front, captures, parameters, assumptions. */
export function recommendationPage(found: Recommendation, rows: readonly Ranked[], runs: readonly SweepRun[]): Page {
  const { recommended, because, ties, captures, baseline, objective, limits, candidates, turningPoints } = found
  const judged = new Map(candidates.map((candidate) => [candidate.policy, candidate]))
  const others = ties.filter((policy) => policy !== recommended && policy !== baseline)
  return composeSweep({
    title: `Recommendation: ${captures.map(({ name }) => name).join(', ')}`,
    origin: captures.map(({ name, kernel }) => `${name}: Linux ${kernel}`).join('; '),
    version: found.version,
    notModelled: captures.flatMap(({ name, unmodelled }) =>
      unmodelled === undefined ? [] : [`${name}: ${unmodelled} is not modelled, so no difference on it is a finding.`],
    ),
    objective,
    baseline,
    axes: Object.keys(rows[0]?.means ?? {}),
    sentences: [
      `${recommended === undefined ? 'Nothing is recommended' : `Recommended: ${recommended}`} by ${objective}${limits.length > 0 ? ` within ${limits.join(', ')}` : ''}.`,
      ...because,
      ...(others.length > 0 ? [`Not to be told from it: ${others.slice(0, 10).join(', ')}.`] : []),
    ],
    rows: rows.map((row) => {
      const verdict = verdictOf(judged.get(row.policy))
      return verdict === undefined ? row : { ...row, verdict }
    }),
    runs,
    turningPoints,
  })
}
