import type { KvfreeComparison } from '#metrics/kvfree'
import { leadAndRest } from '../common.ts'
import type { Section } from '../section.ts'

export const kvfreeFinding: Section<KvfreeComparison> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    caveats: comparison.notes,
  }),
}
