import {
  type Inference,
  infer,
  listsFor,
  progressOf,
  recordedStages,
  type StagePages,
  type StartLists,
  stagesOf,
  startListsOf,
  whatIfOf,
} from '#estimate'
import type { Recording } from '#events'
import { Ask, type WhatIf } from '#events/demand'
import type { Release } from '#kernel'
import { UsageError } from '#kernel/messages'
import {
  type Cross,
  type CrossRun,
  type CrossSetting,
  composeCross,
  crossCell,
  crossPairs,
  crossRates,
  recordedRates,
} from '#metrics/cross'
import { choosePcp } from '#policies'
import { highFraction, ownPcpId } from '#policies/pcp'
import { scriptOf } from '#record'
import { runPolicy } from '#replay'

interface Recorded extends Inference {
  readonly whatIf: WhatIf
  readonly lists: StartLists
  readonly name: string
  readonly release: Release
  /** Id of the kernel's own policy. */
  readonly own: string
  readonly ends: readonly number[]
  /** Pages. */
  readonly allocated: number
  /** By order: pages per 1000 allocated. */
  readonly shares: readonly number[]
  readonly recorded: CrossRun['recorded']
  readonly setting: CrossSetting
  readonly stages: StagePages
}

function recordedOf(recording: Recording): Recorded {
  const { name, machine, events } = recording
  const { release } = machine
  if (release === undefined)
    throw new UsageError(`${name} does not say which kernel recorded it`, 'a capture folder has a file `uname`')
  const inference = infer(scriptOf(recording))
  const whatIf = whatIfOf(inference)
  const lists = startListsOf(inference.script, inference.inferred, whatIf.demand)
  const ends = stagesOf(events)
  const { script } = inference
  const own = ownPcpId(release)
  const byOrder = allocatedPages(whatIf)
  const allocated = byOrder.reduce((sum, pages) => sum + pages, 0)
  return {
    ...inference,
    whatIf,
    lists,
    name,
    release,
    own,
    allocated,
    shares: byOrder.map((pages) => (pages * 1000) / Math.max(1, allocated)),
    recorded: recordedRates(events, script, allocated),
    setting: {
      rules: own,
      highFraction: highFraction(machine),
      minPages: script.zones.reduce((sum, { min }) => sum + min, 0),
      isolated: machine.isolated,
      preemption: machine.preemption,
      nodes: new Set(script.zones.map(({ node }) => node)).size,
    },
    ends,
    stages: recordedStages(inference.script, ends),
  }
}

/** By order. */
function allocatedPages({ demand: { length, ask, order } }: WhatIf): number[] {
  const pages: number[] = []
  for (let row = 0; row < length; row++)
    if (ask[row] === Ask.alloc) pages[order[row]!] = (pages[order[row]!] ?? 0) + (1 << order[row]!)
  return Array.from(pages, (some) => some ?? 0)
}

/**
 * `from`'s demand under `to`'s kernel and settings, with lists that begin as `to`'s did. The memory stays `from`'s: where its zones lie, and
 * what is free of them.
 */
function underOther({ script, whatIf, inferred }: Recorded, to: Recorded): WhatIf {
  const zones = script.zones.map((zone) => {
    const other = to.script.zones.find((one) => one.node === zone.node && one.name === zone.name)
    const { startPfn, spanned, present } = zone
    return other === undefined ? zone : { ...other, startPfn, spanned, present }
  })
  const { start, demand } = whatIfOf({ script, inferred }, undefined, listsFor(script, to.script, to.lists))
  return {
    ...whatIf,
    demand,
    start: { ...start, fallback: to.whatIf.start.fallback },
    machine: { ...to.script.machine, zones: to.script.machine.zones.length === 0 ? [] : zones },
    zones,
  }
}

/**
 * `from`'s allocations and frees under the rules of `to`'s kernel, on lists that begin as `to`'s did; each stage only as far as both
 * machines came in it, since lists are filled and emptied once in a stage, however long it is.
 */
function predict(from: Recorded, to: Recorded) {
  const common = from.stages.allocated.map((pages, stage) => Math.min(pages, to.stages.allocated[stage]!))
  const until = progressOf(from.script, from.ends, common)
  const { result } = runPolicy(
    from === to ? from.whatIf : underOther(from, to),
    choosePcp(to.own, to.release),
    // Two steps for each stage: what is compared of it, and the rest.
    { steps: from.ends.flatMap((end, stage) => [until[stage]!, end]) },
  )
  const { refillPages, bursts } = result
  const drained = { common: from.ends.map(() => 0), whole: from.ends.map(() => 0) }
  for (const { time, pages } of bursts) {
    const stage = from.ends.findIndex((end) => time <= end)
    if (stage < 0) continue
    drained.whole[stage]! += pages
    if (time <= until[stage]!) drained.common[stage]! += pages
  }
  const refilled = {
    common: from.ends.map((_, stage) => refillPages[2 * stage]!),
    whole: from.ends.map((_, stage) => refillPages[2 * stage]! + refillPages[2 * stage + 1]!),
  }
  return {
    common: {
      predicted: {
        ...recordedStages(from.script, from.ends, until),
        refilled: refilled.common,
        drained: drained.common,
      },
      recorded: recordedStages(to.script, to.ends, progressOf(to.script, to.ends, common)),
    },
    whole: {
      predicted: { ...from.stages, refilled: refilled.whole, drained: drained.whole },
      recorded: to.stages,
    },
    interruptions: result.work.interruptions,
    rates: crossRates(result.sums, from.allocated),
  }
}

const count = (times: Readonly<Record<string, number>>): number =>
  Object.values(times).reduce((sum, one) => sum + one, 0)

/** As one stage each, where not all captures have as many. */
function inStages(all: readonly Recorded[]): readonly Recorded[] {
  if (all.every(({ ends }) => ends.length === all[0]!.ends.length)) return all
  return all.map((one) => {
    const ends = one.ends.slice(-1)
    return { ...one, ends, stages: recordedStages(one.script, ends) }
  })
}

const byName = <T>(all: readonly Recorded[], of: (one: Recorded) => T): ReadonlyMap<string, T> =>
  new Map(all.map((one) => [one.name, of(one)]))

/**
 * Each capture under the rules and settings of each capture's kernel, against what that kernel recorded itself. The captures must be of
 * one workload.
 *
 * @throws UsageError where a capture does not say which kernel recorded it
 */
export function crossKernels(recordings: readonly Recording[]): Cross {
  const all = inStages(recordings.map(recordedOf))
  const runs: CrossRun[] = []
  const cells = all.flatMap((from) =>
    all.map((to) => {
      const { common, whole, interruptions, rates } = predict(from, to)
      runs.push({ capture: from.name, against: to.name, predicted: rates, recorded: to.recorded })
      return crossCell({ capture: from.name, rules: to.own, against: to.name }, common, whole, {
        predicted: interruptions,
        recorded: count(to.script.recordedInterruptions),
      })
    }),
  )
  return composeCross(
    cells,
    recordings,
    crossPairs(
      runs,
      byName(all, ({ setting }) => setting),
      byName(all, ({ shares }) => shares),
    ),
  )
}
