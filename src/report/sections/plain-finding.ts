import type { ComparisonHead } from '#metrics'
import { leadAndRest } from './common.ts'
import type { Section } from './section.ts'

/** The finding of the families whose reports begin with a sentence and no matrix. */
export const plainFinding: Section<ComparisonHead> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    caveats: comparison.notes,
  }),
}
