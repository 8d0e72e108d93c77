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

/** What the chart and its table are made from. */
interface Drawn {
  readonly capture: Capture
  readonly runs: readonly Run[]
  readonly cpus: readonly number[]
  /** What stands above the row of each run. */
  readonly rows: readonly string[]
}

/** So many bars in a row have room for a number above each, and a name below. */
const ROOMY = 12

const countOn = ({ interruptions }: Run, cpu: number): number => interruptions[cpu] ?? 0

function chartOf({ baseline }: PcpComparison, capture: Capture, runs: Run[], of: string, index: number): Chart {
  const cpus = cpusOf(capture, runs)
  const rows = runs.map(
    ({ policy, work }) => `${policyLabel(policy, baseline)}: ${formatCount(work.interruptions)} in all`,
  )
  const drawn = { capture, runs, cpus, rows }
  const isMap = capture.cpus.length >= MANY_CPUS && runs.some(({ series }) => series.sums !== undefined)
  return {
    id: `interruptions-${index}`,
    title: `Which CPUs are interrupted, and are isolated ones left alone?${of}`,
    alt: altOf(drawn),
    legend: isMap ? [] : legendOf(drawn),
    spec: isMap ? mapsOf(drawn) : barsOf(drawn),
    table: {
      caption: 'Interruptions of each CPU',
      columns: [text('CPU'), ...runs.map(({ policy }) => count(policyLabel(policy, baseline)))],
      rows: cpus.map((cpu) => [cpuLabel(cpu, capture.isolated), ...runs.map((run) => countOn(run, cpu))]),
    },
  }
}

const altOf = ({ capture, runs }: Drawn): string =>
  `Bar chart in one row for each policy, interruptions of each CPU. ${runs
    .map((run) => {
      const isolated = sum(capture.isolated.map((cpu) => countOn(run, cpu)))
      const all = formatCount(sum(Object.values(run.interruptions)))
      return `${run.policy}: ${all} in all${capture.isolated.length > 0 ? `, ${formatCount(isolated)} on isolated CPUs` : ''}`
    })
    .join('; ')}.`

const legendOf = ({ capture, cpus }: Drawn): Chart['legend'] => [
  { label: 'housekeeping CPU', colour: 'k0', shape: 'area' },
  ...(capture.isolated.length === 0
    ? []
    : [{ label: cpus.length > ROOMY ? 'isolated CPU' : 'isolated CPU ◆', colour: 'k1', shape: 'area' } as const]),
]

const mapsOf = ({ capture, runs, cpus, rows }: Drawn): Chart['spec'] =>
  cpuMaps(
    cpus,
    runs.map(({ series }, at) => ({
      row: rows[at]!,
      t: series.sums?.t ?? [],
      of: (cpu) => series.sums?.interruptionsOf[cpu] ?? [],
    })),
    { unit: 'interruptions', sums: true, isolated: capture.isolated },
  )

function barsOf({ capture, runs, cpus, rows }: Drawn): Chart['spec'] {
  const crowded = cpus.length > ROOMY
  const isIsolated = (cpu: number): boolean => capture.isolated.includes(cpu)
  const nameOf = (cpu: number): string => (crowded ? String(cpu) : isIsolated(cpu) ? `CPU ${cpu} ◆` : `CPU ${cpu}`)
  const most = largest(runs.flatMap((run) => cpus.map((cpu) => countOn(run, cpu))))
  return facetedRows({
    values: runs.flatMap((run, at) =>
      cpus.map((cpu) => ({
        row: rows[at]!,
        cpu: nameOf(cpu),
        of: cpuLabel(cpu, capture.isolated),
        isolated: isIsolated(cpu),
        n: countOn(run, cpu),
      })),
    ),
    rows,
    spacing: 16,
    spec: {
      height: 84,
      layer: crowded ? [bar] : [bar, numberAbove],
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
  })
}

type Layer = Extract<Parameters<typeof facetedRows>[0]['spec'], { layer: unknown }>['layer'][number]

const bar: Layer = {
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
}

const numberAbove: Layer = {
  mark: { type: 'text', dy: -7, fontSize: 11, color: colour('fg') },
  encoding: { text: { field: 'n', type: 'quantitative', format: ',' } },
}
