import type { SlabComparison, SlabSweep } from '#metrics/slab'
import { formatCount } from '../../format.ts'
import { colour } from '../../runtime/theme.ts'
import { SHORT_NUMBERS } from '../charts.ts'
import { type Chart, count, pages, type Section } from '../section.ts'

type Cell = SlabSweep['cells'][number]

interface Measure {
  readonly id: 'listLocks' | 'slabPages' | 'held'
  readonly title: string
  readonly words: string
}

const measures: readonly Measure[] = [
  { id: 'listLocks', title: 'How often is list_lock taken?', words: 'acquisitions of list_lock' },
  { id: 'held', title: 'How many free objects do CPUs and barns hold?', words: 'free objects held, mean' },
  { id: 'slabPages', title: 'How many pages do slabs take?', words: 'slab pages allocated' },
]

/** Sheaves of other sizes, and barns: what a larger one buys, and costs. */
export const slabSweep: Section<SlabComparison> = {
  id: 'slab-sweep',
  question: 'How large should a sheaf and a barn be?',
  short: 'Sheaf sizes',
  applies: ({ sweeps }) => sweeps.length > 0,
  build: ({ sweeps }) => ({
    paragraphs: [
      'The trace replayed with sheaves of one capacity for all caches, and barns that take so many full ones. The kernel’s own capacity is 4, 12, 28 or 60 objects by their size, its barns take 10.',
    ],
    charts: sweeps.flatMap((sweep, index) =>
      measures.map((measure) => mapOf(sweep, measure, index, sweeps.length > 1 ? ` (${sweep.capture})` : '')),
    ),
  }),
}

const edge = (cells: readonly Cell[], id: Measure['id'], isBetter: (a: number, b: number) => boolean): Cell =>
  cells.reduce((best, cell) => (isBetter(cell[id], best[id]) ? cell : best))

const placeOf = ({ capacity, maxFull }: Cell): string => `capacity ${capacity} and ${maxFull} full sheaves`

function mapOf(
  { cells, capacities, maxFulls }: SlabSweep,
  { id, title, words }: Measure,
  index: number,
  of: string,
): Chart {
  const least = edge(cells, id, (a, b) => a < b)
  const most = edge(cells, id, (a, b) => a > b)
  const axis = { labelAngle: 0, ticks: false, domain: false } as const
  return {
    id: `slab-sweep-${id}-${index}`,
    title: `${title}${of}`,
    alt: `Map of ${words} by the capacity of sheaves, to the right, and full sheaves that a barn takes, upwards. Least with ${placeOf(least)}: ${formatCount(least[id])}; most with ${placeOf(most)}: ${formatCount(most[id])}.`,
    legend: [],
    spec: {
      data: {
        values: cells.map((cell) => ({ capacity: cell.capacity, maxFull: cell.maxFull, value: Math.round(cell[id]) })),
      },
      width: 70 * capacities.length,
      height: 30 * maxFulls.length,
      encoding: {
        x: { field: 'capacity', type: 'ordinal', sort: capacities, axis: { title: 'objects of a sheaf', ...axis } },
        y: {
          field: 'maxFull',
          type: 'ordinal',
          sort: maxFulls.toReversed(),
          axis: { title: 'full sheaves of a barn', ...axis },
        },
      },
      layer: [
        {
          mark: { type: 'rect', stroke: colour('grid'), opacity: 0.55 },
          encoding: {
            color: {
              field: 'value',
              type: 'quantitative',
              scale: { range: [colour('grid'), colour('k0')], zero: false, nice: true },
              legend: { title: words, ...SHORT_NUMBERS },
            },
          },
        },
        {
          mark: { type: 'text', color: colour('fg') },
          encoding: { text: { field: 'value', type: 'quantitative', format: ',' } },
        },
      ],
    },
    table: {
      caption: `${words}${of}`,
      columns: [
        count('objects of a sheaf'),
        ...maxFulls.map((maxFull) => (id === 'slabPages' ? pages : count)(`${maxFull} full`)),
      ],
      rows: capacities.map((capacity) => [
        capacity,
        ...maxFulls.map((maxFull) => {
          const cell = cells.find((one) => one.capacity === capacity && one.maxFull === maxFull)
          return cell === undefined ? undefined : Math.round(cell[id])
        }),
      ]),
    },
  }
}
