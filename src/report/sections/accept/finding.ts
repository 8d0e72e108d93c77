import type { AcceptComparison, AcceptRun } from '#metrics'
import { formatDuration } from '../../format.ts'
import { runsOn } from '../common.ts'
import type { KeyFigure, Section } from '../section.ts'

export const acceptFinding: Section<AcceptComparison> = {
  id: 'finding',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: [comparison.headline],
    figures: [
      leastOf(comparison, 'Longest wait of one allocation', ({ costs }) => costs.addedNs.max),
      leastOf(comparison, 'Longest time with interrupts off', ({ costs }) => costs.longestIrqsOffNs),
      leastOf(comparison, 'Accepting at boot', ({ costs }) => costs.bootNs),
    ].flat(),
    caveats: comparison.notes,
  }),
}

/** Of the first capture: the baseline against the policy that has least. */
function leastOf(comparison: AcceptComparison, label: string, of: (run: AcceptRun) => number): KeyFigure[] {
  const runs = runsOn(comparison, comparison.captures[0]?.name ?? '')
  const base = runs.find(({ policy }) => policy === comparison.baseline)
  const best = runs.toSorted((a, b) => of(a) - of(b))[0]
  if (base === undefined || best === undefined) return []
  const least = of(best) < of(base)
  return [
    {
      label,
      value: least ? `${formatDuration(of(base))} → ${formatDuration(of(best))}` : formatDuration(of(base)),
      note: least ? `${base.policy} → ${best.policy}` : `${base.policy}; no policy here has less`,
      tone: 'none',
    },
  ]
}
