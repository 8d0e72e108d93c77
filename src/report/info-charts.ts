import type { Info } from '#metrics/survey'
import { colour } from './runtime/theme.ts'
import { cpuMaps, SHORT_NUMBERS, timeAxis } from './sections/charts.ts'
import { colourAt } from './sections/common.ts'
import { type Chart, count, seconds, text } from './sections/section.ts'

/** Kinds of events with a colour of their own; the rest is one. */
const MOST_KINDS = 6
const REST = 'other events'

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)

/** What was recorded, at a glance: which events when, and on which CPUs. */
export function overTimeCharts({ overTime, isolated }: Info): Chart[] {
  if (overTime === undefined) return []
  return [kindsOverTime(overTime), cpusOverTime(overTime, isolated)]
}

type OverTime = NonNullable<Info['overTime']>

function kindsOverTime({ t, events }: OverTime): Chart {
  const sorted = Object.entries(events).sort(([, a], [, b]) => sum(b) - sum(a))
  const [shown, rest] = [sorted.slice(0, MOST_KINDS), sorted.slice(MOST_KINDS)]
  const others = t.map((_, step) => rest.reduce((all, [, counts]) => all + counts[step]!, 0))
  const series = [...shown, ...(rest.length === 0 ? [] : [[REST, others] as const])]
  // Names of events may hold dots, which vega would read as paths.
  const keys = series.map((_, at) => `s${at}`)
  return {
    id: 'events-over-time',
    title: 'Which events came when?',
    alt: `Events of each kind over time. ${series.map(([name, counts]) => `${name}: ${sum(counts).toLocaleString('en-US')}`).join('; ')}.`,
    legend: series.map(([name], at) => ({ label: name, colour: colourAt(at), shape: 'area' })),
    spec: {
      width: 900,
      height: 180,
      data: {
        values: series.flatMap(([name, counts], at) =>
          t.map((one, step) => ({ t: one, name, series: keys[at], n: counts[step]! })),
        ),
      },
      mark: { type: 'area', interpolate: 'step-before', opacity: 0.85 },
      encoding: {
        x: { field: 't', type: 'quantitative', axis: timeAxis, scale: { nice: false, zero: false } },
        y: {
          field: 'n',
          type: 'quantitative',
          stack: 'zero',
          axis: { title: 'events in a step', tickCount: 4, ...SHORT_NUMBERS },
        },
        color: {
          field: 'series',
          type: 'nominal',
          legend: null,
          scale: { domain: keys, range: keys.map((_, at) => colour(colourAt(at))) },
        },
        order: { field: 'series' },
        tooltip: [
          { field: 'name', title: 'event' },
          { field: 't', title: 'until (s)', format: '.4~f' },
          { field: 'n', title: 'events', format: ',' },
        ],
      },
    },
    table: {
      caption: 'Events in each step',
      columns: [seconds('until (s)'), ...series.map(([name]) => count(name))],
      rows: t.map((one, step) => [one, ...series.map(([, counts]) => counts[step]!)]),
    },
  }
}

function cpusOverTime({ t, cpus }: OverTime, isolated: readonly number[]): Chart {
  const numbers = Object.keys(cpus).map(Number)
  return {
    id: 'events-by-cpu',
    title: 'Which CPUs were busy, and when?',
    alt: `Map of CPU by time, events. ${numbers.map((cpu) => `CPU ${cpu}: ${sum(cpus[cpu]!).toLocaleString('en-US')}`).join('; ')}.`,
    legend: [],
    spec: cpuMaps(
      numbers,
      [{ row: 'events of each CPU', t: t.map((one) => one * 1e9), of: (cpu) => cpus[cpu] ?? [] }],
      { unit: 'events', sums: true, isolated },
    ),
    table: {
      caption: 'Events of each CPU',
      columns: [text('CPU'), count('events'), count('in the busiest step')],
      rows: numbers.map((cpu) => [String(cpu), sum(cpus[cpu]!), Math.max(...cpus[cpu]!)]),
    },
  }
}
