import { counted } from '#kernel/messages'
import type { PcpComparison } from '#metrics'
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
  const lost = sum(captures.map(({ losses }) => losses.events))
  const gaps = sum(captures.map(({ losses }) => losses.gaps))
  if (gaps === 0) return []
  const what = lost > 0 ? counted(lost, 'event') : 'an unknown number of events'
  const open = Math.max(0, ...recorded.map(({ lossShare }) => lossShare))
  const size = open === 0 ? '' : ` Differences below ${formatShare(open)} are no finding.`
  return [`Recording lost ${what} in ${counted(gaps, 'gap')}.${size}`]
}

export const toneOfScore = (score: number | undefined): Tone =>
  score === undefined ? 'none' : score >= 0.98 ? 'good' : score >= 0.9 ? 'fair' : 'poor'
