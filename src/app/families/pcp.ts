import { whatIfOf } from '#estimate'
import type { Recording } from '#events'
import type { WhatIf } from '#events/demand'
import { KNOWN_VERSIONS } from '#kernel'
import { UsageError } from '#kernel/messages'
import { type ComparedCapture, captureFactsOf, composePcp, workSchema } from '#metrics'
import { lockPricesOf } from '#metrics/prices'
import { choosePcp } from '#policies'
import { chunkParams, ownPcpId } from '#policies/pcp'
import { carriedOver, Foresight, planOf, spanWithin, stepEndsOf, type Window } from '#replay'
import { estimated } from '../analyse.ts'
import { giveBackEvents, giveBackScript } from '../give-back.ts'
import { isShipped, runPolicies, threadsFor } from '../jobs/run-policies.ts'
import { engineOfPart, factsOfPart, partOf } from '../kit.ts'
import { lossTrials } from '../loss-trials.ts'
import { type Family, lacksPages } from './family.ts'

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
  start: ({ policies, baseline, set, catalogue, prices, jobs, version, onRun, listener, ownsEvents }) => {
    const captures: ComparedCapture[] = []
    return { add, compose: () => composePcp(captures, baseline, prices, version) }

    async function add(read: Recording, isolated: readonly number[], window?: Window): Promise<void> {
      const { release } = read.machine
      const choices = policies.map((id) => choosePcp(id, release, set, catalogue))
      const heard = listener !== undefined && choices.every((choice) => choice.route === undefined && isShipped(choice))
      const sources = choices.some(({ route }) => route !== undefined)
      const found = estimated(read, {
        sources,
        window,
        partOf: heard && listener.whole !== true ? partOf : undefined,
      })
      const { recording, script, fidelity, part } = found
      const outside = isolated.find((cpu) => cpu >= script.cpus)
      if (outside !== undefined)
        throw new UsageError(`--isolated ${outside}: ${recording.name} has CPUs 0 to ${script.cpus - 1}`)
      const own = choosePcp(ownPcpId(release), release)
      const [first] = prices.map(lockPricesOf)
      const startOf = (whole: WhatIf): WhatIf =>
        window === undefined
          ? whole
          : carriedOver(whole, own, window, { isolated, ...(first === undefined ? {} : { prices: first }) })
      const planFor = (start: WhatIf) => planOf(start, choices, { release, isolated, prices: prices.map(lockPricesOf) })
      const facts = captureFactsOf({
        recording,
        script,
        fidelity,
        isolated,
        stepEnds: stepEndsOf(spanWithin(script, window ?? {})),
        ownDrain: own.drain.id,
        window,
      })
      const partFacts = part === undefined ? undefined : factsOfPart(found, part, { isolated, own })
      const losses = lossTrials(recording, script, {
        isolated,
        window,
        sources,
        workOn: (thin) => {
          const start = startOf(thin.whatIf)
          return { whatIf: start, work: planFor(start).runs }
        },
      })
      // From here on only a script that knows its sources looks at events.
      if (ownsEvents && !sources) giveBackEvents(read.events)
      const whole = whatIfOf(found.inference, sources ? read.events : undefined)
      const whatIf = startOf(whole)
      if (heard)
        listener.take(
          part === undefined || partFacts === undefined
            ? { facts, whatIf, release, isolated, prices, version }
            : engineOfPart(whole, part, partFacts, { isolated, own, prices, version }),
        )
      if (ownsEvents) giveBackScript(script)
      const plan = planFor(whatIf)
      const all = [...new Set([...plan.runs, plan.own]), ...plan.varied.map(({ work }) => work)]
      const runs = await runPolicies(all, { whatIf, release, set }, threadsFor(all, whatIf, jobs), (id) => {
        if (policies.includes(id)) onRun(id)
      })
      captures.push({
        facts,
        foresight: new Foresight(whatIf),
        runs: runs.slice(0, plan.runs.length),
        own: runs[all.indexOf(plan.own)]!,
        varied: plan.varied.map(({ policy, param, end, work }) => ({
          policy,
          param,
          end,
          run: runs[all.indexOf(work)]!,
        })),
        losses,
      })
    }
  },
}
