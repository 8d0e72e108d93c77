import type { Recording } from '#events'
import { withoutRows } from '#events/columns'
import { randomOf } from '#kernel/numbers'
import type { PolicyRun } from '#replay'
import type { CaptureFacts } from '../capture-facts.ts'
import { type MeasureId, measureIds, type Totals } from '../measures.ts'
import type { Fidelity } from '../schemas.ts'
import { totalsOf } from '../totals.ts'
import { type Interval, intervalOf, type Kind } from './interval.ts'
import type { LossModel } from './losses.ts'
import { rowsToDrop } from './thinned.ts'

/** How often a lossy recording is thinned once more to see what the loss does. */
export const TRIALS = 4

/** A smaller share is not thinned by: what it takes is as good as chance. Its effect is scaled down. */
const LEAST_SHARE = 0.005

export const trialShare = ({ share }: Pick<LossModel, 'share'>): number => Math.min(0.5, Math.max(share, LEAST_SHARE))

/** The recording once more with a share of its events missing, as if they were lost as `loss` says. `trial`: another place each time. */
export function thinned(recording: Recording, loss: LossModel, share: number, trial: number): Recording {
  const drop = rowsToDrop(recording.events, share, loss.sizes, randomOf(trial, 'thinned'))
  return { ...recording, events: withoutRows(recording.events, drop, recording.events.tables.lost.length > 0) }
}

type FidelityTotals = NonNullable<NonNullable<Fidelity['pcp']>['totals']>

/** The figures of a recording that was thinned once more. */
export interface LossTrial {
  readonly recorded: Totals
  /** Of the policies compared, in their order. */
  readonly runs: readonly Totals[]
}

/** A lossy capture’s trials, all with the same share lost again. */
export interface LossTrials {
  readonly model: LossModel
  readonly trials: readonly LossTrial[]
}

export const lossTrialOf = (
  { recorded, isolated }: Pick<CaptureFacts, 'recorded' | 'isolated'>,
  runs: readonly PolicyRun[],
): LossTrial => ({ recorded: recorded.totals, runs: runs.map((run) => totalsOf(run, isolated)) })

/** Where less was lost than was lost again, the trials’ effect is scaled down to it. */
const scaled = (observed: number, again: readonly number[], model: LossModel): number[] =>
  again.map((value) => observed + (value - observed) * Math.min(1, model.share / trialShare(model)))

const atLeastNone = ({ low, high }: Interval): Interval => ({ low: Math.max(0, low), high: Math.max(0, high) })

/** By measure: what the loss leaves open of these totals. */
export function intervalsOf(
  totals: Totals,
  again: readonly Totals[],
  model: LossModel,
  kind: Kind,
): Partial<Record<MeasureId, Interval>> {
  return Object.fromEntries(
    measureIds.flatMap((id) => {
      const observed = totals[id]
      if (observed === undefined) return []
      const values = scaled(
        observed,
        again.map((one) => one[id] ?? 0),
        model,
      )
      return [[id, atLeastNone(intervalOf(observed, values, model.share, kind))] as const]
    }),
  )
}

/** What the loss leaves open of how far two policies are apart. */
export function differenceInterval(
  id: MeasureId,
  [value, baseline]: readonly [number, number],
  again: readonly (readonly [Totals, Totals])[],
  model: LossModel,
): Interval {
  const apart = value - baseline
  const values = again.map(([of, base]) => (of[id] ?? 0) - (base[id] ?? 0))
  return intervalOf(apart, scaled(apart, values, model), model.share, 'replayed', Math.max(value, baseline))
}

/** The totals of `fidelity` with what the loss leaves open of each. */
export function withLoss(totals: FidelityTotals, again: readonly FidelityTotals[], model: LossModel): FidelityTotals {
  const names = Object.keys(totals) as (keyof FidelityTotals)[]
  return Object.fromEntries(
    names.map((name) => {
      const { recorded, predicted } = totals[name]
      const open = (side: 'recorded' | 'predicted', observed: number, kind: Kind) => {
        const values = scaled(
          observed,
          again.map((one) => one[name][side]),
          model,
        )
        return atLeastNone(intervalOf(observed, values, model.share, kind))
      }
      const loss = {
        recorded: open('recorded', recorded, 'recorded'),
        predicted: open('predicted', predicted, 'replayed'),
      }
      return [name, { recorded, predicted, loss }]
    }),
  ) as FidelityTotals
}
