import { RECORDED_VERSIONS } from '#kernel'
import type { CaptureContext } from '../sweep/measure.ts'
import type { SweepScenario } from '../sweep/scenario-schema.ts'

/**
 * What is weighed where nobody names policies: the recording kernel’s own (the baseline), the other releases, each drain mechanism on the
 * recorded lists where somebody asked for a drain, and fixed lists over a grid of sizes.
 */
export function usualCandidates(contexts: readonly CaptureContext[]): SweepScenario['policies'] {
  const own = contexts[0]!.ownPolicy
  const drains = contexts.some((context) => context.drains)
  const isolated = contexts.some((context) => context.isolated.length > 0)
  const releases = RECORDED_VERSIONS.map((version) => `pcp/linux-${version}`)
  const mechanisms = ['work', 'spinlock', 'trylock', 'rcu-swap', ...(isolated ? ['no-isolated'] : [])]
  return [
    ...new Set([own, ...releases, ...(drains ? mechanisms.map((id) => `pcp/${id}`) : [])]),
    { id: 'pcp/fixed', set: { high: '32..8192 log 9', batch: [15, 31, 63, 127] } },
  ]
}
