import type { WhatIf } from '#events/demand'
import type { Ns } from '#kernel'
import type { PcpChoice } from '#policies'
import type { LockPrices, Times } from '#sim'
import { Replay } from './replay.ts'
import type { ReplayOptions, ReplayResult } from './result.ts'
/** One policy's run over one demand, with what it takes to name it: plain data, fit for a message between workers. */
export interface PolicyRun {
  readonly policy: string
  readonly lists: string
  readonly drain: string
  /** Whether no kernel could have such rules. */
  readonly isBound: boolean
  readonly params: Readonly<Record<string, number | string | boolean>>
  /** Whether CPUs put pages on each other’s lists: bounds for lists of their own do not hold then. */
  readonly sharesLists: boolean
  /** What the lists of each zone began with, on the first CPU. */
  readonly sizes: readonly {
    readonly node: number
    readonly zone: string
    readonly high: number
    readonly batch: number
  }[]
  /** Under the first price list, if there is one: a try-lock that fails changes where pages go. */
  readonly result: ReplayResult
  /** Who waited how long, under each price list. */
  readonly times: readonly Times[]
}

/** One run for each price list, or one without time. */
export interface RunOptions extends Omit<ReplayOptions, 'prices'> {
  readonly prices?: readonly LockPrices[]
}

/** Where work items start as recorded, the mean of that stands for the parameter. */
function recordedDelay({ drainWorks }: WhatIf, { drain, drainParams }: PcpChoice): { readonly workDelayNs?: Ns } {
  const usual = drain.params.safeParse({}).data?.workDelayNs
  if (drainWorks === undefined || usual === undefined || drainParams.workDelayNs !== usual) return {}
  return { workDelayNs: Math.round(drainWorks.delay.reduce((sum, ns) => sum + ns, 0) / drainWorks.delay.length) }
}

/**
 * Replays a demand under one choice of list rules and drain mechanism; with `prices`, with locks that take time: once more for each list under
 * which something else happens.
 */
export function runPolicy(whatIf: WhatIf, choice: PcpChoice, { prices = [], ...options }: RunOptions = {}): PolicyRun {
  const [first, ...others] = prices
  const replay = (list: LockPrices | undefined, morePrices: readonly LockPrices[] = []) =>
    new Replay(whatIf, choice, list === undefined ? options : { ...options, prices: list, morePrices }).run()
  const result = replay(first, others)
  return {
    policy: choice.id,
    lists: choice.lists.id,
    drain: choice.drain.id,
    sharesLists: choice.lists.sharesLists === true,
    isBound: choice.lists.isBound === true || choice.drain.isBound === true,
    params: {
      ...choice.listParams,
      ...choice.drainParams,
      ...recordedDelay(whatIf, choice),
      ...(choice.route === undefined ? {} : { route: choice.route.id }),
    },
    sizes: whatIf.zones.map((zone) => {
      const { high, batch } = choice.lists.sizes(choice.listParams as never, { machine: whatIf.machine, zone, cpu: 0 })
      return { node: zone.node, zone: zone.name, high, batch }
    }),
    result,
    times: [result.times, ...others.map((list, at) => result.moreTimes[at] ?? replay(list).times)].filter(
      (times) => times !== undefined,
    ),
  }
}
