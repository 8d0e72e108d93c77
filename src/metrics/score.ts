import { share } from '#kernel'

/** exact ÷ max(recorded, predicted); undefined where nothing happened. */
export const scoreOf = (of: {
  readonly recorded: number
  readonly predicted: number
  readonly exact: number
}): number | undefined => share(of.exact, Math.max(of.recorded, of.predicted))
