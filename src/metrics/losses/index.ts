/** The face of metrics/losses: What a lossy recording leaves open of each figure. */
export { lossCaveat } from './caveat.ts'
export { contradictionsOf } from './contradictions.ts'
export { type Interval, intervalOf } from './interval.ts'
export { lossModelOf } from './loss-model.ts'
export type { LossModel } from './losses.ts'
export { rowsToDrop } from './thinned.ts'
export {
  intervalsOf,
  type LossTrial,
  type LossTrials,
  lossTrialOf,
  TRIALS,
  thinned,
  trialShare,
  withLoss,
} from './trials.ts'
