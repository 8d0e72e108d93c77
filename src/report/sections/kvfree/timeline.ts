import { counted } from '#kernel/messages'
import type { KvfreeComparedRun, KvfreeComparison } from '#metrics/kvfree'
import { colour } from '../../runtime/theme.ts'
import { facetedRows } from '../charts.ts'
import { perCapture, policyLabel } from '../common.ts'
import { type Chart, count, duration, type Section, text } from '../section.ts'

/** CPUs drawn: one after another they say the same. */
const CPUS = 4
/** Some ten grace periods; where they are rare, this many of them. */
const WINDOW_NS = 60e6
const GRACE_PERIODS = 10

type Batch = KvfreeComparedRun['batches'][number]
const handedOver = ({ queued, begun }: Batch): number => queued ?? begun

/** The middle of what a run tells of its batches. */
function windowOf({ batches, gracePeriods }: KvfreeComparedRun) {
  const middle = (list: readonly number[]) => list[Math.floor(list.length / 2)] ?? 0
  const centre = middle(batches.map(handedOver).sort((a, b) => a - b))
  const near = gracePeriods
    .flatMap(({ start, end = start, expedited }) => (expedited ? [] : [{ start, end }]))
    .sort((a, b) => Math.abs(a.start - centre) - Math.abs(b.start - centre))
    .slice(0, GRACE_PERIODS)
  const [from, to] = [Math.min(...near.map(({ start }) => start)), Math.max(...near.map(({ end }) => end))]
  const wide = to - from > WINDOW_NS ? { from, to } : { from: centre - WINDOW_NS / 2, to: centre + WINDOW_NS / 2 }
  const seen = (start: number, end: number) => end >= wide.from && start <= wide.to
  return {
    ...wide,
    gracePeriods: gracePeriods.flatMap(({ start, end = wide.to }) => (seen(start, end) ? [{ start, end }] : [])),
    batches: batches
      .filter((batch) => seen(handedOver(batch), batch.freed))
      .toSorted((a, b) => a.cpu - b.cpu || (a.slot ?? 0) - (b.slot ?? 0) || a.begun - b.begun),
  }
}

export const kvfreeTimeline: Section<KvfreeComparison> = {
  id: 'timeline',
  question: 'How do batches lie on grace periods?',
  short: 'Timeline',
  applies: ({ runs }) => runs.some(({ gracePeriods }) => gracePeriods.length > 0),
  build: (comparison) => ({
    paragraphs: [
      `A window in the middle of the run, the first ${CPUS} CPUs that made batches in it. A batch waits from when its CPU hands it over until its work begins to free it (of workloads: until its work begins, which may first sleep), then it is freed.`,
    ],
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison.baseline, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) => [
      {
        caption: `Grace periods and batches${of}`,
        columns: [
          text('policy'),
          count('grace periods'),
          count('of them used', undefined, 'After whose end a batch began to be freed.'),
          count('batches'),
          count('objects a batch'),
          count('found both slots busy', 'fewer'),
          duration('workers asleep', 'fewer', 'For grace periods, all together.'),
          count('asleep at once, at most', 'fewer'),
        ],
        rows: runs.map(({ policy, work }) => [
          policy,
          work.gracePeriods,
          work.gracePeriodsUsed,
          work.batches,
          work.batches === 0 ? undefined : Math.round(work.freed / work.batches),
          work.slotsBusy,
          work.workersAsleepNs,
          work.workersAsleepPeak,
        ]),
      },
    ]),
  }),
}

const ms = (ns: number): number => Math.round(ns / 1e3) / 1e3

function chartOf(baseline: string, runs: KvfreeComparedRun[], of: string, index: number): Chart {
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  const windows = runs.map(windowOf)
  const bars = windows.flatMap(({ from, to, gracePeriods, batches }, at) => {
    const row = rows[at]
    const clip = (start: number, end: number) => ({
      from: ms(Math.max(start, from) - from),
      to: ms(Math.min(end, to) - from),
    })
    const cpus = [...new Set(batches.map(({ cpu }) => cpu))].sort((a, b) => a - b).slice(0, CPUS)
    return [
      ...gracePeriods.map(({ start, end }) => ({ row, lane: 'grace periods', kind: 'gp', ...clip(start, end) })),
      ...batches
        .filter(({ cpu }) => cpus.includes(cpu))
        .flatMap((batch) => {
          const { cpu, slot, begun, freed } = batch
          const lane = slot === undefined ? `CPU ${cpu}` : `CPU ${cpu}, slot ${slot}`
          return [
            { row, lane, kind: 'waits', ...clip(handedOver(batch), begun) },
            { row, lane, kind: 'freed', ...clip(begun, freed) },
          ]
        })
        // Freeing is short: drawn over what waits beside it.
        .toSorted((a, b) => Number(a.kind === 'freed') - Number(b.kind === 'freed')),
    ].filter((bar) => bar.to > bar.from)
  })
  const kinds = [
    { kind: 'gp', label: 'grace period', colour: 'k7' },
    { kind: 'waits', label: 'batch waits', colour: 'k1' },
    { kind: 'freed', label: 'batch is freed', colour: 'k2' },
  ] as const
  return {
    id: `timeline-${index}`,
    title: `Grace periods and batches in the middle of the run${of}`,
    alt: `Bars over time in one row for each policy: grace periods, and each CPU’s batches waiting and being freed. ${runs
      .map(
        ({ policy }, at) =>
          `${policy}: ${counted(windows[at]!.gracePeriods.length, 'grace period')} and ${counted(windows[at]!.batches.length, 'batch', 'batches')} in the window`,
      )
      .join('; ')}.`,
    legend: kinds.map(({ label, colour: of }) => ({ label, colour: of, shape: 'area' as const })),
    spec: facetedRows({
      values: bars,
      rows,
      spacing: 14,
      resolve: { scale: { y: 'independent' } },
      spec: {
        width: 560,
        height: { step: 12 },
        mark: { type: 'bar', height: { band: 0.7 } },
        encoding: {
          x: { field: 'from', type: 'quantitative', axis: { title: 'time in the window (ms)', grid: false } },
          x2: { field: 'to' },
          y: { field: 'lane', type: 'nominal', sort: null, axis: { title: null, labelLimit: 120 } },
          color: {
            field: 'kind',
            type: 'nominal',
            legend: null,
            scale: { domain: kinds.map(({ kind }) => kind), range: kinds.map((one) => colour(one.colour)) },
          },
        },
      },
    }),
    table: {
      caption: 'Batches of the window',
      columns: [text('policy'), text('CPU'), duration('waits'), duration('is freed in'), count('objects')],
      rows: runs.flatMap(({ policy }, run) =>
        windows[run]!.batches.slice(0, Math.floor(120 / runs.length)).map((batch) => [
          policy,
          String(batch.cpu),
          batch.queued === undefined ? undefined : batch.begun - batch.queued,
          batch.freed - batch.begun,
          batch.objects,
        ]),
      ),
    },
  }
}
