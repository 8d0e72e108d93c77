import { type Recording, selectEvents } from '#events'
import { withoutRows } from '#events/columns'
import { randomOf } from '#kernel/numbers'
import type { PcpComparison } from '#metrics'
import { type Interval, rowsToDrop } from '#metrics/losses'
import { compareRecordings } from '../compare.ts'

/** One way to lose events. */
export interface LossKind {
  readonly share: number
  /** Events of one CPU in a gap, on average. */
  readonly burst: number
  readonly marked: boolean
}

/** One figure of a comparison: what it is on the whole recording, and what the lossy one says of it. */
export interface TriedFigure {
  readonly name: string
  readonly whole: number
  readonly observed: number
  readonly interval: Interval
}

/** The first events of a capture, so that a trial takes less than a second. */
export const firstEvents = (recording: Recording, rows: number): Recording => ({
  ...recording,
  events: selectEvents(recording.events, (row) => row < rows),
})

export function lossy(recording: Recording, { share, burst, marked }: LossKind, seed: number): Recording {
  const random = randomOf(seed, `${share} ${burst}`)
  const sizes = Array.from({ length: 256 }, () => random.count(burst))
  return {
    ...recording,
    events: withoutRows(recording.events, rowsToDrop(recording.events, share, sizes, random), marked),
  }
}

export const compared = async (recording: Recording, policies: readonly string[]): Promise<PcpComparison> =>
  (await compareRecordings({ captures: [recording.name], policies, jobs: 1, prices: [] }, () =>
    Promise.resolve(recording),
  )) as PcpComparison

/** Every figure of the lossy comparison that has an interval, beside its value on the whole recording. */
export function figuresOf(whole: PcpComparison, tried: PcpComparison): TriedFigure[] {
  const figures: TriedFigure[] = []
  const add = (name: string, is: number | undefined, observed: number | undefined, interval: Interval | undefined) => {
    if (is !== undefined && observed !== undefined && interval !== undefined && (is > 0 || observed > 0))
      figures.push({ name, whole: is, observed, interval })
  }
  const [row, before] = [tried.recorded[0]!, whole.recorded[0]!]
  for (const [id, interval] of Object.entries(row.intervals ?? {})) {
    const measure = id as keyof typeof row.totals
    add('recorded', before.totals[measure], row.totals[measure], interval)
  }
  tried.runs.forEach((run, at) => {
    for (const [id, interval] of Object.entries(run.intervals ?? {})) {
      const measure = id as keyof typeof run.totals
      add('replayed', whole.runs[at]!.totals[measure], run.totals[measure], interval)
    }
  })
  return figures
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** How often intervals hold, how wide they are, and how far the loss moved the figures; the latter two relative to the whole’s value. */
export function summaryOf(figures: readonly TriedFigure[]): { held: number; halfWidth: number; shift: number } {
  const size = ({ whole, observed }: TriedFigure) => Math.max(whole, observed, 1)
  return {
    held:
      figures.filter(({ whole, interval }) => interval.low <= whole && whole <= interval.high).length / figures.length,
    halfWidth: median(figures.map((one) => (one.interval.high - one.interval.low) / 2 / size(one))),
    shift: median(figures.map((one) => Math.abs(one.observed - one.whole) / size(one))),
  }
}
