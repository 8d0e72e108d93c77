import type { SlabComparedRun, SlabComparison } from '#metrics/slab'
import { formatCount } from '../../format.ts'
import { linesInRows } from '../charts.ts'
import { largest, perCapture, policyLabel, stretchEnds, toSeconds } from '../common.ts'
import { type Chart, count, type Section, seconds, text } from '../section.ts'

const ON_CPUS = 'on CPUs'
const IN_BARNS = 'in barns'

export const slabOverTime: Section<SlabComparison> = {
  id: 'slab-over-time',
  question: 'How many free objects do CPUs and barns hold?',
  short: 'Held objects',
  applies: ({ runs }) => runs.some(({ series }) => series.t.length > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
  }),
}

function chartOf(comparison: SlabComparison, runs: SlabComparedRun[], of: string, index: number): Chart {
  const label = ({ policy }: SlabComparedRun): string => policyLabel(policy, comparison.baseline)
  return {
    id: `slab-over-time-${index}`,
    title: `How many free objects are held?${of}`,
    alt: `Line chart in one row for each policy: free objects that CPUs hold, and those in barns. ${runs
      .map(
        ({ policy, series }) =>
          `${policy}: at most ${formatCount(largest(series.cached))} on CPUs and ${formatCount(largest(series.barn))} in barns`,
      )
      .join('; ')}.`,
    legend: [
      { label: ON_CPUS, colour: 'k0', shape: 'line' },
      { label: IN_BARNS, colour: 'k1', shape: 'line' },
    ],
    spec: linesInRows(
      comparison,
      runs.map(label),
      [
        { name: ON_CPUS, colour: 'k0' },
        { name: IN_BARNS, colour: 'k1' },
      ],
      runs.flatMap((run) => [
        { row: label(run), series: ON_CPUS, t: run.series.t, values: run.series.cached },
        { row: label(run), series: IN_BARNS, t: run.series.t, values: run.series.barn },
      ]),
      'objects',
    ),
    table: {
      caption: 'Free objects held, at some of the moments drawn',
      columns: [text('policy'), seconds('time'), count(ON_CPUS), count(IN_BARNS)],
      rows: runs.flatMap(({ policy, series }) =>
        stretchEnds(series.t.length, Math.floor(180 / runs.length)).map((at) => [
          policy,
          toSeconds(series.t[at] ?? 0),
          series.cached[at] ?? 0,
          series.barn[at] ?? 0,
        ]),
      ),
    },
  }
}
