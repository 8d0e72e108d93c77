import { share } from '#kernel'
import type { PcpComparison, Run } from '#metrics'
import { formatShare } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { facetedRows, logAxis } from './charts.ts'
import { baselineRow, perCapture, policyLabel } from './common.ts'
import { type Chart, count, percent, type Section, text } from './section.ts'

const ways = [
  { name: 'list', label: 'from a list', colour: 'k0', of: ({ work }: Run) => work.allocsFromList },
  { name: 'refill', label: 'after a refill', colour: 'k4', of: ({ work }: Run) => work.allocsAfterRefill },
  { name: 'buddy', label: 'from the buddy', colour: 'k5', of: ({ work }: Run) => work.allocsFromBuddy },
] as const

/** What a list spares. */
const dots = ways.filter(({ name }) => name !== 'list')

export const served: Section = {
  id: 'served',
  question: 'Where do allocations get their pages?',
  short: 'Allocations served',
  applies: ({ runs }) => runs.some(({ work }) => work.allocs > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison, runs, of, index)]),
  }),
}

function chartOf({ baseline }: PcpComparison, runs: Run[], of: string, index: number): Chart {
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  const writeShare = (part: number, whole: number): string => {
    const value = share(part, whole)
    return value === undefined ? '–' : formatShare(value)
  }
  const points = runs.flatMap((run) =>
    dots.flatMap(({ label, of }) => {
      const value = share(of(run), run.work.allocs) ?? 0
      const row = policyLabel(run.policy, baseline)
      return value === 0 ? [] : [{ row, way: label, n: of(run), share: value, written: formatShare(value) }]
    }),
  )
  const { domain, values } = logAxis(Math.min(1, ...points.map(({ share }) => share)), 1)
  return {
    id: `served-${index}`,
    title: `How many allocations need zone->lock?${of}`,
    alt: `Dots on a logarithmic axis in one row for each policy: the share of allocations after a refill, and from the buddy. ${runs
      .map(
        (run) =>
          `${run.policy}: ${ways.map(({ label, of }) => `${writeShare(of(run), run.work.allocs)} ${label}`).join(', ')}`,
      )
      .join('; ')}.`,
    legend: dots.map(({ label, colour }) => ({ label, colour, shape: 'dot' })),
    spec: facetedRows({
      rows,
      values: points,
      spacing: 6,
      spec: {
        height: 20,
        mark: { type: 'point', filled: true, size: 80, opacity: 1 },
        encoding: {
          x: {
            field: 'share',
            type: 'quantitative',
            scale: { type: 'log', domain, nice: false },
            axis: { title: 'share of allocations', values, format: '.3~%', labelOverlap: 'greedy' },
          },
          color: {
            field: 'way',
            type: 'nominal',
            legend: null,
            scale: { domain: dots.map(({ label }) => label), range: dots.map((way) => colour(way.colour)) },
          },
          tooltip: [
            { field: 'way', title: 'served' },
            { field: 'n', title: 'allocations', format: ',' },
            { field: 'written', title: 'share' },
          ],
        },
      },
    }),
    table: {
      caption: 'Allocations by where their pages came from',
      columns: [
        text('policy'),
        count('allocations'),
        count('from a list', 'more'),
        percent('share'),
        count('after a refill', 'fewer'),
        percent('share'),
        count('from the buddy', 'fewer'),
        percent('share'),
      ],
      rows: runs.map((run) => [
        run.policy,
        run.work.allocs,
        ...ways.flatMap(({ of }) => [of(run), share(of(run), run.work.allocs)]),
      ]),
      ...baselineRow(runs, baseline),
    },
  }
}
