import type { Page, Part } from './page.ts'
import { colour } from './runtime/theme.ts'
import { facetedRows, SHORT_NUMBERS } from './sections/charts.ts'
import { type Chart, count, type Table, text } from './sections/section.ts'

/** What a sweep or a recommendation has to show: plain data. */
export interface SweepFindings {
  readonly title: string
  readonly origin: string
  readonly version: string
  readonly notModelled: readonly string[]
  /** Name of the measure by which policies are in order. */
  readonly objective: string
  readonly baseline: string
  /** Measures that count, the objective first. */
  readonly axes: readonly string[]
  /** The conclusion, a sentence each. */
  readonly sentences: readonly string[]
  /** Best first. */
  readonly rows: readonly SweepRow[]
  readonly runs: readonly SweepFinding[]
  readonly turningPoints?: readonly {
    readonly param: string
    readonly assumed: number
    readonly low: number
    readonly high: number
    readonly rival: string
    readonly at?: number
  }[]
}

interface SweepRow {
  readonly policy: string
  readonly difference: number
  readonly means: Readonly<Record<string, number>>
  readonly pairs: readonly { readonly capture: string; readonly relative: number }[]
  readonly breaks: readonly string[]
  readonly onFront: boolean
  readonly verdict?: string
}

interface SweepFinding {
  readonly capture: string
  readonly policy: string
  readonly params: Readonly<Record<string, unknown>>
  readonly assumed?: { readonly of: string; readonly param: string; readonly value: number | string | boolean }
  readonly measures: Readonly<Record<string, number>>
}

/** A chart of more points is no clearer and slow. */
const MOST_POINTS = 2000
const MOST_ROWS = 25
/** Small multiples of one chart. */
const MOST_FACETS = 12

/** The page of a sweep: the conclusion, the best, the Pareto front, captures, parameters and assumptions. */
export function composeSweep(findings: SweepFindings): Page {
  const { title, origin, version, notModelled } = findings
  return {
    title,
    origin,
    version,
    notModelled,
    matrices: [],
    timelines: [],
    parts: [
      part('found', 'Finding', 'What was found?', { paragraphs: findings.sentences, tables: [bestTable(findings)] }),
      part('front', 'Pareto front', 'What does less of one measure cost in another?', {
        charts: frontCharts(findings),
      }),
      part('captures', 'Captures', 'Does it hold on every capture?', { charts: captureCharts(findings) }),
      part('parameters', 'Parameters', 'How much does each parameter matter?', { charts: parameterCharts(findings) }),
      part('assumptions', 'Assumptions', 'What rests on assumed inputs?', { tables: assumptionTables(findings) }),
    ].filter(({ paragraphs, tables, charts }) => paragraphs.length + tables.length + charts.length > 0),
  }
}

function part(
  id: string,
  short: string,
  question: string,
  built: Partial<Pick<Part, 'paragraphs' | 'tables' | 'charts'>>,
): Part {
  const { paragraphs = [], tables = [], charts = [] } = built
  return {
    section: { id, short, question },
    paragraphs,
    figures: [],
    tables: tables.filter(({ rows }) => rows.length > 0),
    charts,
    caveats: [],
  }
}

const signed = (share: number): string =>
  share === 0 ? 'same' : `${share > 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(1)} %`

const named = (policy: string, { baseline }: SweepFindings): string =>
  policy === baseline ? `${policy} (baseline)` : policy

/** Evenly so many of all. */
const thinned = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most ? all : Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)]!)

function bestTable(findings: SweepFindings): Table {
  const { rows, axes, objective } = findings
  const judged = rows.some(({ verdict }) => verdict !== undefined)
  const shown = [
    ...rows.slice(0, MOST_ROWS),
    ...rows.slice(MOST_ROWS).filter(({ policy }) => policy === findings.baseline),
  ]
  return {
    caption: `Best by ${objective}${rows.length > shown.length ? `, the first ${MOST_ROWS} of ${rows.length}` : ''}; means over captures`,
    columns: [
      text('policy'),
      text(`${objective} beside the baseline`),
      ...(judged ? [text('verdict')] : []),
      ...axes.map((axis) => count(axis)),
      text('limits'),
      text('on the front'),
    ],
    rows: shown.map((row) => [
      named(row.policy, findings),
      signed(row.difference),
      ...(judged ? [row.verdict ?? ''] : []),
      ...axes.map((axis) => row.means[axis]),
      row.breaks.length === 0 ? 'kept' : `breaks ${row.breaks.join(', ')}`,
      row.onFront ? 'yes' : '',
    ]),
  }
}

const KINDS = [
  { kind: 'on the front', colour: 'k0' },
  { kind: 'baseline', colour: 'k1' },
  { kind: 'others', colour: 'k7' },
] as const

const kindOf = ({ policy, onFront }: SweepRow, { baseline }: SweepFindings): string =>
  policy === baseline ? 'baseline' : onFront ? 'on the front' : 'others'

const legend = KINDS.map(({ kind, colour }) => ({ label: kind, colour, shape: 'dot' as const }))
const byKind = {
  field: 'kind',
  type: 'nominal' as const,
  legend: null,
  scale: { domain: KINDS.map(({ kind }) => kind), range: KINDS.map((one) => colour(one.colour)) },
}

/** The objective over each other measure, as rows of small multiples: policies that keep the limits. */
function frontCharts(findings: SweepFindings): Chart[] {
  const { axes, objective } = findings
  const kept = findings.rows.filter(({ breaks, means }) => breaks.length === 0 && means[objective] !== undefined)
  // A measure that is the same for all is no axis.
  const others = axes.slice(1).filter((axis) => new Set(kept.map(({ means }) => means[axis])).size > 1)
  if (others.length === 0 || kept.length < 2) return []
  // The front is drawn whole, and over the others.
  const front = kept.filter((row) => row.onFront || row.policy === findings.baseline)
  const rest = thinned(
    kept.filter((row) => !front.includes(row)),
    MOST_POINTS - Math.min(front.length, MOST_POINTS - 1),
  )
  const points = [...rest, ...front.slice(0, MOST_POINTS)]
  return [
    {
      id: 'front',
      title: `${objective} against ${others.join(', ')}`,
      alt: `Points, one for each policy that keeps the limits, in ${others.length} rows. On the front: ${front
        .slice(0, 20)
        .map(
          ({ policy, means }) =>
            `${policy} (${axes.map((axis) => `${axis} ${Math.round(means[axis] ?? 0)}`).join(', ')})`,
        )
        .join('; ')}.`,
      legend,
      spec: facetedRows({
        rows: others,
        values: others.flatMap((axis) =>
          points.map((row) => ({
            row: axis,
            policy: row.policy,
            x: row.means[axis] ?? 0,
            y: row.means[objective],
            kind: kindOf(row, findings),
          })),
        ),
        resolve: { scale: { x: 'independent' }, axis: { x: 'independent' } },
        spec: {
          height: 180,
          mark: { type: 'point', filled: true, size: 36, opacity: 0.8 },
          encoding: {
            x: {
              field: 'x',
              type: 'quantitative',
              scale: { zero: false },
              axis: { title: null, tickCount: 8, ...SHORT_NUMBERS },
            },
            y: {
              field: 'y',
              type: 'quantitative',
              scale: { zero: false },
              axis: { title: objective, ...SHORT_NUMBERS },
            },
            color: byKind,
            tooltip: [
              { field: 'policy', title: 'policy' },
              { field: 'y', title: objective, format: ',.6~r' },
              { field: 'x', title: 'other', format: ',.6~r' },
            ],
          },
        },
      }),
      table: {
        caption: 'Policies on the Pareto front',
        columns: [text('policy'), ...axes.map((axis) => count(axis))],
        rows: front
          .slice(0, MOST_ROWS)
          .map((row) => [named(row.policy, findings), ...axes.map((axis) => row.means[axis])]),
      },
    },
  ]
}

/** Relative differences from the baseline, one row for each capture. */
function captureCharts(findings: SweepFindings): Chart[] {
  const { rows, objective } = findings
  const captures = [...new Set(rows.flatMap(({ pairs }) => pairs.map(({ capture }) => capture)))].slice(0, MOST_FACETS)
  const kept = rows.filter(({ breaks, policy }) => breaks.length === 0 && policy !== findings.baseline)
  if (captures.length < 2 || kept.length === 0) return []
  const best = kept.slice(0, 10)
  const shown = thinned(kept, Math.floor(MOST_POINTS / captures.length))
  return [
    {
      id: 'by-capture',
      title: `${objective} beside the baseline, capture by capture`,
      alt: `One row for each capture, one point for each policy. The best: ${best
        .map(
          ({ policy, pairs }) =>
            `${policy} ${pairs.map(({ capture, relative }) => `${capture} ${signed(relative)}`).join(', ')}`,
        )
        .join('; ')}.`,
      legend: legend.filter(({ label }) => label !== 'baseline'),
      spec: facetedRows({
        rows: captures,
        values: shown.flatMap((row) =>
          row.pairs
            .filter(({ capture }) => captures.includes(capture))
            .map(({ capture, relative }) => ({
              row: capture,
              policy: row.policy,
              relative,
              written: signed(relative),
              kind: kindOf(row, findings),
            })),
        ),
        spacing: 6,
        spec: {
          height: 24,
          mark: { type: 'point', filled: true, size: 50, opacity: 0.7 },
          encoding: {
            x: {
              field: 'relative',
              type: 'quantitative',
              axis: { title: 'beside the baseline', format: '+.0%', tickCount: 8 },
            },
            color: byKind,
            tooltip: [
              { field: 'policy', title: 'policy' },
              { field: 'written', title: objective },
            ],
          },
        },
      }),
      table: {
        caption: 'The best, capture by capture',
        columns: [text('policy'), ...captures.map((capture) => text(capture))],
        rows: best.map(({ policy, pairs }) => [
          policy,
          ...captures.map((capture) => {
            const pair = pairs.find((one) => one.capture === capture)
            return pair === undefined ? '–' : signed(pair.relative)
          }),
        ]),
      },
    },
  ]
}

const headOf = (policy: string): string => policy.split('{')[0]!

/** For each parameter that varies: the least of the objective that any choice with this value reaches, one row for each policy. */
function parameterCharts({ runs, rows, objective }: SweepFindings): Chart[] {
  const meanOf = new Map(rows.map((row) => [row.policy, row.means[objective]]))
  const found = new Map<string, Map<string, Map<number, number>>>()
  for (const { policy, params, assumed } of runs) {
    const mean = meanOf.get(policy)
    if (mean === undefined || assumed !== undefined) continue
    for (const [param, value] of Object.entries(params)) {
      // One that the policy takes from the capture is no choice.
      if (typeof value !== 'number' || !new RegExp(`[{,]${param}=`).test(policy)) continue
      const heads = found.get(param) ?? new Map<string, Map<number, number>>()
      const values = heads.get(headOf(policy)) ?? new Map<number, number>()
      values.set(value, Math.min(values.get(value) ?? mean, mean))
      found.set(param, heads.set(headOf(policy), values))
    }
  }
  return [...found].flatMap(([param, heads]) => {
    const varied = [...heads].filter(([, values]) => values.size > 1).slice(0, MOST_FACETS)
    return varied.length === 0 ? [] : [parameterChart(param, varied, objective)]
  })
}

function parameterChart(
  param: string,
  heads: readonly [string, ReadonlyMap<number, number>][],
  objective: string,
): Chart {
  const points = heads.flatMap(([row, values]) =>
    thinned(
      [...values].sort(([a], [b]) => a - b),
      200,
    ).map(([value, least]) => ({ row, value, least })),
  )
  const ratio = Math.max(...points.map(({ value }) => value)) / Math.min(...points.map(({ value }) => value))
  return {
    id: `param-${param}`,
    title: `${objective} by ${param}, the other parameters at their best`,
    alt: `A line for each policy: ${heads
      .map(([head, values]) => {
        const [at, least] = [...values].reduce((best, one) => (one[1] < best[1] ? one : best))
        return `${head}: least ${Math.round(least)} at ${param} ${at}`
      })
      .join('; ')}.`,
    legend: [],
    spec: facetedRows({
      rows: heads.map(([head]) => head),
      values: points,
      spec: {
        height: 110,
        mark: { type: 'line', point: true, color: colour('k0') },
        encoding: {
          x: {
            field: 'value',
            type: 'quantitative',
            scale: Number.isFinite(ratio) && ratio > 50 ? { type: 'log', nice: false } : { zero: false },
            axis: { title: param, tickCount: 8, ...SHORT_NUMBERS },
          },
          y: {
            field: 'least',
            type: 'quantitative',
            scale: { zero: false },
            axis: { title: objective, ...SHORT_NUMBERS },
          },
          tooltip: [
            { field: 'value', title: param, format: ',.6~r' },
            { field: 'least', title: objective, format: ',.6~r' },
          ],
        },
      },
    }),
    table: {
      caption: `${objective} by ${param}`,
      columns: [text('policy'), count(param), count(objective)],
      rows: thinned(points, MOST_ROWS).map(({ row, value, least }) => [row, value, Math.round(least)]),
    },
  }
}

function assumptionTables(findings: SweepFindings): Table[] {
  const { runs, objective, turningPoints = [] } = findings
  const varied = Map.groupBy(
    runs.filter(({ assumed }) => assumed !== undefined),
    ({ assumed }) => `${assumed!.of}\n${assumed!.param}`,
  )
  const rows = [...varied].map(([key, some]) => {
    const [of = '', param = ''] = key.split('\n')
    const values = some.flatMap(({ assumed }) => (typeof assumed!.value === 'number' ? [assumed!.value] : []))
    const shifts = some.flatMap(({ capture, measures }) => {
      const usual = runs.find((run) => run.policy === of && run.capture === capture && run.assumed === undefined)
      const [value, from] = [measures[objective], usual?.measures[objective]]
      return value === undefined || from === undefined || from === 0 ? [] : [(value - from) / from]
    })
    return [
      of,
      param,
      values.length === 0 ? '–' : `${Math.min(...values)} to ${Math.max(...values)}`,
      shifts.length === 0 ? '–' : `${signed(Math.min(...shifts))} to ${signed(Math.max(...shifts))}`,
    ]
  })
  return [
    {
      caption: `How ${objective} moves with an assumed input`,
      columns: [text('policy'), text('input'), text('values'), text(`${objective} moves by`)],
      rows: rows.slice(0, MOST_ROWS),
    },
    {
      caption: 'What would have to change for another mechanism to win',
      columns: [text('assumed input'), count('is'), text('range'), text('would have to be'), text('then wins')],
      rows: turningPoints.map(({ param, assumed, low, high, rival, at }) => [
        param,
        assumed,
        `${low} to ${high}`,
        at === undefined
          ? 'nowhere in the range'
          : `${at}${assumed === 0 ? '' : ` (× ${(at / assumed).toPrecision(3)})`}`,
        rival,
      ]),
    },
  ]
}
