import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { linesAgainstBaseline } from './charts.ts'
import { baselineRow, perCapture, stretchEnds, toSeconds } from './common.ts'
import { type Chart, count, pages, type Section, seconds, type Table, text, workColumn } from './section.ts'

export const contiguity: Section = {
  id: 'contiguity',
  question: 'What is left free, and in blocks how large?',
  short: 'Free blocks',
  applies: ({ runs }) => runs.some(({ series }) => series.freePages.pages.some((free) => free > 0)),
  build: (comparison) => ({
    paragraphs: [
      'Under each policy pages come from a buddy allocator of its own, which begins as the recording’s was and splits, merges and falls back by the rules of the recording kernel. Who allocates and frees is the recording’s in every policy; which page that is, is not.',
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
        runs.some(hasWhole) ? [] : [`On ${name} no policy has a pageblock free as a whole at any moment drawn.`],
      ),
      'A policy that keeps more on its lists leaves less free; a kernel would reclaim more then. The replay does not: where the buddy has no page left, one is borrowed, and counted.',
      'Free pages that compaction took without an event are taken when they are seen freed.',
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
