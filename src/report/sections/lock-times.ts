import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { baselineRow, perCapture } from './common.ts'
import { smallHolds } from './priced.ts'
import { type Cell, count, duration, type Section, type Table, text } from './section.ts'
import { rangeCell, rangeOf, type Spread, type Times } from './times.ts'

export const lockTimes: Section = {
  id: 'lock-times',
  question: 'How long are holds of zone->lock, waits for it, and operations?',
  short: 'Holds and waits',
  applies: ({ runs }) => runs.some(({ times }) => times.length > 0),
  build: (comparison) => ({
    paragraphs: [
      'Of all holds, waits and operations of a run, under each list of prices; a range is from the cheapest machine to the dearest. A quantile is of all, those that took no time among them: “none” at 99 % means that fewer than one in a hundred took any.',
    ],
    tables: perCapture(comparison, (_capture, runs, of) => [
      table(comparison, runs, `Holds of zone->lock${of}`, 'holds', ({ zoneHold }) => zoneHold, [
        'p50',
        'p99',
        'max',
        'sumNs',
      ]),
      table(comparison, runs, `Waits for zone->lock${of}`, 'times it is taken', ({ zoneWait }) => zoneWait, [
        'p99',
        'p999',
        'max',
        'sumNs',
      ]),
      table(
        comparison,
        runs,
        `Allocations and frees, beyond the list operation itself: refills, bursts, and waiting for locks${of}`,
        'operations',
        ({ operation }) => operation,
        ['p50', 'p99', 'p999', 'max'],
      ),
    ]),
    caveats: [
      'Holds are priced by lines through published means: they spread with the number of pages moved, not as single holds of one size do.',
      'A block straight from or to the buddy is charged the slope of those lines alone: a lower bound.',
      ...smallHolds(comparison),
    ],
  }),
}

/** Over all price lists: how many took any time. */
function positives(run: Run, of: (times: Times) => Spread): Cell {
  const bounds = rangeOf(run, of, 'positive')
  if (bounds === undefined) return undefined
  const [least, most] = bounds
  const words = least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`
  return { value: most, words, tone: 'none' }
}

const columns = {
  p50: 'median',
  p99: '99 %',
  p999: '99.9 %',
  max: 'longest',
  sumNs: 'in all',
} as const
type Shown = keyof typeof columns

const table = (
  { baseline }: PcpComparison,
  runs: readonly Run[],
  caption: string,
  counted: string,
  of: (times: Times) => Spread,
  shown: readonly Shown[],
): Table => ({
  caption,
  columns: [
    text('policy'),
    count(counted),
    ...(shown.includes('p999') ? [count('took time', 'fewer')] : []),
    ...shown.map((what) => duration(columns[what], 'fewer')),
  ],
  rows: runs.map((run) => [
    run.policy,
    run.times[0] === undefined ? undefined : of(run.times[0]).count,
    ...(shown.includes('p999') ? [positives(run, of)] : []),
    ...shown.map((what) => rangeCell(rangeOf(run, of, what))),
  ]),
  ...baselineRow(runs, baseline),
})
