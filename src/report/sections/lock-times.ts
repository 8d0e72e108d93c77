import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { baselineRow, perCapture } from './common.ts'
import { smallHolds } from './priced.ts'
import { recordedWaitWords } from './recorded-waits.ts'
import { type Cell, count, duration, type Section, type Table, text } from './section.ts'
import { rangeCell, rangeOf, type Spread, type Times } from './times.ts'

export const lockTimes: Section = {
  id: 'lock-times',
  question: 'How long is zone->lock held and waited for?',
  short: 'Holds and waits',
  applies: ({ runs }) => runs.some(({ times }) => times.length > 0),
  build: (comparison) => ({
    paragraphs: [
      'Ranges run from the fastest to the slowest machine. Percentiles include operations that did not wait: “none” at p99 means that fewer than 1 % waited.',
      ...perCapture(comparison, ({ lockWaits }, _runs, of) =>
        lockWaits === undefined ? [] : [recordedWaitWords(lockWaits, of)],
      ),
    ],
    tables: perCapture(comparison, (_capture, runs, of) => [
      table(comparison, runs, `Holds of zone->lock${of}`, 'holds', ({ zoneHold }) => zoneHold, [
        'p50',
        'p99',
        'max',
        'sumNs',
      ]),
      table(comparison, runs, `Waits for zone->lock${of}`, 'acquisitions', ({ zoneWait }) => zoneWait, [
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
      'Hold times are a linear fit to published means: variation comes from batch size only, not from jitter.',
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
