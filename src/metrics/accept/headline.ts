import { formatDuration } from '#kernel/messages'
import { nothingToCompare } from '../sentences.ts'
import type { AcceptRun } from './schema.ts'

/** Who pays most and least for accepting. */
export function acceptHeadline(capture: string, runs: readonly AcceptRun[], baseline: string): string {
  const base = runs.find(({ policy }) => policy === baseline)
  const others = runs.filter(({ policy }) => policy !== baseline)
  if (base === undefined || others.length === 0) return nothingToCompare(capture)
  const sorted = [...runs].sort((a, b) => a.costs.longestIrqsOffNs - b.costs.longestIrqsOffNs)
  const [least, most] = [sorted[0]!, sorted.at(-1)!]
  const worst = [...runs].sort((a, b) => b.costs.addedNs.max - a.costs.addedNs.max)[0]!
  return (
    `On ${capture}, an allocation waits at most ${formatDuration(worst.costs.addedNs.max)} under ${worst.policy} and ${formatDuration(base.costs.addedNs.max)} under ${baseline}, which accepts for ${formatDuration(base.costs.bootNs)} at boot. ` +
    `Interrupts are off for at most ${formatDuration(most.costs.longestIrqsOffNs)} under ${most.policy} and ${formatDuration(least.costs.longestIrqsOffNs)} under ${least.policy}. ` +
    'No trace records acceptance, so no difference is checked.'
  )
}
