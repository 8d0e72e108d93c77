import { Ask, type WhatIf } from '#events/demand'
import type { Kernel } from '#kernel/releases'
import { choosePcp, type PcpChoice } from '#policies'
import { ownPcpId } from '#policies/pcp'
import type { LockPrices } from '#sim'
import { waysOf } from './routes.ts'
import type { RunOptions } from './run.ts'

/** One run of a comparison: a policy and how it is replayed. */
export interface PolicyWork {
  readonly choice: PcpChoice
  readonly options: RunOptions
  /** Instead of what all runs have set. */
  readonly set?: Readonly<Record<string, number | string | boolean>> | undefined
}

/** A policy with one of its assumed inputs at an end of its range. */
export interface Variation {
  /** Id of the choice that is varied. */
  readonly policy: string
  readonly param: string
  readonly end: 'low' | 'high'
  readonly work: PolicyWork
}

/** All runs that a comparison of page-list policies takes. */
export interface Plan {
  readonly runs: readonly PolicyWork[]
  /** The recording kernel’s own policy as it ships: one of `runs`, or one more. */
  readonly own: PolicyWork
  readonly varied: readonly Variation[]
}

export interface PlanOptions {
  readonly release: Kernel
  readonly isolated: readonly number[]
  readonly prices: readonly LockPrices[]
}

export function planOf(
  whatIf: WhatIf,
  choices: readonly PcpChoice[],
  { release, isolated, prices }: PlanOptions,
): Plan {
  const runs = choices.map((choice): PolicyWork => {
    const ways = choice.route === undefined ? undefined : waysOf(whatIf, choice.route)
    return { choice, options: { isolated, ways, prices } }
  })
  const ownChoice = choosePcp(ownPcpId(release), release)
  const own = runs.find(({ choice }) => isAlike(choice, ownChoice)) ?? {
    choice: ownChoice,
    options: { isolated, prices: prices.slice(0, 1) },
    set: {},
  }
  return { runs, own, varied: variationsOf(whatIf, runs) }
}

/** Whether a choice is the recording kernel’s own policy as it ships: its replay is what the record can check. */
function isAlike({ id, listParams, drainParams, route }: PcpChoice, own: PcpChoice): boolean {
  const text = (params: PcpChoice['listParams']) => JSON.stringify(Object.entries(params).sort())
  return (
    id === own.id &&
    route === undefined &&
    text(listParams) === text(own.listParams) &&
    text(drainParams) === text(own.drainParams)
  )
}

/** An id with one parameter set, the others as they are. */
export function withParam(id: string, name: string, value: number | string | boolean): string {
  const [, head = id, braces = ''] = /^([^{]*)(?:\{(.*)\})?$/.exec(id) ?? []
  const others = braces.split(',').filter((pair) => pair !== '' && pair.split('=')[0]!.trim() !== name)
  return `${head}{${[...others, `${name}=${value}`].join(',')}}`
}

/**
 * Each policy again with each of its assumed inputs at either end of its range: a finding that such a run overturns rests on the
 * assumption. Drain mechanisms assume something only where somebody asks for a drain.
 */
function variationsOf({ demand, gracePeriods, drainWorks }: WhatIf, runs: readonly PolicyWork[]): Variation[] {
  if (!demand.ask.includes(Ask.drainRequest)) return []
  const recorded = { gracePeriods: gracePeriods.start.length > 0, drainWorks: drainWorks !== undefined }
  return runs.flatMap(({ choice, options }) =>
    (choice.drain.assumes?.(choice.drainParams, recorded) ?? []).flatMap(({ param, low, high }) =>
      (['low', 'high'] as const).map((end): Variation => {
        const value = end === 'low' ? low : high
        const varied: PcpChoice = {
          ...choice,
          id: withParam(choice.id, param, value),
          drainParams: { ...choice.drainParams, [param]: value },
        }
        const [first] = options.prices ?? []
        return {
          policy: choice.id,
          param,
          end,
          work: { choice: varied, options: { ...options, ...(first === undefined ? {} : { prices: [first] }) } },
        }
      }),
    ),
  )
}
