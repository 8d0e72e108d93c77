import { share } from '#kernel'

/** A score as a percentage: cut, so that 100 % is said only of all. */
export const scoreWords = (score: number): string => `${(Math.floor(score * 1000) / 10).toFixed(1)} %`

/** exact ÷ max(recorded, predicted); undefined where nothing happened. */
export const scoreOf = (of: {
  readonly recorded: number
  readonly predicted: number
  readonly exact: number
}): number | undefined => share(of.exact, Math.max(of.recorded, of.predicted))
