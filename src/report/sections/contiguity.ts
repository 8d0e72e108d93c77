import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { linesAgainstBaseline } from './charts.ts'
import { baselineRow, perCapture, stretchEnds, toSeconds } from './common.ts'
import { type Chart, count, pages, type Section, seconds, type Table, text, workColumn } from './section.ts'

export const contiguity: Section = {
  id: 'contiguity',
  question: 'How fragmented is free memory?',
  short: 'Free blocks',
  applies: ({ runs }) => runs.some(({ series }) => series.freePages.pages.some((free) => free > 0)),
  build: (comparison) => ({
    paragraphs: [
      'Every policy replays the same allocations and frees, but on page frames of its own. They come from a buddy allocator with the recording kernel’s rules.',
    ],
    charts: perCapture(comparison, (_capture, runs, of, index) =>
      runs.some(hasWhole) ? [chartOf(comparison, runs, of, index)] : [],
    ),
    tables: perCapture(comparison, (_capture, runs, of) => [
      blocksTable(comparison, runs, of),
      fallbackTable(comparison, runs, of),
    ]),
    caveats: [
      ...perCapture(comparison, ({ name }, runs) =>
        runs.some(hasWhole) ? [] : [`On ${name} no policy ever has a whole pageblock free.`],
      ),
      'A kernel whose lists hold more would reclaim more. The replay does not: where the buddy has no page left, one is borrowed and counted.',
      'Pages that compaction took without an event leave the buddy when they are freed.',
    ],
  }),
}

const hasWhole = ({ series }: Run): boolean => series.freePages.contiguous.some((free) => free > 0)

function chartOf(comparison: PcpComparison, runs: Run[], of: string, index: number): Chart {
  return {
    id: `contiguity-${index}`,
    title: `Do free pages stay together in whole pageblocks?${of}`,
    alt: `Line chart in one row for each policy, free pages in blocks of a pageblock or more over time, the baseline dashed behind. ${runs
      .map(
        ({ policy, series: { freePages } }) =>
          `${policy}: ${formatCount(freePages.contiguous.at(-1) ?? 0)} of ${formatCount(freePages.pages.at(-1) ?? 0)} free pages at the end`,
      )
      .join('; ')}.`,
    ...linesAgainstBaseline(
      comparison,
      runs,
      ({ series }) => ({ t: series.freePages.t, values: series.freePages.contiguous }),
      'pages',
    ),
    table: {
      caption: 'Free pages in blocks of a pageblock or more, at some of the moments drawn',
      columns: [seconds('time'), ...runs.map(({ policy }) => pages(policy))],
      rows: stretchEnds(runs[0]?.series.freePages.t.length ?? 0, 50).map((at) => [
        toSeconds(runs[0]?.series.freePages.t[at] ?? 0),
        ...runs.map(({ series }) => series.freePages.contiguous[at]),
      ]),
    },
  }
}

function blocksTable({ baseline }: PcpComparison, runs: Run[], of: string): Table {
  const orders = runs[0]?.freeBlocksAtEnd.map((_, order) => order) ?? []
  return {
    caption: `Free blocks by order at the end${of}`,
    columns: [text('policy'), ...orders.map((order) => count(`order ${order}`))],
    rows: runs.map(({ policy, freeBlocksAtEnd }) => [policy, ...orders.map((order) => freeBlocksAtEnd[order])]),
    ...baselineRow(runs, baseline),
  }
}

const fallbackTable = ({ baseline }: PcpComparison, runs: Run[], of: string): Table => ({
  caption: `Fallbacks to pages of another migratetype${of}`,
  columns: [
    text('policy'),
    workColumn('fallbacks', 'fallbacks', 'fewer'),
    workColumn('claims', 'pageblocks claimed', 'fewer'),
    workColumn('borrowedPages', 'pages lacking', 'fewer'),
  ],
  rows: runs.map(({ policy, work }) => [policy, work.fallbacks, work.claims, work.borrowedPages]),
  ...baselineRow(runs, baseline),
})
