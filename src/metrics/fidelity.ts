import {
  type CpuFidelity,
  type FidelityRun,
  type Inference,
  laterOf,
  missCauses,
  ownPolicy,
  type PageScore,
  recordedPages,
  rowsWithin,
  type Score,
} from '#estimate'
import { Kind, lossesOf, type Recording } from '#events'
import { type Machine, share } from '#kernel'
import { counted } from '#kernel/messages'
import type { Script } from '#record'
import type { Window } from '#replay'
import { assumedOf } from './assumed.ts'
import { skippedCaveat, syntheticCaveat } from './caveats.ts'
import { coverageOf } from './coverage.ts'
import { poorBecause } from './evidence.ts'
import { matrixNotes } from './fidelity-matrix.ts'
import { fidelityTotals } from './fidelity-totals.ts'
import { freePages, listCounts } from './final-pages.ts'
import { hasKvfree, kvfreeFidelity } from './kvfree/fidelity.ts'
import type { Fidelity, PcpFidelity } from './schemas.ts'
import { scoreOf } from './score.ts'
import { hasSlab, slabFidelity } from './slab/fidelity.ts'
import { interruptionsWithin, recordingWithin, secondsOf } from './within.ts'

const warmupOf = ({ warmup, operations }: CpuFidelity): number => share(warmup, operations) ?? 0
/** Operations are scored one by one: each whose outcome the belief leaves unique. */
const isScored = (cpu: CpuFidelity): boolean => cpu.operations > 0

function sum<T extends Score | PageScore>(parts: readonly T[], zero: T): T {
  const total = { ...zero } as Record<string, number>
  for (const part of parts) for (const [name, value] of Object.entries(part)) total[name] = (total[name] ?? 0) + value
  return total as unknown as T
}

const noScore: Score = { recorded: 0, predicted: 0, exact: 0 }
const noPages: PageScore = { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 }

function scoresOf(run: FidelityRun) {
  const scored = run.cpus.filter(isScored)
  return {
    refills: sum(
      scored.map(({ refills }) => refills),
      noScore,
    ),
    drainBursts: sum(
      scored.map(({ bursts }) => bursts),
      noScore,
    ),
    tickDrains: sum(
      scored.map(({ ticks }) => ticks),
      noScore,
    ),
    requestedDrains: sum(
      scored.map(({ requested }) => requested),
      noScore,
    ),
    drainedPages: sum(
      scored.map(({ pages }) => pages),
      noPages,
    ),
  }
}

function ranFreeOf({ cpus }: FidelityRun): { refills: number; drainBursts: number } {
  const scored = cpus.filter(isScored)
  return {
    refills: scored.reduce((all, { ranFree }) => all + ranFree.refills, 0),
    drainBursts: scored.reduce((all, { ranFree }) => all + ranFree.bursts, 0),
  }
}

const drainedPagesIn = ({ events: { kind } }: Recording): number =>
  kind.reduce((sum, one) => sum + Number(one === Kind.mm_page_pcpu_drain), 0)

function pcpFidelity(
  part: Recording,
  script: Script,
  { inferred, ...passes }: Inference,
  window: Window | undefined,
): PcpFidelity {
  const { events } = part
  const [run, freeRun] = [passes.run, passes.freeRun].map((pass) =>
    window === undefined ? pass : { ...pass, ...pass.within },
  ) as [FidelityRun, FidelityRun]
  const rows = rowsWithin(script, window ?? {})
  const counted = (row: number): boolean => row >= rows.first && row < rows.end
  const recorded = interruptionsWithin(part, script, window)
  const all = Object.values(recorded).reduce((sum, count) => sum + count, 0)
  // The lists and the buddy are known as they were after the trace, and at no moment within.
  const toEnd = window?.to === undefined
  const policy = ownPolicy(script)
  const { requestedDrains, tickDrains, ...best } = scoresOf(run)
  const withoutResync = scoresOf(freeRun)
  const operations = run.cpus.reduce((all, cpu) => all + cpu.operations, 0)
  const later = laterOf(script, run)
  const warmup = run.cpus.reduce((all, cpu) => all + cpu.warmup, 0)
  const scores = {
    refills: scoreOf(best.refills),
    drainBursts: scoreOf(best.drainBursts),
    wrongPages: share(best.drainedPages.wrong, best.drainedPages.recorded),
  }
  return {
    policy: policy.id,
    ...best,
    interruptions: { recorded: { ...recorded }, predicted: { ...run.interruptions } },
    warmupShare: share(warmup, operations) ?? 0,
    resyncs: run.resyncs,
    withoutResync,
    freeRunning: withoutResync,
    ranFree: ranFreeOf(freeRun),
    totals: fidelityTotals(
      events,
      script,
      { totals: { ...freeRun.totals, interruptions: { ...freeRun.totals.interruptions, recorded: all } } },
      window,
    ),
    ...(freeRun.states.recorded === 0 ? {} : { state: freeRun.states }),
    requestedDrains,
    tickDrains,
    excusedRefills: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedRefills, 0),
    excusedBursts: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedBursts, 0),
    coverage: coverageOf(script, run, best, drainedPagesIn(part), rows),
    perCpu: run.cpus.map((cpu) => ({
      cpu: cpu.cpu,
      warmupShare: warmupOf(cpu),
      scored: isScored(cpu),
      refills: cpu.refills,
      drainBursts: cpu.bursts,
      drainedPages: cpu.pages,
    })),
    inferredBulkPages: run.inferredBulkPages,
    inferredPastFrees: run.inferredPastFrees,
    inferredEarlyPops: [...run.early].reduce((all, [row, { length }]) => all + (counted(row) ? length : 0), 0),
    inferredLocalDrains: run.localDrains.row.filter(counted).length,
    misses: [...run.misses]
      .map(([cause, count]) => ({ cause, count, ...missCauses[cause] }))
      .sort((a, b) => b.count - a.count),
    listCounts: !toEnd ? [] : listCounts(script, run, later.refills),
    freePages: !toEnd ? [] : freePages(script, recordedPages(script, inferred.start, later), later),
    scores: Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== undefined)),
  }
}

/**
 * How exactly kreplay reproduces what the recording kernel itself recorded. `inference`: of the recording kernel's own policy; of its
 * scores, those of `window`.
 */
export function fidelityOf(recording: Recording, script: Script, inference: Inference, window?: Window): Fidelity {
  const { run } = inference
  const part = recordingWithin(recording, window)
  const { machine, events } = part
  const losses = lossesOf(events)
  const pages = script.length > 0 && run.cpus.some(({ operations }) => operations > 0)
  const kvfree = hasKvfree(recording) && window === undefined ? kvfreeFidelity(recording) : undefined
  const slab = hasSlab(recording) && window === undefined ? slabFidelity(recording) : undefined
  const pcp = pages ? pcpFidelity(part, script, inference, window) : undefined
  const reason = pcp === undefined ? undefined : poorBecause(part, script, pcp)
  const nothing = !pages && kvfree === undefined && slab === undefined
  return {
    schema: 'kreplay.fidelity/1',
    notModelled: assumedOf(machine, pages ? inference.script : undefined),
    capture: recording.name,
    kernel: machine.release?.text ?? 'unknown',
    ...(syntheticCaveat(machine) === undefined ? {} : { synthetic: true }),
    losses,
    ...(window === undefined ? {} : { window: secondsOf(window, script, events.zero) }),
    ...(pcp === undefined ? {} : { pcp: { ...pcp, ...(reason === undefined ? {} : { poorBecause: reason }) } }),
    ...(kvfree === undefined ? {} : { kvfree }),
    ...(slab === undefined ? {} : { slab }),
    notes: [
      ...recordingNotes(recording, machine, losses.gaps),
      ...(pages ? pageNotes(machine) : []),
      ...(nothing ? ['The trace holds no page allocations or frees: nothing to replay on the per-CPU lists.'] : []),
      ...(window === undefined ? [] : [WINDOW_NOTE]),
      ...(pages ? script.tally : []).flatMap(({ cause, help }) => (SAID.has(cause) ? [] : [help])),
    ],
  }
}

/** Said before all else. */
const SAID: ReadonlySet<string> = new Set(['lost-events', 'no-zoneinfo'])

const WINDOW_NOTE =
  'Scores and totals count the window alone; the replay began with the trace. Scores of kvfree_rcu() and of slabs are of whole traces.'

/** What the recording lacks. */
function recordingNotes({ tally }: Recording, machine: Machine, gaps: number): string[] {
  const [synthetic, skipped] = [syntheticCaveat(machine), skippedCaveat(tally)]
  return [
    ...(synthetic === undefined ? [] : [synthetic]),
    ...(gaps > 0
      ? [
          `${counted(gaps, 'gap')} in the recording: each makes its CPU’s lists unknown again, so scores cover less of the trace.`,
        ]
      : []),
    ...(skipped === undefined ? [] : [skipped]),
  ]
}

const pageNotes = (machine: Machine): string[] =>
  syntheticCaveat(machine) === undefined && machine.release !== undefined ? matrixNotes(machine) : []
