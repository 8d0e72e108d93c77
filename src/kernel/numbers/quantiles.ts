/** Which of `count` sorted values a quantile is, from 0 on: the smallest that so large a share of all does not exceed. */
export const rankOf = (share: number, count: number): number => Math.max(0, Math.ceil(share * count) - 1)

/** A quantile of sorted values: one of them, by nearest rank. Undefined of none. */
export const quantile = (sorted: ArrayLike<number>, share: number): number | undefined =>
  sorted[rankOf(share, sorted.length)]

/** A quantile of values that each happened so many times, in order of value; by nearest rank. Undefined of none. */
export function quantileOfCounts(
  counts: Iterable<readonly [value: number, times: number]>,
  share: number,
): number | undefined {
  const all = [...counts]
  const total = all.reduce((sum, [, times]) => sum + times, 0)
  const rank = rankOf(share, total)
  let seen = 0
  for (const [value, times] of all) {
    seen += times
    if (seen > rank) return value
  }
  return undefined
}

/** No percentile is told of fewer values: it would be one of them by chance. */
export const LEAST_FOR_PERCENTILES = 20

/** Percentiles of so many values; nothing where they are too few. */
export const percentiles = <T extends object>(
  count: number,
  of: () => T,
): T | { readonly [name in keyof T]?: never } => (count < LEAST_FOR_PERCENTILES ? {} : of())
