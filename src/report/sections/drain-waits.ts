import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { formatBounds, formatDuration } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { facetedRows } from './charts.ts'
import { baselineRow, type Capture, enough, perCapture, policyLabel, sum } from './common.ts'
import { type Cell, type Chart, count, duration, type Section, type Table, text } from './section.ts'
import { rangeCell, rangeOf, type Spread, type Times } from './times.ts'

const requester = (times: Times): Spread => times.requester

export const drainWaits: Section = {
  id: 'drain-waits',
  question: 'How long does a drain take, and whom does it delay?',
  short: 'Waits',
  applies: ({ runs }) => runs.some(({ times }) => times.some(({ requester }) => requester.count > 0)),
  build: (comparison) => ({
    paragraphs: [
      'Locks are held in simulated time, for as long as a price list says. Each policy runs once under each list; ranges run from the fastest to the slowest machine.',
    ],
    charts: perCapture(comparison, (capture, runs, of, index) => [chartOf(comparison, capture, runs, of, index)]),
    tables: perCapture(comparison, (capture, runs, of) => [
      requesterTable(comparison, capture, runs, of),
      ...recordedTable(capture, of),
      bystanderTable(comparison, capture, runs, of),
    ]),
    caveats: [
      'kworker latency and grace-period length are inputs, not results (see the column “set by”). Only lock waits are computed.',
      'Operations come at the recording’s pace. On a machine faster than the one recorded they would come closer together and collide more often.',
      'Context switches and IPIs have no published price: they stay counts.',
      ...(comparison.runs.some(({ priced }) => priced.some(({ smallHolds }) => smallHolds !== undefined))
        ? [
            'Most remote-drain waits are behind holds of fewer than 63 pages, whose price is extrapolated: see lock times.',
          ]
        : []),
      ...perCapture(comparison, ({ cpus }, runs) =>
        cpus.length > 1 && runs.some(({ params }) => String(params.kernel).includes('up'))
          ? [
              'kernel=up, rt-up and up-bypass are rules of kernels for one CPU: on a trace of several, what one operation pays carries over, what drains meet does not.',
            ]
          : [],
      ),
    ],
  }),
}

const ends = (run: Run): { low: number; high: number } | undefined => {
  const means = run.times.flatMap(({ requester: { count, sumNs } }) => (count === 0 ? [] : [sumNs / count]))
  const max = rangeOf(run, requester, 'max')
  return means.length === 0 || max === undefined ? undefined : { low: Math.min(...means), high: max[1] }
}

const AS_RECORDED = 'as recorded'

const byRecord = {
  field: 'recorded',
  type: 'nominal',
  legend: null,
  scale: { domain: [false, true], range: [colour('k0'), colour('k1')] },
} as const

function chartOf(
  { baseline }: PcpComparison,
  { recordedDrains }: Capture,
  runs: Run[],
  of: string,
  index: number,
): Chart {
  const recorded = recordedDrains?.waits
  const label = ({ policy }: Run): string => policyLabel(policy, baseline)
  // A log axis has no zero: what takes no time stands at a nanosecond.
  const bar = (name: string, low: number, high: number) => ({
    row: `${name}: ${formatBounds(low, high)}`,
    recorded: name === AS_RECORDED,
    low: Math.max(1, low),
    high: Math.max(1, high),
  })
  const shown = [
    ...(recorded === undefined ? [] : [bar(AS_RECORDED, recorded.mean, recorded.max)]),
    ...runs.flatMap((run) => {
      const at = ends(run)
      return at === undefined ? [] : [bar(label(run), at.low, at.high)]
    }),
  ]
  return {
    id: `drain-waits-${index}`,
    title: `How long does the one who asks for a drain wait?${of}`,
    alt: `One bar for each policy on a logarithmic axis of time, from the mean wait on the fastest machine to the longest on the slowest. ${recorded === undefined ? '' : `${AS_RECORDED}, from the mean to the longest: ${formatBounds(recorded.mean, recorded.max)}; `}${runs
      .map((run) => {
        const at = ends(run)
        return `${run.policy}: ${at === undefined ? 'no request is answered' : formatBounds(at.low, at.high)}`
      })
      .join('; ')}.`,
    legend: [
      ...(recorded === undefined
        ? []
        : [{ label: 'as recorded, from the mean to the longest', colour: 'k1', shape: 'area' } as const]),
      { label: 'from the mean on the fastest machine to the longest on the slowest', colour: 'k0', shape: 'area' },
    ],
    spec: facetedRows({
      values: shown,
      rows: shown.map(({ row }) => row),
      spacing: 6,
      spec: {
        height: 22,
        encoding: {
          x: {
            field: 'low',
            type: 'quantitative',
            scale: { type: 'log', nice: true },
            axis: {
              title: 'time from the request to its end',
              values: Array.from({ length: 12 }, (_, power) => 10 ** power),
              labelExpr:
                "datum.value >= 1e9 ? datum.value / 1e9 + ' s' : datum.value >= 1e6 ? datum.value / 1e6 + ' ms' : datum.value >= 1e3 ? datum.value / 1e3 + ' µs' : datum.value + ' ns'",
            },
          },
          x2: { field: 'high' },
          ...Object.fromEntries(['color', 'stroke'].map((channel) => [channel, byRecord])),
        },
        // The stroke keeps a wait that hardly varies visible.
        mark: { type: 'bar', height: 12, cornerRadius: 2, strokeWidth: 4 },
      },
    }),
    table: {
      caption: 'Ends of the bars',
      columns: [text('policy'), duration('mean, fastest machine'), duration('longest, slowest machine')],
      rows: runs.map((run) => [run.policy, ends(run)?.low, ends(run)?.high]),
    },
  }
}

/** What most of a wait is by assumption. */
function setBy({ drain, params }: Run, { events }: Capture): string {
  const name =
    drain === 'work' || drain === 'no-isolated'
      ? 'workDelayNs'
      : drain !== 'rcu-swap'
        ? undefined
        : params.expedited === true
          ? 'expeditedNs'
          : params.gracePeriods === 'trace' && (events.rcu_grace_period ?? 0) > 0
            ? 'trace'
            : 'gracePeriodNs'
  if (name === undefined) return 'locks alone'
  if (name === 'trace') return 'recorded grace periods'
  return params[name] === undefined ? name : `${name} = ${formatDuration(Number(params[name]))}`
}

const requesterTable = ({ baseline }: PcpComparison, capture: Capture, runs: Run[], of: string): Table => ({
  caption: `What a requester waits, from the fastest machine to the slowest, of ${counted(runs[0]?.work.drainRequests ?? 0, 'request')}${of}`,
  columns: [
    text('policy'),
    count('answered'),
    count('found the mutex taken', 'fewer', 'They drained nothing and did not wait.'),
    duration('median', 'fewer'),
    duration('99 %', 'fewer'),
    duration('longest', 'fewer'),
    text('set by'),
  ],
  rows: runs.map((run) => [
    run.policy,
    run.times[0]?.requester.count,
    run.work.drainRequestsSkipped,
    rangeCell(rangeOf(run, requester, 'p50')),
    rangeCell(rangeOf(run, requester, 'p99')),
    rangeCell(rangeOf(run, requester, 'max')),
    run.times.some((times) => times.requester.count > 0) ? setBy(run, capture) : undefined,
  ]),
  ...baselineRow(runs, baseline),
})

function recordedTable({ kernel, recordedDrains }: Capture, of: string): Table[] {
  if (recordedDrains?.waits === undefined) return []
  const { requests, withWork, waits } = recordedDrains
  return [
    {
      caption: `The same as recorded, on the recorded machine: from the call to the end of its last work item${of}`,
      columns: [
        text('kernel'),
        count('requests'),
        count('queued work items'),
        count('queued none', undefined, 'They found the mutex taken, or no CPU with pages.'),
        duration('mean'),
        duration('median'),
        duration('99 %'),
        duration('longest'),
      ],
      rows: [
        [
          `Linux ${kernel}`,
          requests,
          withWork,
          requests - withWork,
          waits.mean,
          enough(waits.count, waits.p50),
          enough(waits.count, waits.p99),
          waits.max,
        ],
      ],
    },
  ]
}

function bystanderTable({ baseline }: PcpComparison, { isolated }: Capture, runs: Run[], of: string): Table {
  const stolen = (run: Run, isIsolated: boolean): Cell => {
    const sums = run.times.map(({ stolenNs }) =>
      sum(Object.entries(stolenNs).map(([cpu, ns]) => (isolated.includes(Number(cpu)) === isIsolated ? ns : 0))),
    )
    return sums.length === 0 ? undefined : rangeCell([Math.min(...sums), Math.max(...sums)])
  }
  return {
    caption: `What everybody else pays${of}`,
    columns: [
      text('policy'),
      duration(
        'drain work on housekeeping CPUs',
        'fewer',
        'How long it kept them from what they did; context switches not included.',
      ),
      ...(isolated.length > 0 ? [duration('on isolated CPUs', 'fewer')] : []),
      count(
        'operations that met a drain',
        'fewer',
        'Their pageset’s lock was held: they waited, or went to the buddy.',
      ),
      duration('longest such wait', 'fewer'),
      duration('drain with interrupts off', 'fewer', 'The longest, on the CPU that drains.'),
    ],
    rows: runs.map((run) => [
      run.policy,
      stolen(run, false),
      ...(isolated.length > 0 ? [stolen(run, true)] : []),
      run.work.pcpLocksContended,
      rangeCell(rangeOf(run, ({ listWait }) => listWait, 'max')),
      run.times.length === 0
        ? undefined
        : rangeCell([
            Math.min(...run.times.map(({ longestIrqsOffNs }) => longestIrqsOffNs)),
            Math.max(...run.times.map(({ longestIrqsOffNs }) => longestIrqsOffNs)),
          ]),
    ]),
    ...baselineRow(runs, baseline),
  }
}
