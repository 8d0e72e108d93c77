import type { PcpComparison, Run } from '#metrics'
import { formatCount } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { cpuMaps, facetedRows, MANY_CPUS, SHORT_NUMBERS } from './charts.ts'
import { type Capture, cpuLabel, cpusToDraw, hiddenCpus, largest, perCapture, policyLabel, sum } from './common.ts'
import { type Chart, count, type Section, text } from './section.ts'

const MOST_CPUS = 32

const cpusOf = (capture: Capture, runs: readonly Run[]): number[] =>
  cpusToDraw(capture, (cpu) => sum(runs.map(({ interruptions }) => interruptions[cpu] ?? 0)), MOST_CPUS)

export const interruptions: Section = {
  id: 'interruptions',
  question: 'Which CPUs do drains interrupt?',
  short: 'Interruptions',
  applies: ({ runs }) => runs.some(({ work }) => work.interruptions > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (capture, runs, of, index) => [chartOf(comparison, capture, runs, of, index)]),
    caveats: [
      ...(comparison.runs.some(({ drain, params }) => drain === 'rcu-swap' && params.expedited === true)
        ? ['An expedited grace period counts as an IPI on every CPU but the requester’s: an upper bound.']
        : []),
      ...perCapture(comparison, (capture, runs) => hiddenCpus(capture, cpusOf(capture, runs))),
    ],
  }),
}

function chartOf({ baseline }: PcpComparison, capture: Capture, runs: Run[], of: string, index: number): Chart {
  const cpus = cpusOf(capture, runs)
  const rowOf = ({ policy, work }: Run): string =>
    `${policyLabel(policy, baseline)}: ${formatCount(work.interruptions)} in all`
  const rows = runs.map(rowOf)
  const isIsolated = (cpu: number): boolean => capture.isolated.includes(cpu)
  const most = largest(runs.flatMap((run) => cpus.map((cpu) => run.interruptions[cpu] ?? 0)))
  const crowded = cpus.length > 12
  const isMap = capture.cpus.length >= MANY_CPUS && runs.some(({ series }) => series.sums !== undefined)
  return {
    id: `interruptions-${index}`,
    title: `Which CPUs are interrupted, and are isolated ones left alone?${of}`,
    alt: `Bar chart in one row for each policy, interruptions of each CPU. ${runs
      .map(({ policy, interruptions }) => {
        const isolated = sum(capture.isolated.map((cpu) => interruptions[cpu] ?? 0))
        const all = formatCount(sum(Object.values(interruptions)))
        return `${policy}: ${all} in all${capture.isolated.length > 0 ? `, ${formatCount(isolated)} on isolated CPUs` : ''}`
      })
      .join('; ')}.`,
    legend: isMap
      ? []
      : [
          { label: 'housekeeping CPU', colour: 'k0', shape: 'area' },
          ...(capture.isolated.length > 0
            ? [{ label: crowded ? 'isolated CPU' : 'isolated CPU ◆', colour: 'k1', shape: 'area' } as const]
            : []),
        ],
    spec: isMap
      ? cpuMaps(
          cpus,
          runs.map((run, at) => ({
            row: rows[at]!,
            t: run.series.sums?.t ?? [],
            of: (cpu) => run.series.sums?.interruptionsOf[cpu] ?? [],
          })),
          { unit: 'interruptions', sums: true, isolated: capture.isolated },
        )
      : facetedRows({
          values: runs.flatMap((run) =>
            cpus.map((cpu) => ({
              row: rowOf(run),
              cpu: crowded ? String(cpu) : isIsolated(cpu) ? `CPU ${cpu} ◆` : `CPU ${cpu}`,
              of: cpuLabel(cpu, capture.isolated),
              isolated: isIsolated(cpu),
              n: run.interruptions[cpu] ?? 0,
            })),
          ),
          rows,
          spacing: 16,
          spec: {
            height: 84,
            layer: [
              {
                mark: { type: 'bar', width: { band: 0.6 } },
                encoding: {
                  color: {
                    field: 'isolated',
                    type: 'nominal',
                    legend: null,
                    scale: { domain: [false, true], range: [colour('k0'), colour('k1')] },
                  },
                  tooltip: [
                    { field: 'of', title: 'CPU' },
                    { field: 'n', title: 'interruptions' },
                  ],
                },
              },
              ...(crowded
                ? []
                : [
                    {
                      mark: { type: 'text' as const, dy: -7, fontSize: 11, color: colour('fg') },
                      encoding: { text: { field: 'n', type: 'quantitative' as const, format: ',' } },
                    },
                  ]),
            ],
            encoding: {
              x: {
                field: 'cpu',
                type: 'nominal',
                sort: null,
                axis: { title: crowded ? 'CPU' : null, labelAngle: 0, ticks: false },
              },
              y: {
                field: 'n',
                type: 'quantitative',
                axis: { title: 'interruptions', tickCount: 2, tickMinStep: 1, ...SHORT_NUMBERS },
                // Room above the tallest bar for its number.
                scale: { domain: [0, Math.max(1, most * 1.3)], nice: false },
              },
            },
          },
        }),
    table: {
      caption: 'Interruptions of each CPU',
      columns: [text('CPU'), ...runs.map(({ policy }) => count(policyLabel(policy, baseline)))],
      rows: cpus.map((cpu) => [
        cpuLabel(cpu, capture.isolated),
        ...runs.map(({ interruptions }) => interruptions[cpu] ?? 0),
      ]),
    },
  }
}
