import { percent } from '../caveats.ts'
import type { LossModel } from './losses.ts'

/** How much is missing and what that does to the figures, in a sentence or two. */
export const lossCaveat = ({ share, found }: Pick<LossModel, 'share' | 'found'>): string =>
  found === 'counted'
    ? `${about(share)} of the events are missing: intervals say what that leaves open, and differences within them are no findings.`
    : `Events are missing though none is marked as lost: pages were allocated twice without a free between. ${about(share)} of the events, by how often; intervals say what that leaves open.`

const about = (share: number): string => (share < 0.0005 ? 'Fewer than 0.1 %' : `About ${percent(share)}`)
