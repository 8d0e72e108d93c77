import type { Script } from '#record'

/** Rows of a script that scores and totals count: from `first`, and before `end`. */
export interface ScoredRows {
  readonly first: number
  readonly end: number
}

/** Rows of a window of time, in ns as a script has it. */
export function rowsWithin(
  { time, length }: Pick<Script, 'time' | 'length'>,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  }: { readonly from?: number | undefined; readonly to?: number | undefined },
): ScoredRows {
  const rows = time.subarray(0, length)
  const firstNotBefore = (moment: number): number => {
    const at = rows.findIndex((one) => one >= moment)
    return at < 0 ? length : at
  }
  return { first: firstNotBefore(from), end: firstNotBefore(to) }
}

/** Plain data with every number less what it was at an earlier moment. What tells which is which, like `cpu`, stays. */
export function since<T>(now: T, then: T | undefined, name = ''): T {
  if (typeof now === 'number') return (name === 'cpu' ? now : now - ((then as number | undefined) ?? 0)) as T
  if (now instanceof Map) {
    const before = then as Map<unknown, number> | undefined
    const counts = [...now].map(([key, count]) => [key, count - (before?.get(key) ?? 0)] as const)
    return new Map(counts.filter(([, count]) => count > 0)) as T
  }
  if (Array.isArray(now)) return now.map((one, at) => since(one, (then as unknown[] | undefined)?.[at])) as T
  if (typeof now !== 'object' || now === null) return now
  return Object.fromEntries(
    Object.entries(now).map(([key, one]) => [
      key,
      since(one, (then as Record<string, unknown> | undefined)?.[key], key),
    ]),
  ) as T
}
