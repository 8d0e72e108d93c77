import type { PcpChoice } from '#policies'
import { Replay } from './replay.ts'
import type { Inferred, ReplayOptions, ReplayResult } from './result.ts'
import type { Script } from './script.ts'

/** One policy's run over one script, with what it takes to name it: plain data, fit for a message between workers. */
export interface PolicyRun {
  readonly policy: string
  readonly lists: string
  readonly drain: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  /** What the lists of each zone began with, on the first CPU. */
  readonly sizes: readonly { readonly zone: string; readonly high: number; readonly batch: number }[]
  readonly result: ReplayResult
}

export function runPolicy(script: Script, choice: PcpChoice, inferred: Inferred, options?: ReplayOptions): PolicyRun {
  return {
    policy: choice.id,
    lists: choice.lists.id,
    drain: choice.drain.id,
    params: { ...choice.listParams, ...choice.drainParams },
    sizes: script.zones.map((zone) => {
      const { high, batch } = choice.lists.sizes(choice.listParams as never, { machine: script.machine, zone, cpu: 0 })
      return { zone: zone.name, high, batch }
    }),
    result: new Replay(script, choice, inferred, options).run(),
  }
}
