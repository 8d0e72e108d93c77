import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { linesAgainstBaseline } from './charts.ts'
import { type Line, largest, MOST_ROWS, perCapture, stretchEnds, sum, toSeconds } from './common.ts'
import { type Chart, count, type Section, seconds } from './section.ts'

/** Most steps drawn: of more, neighbours are merged, which keeps the mean rate right. */
const MOST_STEPS = 200

/** Pages per second within each stretch of the trace, standing at its end. */
function rateOf({ series: { zoneLockPages } }: Run, most: number): Line {
  const { t, pages } = zoneLockPages
  const step = (t[1] ?? 0) - (t[0] ?? 0)
  if (step <= 0) return { t: [], values: [] }
  const ends = stretchEnds(t.length, most)
  return {
    t: ends.map((end) => t[end] ?? 0),
    values: ends.map((end, at) => {
      const from = (ends[at - 1] ?? -1) + 1
      return (sum(pages.slice(from, end + 1)) * 1e9) / ((end + 1 - from) * step)
    }),
  }
}

export const zoneLockWork: Section = {
  id: 'zone-lock',
  question: 'When is zone->lock busy?',
  short: 'zone->lock work',
  applies: ({ runs }) => runs.some(({ work }) => work.zoneLockPages > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
  }),
}

function chartOf(comparison: PcpComparison, runs: Run[], of: string, index: number): Chart {
  const table = runs.map((run) => rateOf(run, MOST_ROWS / 4))
  return {
    id: `zone-lock-${index}`,
    title: `Does a policy spare zone->lock, all the time or only at drains?${of}`,
    alt: `Line chart in one row for each policy, pages moved under zone->lock in each second, the baseline dashed behind. ${runs
      .map(
        (run) =>
          `${run.policy}: ${counted(run.work.zoneLockPages, 'page')} in all, at most ${formatCount(Math.round(largest(rateOf(run, MOST_STEPS).values)))} a second`,
      )
      .join('; ')}.`,
    ...linesAgainstBaseline(comparison, runs, (run) => rateOf(run, MOST_STEPS), 'pages/s'),
    table: {
      caption: 'Pages per second under zone->lock, mean of each stretch up to the time given',
      columns: [seconds('time'), ...runs.map(({ policy }) => count(policy))],
      rows: (table[0]?.t ?? []).map((t, row) => [
        toSeconds(t),
        ...table.map(({ values }) => (values[row] === undefined ? undefined : Math.round(values[row]))),
      ]),
    },
  }
}
