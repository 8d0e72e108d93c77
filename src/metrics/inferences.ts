import { counted } from '#kernel/messages'
import { number } from './caveats.ts'
import type { PcpFidelity } from './schemas.ts'

/** What no event shows and fidelity inferred from later ones, a sentence each; none where nothing was. */
export function inferencesOf(pcp: PcpFidelity): string[] {
  const { inferredBulkPages, excusedRefills, excusedBursts = 0, inferredEarlyPops = 0 } = pcp
  const { inferredPastFrees, inferredLocalDrains } = pcp
  const resting = [
    ...(excusedRefills > 0 ? [`${number(excusedRefills)} of the exact refills`] : []),
    ...(excusedBursts > 0 ? [`${counted(excusedBursts, 'free')} at the limit that led to no burst`] : []),
  ]
  const sentence = (count: number, one: string, many: string): string[] =>
    count === 0 ? [] : [`${number(count)} ${count === 1 ? one : many}`]
  const rest = resting.length === 0 ? '.' : `, which explains ${resting.join(' and ')}.`
  return [
    ...sentence(
      inferredBulkPages,
      `page was taken by the untraced bulk allocator (inferred from its later free)${rest}`,
      `pages were taken by the untraced bulk allocator (inferred from their later frees)${rest}`,
    ),
    ...sentence(
      inferredPastFrees,
      'freed block went past the lists, whose lock was held (inferred: it next came from the buddy).',
      'freed blocks went past the lists, whose lock was held (inferred: they next came from the buddy).',
    ),
    ...sentence(
      inferredEarlyPops,
      'page left its list before the event of its allocation, whose task was preempted (inferred).',
      'pages left their lists before the event of their allocation, whose task was preempted (inferred).',
    ),
    ...sentence(
      inferredLocalDrains,
      'time compaction emptied its own CPU’s lists (inferred: all that they held was drained, and no event says why).',
      'times compaction emptied its own CPU’s lists (inferred: all that they held was drained, and no event says why).',
    ),
  ]
}
