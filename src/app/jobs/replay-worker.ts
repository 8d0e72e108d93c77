import { workerData } from 'node:worker_threads'
import type { WhatIf } from '#events/demand'
import type { Release } from '#kernel'
import { choosePcp, type ParamValue, shipped } from '#policies'
import type { Route } from '#policies/pcp'
import { type PolicyRun, type RunOptions, runPolicy } from '#replay'
/** What all runs of a thread have in common; its columns are shared with the other threads. */
export interface Common {
  readonly whatIf: WhatIf
  readonly release: Release | undefined
  readonly set: Readonly<Record<string, ParamValue>>
}

export interface Task {
  readonly id: string
  readonly route: Route | undefined
  readonly options: RunOptions
  /** Instead of what all runs have set. */
  readonly set?: Common['set'] | undefined
}

const common = workerData as Common

/** One policy’s run, in a thread of its own. */
export default function run({ id, route, options, set = common.set }: Task): PolicyRun {
  const catalogue = route === undefined ? shipped : { ...shipped, routes: [route] }
  return runPolicy(common.whatIf, choosePcp(id, common.release, set, catalogue), options)
}
