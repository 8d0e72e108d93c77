import type { PcpComparison, Run } from '#metrics'
import { formatBounds, formatDuration } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { rowHeader } from './charts.ts'
import { baselineRow, type Capture, perCapture, policyLabel, sum } from './common.ts'
import { type Cell, type Chart, count, duration, type Section, type Table, text } from './section.ts'

type Times = Run['times'][number]
type Spread = Times['requester']

/** Least and greatest of a figure over all price lists; undefined where it never happened. */
function range(run: Run, of: (times: Times) => Spread, what: keyof Spread): [number, number] | undefined {
  const values = run.times.filter((times) => of(times).count > 0).map((times) => of(times)[what])
  return values.length === 0 ? undefined : [Math.min(...values), Math.max(...values)]
}

/** The greater end of a range, told with both: machines differ, and the table compares policies at the worst. */
const cell = (bounds: [number, number] | undefined): Cell =>
  bounds === undefined ? undefined : { value: bounds[1], words: formatBounds(...bounds), tone: 'none' }

const requester = (times: Times): Spread => times.requester

export const drainWaits: Section = {
  id: 'drain-waits',
  question: 'Who waits for a drain, and how long?',
  short: 'Waits',
  applies: ({ runs }) => runs.some(({ times }) => times.some(({ requester }) => requester.count > 0)),
  build: (comparison) => ({
    paragraphs: [
      'Locks are held in simulated time: zone->lock is one for all CPUs of a zone, waiting is in the order in which the trace recorded the operations, and a hold takes what a price list says. Each policy runs once under each list; a range is from the cheapest machine to the dearest.',
    ],
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
    tables: perCapture(comparison, (capture, runs, of) => [
      requesterTable(comparison, runs, of),
      bystanderTable(comparison, capture, runs, of),
      fastPathTable(comparison, runs, of),
      ...publishedTable(runs, of),
    ]),
    caveats: [
      'How late a kworker starts and how long a grace period lasts are parameters of the policies (see Parameters), not findings: only what locks add to them is computed.',
      'Operations come at the recording’s pace. On a machine faster than the one recorded they would come closer together and collide more often.',
      'A block straight from or to the buddy is charged the slope of the published lines alone: a lower bound.',
      'Atomic operations, context switches and IPIs have no published price: they stay counts.',
    ],
  }),
}

const ends = (run: Run): { low: number; high: number } | undefined => {
  const p50 = range(run, requester, 'p50')
  const max = range(run, requester, 'max')
  return p50 === undefined || max === undefined ? undefined : { low: p50[0], high: max[1] }
}

function chartOf({ baseline }: PcpComparison, runs: Run[], of: string, index: number): Chart {
  const label = ({ policy }: Run): string => policyLabel(policy, baseline)
  // A log axis has no zero: what takes no time stands at a nanosecond.
  const shown = runs.flatMap((run) => {
    const at = ends(run)
    return at === undefined
      ? []
      : [
          {
            row: `${label(run)}: ${formatDuration(at.low)} to ${formatDuration(at.high)}`,
            low: Math.max(1, at.low),
            high: Math.max(1, at.high),
          },
        ]
  })
  return {
    id: `drain-waits-${index}`,
    title: `How long does the one who asks for a drain wait?${of}`,
    alt: `One bar for each policy on a logarithmic axis of time, from the median wait on the cheapest machine to the longest on the dearest. ${runs
      .map((run) => {
        const at = ends(run)
        return `${run.policy}: ${at === undefined ? 'no request is answered' : `${formatDuration(at.low)} to ${formatDuration(at.high)}`}`
      })
      .join('; ')}.`,
    legend: [
      { label: 'from the median on the cheapest machine to the longest on the dearest', colour: 'k0', shape: 'area' },
    ],
    spec: {
      background: null as unknown as string,
      data: { values: shown },
      facet: { row: { field: 'row', type: 'nominal', sort: shown.map(({ row }) => row), header: rowHeader } },
      spacing: 6,
      spec: {
        width: 600,
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
        },
        // The stroke keeps a wait that hardly varies visible.
        mark: { type: 'bar', height: 12, cornerRadius: 2, color: colour('k0'), stroke: colour('k0'), strokeWidth: 4 },
      },
    },
    table: {
      caption: 'Ends of the bars',
      columns: [text('policy'), duration('median, cheapest machine'), duration('longest, dearest machine')],
      rows: runs.map((run) => [run.policy, ends(run)?.low, ends(run)?.high]),
    },
  }
}

const requesterTable = ({ baseline }: PcpComparison, runs: Run[], of: string): Table => ({
  caption: `What a requester waits, from the cheapest machine to the dearest${of}`,
  columns: [
    text('policy'),
    count('requests', undefined, 'drain_all_pages() calls, recorded or inferred.'),
    count('answered'),
    count('found the mutex taken', 'fewer', 'They drained nothing and did not wait.'),
    duration('median', 'fewer'),
    duration('99 %', 'fewer'),
    duration('longest', 'fewer'),
  ],
  rows: runs.map((run) => [
    run.policy,
    run.work.drainRequests,
    run.times[0]?.requester.count,
    run.work.drainRequestsSkipped,
    cell(range(run, requester, 'p50')),
    cell(range(run, requester, 'p99')),
    cell(range(run, requester, 'max')),
  ]),
  ...baselineRow(runs, baseline),
})

function bystanderTable({ baseline }: PcpComparison, { isolated }: Capture, runs: Run[], of: string): Table {
  const stolen = (run: Run, isIsolated: boolean): Cell => {
    const sums = run.times.map(({ stolenNs }) =>
      sum(Object.entries(stolenNs).map(([cpu, ns]) => (isolated.includes(Number(cpu)) === isIsolated ? ns : 0))),
    )
    return sums.length === 0 ? undefined : cell([Math.min(...sums), Math.max(...sums)])
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
      duration('longest wait for zone->lock', 'fewer'),
      duration(
        'slowest operation',
        'fewer',
        'Beyond the list operation itself: refills, bursts, and waiting for them.',
      ),
      duration('drain with interrupts off', 'fewer', 'The longest, on the CPU that drains.'),
    ],
    rows: runs.map((run) => [
      run.policy,
      stolen(run, false),
      ...(isolated.length > 0 ? [stolen(run, true)] : []),
      run.work.pcpLocksContended,
      cell(range(run, ({ listWait }) => listWait, 'max')),
      cell(range(run, ({ zoneWait }) => zoneWait, 'max')),
      cell(range(run, ({ operation }) => operation, 'max')),
      run.times.length === 0
        ? undefined
        : cell([
            Math.min(...run.times.map(({ longestIrqsOffNs }) => longestIrqsOffNs)),
            Math.max(...run.times.map(({ longestIrqsOffNs }) => longestIrqsOffNs)),
          ]),
    ]),
    ...baselineRow(runs, baseline),
  }
}

/** What was measured of such a fast path, on other machines. Sources: reference figures, docs/prices.md. */
const published: Readonly<Record<string, string>> = {
  work: 'the kernel of its time: what the others were measured against',
  'rcu-swap': 'page-fault test: no difference on most machines, 1 to 3 % at worst (v1, 8 Feb 2022)',
  spinlock: 'x86 −0.5 to +0.7 %, ThunderX2 0.8 to 2.1 % slower (v2, 3 Nov 2021)',
  trylock: 'page-fault test −0.1 to −0.8 % (v2, 11 May 2022), +0.6 to −1.3 % (v5)',
}

function fastPathTable({ baseline }: PcpComparison, runs: Run[], of: string): Table {
  return {
    caption: `What the fast path pays, counted${of}`,
    columns: [
      text('policy'),
      count('operations', undefined, 'Allocations and frees.'),
      count('interrupts off and on', 'fewer'),
      count('per-CPU locks taken', 'fewer', 'Atomic operations, uncontended but for drains.'),
      count('extra dereferences', 'fewer'),
      count('zone->lock taken', 'fewer'),
      count('sleeps with interrupts off', 'fewer', 'Of PREEMPT_RT before the delta of 29 Apr 2022: a bug.'),
    ],
    rows: runs.map((run) => [
      run.policy,
      run.work.allocs + run.work.frees,
      run.work.irqSaves,
      run.work.pcpLocks,
      run.work.dereferences,
      run.work.zoneLocks,
      run.work.sleepsInAtomic,
    ]),
    ...baselineRow(runs, baseline),
  }
}

function publishedTable(runs: Run[], of: string): Table[] {
  const known = runs.filter(({ drain }) => drain in published)
  if (known.length === 0) return []
  return [
    {
      caption: `What was measured of these fast paths elsewhere${of}`,
      columns: [text('policy'), text('mechanism'), text('published')],
      rows: known.map(({ policy, drain }) => [policy, drain, published[drain]]),
    },
  ]
}
