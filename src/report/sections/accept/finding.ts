import type { AcceptComparison } from '#metrics/accept'
import { leadAndRest } from '../common.ts'
import type { Section } from '../section.ts'

export const acceptFinding: Section<AcceptComparison> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    caveats: comparison.notes,
  }),
}
