import { traitsOf } from '#kernel'
import { choosePcp, ownPcpId, type PcpChoice } from '#policies'
import type { Script } from '#record'
import { anyTiming, fitTicks, type SilentTicks, silentTicks, type TickTiming } from '#record'
import { pagesets } from '#sim'
import { boostsOf } from './boosts.ts'
import { Fidelity } from './fidelity.ts'
import { pageStartOf } from './free-start.ts'
import type { EarlyPops, FidelityRun, Score } from './scores.ts'
import type { Inferred } from './what-if-start.ts'
/** The recording kernel's own policy. */
export const ownPolicy = ({ machine: { release } }: Script): PcpChoice => choosePcp(ownPcpId(release), release)

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

/** The recording kernel's own policy replayed, with what it tells of the recording. `script` has the bounds that the record shows. */
export interface Inference {
  readonly script: Script
  readonly run: FidelityRun
  readonly inferred: Inferred
}

/** Runs to find early pops at most. */
const MOST_RUNS = 4

/** Rows of a script by which the timing of its ticks is fitted: so many tell enough of it. */
const FIT_ROWS = 1e6

const offBy = ({ recorded, predicted, exact }: Score): number => Math.max(recorded, predicted) - exact

/** What a tick elsewhere may put right: bursts and ticks that were not as predicted, and their pages. */
const missesByTicks = ({ cpus }: FidelityRun): number[] =>
  cpus.map(({ bursts, ticks, pages }) => offBy(bursts) + offBy(ticks) + pages.wrong)

/** Runs until no run finds more pages that left their lists before their event than it was told of. */
function withEarly<T extends { readonly run: FidelityRun }>(
  first: T,
  again: (of: T, early: EarlyPops) => FidelityRun,
): T {
  let last = first
  for (let tries = 0, told = 0; tries < MOST_RUNS && last.run.early.size > told; tries++) {
    told = last.run.early.size
    last = { ...last, run: again(last, last.run.early) }
  }
  return last
}

/**
 * Replays the recording kernel's own policy and tells what it inferred. Hidden constants of the machine are fitted to the record first,
 * where its kernel has them and no file tells: the timing of the vmstat ticks and the bound of self-tuning.
 */
export function infer(recorded: Script): Inference {
  const policy = ownPolicy(recorded)
  const boosts = boostsOf(recorded, pagesets(recorded, policy).rules)
  const replay = (script: Script, ticks: SilentTicks, early?: EarlyPops) =>
    new Fidelity(script, policy, { resync: true, ticks, boosts, ...(early === undefined ? {} : { early }) }).run()
  const follow = (part: Script, timing: TickTiming) => {
    const ticks = silentTicks(part, timing)
    const first = replay(part, ticks)
    const script = withBounds(part, first.highMax)
    return { script, run: script === part ? first : replay(script, ticks) }
  }
  const fits = traitsOf(recorded.machine).decay && !recorded.ticksRecorded
  const start = { ...recorded, length: Math.min(recorded.length, FIT_ROWS) }
  // Kernels without decay have ticks as well, for what-ifs with other rules.
  const timing = fits ? fitTicks((tried) => missesByTicks(follow(start, tried).run)) : anyTiming
  const { script, run } = withEarly(follow(recorded, timing), (of, early) => replay(of.script, of.run.ticks, early))
  const inferred = inferredFrom(script, run)
  return { script, run, inferred: script.refillPfn.length === 0 ? fromZoneinfo(script, inferred) : inferred }
}
