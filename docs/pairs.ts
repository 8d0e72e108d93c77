import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CrossPair, crossMeasures, crossSchema } from '#metrics/cross'
import { markdownTable } from './markdown.ts'

const percent = (value: number | undefined): string => (value === undefined ? '–' : `${(value * 100).toFixed(1)} %`)
const signed = (value: number | undefined): string =>
  value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${percent(Math.abs(value))}`

const titles = {
  refills: 'refills',
  refilledPages: 'pages refilled',
  bulkFrees: 'bulk frees',
  bulkFreedPages: 'pages freed in bulk',
  zoneLocks: 'zone->lock acquisitions',
} as const

const tableOf = ({ measures }: CrossPair): string =>
  markdownTable(
    ['per 1000 pages allocated', 'predicted', 'recorded', 'error', 'records differ by', 'predictions differ by'],
    crossMeasures.map((id) => {
      const { predicted, recorded, error, spread, spreadPredicted } = measures[id]
      return [
        titles[id],
        predicted.toFixed(1),
        recorded.toFixed(1),
        signed(error),
        percent(spread),
        percent(spreadPredicted),
      ]
    }),
    [1, 2, 3, 4, 5],
  )

/** What-ifs checked against reality: one side of a pair replayed under the other’s rules and settings, against the other’s record. */
export async function pairsPage(root: string): Promise<string> {
  const { pairs = [], medianPairError } = crossSchema.parse(
    JSON.parse(await readFile(join(root, 'docs/pairs-large.json'), 'utf8')),
  )
  return `# What-ifs checked against reality

A replay under the recording kernel’s own rules shows that the model fits that kernel. It does not show that a what-if is right. So one fixed workload was recorded under one kernel and setting, then under another, each twice. Each recording of the one is replayed
under the other’s rules and settings. The result is compared with what the other kernel recorded itself.

Median error over ${pairs.length} pairs and ${crossMeasures.length} measures: ${percent(medianPairError)}. Nothing is fitted: list sizes, watermarks and the pages on the lists at the start come from the other capture’s own files and record; allocations, frees and vmstat ticks come from the recording that is replayed.

Read an error beside the two columns after it. Two recordings of one kernel, one setting and one workload differ by that much, since tasks run on other CPUs and at other moments each time. The captures are not in this repository;
\`docs/pairs-large.json\` is what \`kreplay cross CAPTURE… --json\` printed.
${pairs
  .map(
    (pair) =>
      `\n## ${pair.differs.join(', ')}\n\n${pair.from.join(', ')} replayed; ${pair.to.join(', ')} recorded.\n\n${tableOf(pair)}\n`,
  )
  .join('')}
Most of the variation is in blocks of order 3. One CPU allocates them for network buffers and frees them in turn; how many of them are in flight at once differs between recordings of the same kernel, 545 to 922 refills of that one list. Between 6.12 and 7.2 the
demand differs too: 27 transparent huge pages on 7.2 for 6 on 6.12.
`
}
