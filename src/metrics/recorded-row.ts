import type { ComparedCapture } from './compared-capture.ts'
import { differenceInterval, intervalsOf } from './losses/trials.ts'
import type { Difference, MeasureId, RecordedRow, Totals } from './measures.ts'
import { modelErrors } from './model-error.ts'
import { stepsOf, totalsOf } from './totals.ts'
import { differencesOf, relative, repeatKey, type Uncertainty } from './verdicts.ts'

/** The row of the record: what the kernel did by its own account, and how far its own policy’s replay is from it. */
export function recordedRow({ facts, own, losses }: Pick<ComparedCapture, 'facts' | 'own' | 'losses'>): RecordedRow {
  const { head, isolated, recorded } = facts
  const steps = new Map(Object.entries(recorded.sums.totals)) as ReadonlyMap<MeasureId, readonly number[]>
  return {
    capture: head.name,
    totals: recorded.totals,
    modelError: modelErrors(stepsOf(own.result.sums, isolated), steps),
    ownPolicy: own.policy,
    predicted: totalsOf(own, isolated),
    lossShare: recorded.lossShare,
    ...(losses === undefined
      ? {}
      : {
          intervals: intervalsOf(
            recorded.totals,
            losses.trials.map((trial) => trial.recorded),
            losses.model,
            'recorded',
          ),
        }),
    sums: recorded.sums,
    marks: recorded.marks,
  }
}

export function largestErrors(rows: readonly RecordedRow[]): Record<string, number> {
  const largest: Record<string, number> = {}
  for (const { modelError } of rows)
    for (const [id, error] of Object.entries(modelError)) largest[id] = Math.max(largest[id] ?? 0, error)
  return largest
}

/** What losses leave open of each difference from the baseline; undefined where nothing was lost. */
function lossIntervals(
  { losses, runs }: ComparedCapture,
  measured: readonly { readonly policy: string; readonly totals: Totals }[],
  baseline: string,
): Uncertainty['lossInterval'] {
  const base = runs.findIndex(({ policy }) => policy === baseline)
  if (losses === undefined || base < 0) return undefined
  const { model, trials } = losses
  return (policy, measure) => {
    const of = runs.findIndex((run) => run.policy === policy)
    const [value, from] = [measured[of]?.totals[measure], measured[base]?.totals[measure]]
    if (value === undefined || from === undefined) return undefined
    const again = trials.map((trial) => [trial.runs[of]!, trial.runs[base]!] as const)
    return differenceInterval(measure, [value, from], again, model)
  }
}

export function verdictsOf(
  captures: readonly ComparedCapture[],
  rows: readonly RecordedRow[],
  baseline: string,
): Difference[] {
  const measured = captures.map(({ runs, facts: { isolated } }) =>
    runs.map((run) => ({ policy: run.policy, totals: totalsOf(run, isolated) })),
  )
  const repeats = new Map<string, Map<string, number[]>>()
  captures.forEach((capture, at) => {
    const of = repeats.get(capture.facts.machine) ?? new Map<string, number[]>()
    repeats.set(capture.facts.machine, of)
    const base = measured[at]!.find(({ policy }) => policy === baseline)
    for (const { policy, totals } of measured[at]!)
      for (const [id, value] of Object.entries(totals)) {
        if (value === undefined) continue
        const key = repeatKey(policy, id as MeasureId)
        of.set(key, [...(of.get(key) ?? []), relative(value, base?.totals[id as MeasureId] ?? 0)])
      }
  })
  return captures.flatMap((capture, at) =>
    differencesOf(capture.facts.head.name, measured[at]!, baseline, {
      recorded: new Set(Object.keys(rows[at]!.totals) as MeasureId[]),
      modelError: rows[at]!.modelError,
      lossShare: rows[at]!.lossShare,
      unmodelled: capture.facts.unmodelled,
      lossInterval: lossIntervals(capture, measured[at]!, baseline),
      varied: capture.varied.map(({ policy, param, end, run }) => ({
        policy,
        param,
        end,
        totals: totalsOf(run, capture.facts.isolated),
      })),
      repeats: repeats.get(capture.facts.machine)!,
    }),
  )
}
