import type { KvfreeComparedRun, KvfreeComparison } from '#metrics/kvfree'
import { linesInRows } from '../charts.ts'
import { baselineRow, perCapture, policyLabel, stretchEnds, toSeconds } from '../common.ts'
import { type Chart, count, type Section, seconds, type Table, text } from '../section.ts'
import { formatBytes, mibOf, STATE_NAMES, STATES, toMib } from './common.ts'

const COLOURS = { collected: 'k0', waiting: 'k1', freeing: 'k2' } as const
const AFTER = { ms100: '0.1 s', s1: '1 s', s5: '5 s' } as const

export const kvfreeFootprint: Section<KvfreeComparison> = {
  id: 'footprint',
  question: 'How much memory waits, and for what?',
  short: 'Footprint',
  applies: ({ runs }) => runs.length > 0,
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) => [amounts(comparison.baseline, runs, of)]),
  }),
}

function amounts(baseline: string, runs: KvfreeComparedRun[], of: string): Table {
  const after = (Object.keys(AFTER) as (keyof typeof AFTER)[]).filter((key) =>
    runs.some(({ footprint }) => footprint.afterLastCall[key] !== undefined),
  )
  const mib = (bytes: number | undefined) => (bytes === undefined ? undefined : toMib(bytes))
  return {
    caption: `Memory held for kvfree_rcu()${of}`,
    columns: [
      text('policy'),
      count('mean (MiB)', 'fewer', 'While calls came; objects and pages of pointers.'),
      count('peak (MiB)', 'fewer'),
      ...after.map((key) => count(`${AFTER[key]} after the last call (MiB)`, 'fewer')),
    ],
    rows: runs.map(({ policy, footprint }) => [
      policy,
      mib(footprint.meanBytes),
      toMib(footprint.peakBytes),
      ...after.map((key) => mib(footprint.afterLastCall[key])),
    ]),
    ...baselineRow(runs, baseline),
  }
}

/** Up to where next to nothing is left: quiet seconds would press the rest together. */
function shown({ series: { t, bytes }, footprint }: KvfreeComparedRun): number {
  const busy = t.findLastIndex((_, at) => bytes[at]! > footprint.peakBytes / 100)
  return Math.min(t.length, Math.max(2, busy + 3))
}

function chartOf(comparison: KvfreeComparison, runs: KvfreeComparedRun[], of: string, index: number): Chart {
  const { baseline } = comparison
  const label = ({ policy }: KvfreeComparedRun): string => policyLabel(policy, baseline)
  const series = STATES.map((state) => ({ name: STATE_NAMES[state], colour: COLOURS[state] }))
  return {
    id: `footprint-${index}`,
    title: `Memory by what it waits for${of}`,
    alt: `Line chart in one row for each policy, MiB by state over time. ${runs
      .map(
        ({ policy, footprint }) =>
          `${policy}: ${formatBytes(footprint.meanBytes ?? 0)} on average, ${formatBytes(footprint.peakBytes)} at most`,
      )
      .join('; ')}.`,
    legend: STATES.map((state) => ({ label: STATE_NAMES[state], colour: COLOURS[state], shape: 'line' as const })),
    spec: linesInRows(
      comparison,
      runs.map(label),
      series,
      runs.flatMap((run) =>
        STATES.map((state) => ({
          row: label(run),
          series: STATE_NAMES[state],
          t: run.series.t.slice(0, shown(run)),
          values: mibOf(run, state).slice(0, shown(run)),
        })),
      ),
      'MiB',
    ),
    table: {
      caption: 'MiB in all, at some of the moments drawn',
      columns: [text('policy'), seconds('time'), count('MiB')],
      rows: runs.flatMap((run) =>
        stretchEnds(shown(run), Math.floor(180 / runs.length)).map((at) => [
          run.policy,
          toSeconds(run.series.t[at] ?? 0),
          toMib(run.series.bytes[at] ?? 0),
        ]),
      ),
    },
  }
}
