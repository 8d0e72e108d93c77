import type { Recording } from '#events'
import { KNOWN_VERSIONS, UsageError } from '#kernel'
import { type ComparedCapture, composePcp, lockPricesOf, workSchema } from '#metrics'
import { choosePcp } from '#policies'
import { Foresight, waysOf } from '#replay'
import { analyse } from '../analyse.ts'
import { type PolicyWork, runPolicies, threadsFor } from '../jobs/run-policies.ts'
import { type Family, lacksPages } from './family.ts'

export const pcp: Family = {
  id: 'pcp',
  paramNames: ({ lists, drains, routes = [] }) => [
    ...[...lists, ...drains].flatMap(({ params }) => Object.keys(params.shape)),
    ...(routes.length > 0 ? ['route'] : []),
  ],
  paramNamesOf: (id, catalogue) => [
    ...KNOWN_VERSIONS.flatMap((rules) => {
      const { lists, drain } = choosePcp(id, rules, {}, catalogue)
      return [...Object.keys(lists.params.shape), ...Object.keys(drain.params.shape)]
    }),
    'route',
  ],
  workFields: Object.keys(workSchema.shape),
  // The recording kernel’s lists are not known yet, any stand for them.
  policyId: (id, set, catalogue) => choosePcp(id, '6.1', set, catalogue).id,
  lacks: lacksPages,
  ownRuns: 1,
  start: ({ policies, baseline, set, catalogue, prices, jobs, version, onRun }) => {
    const captures: ComparedCapture[] = []
    return { add, compose: () => composePcp(captures, baseline, prices, version) }

    async function add(read: Recording, isolated: readonly number[]): Promise<void> {
      const rules = read.machine.release?.rules ?? '6.1'
      const choices = policies.map((id) => choosePcp(id, rules, set, catalogue))
      const { recording, script, inferred, fidelity } = analyse(
        read,
        choices.some(({ route }) => route !== undefined),
      )
      const outside = isolated.find((cpu) => cpu >= script.cpus)
      if (outside !== undefined)
        throw new UsageError(`--isolated ${outside}: ${recording.name} has CPUs 0 to ${script.cpus - 1}`)
      const work = choices.map((choice): PolicyWork => {
        const ways = choice.route === undefined ? undefined : waysOf(recording, script, choice.route)
        return { choice, options: { isolated, ways, prices: prices.map(lockPricesOf) } }
      })
      const runs = await runPolicies(work, { script, inferred, rules, set }, threadsFor(work, script, jobs), onRun)
      captures.push({ recording, script, foresight: new Foresight(script, inferred), fidelity, isolated, runs })
    }
  },
}
