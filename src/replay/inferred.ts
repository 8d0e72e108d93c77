import { choosePcp, type PcpChoice } from '#policies'
import { Fidelity } from './fidelity.ts'
import { pageStartOf } from './free-start.ts'
import { pagesets } from './pagesets.ts'
import type { Inferred } from './result.ts'
import type { FidelityRun } from './scores.ts'
import type { Script } from './script.ts'
import { phases, type SilentTicks, silentTicks } from './ticks.ts'
import { traitsOf } from './traits.ts'

/** The recording kernel's own policy; the oldest known rules where the release is not known. */
export const ownPolicy = (script: Script): PcpChoice => {
  const version = script.machine.release?.rules ?? '6.1'
  return choosePcp(`pcp/linux-${version}`, version)
}

/** What a fidelity run of the recording kernel's own policy tells what-if replays of the same script. */
function inferredFrom(script: Script, run: FidelityRun): Inferred {
  const own = pagesets(script, ownPolicy(script)).rules
  const [rules] = own
  const lists = Array.from({ length: rules!.lists }, (_, list) => list)
  return {
    initial: run.initial,
    listOrders: lists.map((list) => rules!.orderOf(list)),
    listTypes: lists.map((list) => [0, 1, 2].find((type) => rules!.listOf(rules!.orderOf(list), type) === list) ?? 1),
    bulk: run.bulk,
    localDrains: run.localDrains,
    start: pageStartOf(script, own),
    ticks: run.ticks,
  }
}

/** Without recorded refills nothing tells what lay on which list: zoneinfo's counts are all there is. */
function fromZoneinfo(script: Script, inferred: Inferred): Inferred {
  const hidden = new Int32Array(script.cpus * script.zones.length)
  script.zones.forEach((zone, at) => {
    for (const { cpu, count } of zone.pagesets) hidden[cpu * script.zones.length + at] = count
  })
  const nothing = { row: [], pset: [], list: [] }
  return {
    ...inferred,
    initial: { entries: inferred.initial.entries.map((lists) => lists.map(() => 0)), hidden },
    bulk: nothing,
    localDrains: nothing,
  }
}

/** The script with what zoneinfo does not print before 7.2, but the record shows: where self-tuning ends. */
function withBounds(script: Script, highMax: Int32Array): Script {
  if (highMax.every((bound) => bound === 0)) return script
  const zones = script.zones.map((zone, at) => ({
    ...zone,
    pagesets: zone.pagesets.map((pageset) => (highMax[at] === 0 ? pageset : { ...pageset, highMax: highMax[at]! })),
  }))
  return { ...script, zones }
}

/** Bursts, refills and ticks that were not predicted, and predictions that did not come. */
const missed = ({ misses }: FidelityRun): number => [...misses.values()].reduce((sum, count) => sum + count, 0)

/** The recording kernel's own policy replayed, with what it tells of the recording. `script` has the bounds that the record shows. */
export interface Inference {
  readonly script: Script
  readonly run: FidelityRun
  readonly inferred: Inferred
}

/**
 * Replays the recording kernel's own policy and tells what it inferred. Two hidden constants of the machine are fitted to the record
 * first, where its kernel has them and no file tells: the phase of the vmstat ticks and the bound of self-tuning.
 */
export function infer(recorded: Script): Inference {
  const policy = ownPolicy(recorded)
  const follow = (script: Script, ticks: SilentTicks) => new Fidelity(script, policy, { resync: true, ticks }).run()
  const fits = traitsOf(recorded.machine).decay && !recorded.ticksRecorded
  const tries = (fits ? phases : [0]).map((phase) => {
    const ticks = silentTicks(recorded, phase)
    const first = follow(recorded, ticks)
    const script = withBounds(recorded, first.highMax)
    return { script, run: script === recorded ? first : follow(script, ticks) }
  })
  const { script, run } = tries.reduce((best, next) => (missed(next.run) < missed(best.run) ? next : best))
  const inferred = inferredFrom(script, run)
  return { script, run, inferred: script.refillPfn.length === 0 ? fromZoneinfo(script, inferred) : inferred }
}
