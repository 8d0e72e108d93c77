import type { z } from 'zod'
import { percent } from '../caveats.ts'
import { relative } from '../verdicts.ts'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import type { KvfreeComparedRun } from './schema.ts'
import { kvfreeMeasures as ids, type KvfreeMeasure, type kvfreeVerdictFields } from './verdict-fields.ts'

interface Pair {
  readonly recorded: number
  readonly predicted: number
}

/** A figure of a run, and where the record checks it: the recording kernel’s own policy after the same delays as a what-if. */
interface Measure {
  readonly of: (run: KvfreeComparedRun) => number | undefined
  readonly checked?: (fidelity: KvfreeFidelity) => Pair | undefined
}

const measures = {
  meanObjects: {
    of: ({ footprint }) => footprint.meanObjects,
    checked: ({ generatedDelays: { footprint } }) => ({
      recorded: footprint.recorded.mean,
      predicted: footprint.predicted.mean,
    }),
  },
  peakObjects: {
    of: ({ footprint }) => footprint.peakObjects,
    checked: ({ generatedDelays: { footprint } }) => ({
      recorded: footprint.recorded.peak,
      predicted: footprint.predicted.peak,
    }),
  },
  latencyP50Ns: {
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p50,
    checked: ({ generatedDelays: { reclaimLatencyNs: waits } }) =>
      waits && { recorded: waits.recorded.p50, predicted: waits.predicted.p50 },
  },
  latencyP99Ns: {
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p99,
    checked: ({ generatedDelays: { reclaimLatencyNs: waits } }) =>
      waits && { recorded: waits.recorded.p99, predicted: waits.predicted.p99 },
  },
  bulkFrees: { of: ({ work }) => work.bulkFrees, checked: ({ generatedDelays }) => generatedDelays.bulkFrees },
  listObjects: { of: ({ work }) => work.listFallbacks, checked: ({ generatedDelays }) => generatedDelays.listFrees },
  batches: { of: ({ work }) => work.batches },
  pointerPages: { of: ({ work }) => work.pagesByRefill + work.pagesByCaller + work.pagesByPcp },
} as const satisfies Record<KvfreeMeasure, Measure>

type Row = z.infer<typeof kvfreeVerdictFields.recorded>[number]
type Difference = z.infer<typeof kvfreeVerdictFields.differences>[number]

const pairOf = (id: KvfreeMeasure, fidelity: KvfreeFidelity): Pair | undefined => {
  const { checked }: Measure = measures[id]
  return checked?.(fidelity)
}

const errorOf = ({ recorded, predicted }: Pair): number =>
  recorded === predicted ? 0 : recorded === 0 ? 1 : Math.abs(predicted / recorded - 1)

/** The row of the record; undefined where the trace records no free to check anything. */
export function kvfreeRecordedRow(capture: string, fidelity: KvfreeFidelity | undefined): Row | undefined {
  if (fidelity === undefined || fidelity.bulkFrees.recorded + fidelity.listFrees.recorded === 0) return undefined
  const of = (value: (pair: Pair) => number): Row['totals'] =>
    Object.fromEntries(
      ids.flatMap((id) => {
        const pair = pairOf(id, fidelity)
        return pair === undefined ? [] : [[id, value(pair)]]
      }),
    )
  return {
    capture,
    ownPolicy: fidelity.policy,
    totals: of(({ recorded }) => recorded),
    predicted: of(({ predicted }) => predicted),
    modelError: of(errorOf),
  }
}

/** Every measure of every policy beside the baseline, on one capture. `row`: what its record checks. */
export function kvfreeDifferences(runs: readonly KvfreeComparedRun[], baseline: string, row?: Row): Difference[] {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined) return []
  return runs
    .filter((run) => run !== base)
    .flatMap((run) =>
      ids.flatMap((measure): Difference[] => {
        const [value, from] = [measures[measure].of(run), measures[measure].of(base)]
        if (value === undefined || from === undefined) return []
        const error = row?.modelError[measure]
        const verdict =
          error === undefined
            ? 'unchecked'
            : Math.abs(relative(value, from)) <= error
              ? 'within-model-error'
              : 'settled'
        const because =
          error === undefined ? ['not recorded'] : verdict === 'settled' ? [] : [`model error ${percent(error)}`]
        return [{ capture: run.capture, policy: run.policy, measure, value, baseline: from, verdict, because }]
      }),
    )
}

export function largestKvfreeErrors(rows: readonly Row[]): Row['modelError'] {
  const largest: Row['modelError'] = {}
  for (const { modelError } of rows)
    for (const id of ids) {
      const error = modelError[id]
      if (error !== undefined) largest[id] = Math.max(largest[id] ?? 0, error)
    }
  return largest
}
