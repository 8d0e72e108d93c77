import type { TopLevelSpec } from 'vega-lite'
import type { ComparisonHead } from '#metrics'
import { colour } from '../runtime/theme.ts'
import { type Line, largest, policyLabel, thinned, toSeconds } from './common.ts'
import type { Chart, LegendEntry } from './section.ts'

/** One line (or area) in one row of small multiples. */
export interface RowLine extends Line {
  /** Heading of the row in which it stands. */
  readonly row: string
  readonly series: string
  /** A line to measure others by: it is cut where it would press them flat. */
  readonly isBound?: boolean | undefined
}

export interface Series {
  readonly name: string
  readonly colour: LegendEntry['colour']
  readonly dashed?: boolean
  readonly width?: number
}

type FacetSpec = Extract<TopLevelSpec, { readonly facet: unknown; readonly spec: unknown }>

interface FacetedRows {
  readonly values: readonly object[]
  /** Headings of the rows, in order; `values` name theirs in `row`. */
  readonly rows: readonly string[]
  readonly transform?: FacetSpec['transform']
  readonly spacing?: number
  readonly resolve?: FacetSpec['resolve']
  readonly spec: FacetSpec['spec']
}

/** Small multiples: one row under the other, each with its heading, on the same axes. */
export const facetedRows = ({ values, rows, transform, spacing = 14, resolve, spec }: FacetedRows): TopLevelSpec => ({
  data: { values: [...values] },
  ...(transform === undefined ? {} : { transform }),
  ...(resolve === undefined ? {} : { resolve }),
  facet: { row: { field: 'row', type: 'nominal', sort: [...rows], header: rowHeader } },
  spacing,
  spec: { width: 600, ...spec } as FacetSpec['spec'],
})

/** A vertical rule at the nearest moment, with the values of all series there. `keys`: what `series` holds, and its name. */
export function crosshair(keys: readonly (readonly [key: string, name: string])[], field: string): object {
  return {
    transform: [{ pivot: 'series', value: field, groupby: ['t'] }],
    mark: { type: 'rule', color: colour('muted') },
    params: [
      { name: 'at', select: { type: 'point', fields: ['t'], nearest: true, on: 'pointermove', clear: 'pointerout' } },
    ],
    encoding: {
      x: { field: 't', type: 'quantitative' },
      opacity: { condition: { value: 0.7, param: 'at', empty: false }, value: 0 },
      tooltip: [
        { field: 't', type: 'quantitative', title: 'time (s)', format: '.4~f' },
        ...keys.map(([key, title]) => ({ field: key, type: 'quantitative', title, format: ',.5~r' })),
      ],
    },
  }
}

/** Points that all lines of a chart share: SVG stays quick. All captures share those of three, so the file stays small. */
const MOST_POINTS = 8000
const FEW_CAPTURES = 3

export const shareOfBudget = ({ captures }: ComparisonHead): number => Math.min(1, FEW_CAPTURES / captures.length)

export const timeAxis = {
  title: 'time on the trace clock (s)',
  grid: false,
  tickCount: 8,
} as const

/** 0, 0.2, 50k, 1.5M. An axis’s own `format` would write 0 as "0k", and `~s` alone 0.2 as "200m". */
export const SHORT_NUMBERS = {
  labelExpr: "abs(datum.value) < 1 ? format(datum.value, '~g') : format(datum.value, '~s')",
} as const

/** Decades that have room for the labels of 2 and 5 on a telephone. */
const FEW_DECADES = 3

/** Ends and labels of a logarithmic axis for what lies from `least` to `most`, over 0: 1, 2 and 5 in each decade, on a long one only 1. */
export function logAxis(least: number, most: number): { domain: [number, number]; values: number[] } {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
  // One decade more at each end: logarithms are rounded.
  const round = Array.from({ length: to - from + 3 }, (_, decade) =>
    (to - from > FEW_DECADES ? [1] : [1, 2, 5]).map((digit) => Number(`${digit}e${from + decade - 1}`)),
  ).flat()
  const values = round.slice(
    round.findLastIndex((value) => value <= least),
    round.findIndex((value) => value >= most) + 1,
  )
  return { domain: [values[0]!, values.at(-1)!], values }
}

const rowHeader = {
  title: null,
  labelOrient: 'top',
  labelAnchor: 'start',
  labelFontWeight: 'bold',
  labelLimit: 560,
  labelPadding: 4,
} as const

/** So many times the highest of the others a bound may reach before it is cut. */
const ROOM_FOR_BOUNDS = 2

/** Where the axis ends if bounds are cut, and the rows that are; undefined: all fits. */
function cutOf(lines: readonly RowLine[]): { readonly at: number; readonly rows: ReadonlySet<string> } | undefined {
  const most = largest(lines.flatMap(({ isBound, values }) => (isBound === true ? [] : [largest(values)])))
  const at = most * 1.05
  const over = lines.filter(({ values }) => largest(values) > most * ROOM_FOR_BOUNDS)
  return most === 0 || over.length === 0 ? undefined : { at, rows: new Set(over.map(({ row }) => row)) }
}

/** The highest of all, where some row would lie flat at the foot of an axis that is long enough for it. */
function unevenPeak(lines: readonly RowLine[]): number | undefined {
  const peaks = [
    ...Map.groupBy(
      lines.filter(({ isBound }) => isBound !== true),
      ({ row }) => row,
    ).values(),
  ].map((row) => largest(row.map(({ values }) => largest(values))))
  const most = largest(peaks)
  return peaks.some((peak) => peak > 0 && peak * 10 < most) ? most : undefined
}

/** Labels of a square-root axis at a quarter, half and the whole of its height, each of one figure. */
const rootTicks = (most: number): number[] => [
  0,
  ...[1 / 16, 1 / 4, 1].map((part) => Number((most * part).toPrecision(1))),
]

/** Lines over time in rows of small multiples under one time axis. The unit stands at each row's axis. */
export function linesInRows(
  comparison: ComparisonHead,
  rows: readonly string[],
  series: readonly Series[],
  lines: readonly RowLine[],
  unit: string,
): TopLevelSpec {
  const each = Math.max(
    24,
    Math.min(320, Math.floor((MOST_POINTS * shareOfBudget(comparison)) / Math.max(1, lines.length))),
  )
  const cut = cutOf(lines)
  const uneven = unevenPeak(lines)
  const named = (row: string): string => (cut?.rows.has(row) ? `${row}, a bound, beyond the axis` : row)
  const keys = series.map(({ name }, at): [string, string] => [`s${at}`, name])
  const keyOf = new Map(keys.map(([key, name]) => [name, key]))
  const styled = <T>(channel: 'nominal' | 'ordinal', of: (one: Series) => T) => ({
    field: 'series',
    type: channel,
    legend: null,
    scale: { domain: keys.map(([key]) => key), range: series.map(of) },
  })
  const y = {
    field: 'v',
    type: 'quantitative',
    axis: {
      ...(uneven === undefined ? { title: unit, tickCount: 3 } : { title: `${unit} (√)`, values: rootTicks(uneven) }),
      ...SHORT_NUMBERS,
    },
    scale: {
      ...(uneven === undefined ? {} : { type: 'sqrt' }),
      ...(cut === undefined ? {} : { domain: [0, cut.at], nice: false }),
    },
  }
  const x = { field: 't', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } }
  return facetedRows({
    rows: rows.map(named),
    values: lines.map(({ row, series, ...line }) => {
      const { t, values } = thinned(line, each)
      return {
        row: named(row),
        series: keyOf.get(series) ?? series,
        t: t.map(toSeconds),
        v: values.map((v) => Number(v.toPrecision(6))),
      }
    }),
    transform: [{ flatten: ['t', 'v'] }],
    spec: {
      height: rows.length > 8 ? 60 : 84,
      layer: [
        {
          mark: { type: 'line', interpolate: 'step-after', clip: true },
          encoding: {
            x,
            y,
            color: styled('nominal', (one) => colour(one.colour)),
            strokeDash: styled('nominal', ({ dashed }) => (dashed ? [5, 3] : [1, 0])),
            strokeWidth: styled('ordinal', ({ width }) => width ?? 1.5),
          },
        },
        crosshair(keys, 'v'),
      ],
    } as FacetSpec['spec'],
  })
}

/** From so many CPUs on, lines are spaghetti: a map of CPU × time is drawn. */
export const MANY_CPUS = 8

/** Cells that a map has in all: SVG stays quick. */
const MOST_CELLS = 7000
const FEWEST_BINS = 12

/** What a map shows: by CPU, one value for each step of `t`. */
export interface CpuSeries {
  readonly row: string
  readonly t: readonly number[]
  readonly of: (cpu: number) => readonly number[]
}

/** CPU × time, one map for each row: the sum or the greatest of the steps in each cell. */
export function cpuMaps(
  cpus: readonly number[],
  series: readonly CpuSeries[],
  { unit, sums, isolated }: { readonly unit: string; readonly sums: boolean; readonly isolated: readonly number[] },
): TopLevelSpec {
  const bins = Math.max(FEWEST_BINS, Math.min(100, Math.floor(MOST_CELLS / Math.max(1, cpus.length * series.length))))
  const cells = series.flatMap(({ row, t, of }) => {
    const edges = Array.from({ length: bins + 1 }, (_, bin) => Math.floor((bin * t.length) / bins))
    const at = (step: number): number => toSeconds(t[Math.min(step, t.length) - 1] ?? t[0] ?? 0)
    return cpus.flatMap((cpu) => {
      const values = of(cpu)
      return edges.slice(1).flatMap((to, bin) => {
        const steps = values.slice(edges[bin], to)
        const value = sums ? steps.reduce((a, b) => a + b, 0) : largest(steps)
        return value === 0 ? [] : [{ row, cpu, from: at(edges[bin]!), to: at(to), v: value }]
      })
    })
  })
  return facetedRows({
    rows: series.map(({ row }) => row),
    values: cells,
    spec: {
      height: Math.max(60, Math.min(220, cpus.length * 5)),
      mark: { type: 'rect', clip: true },
      encoding: {
        x: { field: 'from', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } },
        x2: { field: 'to' },
        y: {
          field: 'cpu',
          type: 'ordinal',
          scale: { domain: [...cpus] },
          axis: {
            title: 'CPU',
            values: cpus.filter((cpu, at) => isolated.includes(cpu) || at % Math.ceil(cpus.length / 8) === 0),
          },
        },
        color: {
          field: 'v',
          type: 'quantitative',
          scale: { range: [colour('grid'), colour('k0')], domainMin: 0 },
          legend: { title: unit, orient: 'top', gradientLength: 160 },
        },
        tooltip: [
          { field: 'cpu', title: 'CPU' },
          { field: 'from', title: 'from (s)', format: '.4~f' },
          { field: 'v', title: unit, format: ',' },
        ],
      },
    },
  })
}

const BASELINE_BEHIND = 'baseline'
const THIS_POLICY = 'this policy'

const againstBaseline: readonly Series[] = [
  { name: BASELINE_BEHIND, colour: 'muted', dashed: true, width: 1.2 },
  { name: THIS_POLICY, colour: 'k0', width: 1.6 },
]

/** Each policy's line in a row of its own, the baseline's dashed behind it; the baseline's own row has its line once. */
export function linesAgainstBaseline<R extends { readonly policy: string; readonly isBound?: boolean | undefined }>(
  comparison: ComparisonHead,
  runs: readonly R[],
  line: (run: R) => Line,
  unit: string,
): Pick<Chart, 'legend' | 'spec'> {
  const { baseline } = comparison
  const label = ({ policy }: R): string => policyLabel(policy, baseline)
  const base = runs.find(({ policy }) => policy === baseline)
  const lines = runs.flatMap((run): RowLine[] => [
    ...(base === undefined || run === base ? [] : [{ row: label(run), series: BASELINE_BEHIND, ...line(base) }]),
    { row: label(run), series: THIS_POLICY, isBound: run.isBound, ...line(run) },
  ])
  return {
    legend: [
      { label: 'the policy named above the row', colour: 'k0', shape: 'line' },
      { label: `baseline ${baseline}`, colour: 'muted', shape: 'dash' },
    ],
    spec: linesInRows(comparison, runs.map(label), againstBaseline, lines, unit),
  }
}
