import { isDeepStrictEqual } from 'node:util'
import type { Recording } from '#events'
import { KNOWN_VERSIONS, type Release } from '#kernel'
import { UsageError } from '#kernel/messages'
import { type ComparedCapture, captureFactsOf, composePcp, workSchema } from '#metrics'
import { lockPricesOf, type Prices } from '#metrics/prices'
import { choosePcp, type PcpChoice } from '#policies'
import { chunkParams, ownPcpId } from '#policies/pcp'
import { carriedOver, Foresight, type Window, waysOf } from '#replay'
import { analyse } from '../analyse.ts'
import { type PolicyWork, runPolicies, threadsFor } from '../jobs/run-policies.ts'
import { variationsOf } from './assumptions.ts'
import { type Family, lacksPages } from './family.ts'

/** Whether a choice is the recording kernel’s own policy as it ships: its replay is what the record can check. */
function isDefault({ id, listParams, drainParams, route }: PcpChoice, release: Release | undefined): boolean {
  const own = choosePcp(ownPcpId(release), release)
  return (
    id === own.id &&
    route === undefined &&
    isDeepStrictEqual([listParams, drainParams], [own.listParams, own.drainParams])
  )
}

/** What locks cost in the replay that a window’s start comes from. */
const firstOf = ([first]: readonly Prices[]) => (first === undefined ? {} : { prices: lockPricesOf(first) })

export const pcp: Family = {
  id: 'pcp',
  paramNames: ({ lists, drains, routes = [] }) => [
    ...[...lists, ...drains, { params: chunkParams }].flatMap(({ params }) => Object.keys(params.shape)),
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
  policyId: (id, set, catalogue) => choosePcp(id, undefined, set, catalogue).id,
  lacks: lacksPages,
  windows: true,
  ownRuns: 1,
  start: ({ policies, baseline, set, catalogue, prices, jobs, version, onRun }) => {
    const captures: ComparedCapture[] = []
    return { add, compose: () => composePcp(captures, baseline, prices, version) }

    async function add(read: Recording, isolated: readonly number[], window?: Window): Promise<void> {
      const { release } = read.machine
      const choices = policies.map((id) => choosePcp(id, release, set, catalogue))
      const analysis = analyse(
        read,
        choices.some(({ route }) => route !== undefined),
        window,
      )
      const { recording, script, fidelity } = analysis
      const outside = isolated.find((cpu) => cpu >= script.cpus)
      if (outside !== undefined)
        throw new UsageError(`--isolated ${outside}: ${recording.name} has CPUs 0 to ${script.cpus - 1}`)
      const ownChoice = choosePcp(ownPcpId(release), release)
      const whatIf =
        window === undefined
          ? analysis.whatIf
          : carriedOver(analysis.whatIf, ownChoice, window, { isolated, ...firstOf(prices) })
      const work = choices.map((choice): PolicyWork => {
        const ways = choice.route === undefined ? undefined : waysOf(whatIf, choice.route)
        return { choice, options: { isolated, ways, prices: prices.map(lockPricesOf) } }
      })
      const own: PolicyWork = work.find(({ choice }) => isDefault(choice, release)) ?? {
        choice: ownChoice,
        options: { isolated, prices: prices.slice(0, 1).map(lockPricesOf) },
        set: {},
      }
      const variations = variationsOf(script, work)
      const all = [...new Set([...work, own]), ...variations.map((one) => one.work)]
      const runs = await runPolicies(all, { whatIf, release, set }, threadsFor(all, whatIf, jobs), (id) => {
        if (policies.includes(id)) onRun(id)
      })
      const ownRun = runs[all.indexOf(own)]!
      captures.push({
        facts: captureFactsOf({
          recording,
          script,
          fidelity,
          isolated,
          stepEnds: ownRun.result.stepEnds,
          ownDrain: ownRun.drain,
          window,
        }),
        foresight: new Foresight(whatIf),
        runs: runs.slice(0, work.length),
        own: ownRun,
        varied: variations.map(({ policy, param, end, work: of }) => ({
          policy,
          param,
          end,
          run: runs[all.indexOf(of)]!,
        })),
      })
    }
  },
}
