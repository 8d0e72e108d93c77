import type { AcceptComparison, AcceptRun } from '#metrics/accept'
import { formatBounds, formatDuration } from '../../format.ts'
import { colour } from '../../runtime/theme.ts'
import { baselineRow, perCapture, policyLabel } from '../common.ts'
import { type Chart, count, duration, type Section, type Table, text } from '../section.ts'

const US = 1e3

/** Who pays for accepting: at boot, or which allocation. */
export const whoPays: Section<AcceptComparison> = {
  id: 'who-pays',
  question: 'Which allocation pays for accepting, and how much?',
  short: 'Who pays',
  applies: ({ runs }) => runs.length > 0,
  build: (comparison) => ({
    paragraphs: [
      'Added latency is what an allocation takes longer than on a machine whose memory is accepted: its own accepting, and waiting for whoever accepts under a lock. Bounds: one call per 2 MiB without zeroing, and a call for each 4 KiB page.',
    ],
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison.baseline, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) => [costs(comparison.baseline, runs, of), bounds(runs, of)]),
  }),
}

function costs(baseline: string, runs: AcceptRun[], of: string): Table {
  return {
    caption: `What accepting costs those who allocate${of}`,
    columns: [
      text('policy'),
      duration('at boot', 'fewer'),
      duration('added, median', 'fewer', 'Over all allocations.'),
      duration('added, p99', 'fewer', 'Over all allocations.'),
      duration('added, longest', 'fewer'),
      count('allocations delayed', 'fewer'),
      duration('trace done later', 'fewer', 'Delays that fall into a pause of their CPU cost nothing here.'),
      duration('interrupts off, longest', 'fewer'),
      duration('waiting for locks', 'fewer', 'All CPUs, zone->lock and the bitmap’s lock.'),
      count('calls', 'fewer'),
      count('extra looks at the bitmap', 'fewer', 'For remainders of blocks that were accepted already.'),
    ],
    rows: runs.map(({ policy, costs, work }) => [
      policy,
      costs.bootNs,
      costs.addedNs.p50,
      costs.addedNs.p99,
      costs.addedNs.max,
      work.delayedAllocs,
      costs.lateNs,
      costs.longestIrqsOffNs,
      costs.lockWaitNs,
      work.calls,
      work.extraChecks,
    ]),
    ...baselineRow(runs, baseline),
  }
}

function bounds(runs: AcceptRun[], of: string): Table {
  const both = (costsOf: (costs: AcceptRun['costs']) => number | undefined) => (run: AcceptRun) => {
    const [least, most] = [costsOf(run.bounds.least), costsOf(run.bounds.most)]
    return least === undefined || most === undefined ? undefined : formatBounds(least, most)
  }
  const cells = [
    both(({ bootNs }) => bootNs),
    both(({ addedNs }) => addedNs.p50),
    both(({ addedNs }) => addedNs.p99),
    both(({ addedNs }) => addedNs.max),
    both(({ longestIrqsOffNs }) => longestIrqsOffNs),
    both(({ lockWaitNs }) => lockWaitNs),
  ]
  return {
    caption: `Between which bounds, over all assumed costs${of}`,
    columns: [
      text('policy'),
      text('at boot'),
      text('added, median'),
      text('added, p99'),
      text('added, longest'),
      text('interrupts off, longest'),
      text('waiting for locks'),
    ],
    rows: runs.map((run) => [run.policy, ...cells.map((cell) => cell(run))]),
  }
}

function chartOf(baseline: string, runs: AcceptRun[], of: string, index: number): Chart {
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  return {
    id: `who-pays-${index}`,
    title: `How long does the unluckiest allocation wait?${of}`,
    alt: `A bar for each policy from the least to the most that accepting may cost, a tick at the cost as given. ${runs
      .map(
        ({ policy, costs, bounds }) =>
          `${policy}: ${formatDuration(costs.addedNs.max)}, between ${formatDuration(bounds.least.addedNs.max)} and ${formatDuration(bounds.most.addedNs.max)}`,
      )
      .join('; ')}.`,
    legend: [
      { label: 'between the bounds of its cost', colour: 'k0', shape: 'area' },
      { label: 'at the cost as given', colour: 'k1', shape: 'line' },
    ],
    spec: {
      data: {
        values: runs.map(({ costs, bounds }, at) => ({
          policy: rows[at],
          least: bounds.least.addedNs.max / US,
          most: bounds.most.addedNs.max / US,
          asked: costs.addedNs.max / US,
        })),
      },
      width: 600,
      height: { step: 34 },
      encoding: {
        y: { field: 'policy', type: 'nominal', sort: rows, axis: { title: null, labelLimit: 260 } },
      },
      layer: [
        {
          mark: { type: 'bar', height: { band: 0.5 }, color: colour('k0'), opacity: 0.7 },
          encoding: {
            x: {
              field: 'least',
              type: 'quantitative',
              scale: { type: 'symlog', constant: 1 },
              axis: {
                title: 'longest added latency (µs)',
                values: [0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
                labelExpr: "format(datum.value, '~s')",
              },
            },
            x2: { field: 'most' },
          },
        },
        {
          mark: { type: 'tick', thickness: 3, height: 22, color: colour('k1') },
          encoding: { x: { field: 'asked', type: 'quantitative' } },
        },
      ],
    },
    table: {
      caption: 'Longest added latency',
      columns: [text('policy'), duration('least'), duration('as given'), duration('most')],
      rows: runs.map(({ policy, costs, bounds }) => [
        policy,
        bounds.least.addedNs.max,
        costs.addedNs.max,
        bounds.most.addedNs.max,
      ]),
    },
  }
}
