import type { AcceptComparison, AcceptRun } from '#metrics/accept'
import { formatCount, formatDuration } from '../../format.ts'
import { linesInRows } from '../charts.ts'
import { largest, perCapture, policyLabel, stretchEnds, toSeconds } from '../common.ts'
import { type Chart, count, duration, type Section, seconds, text } from '../section.ts'

const MIB = 256
const toMib = (pages: readonly number[]): number[] => pages.map((one) => Math.round(one / MIB))
const UNACCEPTED = 'not accepted yet'
const UNUSED = 'accepted and free'

export const acceptOverTime: Section<AcceptComparison> = {
  id: 'over-time',
  question: 'How fast is memory accepted, and how much of it lies unused?',
  short: 'Over time',
  applies: ({ runs }) => runs.some(({ series }) => series.t.length > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) => [
      {
        caption: `Memory accepted${of}`,
        columns: [
          text('policy'),
          count('unaccepted at the start (MiB)'),
          count('at the end (MiB)'),
          duration('all accepted after', 'fewer'),
          duration('background thread’s CPU time', 'fewer'),
        ],
        rows: runs.map(({ policy, pages, allAcceptedNs, threadNs }) => [
          policy,
          Math.round(pages.atStart / MIB),
          Math.round(pages.left / MIB),
          allAcceptedNs,
          threadNs,
        ]),
      },
    ]),
  }),
}

function chartOf(comparison: AcceptComparison, runs: AcceptRun[], of: string, index: number): Chart {
  const { baseline } = comparison
  const label = ({ policy }: AcceptRun): string => policyLabel(policy, baseline)
  return {
    id: `over-time-${index}`,
    title: `When is memory accepted, and is it needed by then?${of}`,
    alt: `Line chart in one row for each policy, MiB not accepted yet and MiB accepted and free. ${runs
      .map(
        ({ policy, allAcceptedNs, series }) =>
          `${policy}: ${allAcceptedNs === undefined ? 'never all accepted' : `all after ${formatDuration(allAcceptedNs)}`}, at most ${formatCount(largest(toMib(series.acceptedFree)))} MiB accepted and free`,
      )
      .join('; ')}.`,
    legend: [
      { label: UNACCEPTED, colour: 'k1', shape: 'line' },
      { label: UNUSED, colour: 'k0', shape: 'line' },
    ],
    spec: linesInRows(
      comparison,
      runs.map(label),
      [
        { name: UNACCEPTED, colour: 'k1' },
        { name: UNUSED, colour: 'k0' },
      ],
      runs.flatMap((run) => [
        { row: label(run), series: UNACCEPTED, t: run.series.t, values: toMib(run.series.unaccepted) },
        { row: label(run), series: UNUSED, t: run.series.t, values: toMib(run.series.acceptedFree) },
      ]),
      'MiB',
    ),
    table: {
      caption: 'MiB not accepted yet, and accepted and free, at some of the moments drawn',
      columns: [text('policy'), seconds('time'), count('not accepted'), count('accepted and free')],
      rows: runs.flatMap(({ policy, series }) =>
        stretchEnds(series.t.length, Math.floor(180 / runs.length)).map((at) => [
          policy,
          toSeconds(series.t[at] ?? 0),
          Math.round((series.unaccepted[at] ?? 0) / MIB),
          Math.round((series.acceptedFree[at] ?? 0) / MIB),
        ]),
      ),
    },
  }
}
