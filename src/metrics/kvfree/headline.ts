import { percent } from '../caveats.ts'
import { listed, nothingToCompare } from '../sentences.ts'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import { type KvfreeCheck, kvfreeCheck } from './model-error.ts'
import type { KvfreeComparedRun } from './schema.ts'

const three = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })
const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const ms = (ns: number): string => `${three.format(ns / 1e6)} ms`

/** Two sizes in one unit. */
function sizes(from: number, to: number): string {
  const [unit, name] = Math.max(from, to) < 2 ** 20 ? [2 ** 10, 'KiB'] : [2 ** 20, 'MiB']
  return `${three.format(from / unit)} to ${three.format(to / unit)} ${name}`
}

/** What a finding compares, and how far the recording kernel’s own policy, after the same delays, is from its record. */
interface Measure {
  readonly name: string
  readonly words: (from: number, to: number) => string
  readonly of: (run: KvfreeComparedRun) => number | undefined
  readonly check: KvfreeCheck
}

const measures: readonly Measure[] = [
  {
    name: 'mean objects in flight',
    words: (from, to) => `${count(from)} to ${count(to)}`,
    of: ({ footprint }) => footprint.meanObjects,
    check: 'meanObjects',
  },
  {
    name: 'peak deferred memory',
    words: sizes,
    of: ({ footprint }) => footprint.peakBytes,
    check: 'peakObjects',
  },
  {
    name: 'median latency',
    words: (from, to) => `${ms(from)} to ${ms(to)}`,
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p50,
    check: 'latencyP50Ns',
  },
]

const relative = (from: number, to: number): number =>
  from === to ? 0 : Math.abs(to - from) / Math.max(Math.abs(from), Math.abs(to))

/** The finding on the leanest policy, as far as its differences exceed the model error. */
function finding(
  base: KvfreeComparedRun,
  least: KvfreeComparedRun,
  fidelity: KvfreeFidelity | undefined,
  isWorkload: boolean,
): string {
  const judged = measures.flatMap((measure) => {
    const [from, to] = [measure.of(base), measure.of(least)]
    if (from === undefined || to === undefined || from === 0) return []
    const error = kvfreeCheck(fidelity, measure.check)?.error
    return [{ measure, from, to, error, settled: isWorkload || (error !== undefined && relative(from, to) > error) }]
  })
  const settled = judged.filter((one) => one.settled && one.from !== one.to)
  const within = judged.filter((one) => !one.settled && one.error !== undefined)
  const changes = settled.map(({ measure, from, to, error }) => {
    const off = error === undefined ? '' : `; model error ${percent(error)}`
    return `${to < from ? 'cuts' : 'raises'} ${measure.name} by ${percent(Math.abs(to / from - 1))} (${measure.words(from, to)}${off})`
  })
  const rest =
    within.length === 0
      ? ''
      : ` Differences in ${listed(within.map(({ measure, error }) => `${measure.name} (${percent(error ?? 0)})`))} are within the model error.`
  if (changes.length > 0) return `${least.policy} ${listed(changes)} compared with ${base.policy}.${rest}`
  return within.length > 0
    ? `${least.policy} and ${base.policy} are indistinguishable.${rest}`
    : `no difference between ${least.policy} and ${base.policy} is a finding: the trace records no free to check one.`
}

/** How the leanest policy compares with the baseline, and what of that the model’s own error leaves open. */
export function kvfreeHeadline(
  capture: string,
  runs: readonly KvfreeComparedRun[],
  baseline: string,
  fidelity?: KvfreeFidelity,
  isWorkload = false,
): string {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined || runs.length < 2) return nothingToCompare(capture)
  const least = runs.reduce((best, run) => (run.footprint.meanObjects < best.footprint.meanObjects ? run : best))
  if (least === base) {
    const { meanObjects } = base.footprint
    return `On ${capture}, no policy has fewer objects in flight than ${baseline} (${count(meanObjects)} on average).`
  }
  const where = isWorkload ? `In the model of ${capture}, which no record checks` : `On ${capture}`
  return `${where}, ${finding(base, least, fidelity, isWorkload)}`
}
