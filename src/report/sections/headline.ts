import { lostWords, type PcpComparison } from '#metrics'
import { formatShare } from '../format.ts'
import { leadAndRest, sum } from './common.ts'
import type { Section, Tone } from './section.ts'

export const headline: Section = {
  id: 'headline',
  question: 'What did the replay find?',
  short: 'Finding',
  applies: () => true,
  build: (comparison) => ({
    paragraphs: leadAndRest(comparison.headline),
    caveats: [...lossCaveat(comparison), ...comparison.notes],
  }),
}

function lossCaveat({ captures, recorded }: PcpComparison): string[] {
  const total = (of: 'gaps' | 'events' | 'uncounted') => sum(captures.map(({ losses }) => losses[of]))
  const lost = lostWords({ gaps: total('gaps'), events: total('events'), uncounted: total('uncounted') })
  if (lost === undefined) return []
  const open = Math.max(0, ...recorded.map(({ lossShare }) => lossShare))
  const size = open === 0 ? '' : ` Differences below ${formatShare(open)} are no finding.`
  return [`Recording lost ${lost}.${size}`]
}

export const toneOfScore = (score: number | undefined): Tone =>
  score === undefined ? 'none' : score >= 0.98 ? 'good' : score >= 0.9 ? 'fair' : 'poor'
