import { choosePcp, type PcpChoice } from '#policies'
import { type ListRules, ownPcpId } from '#policies/pcp'
import { fatesOf, noTicks, Op, PageIndex, type Script } from '#record'
import { pagesets } from '#sim'
import { boostsOf } from './boosts.ts'
import { Pass } from './follow.ts'
import { type PageStart, pageStartOf } from './free-start.ts'
import { type Inferences, noInferences } from './inferences.ts'
import { learntZones } from './learnt-zones.ts'
import { PreemptedPops } from './preempted-pops.ts'
import type { ScoredRows } from './scored-window.ts'
import type { FidelityRun } from './scores.ts'
import type { Shared } from './state.ts'
import { movedTicks, silentTicksOf } from './tick-times.ts'
import type { Inferred } from './what-if-start.ts'

/** The recording kernel's own policy. */
export const ownPolicy = ({ machine: { release } }: Script): PcpChoice => choosePcp(ownPcpId(release), release)

/** What a pass under the recording kernel's own policy finds out for what-if replays of the same script. */
function inferredFrom(
  run: FidelityRun,
  own: readonly ListRules[],
  start: PageStart,
  { highMax, unseen }: Pick<Inferences, 'highMax' | 'unseen'>,
): Inferred {
  const [rules] = own
  const lists = Array.from({ length: rules!.lists }, (_, list) => list)
  return {
    initial: run.initial,
    listOrders: lists.map((list) => rules!.orderOf(list)),
    listTypes: lists.map((list) => [0, 1, 2].find((type) => rules!.listOf(rules!.orderOf(list), type) === list) ?? 1),
    bulk: withUnseen(run, unseen),
    highMax,
    localDrains: run.localDrains,
    taken: run.inferences.taken,
    start,
    ticks: run.ticks,
  }
}

/** What the untraced bulk allocator took, of known pages and of those from before the trace. */
function withUnseen({ bulk }: FidelityRun, unseen: Inferences['unseen']): Inferred['bulk'] {
  if (unseen.length === 0) return bulk
  const all = bulk.row.map((row, at) => ({ row, pset: bulk.pset[at]!, list: bulk.list[at]! }))
  for (const { pages, ...from } of unseen) for (let page = 0; page < pages; page++) all.push(from)
  all.sort((a, b) => a.row - b.row)
  return { row: all.map(({ row }) => row), pset: all.map(({ pset }) => pset), list: all.map(({ list }) => list) }
}

/** Without recorded refills nothing shows what lay on which list: zoneinfo's counts are all there is. */
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

/** The recording kernel's own policy replayed, with what it tells of the recording. */
export interface Inference {
  readonly script: Script
  readonly run: FidelityRun
  /** The same without corrections, once the record has proven a pageset's state: as a what-if runs. */
  readonly freeRun: FidelityRun
  readonly inferred: Inferred
}

/** Passes that follow the record, at most: each finds what the wrong beliefs of the one before hid. */
const MOST_PASSES = 4

/** What was known with what a pass found out beyond it; the same object if that is nothing. */
function learnt(given: Inferences, found: Inferences): Inferences {
  const early = new Map([...given.early].map(([row, pages]) => [row, [...pages]]))
  let isNew = found.highMax.some((bound, zone) => bound !== (given.highMax[zone] ?? 0))
  for (const [row, pages] of found.early) {
    const known = early.get(row)
    const more = known === undefined ? pages : pages.filter((page) => !known.includes(page))
    if (more.length === 0) continue
    isNew = true
    early.set(row, [...(known ?? []), ...more])
  }
  if (found.unseen.length + found.tickMoves.length > 0) isNew = true
  if (!isNew) return given
  return {
    ...noInferences(),
    early,
    highMax: found.highMax,
    proving: new Set([...given.proving, ...found.proving]),
    unseen: [...given.unseen, ...found.unseen].sort((a, b) => a.row - b.row),
  }
}

/** What all passes over a script share. */
export function sharedOf(
  script: Script,
  choice = ownPolicy(script),
  rules = pagesets(script, choice).rules,
  start = pageStartOf(script, rules),
): Shared {
  const index = new PageIndex(script.zones)
  return {
    script,
    choice,
    index,
    fates: fatesOf(script),
    boosts: boostsOf(script, rules, start),
    preemptedPops: new PreemptedPops(script),
    ticks: noTicks,
  }
}

/** A first pass that follows the record; where no file tells the limits of the lists, with those that another one found. */
function begun(script: Script, choice: PcpChoice, scored: ScoredRows | undefined) {
  const pass = (of: Script) => {
    const { rules } = pagesets(of, choice)
    const start = pageStartOf(of, rules)
    const shared = sharedOf(of, choice, rules, start)
    return {
      script: of,
      rules,
      start,
      shared,
      first: new Pass(shared, { corrects: true, scored, bridges: true }).run(),
    }
  }
  const guessed = pass(script)
  const zones = learntZones(script, choice, guessed.first)
  return zones === undefined ? guessed : pass({ ...script, zones })
}

/**
 * Replays the recording kernel's own policy: once corrected by the record, once more where that showed that pages left their lists before
 * their events, and once free-running with what these passes found. `choice`: other rules than its own, to see how they fit. `scored`: rows
 * whose scores are also counted apart.
 */
export function infer(recorded: Script, choice = ownPolicy(recorded), scored?: ScoredRows): Inference {
  const { script, rules, start, shared, first } = begun(recorded, choice, scored)
  let ticks = silentTicksOf(script, first.inferences.tickWindows)
  const follow = (given: Inferences, bridges: boolean) =>
    new Pass({ ...shared, ticks }, { corrects: true, given, scored, bridges }).run()
  let given = noInferences()
  // What surfaces after a gap may have come since: what-ifs go on over it, or pages of the first lists would be taken for more of them.
  let bridged = first
  for (let pass = 1; pass < MOST_PASSES; pass++) {
    const next = learnt(given, bridged.inferences)
    const isNew = pass === 1 ? ticks.row.length > 0 || next !== given : next !== given
    if (!isNew) break
    given = next
    ticks = movedTicks(ticks, bridged.inferences.tickMoves)
    bridged = follow(given, true)
  }
  const run = script.op.includes(Op.lost) ? follow(given, false) : bridged
  const { highMax, proving, unseen } = learnt(given, bridged.inferences)
  ticks = movedTicks(ticks, bridged.inferences.tickMoves)
  const freeRun = new Pass(
    { ...shared, ticks },
    {
      corrects: false,
      given: { ...bridged.inferences, early: bridged.inferences.left, highMax, proving, unseen },
      scored,
      bridges: true,
    },
  ).run()
  const inferred = inferredFrom({ ...bridged, ticks }, rules, start, { highMax, unseen })
  return { script, run, freeRun, inferred: script.refillPfn.length === 0 ? fromZoneinfo(script, inferred) : inferred }
}
