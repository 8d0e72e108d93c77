import { share } from '#kernel'
import type { PcpComparison, Run } from '#metrics'
import { formatCount, formatShare } from '../format.ts'
import { pluralOf, runsOn, sum } from './common.ts'
import type { KeyFigure, Section, Tone } from './section.ts'

export const headline: Section = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => {
    const { captures, notes } = comparison
    const lost = sum(captures.map(({ losses }) => losses.events))
    const gaps = sum(captures.map(({ losses }) => losses.gaps))
    return {
      paragraphs: [comparison.headline],
      figures: [
        ...fidelityFigures(comparison),
        ...(captures.some(({ isolated }) => isolated.length > 0)
          ? bestOf(comparison, 'Fewest interruptions of isolated CPUs', interruptionsOfIsolated)
          : bestOf(comparison, 'Fewest interruptions of all CPUs', ({ work }) => work.interruptions)),
        ...bestOf(comparison, 'Fewest pages moved under zone->lock', ({ work }) => work.zoneLockPages),
      ],
      caveats: [
        ...(gaps > 0
          ? [
              `Recording lost ${lost > 0 ? `${formatCount(lost)} ${pluralOf(lost, 'event')}` : 'an unknown number of events'} in ${formatCount(gaps)} ${pluralOf(gaps, 'gap')}: counts below are of what was recorded.`,
            ]
          : []),
        ...notes,
      ],
    }

    function interruptionsOfIsolated(run: Run): number {
      const isolated = captures.find(({ name }) => name === run.capture)?.isolated ?? []
      return sum(isolated.map((cpu) => run.interruptions[cpu] ?? 0))
    }
  },
}

function fidelityFigures({ fidelity }: PcpComparison): KeyFigure[] {
  const scored = fidelity.flatMap(({ pcp }) => (pcp === undefined ? [] : [pcp]))
  const figure = (label: string, what: 'refills' | 'drainBursts'): KeyFigure[] => {
    const exact = sum(scored.map((pcp) => pcp[what].exact))
    const all = sum(scored.map((pcp) => Math.max(pcp[what].recorded, pcp[what].predicted)))
    const score = share(exact, all)
    return score === undefined
      ? []
      : [
          {
            label,
            value: formatShare(score),
            note: `${formatCount(exact)} of ${formatCount(all)} scored, recorded or predicted`,
            tone: toneOfScore(score),
          },
        ]
  }
  return [
    ...figure('Refills reproduced exactly', 'refills'),
    ...figure('Drain bursts reproduced exactly', 'drainBursts'),
  ]
}

export const toneOfScore = (score: number | undefined): Tone =>
  score === undefined ? 'none' : score >= 0.98 ? 'good' : score >= 0.9 ? 'fair' : 'poor'

/** The least of a count among the policies beside the baseline's, over all captures. */
function bestOf(comparison: PcpComparison, label: string, of: (run: Run) => number): KeyFigure[] {
  const totals = new Map<string, number>()
  for (const { name } of comparison.captures) {
    for (const run of runsOn(comparison, name)) {
      // A bound or no lists at all is what policies are measured by, not one to choose.
      const chosen = run.isBound !== true && run.work.allocsFromList > 0
      if (chosen || run.policy === comparison.baseline) totals.set(run.policy, (totals.get(run.policy) ?? 0) + of(run))
    }
  }
  const base = totals.get(comparison.baseline)
  const best = [...totals].toSorted(([, a], [, b]) => a - b)[0]
  if (base === undefined || best === undefined) return []
  const [policy, least] = best
  const over = comparison.captures.length > 1 ? ', over all captures' : ''
  const equals = [...totals.values()].filter((total) => total === least).length - 1
  return least < base
    ? [
        {
          label,
          value: `${formatCount(base)} → ${formatCount(least)}`,
          note: `${comparison.baseline} → ${policy}${equals > 0 ? ` and ${equals} more` : ''}${over}`,
          tone: 'none',
        },
      ]
    : [
        {
          label,
          value: formatCount(base),
          note: `${comparison.baseline}; no policy here has fewer${over}`,
          tone: 'none',
        },
      ]
}
