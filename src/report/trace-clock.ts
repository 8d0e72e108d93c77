import type { Comparison } from '#metrics'

/** A copy of which every `t`, however deep, is so much later. */
function later(value: unknown, ns: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 't' ? (inner as readonly number[]).map((t) => t + ns) : later(inner, ns),
    ]),
  )
}

/** Series as the trace’s own clock tells time, so that a reader finds the moment in the trace: results count from its first whole second. */
export function onTraceClock<C extends Comparison>(comparison: C): C {
  const zeros = new Map(comparison.captures.map(({ name, zero = 0 }) => [name, zero * 1e9]))
  const runs = comparison.runs.map((run) => ({ ...run, series: later(run.series, zeros.get(run.capture) ?? 0) }))
  if (comparison.family !== 'pcp') return { ...comparison, runs } as C
  const recorded = comparison.recorded.map((row) => {
    const ns = zeros.get(row.capture) ?? 0
    return { ...row, sums: later(row.sums, ns), marks: later(row.marks, ns) }
  })
  return { ...comparison, runs, recorded } as C
}
