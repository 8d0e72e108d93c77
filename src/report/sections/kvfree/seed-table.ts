import { type KvfreeComparison, publishedFor } from '#metrics/kvfree'
import { perCapture } from '../common.ts'
import { count, type Section, seconds, text } from '../section.ts'

const nocbOf = ({ workloads }: KvfreeComparison, name: string): unknown =>
  workloads.find(({ capture }) => capture === name)?.params.nocb ?? 'all'

/** Which mail a published line is of. */
function sourcesOf(comparison: KvfreeComparison): string[] {
  const tables = comparison.runs.flatMap(
    ({ capture, policy }) => publishedFor(policy, nocbOf(comparison, capture)) ?? [],
  )
  return [...new Set(tables)].map(({ id, what, source }) => `Published, ${id}: ${what}. Mail: ${source}.`)
}

/** The benchmark's own lines, simulated and published. */
export const kvfreeSeedTable: Section<KvfreeComparison> = {
  id: 'rcuscale',
  question: 'What would rcuscale print, and what was published?',
  short: 'rcuscale',
  applies: ({ runs }) => runs.some(({ rcuscale }) => rcuscale !== undefined),
  build: (comparison) => ({
    paragraphs: [
      'The benchmark calls grace periods “batches”, and its memory footprint is a weighted mean of three samples, seven eighths of a constant backlog.',
      ...sourcesOf(comparison),
    ],
    tables: perCapture(comparison, ({ name }, runs, of) => {
      const nocb = nocbOf(comparison, name)
      return [
        {
          caption: `Lines of rcuscale, simulated and published${of}`,
          columns: [
            text('policy'),
            text('from'),
            seconds('time'),
            count('batches (grace periods)'),
            count('memory footprint (MB)'),
          ],
          rows: runs.flatMap(({ policy, rcuscale }) => [
            ...(rcuscale === undefined
              ? []
              : [[policy, 'simulated', rcuscale.timeNs / 1e9, rcuscale.batches, rcuscale.footprintMiB]]),
            ...(publishedFor(policy, nocb)?.rows.map(({ timeNs, batches, footprintMB }) => [
              policy,
              `published, ${publishedFor(policy, nocb)!.id}`,
              timeNs / 1e9,
              batches,
              footprintMB,
            ]) ?? []),
          ]),
        },
      ]
    }),
  }),
}
