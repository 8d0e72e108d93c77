import {
  type CpuFidelity,
  type FidelityRun,
  type Inference,
  laterOf,
  missCauses,
  ownPolicy,
  type PageScore,
  recordedPages,
  type Score,
} from '#estimate'
import { type Events, lossesOf, type Recording } from '#events'
import { notModelled, share } from '#kernel'
import type { Script } from '#record'
import { skippedCaveat, syntheticCaveat } from './caveats.ts'
import { coverageOf } from './coverage.ts'
import { poorBecause } from './evidence.ts'
import { fidelityTotals } from './fidelity-totals.ts'
import { freePages, listCounts } from './final-pages.ts'
import { hasKvfree, kvfreeFidelity } from './kvfree/fidelity.ts'
import type { Fidelity, PcpFidelity } from './schemas.ts'
import { scoreOf } from './score.ts'

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

function pcpFidelity(events: Events, script: Script, { run, freeRun, inferred }: Inference): PcpFidelity {
  const policy = ownPolicy(script)
  const { requestedDrains, tickDrains, ...best } = scoresOf(run)
  const { requestedDrains: _requested, tickDrains: _ticks, ...withoutResync } = scoresOf(freeRun)
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
    interruptions: { recorded: { ...script.recordedInterruptions }, predicted: { ...run.interruptions } },
    warmupShare: share(warmup, operations) ?? 0,
    resyncs: run.resyncs,
    withoutResync,
    freeRunning: withoutResync,
    totals: fidelityTotals(events, script, freeRun),
    ...(freeRun.states.recorded === 0 ? {} : { state: freeRun.states }),
    requestedDrains,
    tickDrains,
    excusedRefills: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedRefills, 0),
    excusedBursts: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedBursts, 0),
    coverage: coverageOf(script, run, best, events.tables.mm_page_pcpu_drain.length),
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
    inferredEarlyPops: [...run.early.values()].reduce((all, { length }) => all + length, 0),
    inferredLocalDrains: run.localDrains.row.length,
    misses: [...run.misses]
      .map(([cause, count]) => ({ cause, count, ...missCauses[cause] }))
      .sort((a, b) => b.count - a.count),
    listCounts: listCounts(script, run, later.refills),
    freePages: freePages(script, recordedPages(script, inferred.start, later), later),
    scores: Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== undefined)),
  }
}

/** How exactly kreplay reproduces what the recording kernel itself recorded. `inference`: of the recording kernel's own policy. */
export function fidelityOf(recording: Recording, script: Script, inference: Inference): Fidelity {
  const { run } = inference
  const { machine, events } = recording
  const notes: string[] = []
  const losses = lossesOf(events)
  const synthetic = syntheticCaveat(machine)
  if (synthetic !== undefined) notes.push(synthetic)
  if (machine.release === undefined)
    notes.push(
      'The kernel release is not known: the rules of 6.1 were taken. Put the output of `uname -a` into a file `uname` beside the trace.',
    )
  if (losses.gaps > 0)
    notes.push(
      `${losses.gaps} gaps in the recording: each makes its CPU’s lists unknown again, so scores cover less of the trace.`,
    )
  const skipped = skippedCaveat(recording.tally)
  if (skipped !== undefined) notes.push(skipped)
  const pages = script.length > 0 && run.cpus.some(({ operations }) => operations > 0)
  const kvfree = hasKvfree(recording) ? kvfreeFidelity(recording) : undefined
  const pcp = pages ? pcpFidelity(events, script, inference) : undefined
  const reason = pcp === undefined ? undefined : poorBecause(recording, script, pcp)
  if (!pages && kvfree === undefined)
    notes.push('The trace holds no page allocations or frees: nothing to replay on the per-CPU lists.')
  for (const { cause, help } of pages ? script.tally : []) if (cause !== 'lost-events') notes.push(help)
  return {
    schema: 'kreplay.fidelity/1',
    notModelled: notModelled(machine),
    capture: recording.name,
    kernel: machine.release?.text ?? 'unknown',
    ...(synthetic === undefined ? {} : { synthetic: true }),
    losses,
    ...(pcp === undefined ? {} : { pcp: { ...pcp, ...(reason === undefined ? {} : { poorBecause: reason }) } }),
    ...(kvfree === undefined ? {} : { kvfree }),
    notes,
  }
}
