import type { Comparison } from '#metrics'
import type { Matrix } from './matrix/index.ts'
import { firstMeasureOf, type TimelineMeasure, timelinesOf } from './timeline.ts'
import { onTraceClock } from './trace-clock.ts'

/** Fits a line of 80 beside the longest names of rows. */
const WIDTH = 48
const BARS = '▁▂▃▄▅▆▇█'
const NONE = '·'

/** A measure over time, a line of bars for each row of a matrix. */
interface Sparklines {
  readonly title: string
  readonly rows: readonly (readonly [name: string, bars: string])[]
}

/** Sums of a step, or means of a level, over equal spans. */
function binned(values: readonly number[], kind: TimelineMeasure['kind']): number[] {
  const bins = Math.min(WIDTH, values.length)
  return Array.from({ length: bins }, (_, bin) => {
    const some = values.slice(Math.floor((bin * values.length) / bins), Math.floor(((bin + 1) * values.length) / bins))
    const sum = some.reduce((a, b) => a + b, 0)
    return kind === 'sum' ? sum : sum / some.length
  })
}

/** Bars of one scale; what is above it has the highest. */
const barsOf = (values: readonly number[], most: number): string =>
  values
    .map((value) => (value <= 0 ? NONE : BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]!))
    .join('')

/** What the page's timeline shows first, for terminals. Undefined where nothing happens over time. */
export function sparklinesOf(comparison: Comparison, matrix: Matrix): Sparklines | undefined {
  const timeline = timelinesOf(onTraceClock(comparison)).find(({ capture }) => capture === matrix.capture)
  const first = timeline === undefined ? undefined : firstMeasureOf(matrix, timeline)
  if (timeline === undefined || first === undefined) return undefined
  const rows = timeline.lines.flatMap(({ name, isBound, values }) => {
    const steps = values[first.id]
    return steps === undefined ? [] : [{ name, isBound, bins: binned(steps, first.kind) }]
  })
  const most = Math.max(0, ...rows.flatMap(({ isBound, bins }) => (isBound === true ? [] : bins)))
  if (most === 0) return undefined
  const [from, to] = [timeline.t[0]!, timeline.t.at(-1)!].map((t) => t.toFixed(3))
  return {
    title: `${first.title} from ${from} to ${to} s; ${NONE} none`,
    rows: rows.map(({ name, bins }) => [name, barsOf(bins, most)]),
  }
}
