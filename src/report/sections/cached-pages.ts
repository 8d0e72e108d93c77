import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import { cpuMaps, linesInRows, MANY_CPUS, shareOfBudget } from './charts.ts'
import {
  type Capture,
  colourAt,
  cpuLabel,
  cpusToDraw,
  hiddenCpus,
  largest,
  MOST_ROWS,
  perCapture,
  policyLabel,
  stretchEnds,
  toSeconds,
} from './common.ts'
import { type Chart, pages, type Section, seconds, text } from './section.ts'

const seriesOf = (run: Run, cpu: number): number[] => run.series.cachedPages.cpus[cpu] ?? []

const cpusOf = (capture: Capture, runs: readonly Run[]): number[] =>
  cpusToDraw(capture, (cpu) => largest(runs.map((run) => largest(seriesOf(run, cpu)))))

export const cachedPages: Section = {
  id: 'cached-pages',
  question: 'How many free pages does each CPU keep for itself?',
  short: 'Cached pages',
  applies: ({ runs }) => runs.some(({ series }) => series.cachedPages.t.length > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (capture, runs, of, index) => [chartOf(comparison, capture, runs, of, index)]),
    caveats: perCapture(comparison, (capture, runs) =>
      capture.cpus.length >= MANY_CPUS ? [] : hiddenCpus(capture, cpusOf(capture, runs)),
    ),
  }),
}

/** All CPUs, or as many as a map has room for. */
const MOST_MAPPED = 64

const mapOf = ({ baseline }: PcpComparison, capture: Capture, runs: Run[]) =>
  cpuMaps(
    cpusToDraw(capture, (cpu) => largest(runs.map((run) => largest(seriesOf(run, cpu)))), MOST_MAPPED),
    runs.map((run) => ({
      row: policyLabel(run.policy, baseline),
      t: run.series.cachedPages.t,
      of: (cpu: number) => seriesOf(run, cpu),
    })),
    { unit: 'pages', sums: false, isolated: capture.isolated },
  )

function chartOf(comparison: PcpComparison, capture: Capture, runs: Run[], of: string, index: number): Chart {
  const { baseline } = comparison
  const cpus = cpusOf(capture, runs)
  const label = (cpu: number): string => cpuLabel(cpu, capture.isolated)
  const isMap = capture.cpus.length >= MANY_CPUS
  const each = Math.max(2, Math.floor((MOST_ROWS * shareOfBudget(comparison)) / runs.length))
  const peaks = runs.map((run) => {
    const [peak, cpu] = cpus
      .map((cpu): [number, number] => [largest(seriesOf(run, cpu)), cpu])
      .reduce((a, b) => (b[0] > a[0] ? b : a), [0, -1])
    return `${run.policy}: ${peak === 0 ? 'no pages kept' : `at most ${counted(peak, 'page')}, on ${label(cpu)}`}`
  })
  return {
    id: `cached-pages-${index}`,
    title: `Who keeps how many pages, and does a drain reach them?${of}`,
    alt: `${isMap ? 'Map of CPU and time' : 'Line chart'} in one row for each policy, pages on each CPU’s lists over time. ${peaks.join('; ')}.`,
    legend: isMap
      ? []
      : cpus.map((cpu, at) => ({
          label: label(cpu),
          colour: colourAt(at),
          shape: capture.isolated.includes(cpu) ? 'dash' : 'line',
        })),
    spec: isMap
      ? mapOf(comparison, capture, runs)
      : linesInRows(
          comparison,
          runs.map(({ policy }) => policyLabel(policy, baseline)),
          cpus.map((cpu, at) => {
            const isolated = capture.isolated.includes(cpu)
            return { name: label(cpu), colour: colourAt(at), dashed: isolated, width: isolated ? 2 : 1.4 }
          }),
          runs.flatMap((run) =>
            cpus.map((cpu) => ({
              row: policyLabel(run.policy, baseline),
              series: label(cpu),
              t: run.series.cachedPages.t,
              values: seriesOf(run, cpu),
              isBound: run.isBound,
            })),
          ),
          'pages',
        ),
    table: {
      caption: 'Pages on each CPU’s lists at some of the moments drawn',
      columns: [text('policy'), seconds('time'), ...cpus.map((cpu) => pages(label(cpu)))],
      rows: runs.flatMap((run) =>
        stretchEnds(run.series.cachedPages.t.length, each).map((at) => [
          run.policy,
          toSeconds(run.series.cachedPages.t[at] ?? 0),
          ...cpus.map((cpu) => seriesOf(run, cpu)[at]),
        ]),
      ),
    },
  }
}
