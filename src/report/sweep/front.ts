import { colour } from '../runtime/theme.ts'
import { facetedRows, SHORT_NUMBERS } from '../sections/charts.ts'
import { type Chart, count, text } from '../sections/section.ts'
import {
  MOST_FACETS,
  MOST_POINTS,
  MOST_ROWS,
  named,
  type SweepFindings,
  type SweepRow,
  signed,
  thinned,
} from './findings.ts'

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
export function frontCharts(findings: SweepFindings): Chart[] {
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
export function captureCharts(findings: SweepFindings): Chart[] {
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
