import type { KvfreeComparedRun, KvfreeComparison } from '#metrics'
import { formatDuration } from '../../format.ts'
import { runsOn } from '../common.ts'
import type { KeyFigure, Section } from '../section.ts'
import { formatBytes } from './common.ts'

export const kvfreeFinding: Section<KvfreeComparison> = {
  id: 'finding',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: [comparison.headline],
    figures: [
      leastOf(comparison, 'Memory that waits, mean', ({ footprint }) => footprint.meanBytes ?? 0, formatBytes),
      leastOf(comparison, 'At its peak', ({ footprint }) => footprint.peakBytes, formatBytes),
      leastOf(comparison, 'Median wait', ({ quantiles }) => quantiles.reclaimLatencyNs?.p50 ?? 0, formatDuration),
    ].flat(),
    caveats: comparison.notes,
  }),
}

/** Of the first capture: the baseline against the policy that has least. */
function leastOf(
  comparison: KvfreeComparison,
  label: string,
  of: (run: KvfreeComparedRun) => number,
  format: (value: number) => string,
): KeyFigure[] {
  const runs = runsOn(comparison, comparison.captures[0]?.name ?? '')
  const base = runs.find(({ policy }) => policy === comparison.baseline)
  const best = runs.toSorted((a, b) => of(a) - of(b))[0]
  if (base === undefined || best === undefined) return []
  const least = of(best) < of(base)
  return [
    {
      label,
      value: least ? `${format(of(base))} → ${format(of(best))}` : format(of(base)),
      note: least ? `${base.policy} → ${best.policy}` : `${base.policy}; no policy here has less`,
      tone: 'none',
    },
  ]
}
