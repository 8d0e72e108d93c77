import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { facetedRows, SHORT_NUMBERS, shareOfBudget, timeAxis } from './charts.ts'
import { baselineRow, largest, MOST_ROWS, perCapture, policyLabel, toSeconds } from './common.ts'
import { type Chart, count, pages, type Section, seconds, type Table, text } from './section.ts'

const kinds = {
  threshold: 'a free crossed the limit',
  requested: 'a drain was requested, or compaction emptied its own CPU’s lists',
} as const
const NO_BURST = 'none'
const MOST_POINTS = 3000

interface Burst {
  readonly t: number
  readonly cpu: number
  readonly pages: number
  readonly requested: boolean
}

/** The bursts of a run, evenly thinned; requested ones and the largest always stay, since they are what one looks for. */
function burstsOf({ series: { bursts } }: Run, most: number): Burst[] {
  const all = bursts.t.map((t, at) => ({
    t,
    cpu: bursts.cpu[at] ?? 0,
    pages: bursts.pages[at] ?? 0,
    requested: bursts.requested[at] ?? false,
  }))
  if (all.length <= most) return all
  const size = all.map(({ pages }) => pages).sort((a, b) => b - a)[Math.floor(most / 4)] ?? 0
  const first = all.filter(({ pages, requested }) => requested || pages > size)
  const kept = new Set(even(first, Math.floor(most / 2)))
  for (const burst of even(
    all.filter((burst) => !kept.has(burst)),
    most - kept.size,
  ))
    kept.add(burst)
  return all.filter((burst) => kept.has(burst))
}

const even = <T>(items: readonly T[], most: number): T[] =>
  items.length <= most
    ? [...items]
    : items.filter((_, at) => Math.floor((at * most) / items.length) !== Math.floor(((at - 1) * most) / items.length))

export const bursts: Section = {
  id: 'bursts',
  question: 'How large are the drains, and who asked for them?',
  short: 'Drain bursts',
  applies: ({ runs }) => runs.some(({ series }) => series.burstsTotal > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) =>
      runs.every(({ largeHolds }) => largeHolds.length === 0) ? [] : [largeTable(comparison, runs, of)],
    ),
    caveats: comparison.runs.some(({ series }) => series.burstsTotal > shown(comparison))
      ? [
          `Where a run has more than ${shown(comparison)} bursts, some are drawn: the requested, the largest and an even choice of the rest. Counts are of all.`,
        ]
      : [],
  }),
}

const shown = (comparison: PcpComparison): number => {
  const { runs, captures } = comparison
  return Math.max(
    50,
    Math.floor((MOST_POINTS * shareOfBudget(comparison) * captures.length) / Math.max(1, runs.length)),
  )
}

function chartOf(comparison: PcpComparison, runs: Run[], of: string, index: number): Chart {
  const { baseline } = comparison
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  const drawn = runs.map((run) => burstsOf(run, shown(comparison)))
  const listed = runs.map((run) => burstsOf(run, Math.floor(MOST_ROWS / runs.length)))
  const anyTime = toSeconds(drawn.flat()[0]?.t ?? 0)
  const kindOf = ({ requested }: Burst): string => (requested ? kinds.requested : kinds.threshold)
  return {
    id: `bursts-${index}`,
    title: `Many small drains, or few long ones?${of}`,
    alt: `Scatter plot in one row for each policy: each time pages were given back, by time and number of pages. ${runs
      .map(({ policy, work, quantiles, series }) =>
        series.burstsTotal === 0
          ? `${policy}: no bursts`
          : `${policy}: ${counted(series.burstsTotal, 'burst')}, largest ${counted(quantiles.burstPages?.max ?? 0, 'page')}, ${counted(work.requestedDrainPages, 'page')} on request`,
      )
      .join('; ')}.`,
    legend: [
      { label: kinds.threshold, colour: 'k0', shape: 'dot' },
      { label: kinds.requested, colour: 'k1', shape: 'triangle' },
    ],
    spec: facetedRows({
      values: rows.map((row, at) => {
        const points = drawn[at] ?? []
        // A policy without bursts keeps its row, with one point that cannot be seen.
        return points.length === 0
          ? { row, t: [anyTime], cpu: [0], pages: [0], kind: [NO_BURST] }
          : {
              row,
              t: points.map(({ t }) => toSeconds(t)),
              cpu: points.map(({ cpu }) => cpu),
              pages: points.map(({ pages }) => pages),
              kind: points.map(kindOf),
            }
      }),
      transform: [{ flatten: ['t', 'cpu', 'pages', 'kind'] }],
      rows,
      spacing: 14,
      spec: {
        height: rows.length > 8 ? 60 : 90,
        mark: { type: 'point', filled: true, opacity: 0.65 },
        encoding: {
          x: { field: 't', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } },
          y: {
            field: 'pages',
            type: 'quantitative',
            scale: {
              type: 'symlog',
              constant: 4,
              domain: [0, 1.3 * Math.max(1, largest(drawn.flat().map(({ pages }) => pages)))],
              nice: false,
            },
            axis: { title: 'pages', values: [0, 10, 30, 100, 300, 1000, 3000, 10_000], ...SHORT_NUMBERS },
          },
          color: kindScale([colour('k0'), colour('k1'), 'transparent']),
          shape: { ...kindScale(['circle', 'triangle-up', 'circle']), type: 'nominal' },
          size: kindScale([18, 70, 1]),
          tooltip: [
            { field: 't', title: 'time (s)' },
            { field: 'pages', title: 'pages' },
            { field: 'cpu', title: 'CPU' },
            { field: 'kind', title: 'why' },
          ],
        },
      },
    }),
    table: {
      caption: 'Some of the bursts drawn: the requested and the largest first of all',
      columns: [text('policy'), seconds('time'), text('CPU'), pages('given back'), text('why')],
      rows: runs.flatMap(({ policy }, at) =>
        (listed[at] ?? []).map((burst) => [policy, toSeconds(burst.t), String(burst.cpu), burst.pages, kindOf(burst)]),
      ),
    },
  }
}

const kindScale = <T>(range: T[]): object => ({
  field: 'kind',
  type: 'ordinal',
  legend: null,
  scale: { domain: [kinds.threshold, kinds.requested, NO_BURST], range },
})

const largeTable = ({ baseline }: PcpComparison, runs: Run[], of: string): Table => {
  const limits = runs.find(({ largeHolds }) => largeHolds.length > 0)?.largeHolds.map(({ over }) => over) ?? []
  return {
    caption: `Bulk frees above each number of pages; a kernel that frees in batches may release zone->lock between batches${of}`,
    columns: [text('policy'), ...limits.map((limit) => count(`over ${formatCount(limit)}`, 'fewer'))],
    rows: runs.map(({ policy, largeHolds }) => [policy, ...largeHolds.map(({ bulkFrees }) => bulkFrees)]),
    ...baselineRow(runs, baseline),
  }
}
