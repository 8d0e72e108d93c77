import { counted } from '#kernel/messages'
import { type Bounds, type PcpComparison, type Run, savedOf } from '#metrics'
import { formatCount, formatShare } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { facetedRows } from './charts.ts'
import { baselineRow, perCapture, policyLabel } from './common.ts'
import { type Chart, count, pages, percent, type Section, text } from './section.ts'

interface Bounded extends Run {
  readonly bounds: Bounds
}
const bounded = (runs: readonly Run[]): Bounded[] => runs.filter((run): run is Bounded => run.bounds !== undefined)

const measures = [
  { name: 'pages', label: 'pages moved under zone->lock', colour: 'k0', shape: 'dot', mark: 'circle' },
  { name: 'takes', label: 'zone->lock acquisitions', colour: 'k1', shape: 'triangle', mark: 'triangle-up' },
] as const

export const bounds: Section = {
  id: 'bounds',
  question: 'How near is each policy to the offline optimum?',
  short: 'Bounds',
  applies: ({ runs }) => bounded(runs).length > 0,
  build: (comparison) => ({
    paragraphs: [
      'Lower bound: an offline-optimal (clairvoyant, Belady-style) policy with the same initial lists and the same peak list size. No real policy can take zone->lock for fewer pages. Upper bound: no lists at all.',
      'The lower bound may be unattainable: it ignores high-order blocks and optimises pages and lock acquisitions separately.',
    ],
    charts: perCapture(comparison, (_capture, runs, of, index) =>
      bounded(runs).some((run) => savedOf(run).takes !== undefined)
        ? [chartOf(comparison, bounded(runs), of, index)]
        : [],
    ),
    caveats: [
      'The bound depends on the peak: a policy that holds more pages has a lower one.',
      'Below 0 %: worse than no lists, since pages are fetched and given back unused.',
    ],
  }),
}

const write = (value: number | undefined): string =>
  value === undefined ? 'nothing to save' : `${formatShare(value)} saved`

function chartOf({ baseline }: PcpComparison, runs: Bounded[], of: string, index: number): Chart {
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  const points = runs.flatMap((run, at) =>
    measures.flatMap(({ name, label }) => {
      const saved = savedOf(run)[name]
      return saved === undefined ? [] : [{ row: rows[at], measure: label, saved, written: formatShare(saved) }]
    }),
  )
  const scaleOf = <T>(range: T[]) => ({ domain: measures.map(({ label }) => label), range })
  return {
    id: `bounds-${index}`,
    title: `How much of what lists can save does each policy save?${of}`,
    alt: `Two points for each policy, for pages moved under zone->lock and for times it is taken, between no lists at 0 % and the best possible with the policy’s room at 100 %. ${runs
      .map((run) => {
        const { pages, takes } = savedOf(run)
        const { least, none } = run.bounds
        return `${run.policy}: ${counted(run.work.zoneLockPages, 'page')} between ${formatCount(least.pages)} and ${formatCount(none.pages)} (${write(pages)}), ${formatCount(run.work.zoneLocks)} takes between ${formatCount(least.takes)} and ${formatCount(none.takes)} (${write(takes)})`
      })
      .join('; ')}.`,
    legend: measures.map(({ label, colour, shape }) => ({ label, colour, shape })),
    spec: facetedRows({
      values: points,
      rows,
      spacing: 6,
      spec: {
        height: 22,
        mark: { type: 'point', filled: true, size: 70, opacity: 1 },
        encoding: {
          x: {
            field: 'saved',
            type: 'quantitative',
            scale: { domain: [Math.min(0, ...points.map(({ saved }) => saved)), 1], nice: false },
            axis: { title: 'saved of what can be saved', format: '.0%', tickCount: 6 },
          },
          color: {
            field: 'measure',
            type: 'nominal',
            legend: null,
            scale: scaleOf(measures.map((one) => colour(one.colour))),
          },
          shape: { field: 'measure', type: 'nominal', legend: null, scale: scaleOf(measures.map(({ mark }) => mark)) },
          tooltip: [
            { field: 'measure', title: 'of' },
            { field: 'written', title: 'saved' },
          ],
        },
      },
    }),
    table: {
      caption: 'Work under zone->lock between the best possible and none',
      columns: [
        text('policy'),
        pages('held at most', 'fewer', 'The most on the lists of each CPU and zone at once, summed.'),
        pages('moved', 'fewer'),
        pages('least', undefined, 'Of any rules with this policy’s room.'),
        pages('least, without limit'),
        percent('saved of what can be', 'more'),
        count('acquisitions', 'fewer'),
        count('least', undefined, 'Of any rules with this policy’s room.'),
        percent('saved of what can be', 'more'),
      ],
      rows: runs.map((run) => [
        run.policy,
        run.bounds.peakPages,
        run.work.zoneLockPages,
        run.bounds.least.pages,
        run.bounds.unlimited.pages,
        savedOf(run).pages,
        run.work.zoneLocks,
        run.bounds.least.takes,
        savedOf(run).takes,
      ]),
      ...baselineRow(runs, baseline),
    },
  }
}
