import { counted } from '#kernel/messages'
import type { ComparisonHead } from '#metrics'
import type { LegendEntry } from './section.ts'

export type Capture = ComparisonHead['captures'][number]
type Colours = LegendEntry['colour']

const palette = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'] as const
export const colourAt = (index: number): Colours => palette[index % palette.length] ?? 'k0'

export const sum = (values: Iterable<number>): number => {
  let total = 0
  for (const value of values) total += value
  return total
}

interface NamedRun {
  readonly capture: string
  readonly policy: string
}

/** A comparison of any family, by what its runs have in common. */
export type Compared<R extends NamedRun> = ComparisonHead & { readonly runs: readonly R[] }

/** Runs on one capture, baseline first, the others as given. */
export function runsOn<R extends NamedRun>({ runs, baseline }: Compared<R>, capture: string): R[] {
  const here = runs.filter((run) => run.capture === capture)
  return [...here.filter(({ policy }) => policy === baseline), ...here.filter(({ policy }) => policy !== baseline)]
}

/** What is built for each capture: its name stands in captions only where there are several. */
export function perCapture<R extends NamedRun, T>(
  comparison: Compared<R>,
  make: (capture: Capture, runs: R[], of: string, index: number) => T[],
): T[] {
  const several = comparison.captures.length > 1
  return comparison.captures.flatMap((capture, index) => {
    const runs = runsOn(comparison, capture.name)
    return runs.length === 0 ? [] : make(capture, runs, several ? ` (${capture.name})` : '', index)
  })
}

export const baselineRow = (runs: readonly NamedRun[], baseline: string): { baselineRow?: number } => {
  const row = runs.findIndex(({ policy }) => policy === baseline)
  return row < 0 ? {} : { baselineRow: row }
}

/** Name of a policy where a chart has room for one label only. */
export const policyLabel = (policy: string, baseline: string): string =>
  policy === baseline ? `${policy} (baseline)` : policy

export const cpuLabel = (cpu: number, isolated: readonly number[]): string =>
  isolated.includes(cpu) ? `CPU ${cpu}, isolated` : `CPU ${cpu}`

const MOST_CPUS = 8

/** CPUs worth drawing one by one: all where they are few, else the isolated ones and those with the largest `weight`. */
export function cpusToDraw(capture: Capture, weight: (cpu: number) => number, most = MOST_CPUS): number[] {
  if (capture.cpus.length <= most) return capture.cpus
  const rank = (cpu: number): number => (capture.isolated.includes(cpu) ? Number.POSITIVE_INFINITY : weight(cpu))
  return capture.cpus
    .toSorted((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a)))
    .slice(0, most)
    .sort((a, b) => a - b)
}

export const hiddenCpus = (capture: Capture, shown: readonly number[]): string[] =>
  shown.length === capture.cpus.length
    ? []
    : [
        `${capture.name} has ${counted(capture.cpus.length, 'CPU')}; drawn are ${shown.length}: the isolated ones and those with most. Totals are over all CPUs.`,
      ]

/** Time as charts show it: seconds, to the microsecond. */
export const toSeconds = (ns: number): number => Math.round(ns / 1e3) / 1e6

export interface Line {
  readonly t: readonly number[]
  readonly values: readonly number[]
}

/** At most about `most` points of a line: first, last, least and greatest of equal stretches, so that no peak is lost. */
export function thinned({ t, values }: Line, most: number): Line {
  if (values.length <= most) return { t, values }
  const stretches = Math.max(1, Math.floor(most / 4))
  const keep = new Set<number>()
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = Math.floor((stretch * values.length) / stretches)
    const to = Math.floor(((stretch + 1) * values.length) / stretches)
    let least = from
    let greatest = from
    for (let at = from; at < to; at++) {
      if ((values[at] ?? 0) < (values[least] ?? 0)) least = at
      if ((values[at] ?? 0) > (values[greatest] ?? 0)) greatest = at
    }
    for (const at of [from, least, greatest, to - 1]) keep.add(at)
  }
  const kept = [...keep].sort((a, b) => a - b)
  return { t: kept.map((at) => t[at] ?? 0), values: kept.map((at) => values[at] ?? 0) }
}

/** Ends of at most `most` equal stretches of `length` samples; the last sample is among them. */
export function stretchEnds(length: number, most: number): number[] {
  const stretches = Math.min(length, most)
  return Array.from({ length: stretches }, (_, at) => Math.floor(((at + 1) * length) / stretches) - 1)
}

/** Rows of a table behind a chart: enough to read, few enough to print. */
export const MOST_ROWS = 200

export const largest = (values: readonly number[]): number => values.reduce((most, one) => Math.max(most, one), 0)

/** A finding as two paragraphs: its first sentence, which leads, and what is to be known of it. */
export function leadAndRest(finding: string): string[] {
  const at = finding.search(/(?<=\.) (?=\p{Lu})/u)
  return at < 0 ? [finding] : [finding.slice(0, at), finding.slice(at + 1)]
}

/** Percentiles of fewer values than this say nothing. */
export const ENOUGH = 20

/** A percentile of so many values, if that is enough of them. */
export const enough = (values: number, percentile: number | undefined): number | undefined =>
  values < ENOUGH ? undefined : percentile
