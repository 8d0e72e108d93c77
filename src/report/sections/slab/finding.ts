import type { SlabComparison } from '#metrics/slab'
import { leadAndRest } from '../common.ts'
import type { Section } from '../section.ts'

export const slabFinding: Section<SlabComparison> = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    caveats: comparison.notes,
  }),
}
