import { counted } from '#kernel/messages'
import type { Info, MemoryMap } from '#metrics/survey'
import { formatCount, formatShare } from './format.ts'
import { colour } from './runtime/theme.ts'
import { timeAxis } from './sections/charts.ts'
import { type Built, type Chart, count, percent, text } from './sections/section.ts'

const mib = (pages: number, { pageBytes }: MemoryMap): number => (pages * pageBytes) / 2 ** 20
const format = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const address = (pfn: number, map: MemoryMap): string =>
  mib(pfn, map) < 10_240 ? `${format.format(mib(pfn, map))} MiB` : `${format.format(mib(pfn, map) / 1024)} GiB`

/** What a map of memory shows: colour is the share in use; a block that is so in part is worth a look, since no huge page fits in it. */
export function memoryPart({ pages }: Pick<Info, 'pages'>): Built | undefined {
  const map = pages?.memoryMap
  if (map === undefined || map.rows.length === 0) return undefined
  const blocks = map.rows.reduce((sum, row) => sum + row.blocks, 0)
  const mixedAtEnd = map.rows.reduce((sum, row) => sum + row.mixed.at(-1)! * row.blocks, 0)
  return {
    paragraphs: [
      `The trace touches ${counted(blocks, 'block')} of ${format.format(mib(map.blockPages, map))} MiB. At its end ${formatCount(Math.round(mixedAtEnd))} of them (${formatShare(mixedAtEnd / blocks)}) ${Math.round(mixedAtEnd) === 1 ? 'is' : 'are'} in use in part: no huge page fits there until what is in use is freed or moved.`,
    ],
    charts: [chartOf(map)],
  }
}

function chartOf(map: MemoryMap): Chart {
  const { rows, t, blockPages } = map
  const labels = rows.map(({ pfn }) => address(pfn, map))
  const starts = [2 * t[0]! - t[1]!, ...t]
  const most = rows.reduce((a, b) => (b.mixed.at(-1)! > a.mixed.at(-1)! ? b : a))
  return {
    id: 'memory-map',
    title: 'Which memory is in use, and when?',
    alt: `Map of physical memory by time, lowest addresses below: the share of pages in use. At the end the most fragmented row begins at ${address(most.pfn, map)}: ${formatShare(most.mixed.at(-1)!)} of its blocks are in use in part.`,
    legend: [],
    spec: {
      width: 900,
      height: Math.max(80, Math.min(320, rows.length * 6)),
      data: {
        values: rows.flatMap(({ used, mixed, blocks }, row) =>
          used.map((share, step) => ({
            at: labels[row],
            from: starts[step],
            to: t[step],
            used: share,
            mixed: mixed[step],
            blocks,
          })),
        ),
      },
      mark: { type: 'rect', clip: true },
      encoding: {
        x: { field: 'from', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } },
        x2: { field: 'to' },
        y: {
          field: 'at',
          type: 'ordinal',
          scale: { domain: labels.toReversed() },
          axis: {
            title: 'address',
            values: labels.filter((_, at) => at % Math.ceil(labels.length / 8) === 0),
          },
        },
        color: {
          field: 'used',
          type: 'quantitative',
          scale: { range: [colour('grid'), colour('k0')], domain: [0, 1] },
          legend: { title: 'pages in use', orient: 'top', gradientLength: 160, format: '.0%' },
        },
        tooltip: [
          { field: 'at', title: 'from address' },
          { field: 'to', title: 'at (s)', format: '.4~f' },
          { field: 'used', title: 'pages in use', format: '.1%' },
          { field: 'mixed', title: 'blocks in use in part', format: '.1%' },
          { field: 'blocks', title: 'blocks' },
        ],
      },
    },
    table: {
      caption: `Memory by address; blocks of ${format.format(mib(blockPages, map))} MiB that the trace touches`,
      columns: [
        text('from address'),
        count('blocks'),
        percent('in use at first'),
        percent('in use at the end'),
        percent('most in use'),
        percent('blocks in part at first'),
        percent('at the end'),
      ],
      rows: rows.map(({ pfn, blocks, used, mixed }) => [
        address(pfn, map),
        blocks,
        used[0],
        used.at(-1),
        Math.max(...used),
        mixed[0],
        mixed.at(-1),
      ]),
    },
  }
}
