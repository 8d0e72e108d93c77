import { quantile, randomOf } from '#kernel/numbers'

/** Resamples: the ends of an interval move by less than a hundredth of its width from seed to seed. */
const RESAMPLES = 4000

export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The middle 95 % of the means of as many differences, drawn again and again from those given: how far the mean would move on other
 * captures of the kind. Paired: each is of two policies on one capture. Undefined for fewer than three, which tell nothing of a spread.
 */
export function pairedInterval(differences: readonly number[], seed: number): Interval | undefined {
  const { length } = differences
  if (length < 3) return undefined
  const random = randomOf(seed, 'bootstrap')
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let drawn = 0; drawn < length; drawn++) sum += differences[random.below(length)]!
    return sum / length
  }).sort()
  return { low: quantile(means, 0.025)!, high: quantile(means, 0.975)! }
}
