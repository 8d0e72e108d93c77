import type { SweepRun } from '../sweep/results.ts'

/** A policy without its parameters in braces. */
const rulesOf = (policy: string): string => policy.replace(/\{.*$/, '')

/** That a policy’s parameter has the smallest or largest value that was tried of it, so that a better one may lie beyond; a sentence each. */
export function gridEdges(policy: string, runs: readonly SweepRun[]): string[] {
  const own = runs.find((run) => run.policy === policy && run.assumed === undefined)
  if (own === undefined) return []
  const alike = runs.filter((run) => run.assumed === undefined && rulesOf(run.policy) === rulesOf(policy))
  return Object.entries(own.params).flatMap(([param, value]) => {
    if (typeof value !== 'number') return []
    const tried = [...new Set(alike.map(({ params }) => params[param]).filter((one) => typeof one === 'number'))]
    const [least, most] = [Math.min(...tried), Math.max(...tried)]
    if (least === most || (value !== least && value !== most)) return []
    return [
      `${param}=${value} is the ${value === most ? 'largest' : 'smallest'} of ${tried.length} values that were tried: a better one may lie beyond (--set ${param}=…).`,
    ]
  })
}
