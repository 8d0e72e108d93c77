import type { KvfreeFidelity } from './fidelity-schema.ts'
import type { KvfreeComparedRun } from './schema.ts'

const three = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })
const list = new Intl.ListFormat('en-GB', { type: 'conjunction' })
const signed = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
  signDisplay: 'exceptZero',
})
const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const size = (bytes: number): string =>
  bytes < 2 ** 20 ? `${three.format(bytes / 2 ** 10)} KiB` : `${three.format(bytes / 2 ** 20)} MiB`
const ms = (ns: number): string => `${three.format(ns / 1e6)} ms`
const medianOf = ({ quantiles }: KvfreeComparedRun): number | undefined => quantiles.reclaimLatencyNs?.p50

/** What the constant delays make of the recording kernel's own policy, beside what it recorded. */
interface Measure {
  readonly name: string
  readonly told: (value: string) => string
  readonly format: (value: number) => string
  readonly of: (run: KvfreeComparedRun) => number | undefined
  readonly recorded: number
  readonly predicted: number
}

function measuresOf({ generatedDelays: { footprint, reclaimLatencyNs: waits } }: KvfreeFidelity): Measure[] {
  return [
    {
      name: 'mean objects in flight',
      told: (value) => `${value} objects in flight on the mean`,
      format: count,
      of: (run) => run.footprint.meanObjects,
      recorded: footprint.recorded.mean,
      predicted: footprint.predicted.mean,
    },
    ...(waits === undefined
      ? []
      : [
          {
            name: 'median wait',
            told: (value: string) => `a median wait of ${value}`,
            format: ms,
            of: medianOf,
            recorded: waits.recorded.p50,
            predicted: waits.predicted.p50,
          },
        ]),
  ]
}

/** How far the delays lead from the record, and which policies they bring too near to the least to tell one from the other. */
function trustIn(fidelity: KvfreeFidelity, least: KvfreeComparedRun, runs: readonly KvfreeComparedRun[]): string[] {
  if (fidelity.bulkFrees.recorded + fidelity.listFrees.recorded === 0)
    return ['The trace records no free: how far the model’s delays are off is not known.']
  const measures = measuresOf(fidelity)
  const beside = measures.map(({ told, format, recorded, predicted }) => {
    const percent = signed.format((predicted / recorded - 1) * 100).replace('-', '−')
    return `${told(format(predicted))} (recorded: ${format(recorded)}, so ${percent} %)`
  })
  return [
    `Under the same delays, counted call by call, the recording kernel’s own ${fidelity.policy} has ${list.format(beside)}.`,
    ...measures.flatMap(({ name, format, of, recorded, predicted }) => {
      const off = Math.abs(predicted - recorded)
      const near = runs.flatMap((run) => {
        const apart = Math.abs((of(run) ?? Number.NaN) - (of(least) ?? Number.NaN))
        return apart > 0 && apart < off ? [`${run.policy} (${format(apart)} apart)`] : []
      })
      return near.length === 0
        ? []
        : [
            `By ${name} the order of ${list.format([least.policy, ...near])} is not settled: the difference is smaller than what the model’s delays are off (${format(off)}).`,
          ]
    }),
  ]
}

/** How the leanest policy compares with the baseline, and what of that order the model's own error leaves open. */
export function kvfreeHeadline(
  capture: string,
  runs: readonly KvfreeComparedRun[],
  baseline: string,
  fidelity?: KvfreeFidelity,
): string {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined || runs.length < 2) return `${capture}: one policy, nothing to compare it with.`
  const least = runs.reduce((best, run) => (run.footprint.meanObjects < best.footprint.meanObjects ? run : best))
  const wait = (run: KvfreeComparedRun) => {
    const median = medianOf(run)
    return median === undefined ? 'nothing freed' : `half of the objects freed within ${ms(median)}`
  }
  const of = (run: KvfreeComparedRun) =>
    `${run.policy}: ${count(run.footprint.meanObjects)} objects in flight on the mean, ${size(run.footprint.peakBytes)} at the peak, ${wait(run)}`
  const finding =
    least === base
      ? `On ${capture} none waits with less than the baseline ${of(base)}.`
      : `On ${capture}, ${of(least)}; baseline ${of(base)}.`
  return [finding, ...(fidelity === undefined ? [] : trustIn(fidelity, least, runs))].join(' ')
}
