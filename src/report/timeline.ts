import type { TopLevelSpec } from 'vega-lite'
import type { Comparison, MeasureId, PcpComparison, Run } from '#metrics'
import { measureOf } from '#metrics'
import type { AcceptComparison } from '#metrics/accept'
import type { KvfreeComparison } from '#metrics/kvfree'
import type { SlabComparison } from '#metrics/slab'
import type { Matrix } from './matrix/index.ts'
import { colour } from './runtime/theme.ts'
import { crosshair, SHORT_NUMBERS, timeAxis } from './sections/charts.ts'
import { type Compared, colourAt, runsOn, toSeconds } from './sections/common.ts'
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
  /** Policies are measured by it: it may leave the chart, so that the others are seen. */
  readonly isBound?: boolean
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
            isBound: run.work.allocsFromList === 0 || run.isBound === true,
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

/** What a run of a family other than page lists has at its own steps. */
interface SteppedRun {
  readonly capture: string
  readonly policy: string
  readonly series: { readonly t: readonly number[] }
}

/** Levels over time, a line each policy, read at the baseline's steps. */
const levelTimelines = <R extends SteppedRun>(
  comparison: Compared<R> & { readonly captures: readonly { readonly name: string }[] },
  titles: Readonly<Record<string, string>>,
  valuesOf: (series: R['series']) => Readonly<Record<string, readonly number[]>>,
): Timeline[] =>
  comparison.captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const steps = runs[0]?.series.t ?? []
    if (steps.length === 0) return []
    return [
      trimmed({
        ...unmarked,
        capture: name,
        t: steps.map(toSeconds),
        measures: Object.entries(titles).map(([id, title]) => ({ id, title, kind: 'level' as const })),
        lines: runs.map(({ policy, series }, index) => ({
          name: policy,
          ...lineStyle(index, false),
          isBound: policy === 'slab/none',
          values: Object.fromEntries(
            Object.entries(valuesOf(series)).map(([id, values]) => [id, at(series.t, values, steps)]),
          ),
        })),
      }),
    ]
  })

const kvfreeTimelines = (comparison: KvfreeComparison): Timeline[] =>
  levelTimelines(
    comparison,
    { meanObjects: 'objects in flight', mib: 'deferred memory (MiB)' },
    ({ t, collected, waiting, freeing, bytes }) => ({
      meanObjects: t.map((_, step) => collected[step]! + waiting[step]! + freeing[step]!),
      mib: bytes.map((one) => Number((one / 2 ** 20).toPrecision(5))),
    }),
  )

const acceptTimelines = (comparison: AcceptComparison): Timeline[] =>
  levelTimelines(
    comparison,
    { unaccepted: 'memory not accepted yet (MiB)', acceptedFree: 'memory accepted and free (MiB)' },
    ({ unaccepted, acceptedFree }) => ({ unaccepted: unaccepted.map(mibOf), acceptedFree: acceptedFree.map(mibOf) }),
  )

const mibOf = (pages: number): number => Math.round(pages / 256)

const slabTimelines = (comparison: SlabComparison): Timeline[] =>
  levelTimelines(
    comparison,
    {
      listLocks: 'acquisitions of list_lock so far',
      cached: 'free objects that CPUs hold',
      barn: 'objects in barns',
      pages: 'pages of slabs',
    },
    ({ listLocks, cached, barn, pages }) => ({ listLocks, cached, barn, pages }),
  )

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

/** The timeline shows first what the policies settle first, or else its first measure. */
export function firstMeasureOf({ columns, rows }: Matrix, { measures }: Timeline): TimelineMeasure | undefined {
  const settled = columns.find(
    ({ id }, at) => measures.some((one) => one.id === id) && rows.some(({ cells }) => cells[at]?.verdict === 'settled'),
  )
  return measures.find(({ id }) => id === settled?.id) ?? measures[0]
}

const time = { field: 't', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } } as const

/** A bound this much above the other lines leaves the chart, which ends so little above them. */
const FAR_ABOVE = 3
const ROOM_ABOVE = 1.1

/** How high a measure’s lines other than bounds come. */
const highest = (lines: readonly TimelineLine[], { id, kind }: TimelineMeasure): number =>
  lines.reduce((most, { values, isBound }) => (isBound === true ? most : Math.max(most, peakOf(values[id], kind))), 0)

const peakOf = (values: readonly number[] = [], kind: TimelineMeasure['kind']): number =>
  kind === 'sum' ? values.reduce((a, b) => a + b, 0) : values.reduce((a, b) => Math.max(a, b), 0)

/** The data of a timeline’s chart: one row for each line and measure. `cap`: above it the line of a bound is not drawn. */
export const linesOf = ({ lines, measures, t }: Pick<Timeline, 'lines' | 'measures' | 't'>) =>
  measures.flatMap((measure) => {
    const { id, kind } = measure
    const most = highest(lines, measure)
    return lines.flatMap(({ values, isBound }, index) => {
      const v = values[id]
      if (v === undefined) return []
      const isFar = isBound === true && most > 0 && peakOf(v, kind) > FAR_ABOVE * most
      return [{ series: `s${index}`, measure: id, kind, t, v, ...(isFar ? { cap: ROOM_ABOVE * most } : {}) }]
    })
  })

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
  return {
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
      { filter: '!isValid(datum.cap) || datum.y <= datum.cap' },
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
  } as TopLevelSpec
}
