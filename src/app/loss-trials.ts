import type { Recording } from '#events'
import { captureFactsOf, type Fidelity } from '#metrics'
import {
  type LossModel,
  type LossTrial,
  type LossTrials,
  lossCaveat,
  lossModelOf,
  lossTrialOf,
  TRIALS,
  thinned,
  trialShare,
  withLoss,
} from '#metrics/losses'
import type { Script } from '#record'
import { type PolicyRun, type PolicyWork, runPolicy, type Window } from '#replay'
import { type Analysis, analyse, reproduce } from './analyse.ts'

/** The recording with as much lost once more, at other places each time. */
function* thinnedOnceMore(recording: Recording, model: LossModel): Generator<Recording> {
  for (let trial = 1; trial <= TRIALS; trial++) yield thinned(recording, model, trialShare(model), trial)
}

/** What a comparison takes of a lossy capture beside its runs. Replays only where something is missing. */
export function lossTrials(
  recording: Recording,
  script: Script,
  options: {
    readonly isolated: readonly number[]
    readonly window: Window | undefined
    readonly sources: boolean
    /** The policies on another demand, each under one price list. */
    readonly workOn: (analysis: Analysis) => {
      readonly whatIf: Analysis['whatIf']
      readonly work: readonly PolicyWork[]
    }
  },
): LossTrials | undefined {
  const model = lossModelOf(recording, script.isLossy)
  if (model === undefined) return undefined
  const { isolated, window, sources, workOn } = options
  const trials: LossTrial[] = []
  for (const thin of thinnedOnceMore(recording, model)) {
    const analysis = analyse(thin, { sources, window })
    const { whatIf, work } = workOn(analysis)
    const runs = work.map(({ choice, options: of }): PolicyRun => {
      const { prices = [], ...rest } = of
      return runPolicy(whatIf, choice, { ...rest, prices: prices.slice(0, 1) })
    })
    const [first] = runs
    if (first === undefined) return undefined
    const facts = captureFactsOf({
      recording: thin,
      script: analysis.script,
      fidelity: analysis.fidelity,
      isolated,
      stepEnds: first.result.stepEnds,
      ownDrain: first.drain,
      window,
    })
    trials.push(lossTrialOf(facts, runs))
  }
  return { model, trials }
}

/** How exactly the recording kernel is reproduced, and what losses leave open of its totals. */
export function reproduceLossy(recording: Recording, script: Script, found: Fidelity, window?: Window): Fidelity {
  const model = lossModelOf(recording, script.isLossy)
  const { pcp } = found
  if (model === undefined) return found
  const notes = [...found.notes, lossCaveat(model)]
  if (pcp?.totals === undefined) return { ...found, lossShare: model.share, notes }
  const again = [...thinnedOnceMore(recording, model)].flatMap((thin) => reproduce(thin, window).pcp?.totals ?? [])
  return { ...found, lossShare: model.share, notes, pcp: { ...pcp, totals: withLoss(pcp.totals, again, model) } }
}
