import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from 'd3-array'
import { type CrossPair, crossMeasures, crossSchema, pairsWithin } from '#metrics/cross'
import { markdownTable } from './markdown.ts'

const percent = (value: number | undefined): string => (value === undefined ? '–' : `${(value * 100).toFixed(1)} %`)
const signed = (value: number | undefined): string =>
  value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${percent(Math.abs(value))}`

const titles = {
  refills: 'refills',
  refilledPages: 'pages refilled',
  bulkFrees: 'bulk frees',
  bulkFreedPages: 'pages freed in bulk',
  zoneLocks: 'zone->lock (refills + bulk frees)',
} as const

const tableOf = ({ measures }: CrossPair): string =>
  markdownTable(
    [
      'per 1000 pages allocated',
      'predicted',
      'recorded',
      'error',
      'of it rules',
      'records differ by',
      'predictions differ by',
    ],
    crossMeasures.map((id) => {
      const { predicted, recorded, error, spread, spreadPredicted, ownDemand, within } = measures[id]
      return [
        titles[id],
        predicted.toFixed(2),
        recorded.toFixed(2),
        `${signed(error)}${within === false ? ' *' : ''}`,
        ownDemand === undefined || recorded === 0 ? '–' : signed(ownDemand / recorded - 1),
        percent(spread),
        percent(spreadPredicted),
      ]
    }),
    [1, 2, 3, 4, 5, 6],
  )

const demandOf = ({ demand = [] }: CrossPair): string =>
  demand.length === 0 ? '' : ` Demand differs, in pages per 1000 allocated: ${demand.join(', ')}.`

const rulesError = ({ ownDemand, recorded }: CrossPair['measures']['refills']): number =>
  ownDemand === undefined || recorded === 0 ? 0 : Math.abs(ownDemand / recorded - 1)

/** What-ifs checked against reality: one side of a pair replayed under the other’s rules and settings, against the other’s record. */
export async function pairsPage(root: string): Promise<string> {
  const { pairs = [], medianPairError } = crossSchema.parse(
    JSON.parse(await readFile(join(root, 'docs/pairs-large.json'), 'utf8')),
  )
  const { within, all } = pairsWithin(pairs)
  const worst = Math.max(0, ...pairs.flatMap(({ measures }) => crossMeasures.map((id) => rulesError(measures[id]))))
  const floor = median(pairs.flatMap(({ measures }) => crossMeasures.flatMap((id) => measures[id].spread ?? [])))
  return `# What-ifs checked against reality

A replay under the recording kernel’s own rules shows that the model fits that kernel. It does not show that a what-if is right. So one fixed workload was recorded under one kernel and setting, then under another, each twice. Each recording of the one is replayed
under the other’s rules and settings. The result is compared with what the other kernel recorded itself.

Median error over ${pairs.length} pairs and ${crossMeasures.length} measures: ${percent(medianPairError)}; ${within} of ${all} are at most 10 %, or 1.5 times what repeats differ by (the others are marked *). Two recordings of one kernel, one setting and one workload differ by ${percent(floor)} in the median, since tasks run on other CPUs and at other moments each time.
Nothing is fitted: list sizes, watermarks and the pages on the lists at the start come from the other capture’s own files and record; allocations, frees and vmstat ticks come from the recording that is replayed.

*Of it rules*: the same rules and settings, replayed on what tasks asked for in the other recording, against its record. That is what the model of the lists makes of the error: ${percent(worst)} at most. The rest is demand, which a what-if takes from its own recording: under another
kernel tasks ask for other things, and at other moments. The captures are not in this repository; \`docs/pairs-large.json\` is what \`kreplay cross CAPTURE… --json\` printed.
${pairs
  .map(
    (pair) =>
      `\n## ${pair.differs.join(', ')}\n\n${pair.from.join(', ')} replayed; ${pair.to.join(', ')} recorded.${demandOf(pair)}\n\n${tableOf(pair)}\n`,
  )
  .join('')}
Most of the variation between repeats is in blocks of order 3. One CPU allocates them for network buffers and frees them in turn; how many of them are in flight at once differs between recordings of the same kernel, 545 to 922 refills of that one list.
`
}
