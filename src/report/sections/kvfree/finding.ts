import type { KvfreeComparison } from '#metrics'
import { formatDuration } from '../../format.ts'
import { leadAndRest, leastOf } from '../common.ts'
import type { Section } from '../section.ts'
import { formatBytes } from './common.ts'

export const kvfreeFinding: Section<KvfreeComparison> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    figures: [
      leastOf(comparison, 'Memory that waits, mean', ({ footprint }) => footprint.meanBytes ?? 0, formatBytes),
      leastOf(comparison, 'At its peak', ({ footprint }) => footprint.peakBytes, formatBytes),
      leastOf(comparison, 'Median wait', ({ quantiles }) => quantiles.reclaimLatencyNs?.p50 ?? 0, formatDuration),
    ].flat(),
    caveats: comparison.notes,
  }),
}
