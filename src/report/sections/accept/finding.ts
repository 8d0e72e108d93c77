import type { AcceptComparison } from '#metrics'
import { formatDuration } from '../../format.ts'
import { leadAndRest, leastOf } from '../common.ts'
import type { Section } from '../section.ts'

export const acceptFinding: Section<AcceptComparison> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    figures: [
      leastOf(comparison, 'Longest wait of one allocation', ({ costs }) => costs.addedNs.max, formatDuration),
      leastOf(comparison, 'Longest time with interrupts off', ({ costs }) => costs.longestIrqsOffNs, formatDuration),
      leastOf(comparison, 'Accepting at boot', ({ costs }) => costs.bootNs, formatDuration),
    ].flat(),
    caveats: comparison.notes,
  }),
}
