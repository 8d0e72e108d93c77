import { choosePcp, type PcpChoice } from '#policies'
import { Fidelity } from './fidelity.ts'
import { pagesets } from './pagesets.ts'
import type { Inferred } from './result.ts'
import type { FidelityRun } from './scores.ts'
import type { Script } from './script.ts'

/** The recording kernel's own policy; the oldest known rules where the release is not known. */
export const ownPolicy = (script: Script): PcpChoice => {
  const version = script.machine.release?.rules ?? '6.1'
  return choosePcp(`pcp/linux-${version}`, version)
}

/** What a fidelity run of the recording kernel's own policy tells what-if replays of the same script. */
export function inferredFrom(script: Script, run: FidelityRun): Inferred {
  const [rules] = pagesets(script, ownPolicy(script)).rules
  const lists = Array.from({ length: rules!.lists }, (_, list) => list)
  return {
    initial: run.initial,
    listOrders: lists.map((list) => rules!.orderOf(list)),
    listTypes: lists.map((list) => [0, 1, 2].find((type) => rules!.listOf(rules!.orderOf(list), type) === list) ?? 1),
    bulk: run.bulk,
    localDrains: run.localDrains,
  }
}

/** Without recorded refills nothing tells what lay on which list: zoneinfo's counts are all there is. */
function fromZoneinfo(script: Script, run: FidelityRun): Inferred {
  const hidden = new Int32Array(script.cpus * script.zones.length)
  script.zones.forEach((zone, at) => {
    for (const { cpu, count } of zone.pagesets) hidden[cpu * script.zones.length + at] = count
  })
  const { initial, ...rest } = inferredFrom(script, run)
  const nothing = { row: [], pset: [], list: [] }
  return {
    ...rest,
    initial: { entries: initial.entries.map((lists) => lists.map(() => 0)), hidden },
    bulk: nothing,
    localDrains: nothing,
  }
}

/** Replays the recording kernel's own policy and tells what it inferred. */
export function infer(script: Script): { run: FidelityRun; inferred: Inferred } {
  const run = new Fidelity(script, ownPolicy(script), { resync: true }).run()
  return { run, inferred: script.refillPfn.length === 0 ? fromZoneinfo(script, run) : inferredFrom(script, run) }
}
