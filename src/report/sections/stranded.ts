import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { linesAgainstBaseline } from './charts.ts'
import { type Capture, largest, perCapture, stretchEnds, toSeconds } from './common.ts'
import { type Chart, pages, type Section, seconds } from './section.ts'

export const stranded: Section = {
  id: 'stranded',
  question: 'How many pages lie stranded on isolated CPUs?',
  short: 'Stranded pages',
  applies: ({ captures }) => captures.some(({ isolated }) => isolated.length > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (capture, runs, of, index) =>
      capture.isolated.length === 0 ? [] : [chartOf(comparison, capture, runs, of, index)],
    ),
  }),
}

function chartOf(comparison: PcpComparison, { isolated }: Capture, runs: Run[], of: string, index: number): Chart {
  const cpus = `${isolated.length === 1 ? 'CPU' : 'CPUs'} ${isolated.join(', ')}`
  return {
    id: `stranded-${index}`,
    title: `Do isolated CPUs hoard pages, and who gets them back?${of}`,
    alt: `Line chart in one row for each policy, pages on the lists of isolated ${cpus} over time, the baseline dashed behind. ${runs
      .map(
        ({ policy, series, work }) =>
          `${policy}: at most ${counted(largest(series.strandedPages.pages), 'page')}, ${formatCount(work.strandedPagesAtEnd)} at the end`,
      )
      .join('; ')}.`,
    ...linesAgainstBaseline(
      comparison,
      runs,
      ({ series }) => ({ t: series.strandedPages.t, values: series.strandedPages.pages }),
      'pages',
    ),
    table: {
      caption: `Pages on the lists of isolated ${cpus} at some of the moments drawn`,
      columns: [seconds('time'), ...runs.map(({ policy }) => pages(policy))],
      rows: stretchEnds(runs[0]?.series.strandedPages.t.length ?? 0, 50).map((at) => [
        toSeconds(runs[0]?.series.strandedPages.t[at] ?? 0),
        ...runs.map(({ series }) => series.strandedPages.pages[at]),
      ]),
    },
  }
}
