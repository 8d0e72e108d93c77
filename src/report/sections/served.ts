import { share } from '#kernel'
import type { PcpComparison, Run } from '#metrics'
import { formatShare } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { facetedRows } from './charts.ts'
import { baselineRow, perCapture, policyLabel } from './common.ts'
import { type Chart, count, percent, type Section, text } from './section.ts'

const ways = [
  { name: 'list', label: 'from a list', colour: 'k0', of: ({ work }: Run) => work.allocsFromList },
  { name: 'refill', label: 'after a refill', colour: 'k4', of: ({ work }: Run) => work.allocsAfterRefill },
  { name: 'buddy', label: 'from the buddy', colour: 'k5', of: ({ work }: Run) => work.allocsFromBuddy },
] as const

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
  return {
    id: `served-${index}`,
    title: `How often is an allocation spared the way to zone->lock?${of}`,
    alt: `Stacked bars, one for each policy. ${runs
      .map(
        (run) =>
          `${run.policy}: ${ways.map(({ label, of }) => `${writeShare(of(run), run.work.allocs)} ${label}`).join(', ')}`,
      )
      .join('; ')}.`,
    legend: ways.map(({ label, colour }) => ({ label, colour, shape: 'area' })),
    spec: facetedRows({
      values: runs.flatMap((run) =>
        ways.map(({ label, of }, order) => ({
          row: policyLabel(run.policy, baseline),
          way: label,
          order,
          n: of(run),
          share: writeShare(of(run), run.work.allocs),
        })),
      ),
      rows,
      spacing: 10,
      spec: {
        height: 20,
        mark: { type: 'bar', height: 18 },
        encoding: {
          x: {
            field: 'n',
            type: 'quantitative',
            stack: 'normalize',
            axis: { title: 'share of allocations', format: '.0%', tickCount: 5 },
          },
          color: {
            field: 'way',
            type: 'nominal',
            legend: null,
            scale: { domain: ways.map(({ label }) => label), range: ways.map((way) => colour(way.colour)) },
          },
          order: { field: 'order', type: 'quantitative' },
          tooltip: [
            { field: 'way', title: 'served' },
            { field: 'n', title: 'allocations', format: ',' },
            { field: 'share', title: 'share' },
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
