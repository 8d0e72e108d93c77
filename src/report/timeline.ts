import type { TopLevelSpec } from 'vega-lite'
import type { Comparison, MeasureId, PcpComparison, Run } from '#metrics'
import { measureOf } from '#metrics'
import type { AcceptComparison } from '#metrics/accept'
import type { KvfreeComparison } from '#metrics/kvfree'
import type { SlabComparison } from '#metrics/slab'
import { colour } from './runtime/theme.ts'
import { crosshair, SHORT_NUMBERS, timeAxis } from './sections/charts.ts'
import { colourAt, runsOn, toSeconds } from './sections/common.ts'
import type { LegendEntry } from './sections/section.ts'

/** How a measure runs over time: summed within steps, or a level at their ends. */
export interface TimelineMeasure {
  readonly id: string
  readonly title: string
  readonly kind: 'sum' | 'level'
}

export interface TimelineLine {
  readonly name: string
  readonly colour: LegendEntry['colour']
  readonly dashed: boolean
  /** By measure, as far as there is one. */
  readonly values: Readonly<Record<string, readonly number[]>>
}

/** The measures of all policies over time, with what happened to the machine meanwhile. Times in seconds of the trace’s clock. */
export interface Timeline {
  readonly capture: string
  readonly t: readonly number[]
  readonly measures: readonly TimelineMeasure[]
  readonly lines: readonly TimelineLine[]
  readonly requests: readonly number[]
  readonly losses: readonly number[]
  readonly kswapd: readonly (readonly [from: number, to: number])[]
}

/** The colour of each row of the matrix, and of its line: the record’s is grey and dashed. */
export const lineStyle = (at: number, recorded: boolean): Pick<TimelineLine, 'colour' | 'dashed'> =>
  recorded ? { colour: 'muted', dashed: true } : { colour: colourAt(at), dashed: at >= 8 }

const largestOf = (lines: readonly TimelineLine[], id: string): number =>
  lines.reduce((most, { values }) => (values[id] ?? []).reduce((a, b) => Math.max(a, b), most), 0)

/** Without the measures of which nothing happens. */
const trimmed = (timeline: Timeline): Timeline => ({
  ...timeline,
  measures: timeline.measures.filter(({ id }) => largestOf(timeline.lines, id) > 0),
})

const summed = [
  'isolatedInterruptions',
  'interruptions',
  'zoneLocks',
  'zoneLockPages',
  'refills',
  'bulkFrees',
] as const satisfies readonly MeasureId[]

/** Pages on the lists of these CPUs at the end of each step. */
const cachedOn = ({ series: { cachedPages } }: Run, cpus: readonly number[]): number[] =>
  cachedPages.t.map((_, step) => cpus.reduce((sum, cpu) => sum + (cachedPages.cpus[cpu]?.[step] ?? 0), 0))

function pcpTimelines(comparison: PcpComparison): Timeline[] {
  return comparison.captures.flatMap(({ name, cpus, isolated }) => {
    const runs = runsOn(comparison, name)
    const row = comparison.recorded.find(({ capture }) => capture === name)
    const t = runs[0]?.series.sums?.t ?? []
    if (t.length === 0 || row === undefined) return []
    return [
      trimmed({
        capture: name,
        t: t.map(toSeconds),
        measures: [
          ...summed.map((id) => ({ id, title: measureOf(id).title, kind: 'sum' as const })),
          { id: 'cachedPages', title: 'pages on lists', kind: 'level' },
          ...(isolated.length === 0
            ? []
            : [{ id: 'strandedPages', title: 'pages stranded on isolated CPUs', kind: 'level' as const }]),
        ],
        lines: [
          { name: 'recorded', ...lineStyle(0, true), values: row.sums.totals },
          ...runs.map((run, at) => ({
            name: run.policy,
            ...lineStyle(at, false),
            values: {
              ...run.series.sums?.totals,
              cachedPages: cachedOn(run, cpus),
              strandedPages: cachedOn(run, isolated),
            },
          })),
        ],
        requests: row.marks.requests.t.map(toSeconds),
        losses: row.marks.losses.t.map(toSeconds),
        kswapd: row.marks.kswapd.t.map((from, at) => [
          toSeconds(from),
          toSeconds(from + (row.marks.kswapd.durationNs[at] ?? 0)),
        ]),
      }),
    ]
  })
}

const unmarked = { requests: [], losses: [], kswapd: [] } as const

/** Runs of other families have series of their own steps: the baseline’s are taken, the others read at them. */
function at(t: readonly number[], values: readonly number[], steps: readonly number[]): number[] {
  let from = 0
  return steps.map((step) => {
    while (from + 1 < t.length && t[from + 1]! <= step) from++
    return values[from] ?? 0
  })
}

const kvfreeTimelines = (comparison: KvfreeComparison): Timeline[] =>
  comparison.captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const steps = runs[0]?.series.t ?? []
    if (steps.length === 0) return []
    return [
      trimmed({
        ...unmarked,
        capture: name,
        t: steps.map(toSeconds),
        measures: [
          { id: 'meanObjects', title: 'objects in flight', kind: 'level' },
          { id: 'mib', title: 'deferred memory (MiB)', kind: 'level' },
        ],
        lines: runs.map(({ policy, series }, index) => ({
          name: policy,
          ...lineStyle(index, false),
          values: {
            meanObjects: at(
              series.t,
              series.t.map((_, step) => series.collected[step]! + series.waiting[step]! + series.freeing[step]!),
              steps,
            ),
            mib: at(
              series.t,
              series.bytes.map((bytes) => Number((bytes / 2 ** 20).toPrecision(5))),
              steps,
            ),
          },
        })),
      }),
    ]
  })

const acceptTimelines = (comparison: AcceptComparison): Timeline[] =>
  comparison.captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const steps = runs[0]?.series.t ?? []
    if (steps.length === 0) return []
    const mib = (pages: readonly number[]) => pages.map((one) => Math.round(one / 256))
    return [
      trimmed({
        ...unmarked,
        capture: name,
        t: steps.map(toSeconds),
        measures: [
          { id: 'unaccepted', title: 'memory not accepted yet (MiB)', kind: 'level' },
          { id: 'acceptedFree', title: 'memory accepted and free (MiB)', kind: 'level' },
        ],
        lines: runs.map(({ policy, series }, index) => ({
          name: policy,
          ...lineStyle(index, false),
          values: {
            unaccepted: at(series.t, mib(series.unaccepted), steps),
            acceptedFree: at(series.t, mib(series.acceptedFree), steps),
          },
        })),
      }),
    ]
  })

const slabTimelines = (comparison: SlabComparison): Timeline[] =>
  comparison.captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const steps = runs[0]?.series.t ?? []
    if (steps.length === 0) return []
    return [
      trimmed({
        ...unmarked,
        capture: name,
        t: steps.map(toSeconds),
        measures: [
          { id: 'listLocks', title: 'acquisitions of list_lock so far', kind: 'level' },
          { id: 'cached', title: 'free objects that CPUs hold', kind: 'level' },
          { id: 'barn', title: 'objects in barns', kind: 'level' },
          { id: 'pages', title: 'pages of slabs', kind: 'level' },
        ],
        lines: runs.map(({ policy, series: { listLocks, cached, barn, pages } }, index) => ({
          name: policy,
          ...lineStyle(index, false),
          values: { listLocks, cached, barn, pages },
        })),
      }),
    ]
  })

export function timelinesOf(comparison: Comparison): Timeline[] {
  const all = (): Timeline[] => {
    switch (comparison.family) {
      case 'pcp':
        return pcpTimelines(comparison)
      case 'kvfree':
        return kvfreeTimelines(comparison)
      case 'accept':
        return acceptTimelines(comparison)
      case 'slab':
        return slabTimelines(comparison)
    }
  }
  return all().filter(({ measures }) => measures.length > 0)
}

const time = { field: 't', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } } as const

/** The data of a timeline’s chart: one row for each line and measure. */
export const linesOf = ({ lines, measures, t }: Pick<Timeline, 'lines' | 'measures' | 't'>) =>
  lines.flatMap(({ values }, index) =>
    measures.flatMap(({ id, kind }) => {
      const v = values[id]
      return v === undefined ? [] : [{ series: `s${index}`, measure: id, kind, t, v }]
    }),
  )

/** Sums are drawn as they add up. `spare`: lines that may come later. The page’s script sets `measure`, and reads the steps back from the data. */
export function timelineSpec(timeline: Timeline, spare = 0): TopLevelSpec {
  const { measures, requests, losses, kswapd } = timeline
  const recorded = timeline.lines.filter(({ colour }) => colour === 'muted').length
  const more = Array.from({ length: spare }, (_, at): TimelineLine => {
    const index = timeline.lines.length + at
    return { name: `@line:s${index}`, ...lineStyle(index - recorded, false), values: {} }
  })
  const lines = [...timeline.lines, ...more]
  const keys = lines.map(({ name }, index): [string, string] => [`s${index}`, name])
  const styled = <T>(of: (line: TimelineLine) => T) => ({
    field: 'series',
    type: 'nominal',
    legend: null,
    scale: { domain: keys.map(([key]) => key), range: lines.map(of) },
  })
  const spec = {
    width: 900,
    height: 150,
    params: [{ name: 'measure', value: measures[0]?.id ?? '' }],
    data: { values: linesOf(timeline) },
    transform: [
      { filter: 'datum.measure === measure' },
      { flatten: ['t', 'v'] },
      {
        window: [{ op: 'sum', field: 'v', as: 'soFar' }],
        groupby: ['series'],
        sort: [{ field: 't', order: 'ascending' }],
      },
      { calculate: "datum.kind === 'sum' ? datum.soFar : datum.v", as: 'y' },
    ],
    layer: [
      ...(kswapd.length === 0
        ? []
        : [
            {
              data: { values: kswapd.map(([from, to]) => ({ from, to })) },
              mark: { type: 'rect', color: colour('k7'), opacity: 0.16 },
              encoding: { x: { field: 'from', type: 'quantitative' }, x2: { field: 'to' } },
            },
          ]),
      {
        mark: { type: 'line', interpolate: 'step-after', clip: true, strokeWidth: 1.8 },
        params: [{ name: 'brush', select: { type: 'interval', encodings: ['x'] } }],
        encoding: {
          x: time,
          y: { field: 'y', type: 'quantitative', axis: { title: null, tickCount: 4, ...SHORT_NUMBERS } },
          color: styled((line) => colour(line.colour)),
          strokeDash: styled(({ dashed }) => (dashed ? [5, 3] : [1, 0])),
        },
      },
      ...(requests.length === 0
        ? []
        : [
            {
              data: { values: requests.map((at) => ({ t: at })) },
              mark: {
                type: 'point',
                shape: 'triangle-down',
                filled: true,
                size: 36,
                color: colour('fg'),
                opacity: 0.7,
              },
              encoding: { x: { field: 't', type: 'quantitative' }, y: { value: 4 } },
            },
          ]),
      ...(losses.length === 0
        ? []
        : [
            {
              data: { values: losses.map((at) => ({ t: at })) },
              mark: { type: 'rule', strokeDash: [2, 2], color: colour('k5') },
              encoding: { x: { field: 't', type: 'quantitative' } },
            },
          ]),
      crosshair(keys, 'y'),
    ],
  }
  return spec as TopLevelSpec
}
