import {
  type CpuFidelity,
  Fidelity as FidelityReplay,
  type FidelityRun,
  type Inference,
  laterOf,
  missHelp,
  ownPolicy,
  type PageScore,
  recordedPages,
  type Score,
} from '#estimate'
import { lossesOf, type Recording } from '#events'
import { type Machine, notModelled, share } from '#kernel'
import type { Script } from '#record'
import { skippedCaveat, syntheticCaveat } from './caveats.ts'
import { coverageOf } from './coverage.ts'
import { poorBecause } from './evidence.ts'
import { freePages, listCounts } from './final-pages.ts'
import { hasKvfree, kvfreeFidelity } from './kvfree/fidelity.ts'
import type { Fidelity, PcpFidelity } from './schemas.ts'
import { scoreOf } from './score.ts'

/** A CPU whose lists were unknown for a larger share of its operations is not scored. */
const WARMUP_LIMIT = 0.25

const warmupOf = ({ warmup, operations }: CpuFidelity): number => share(warmup, operations) ?? 0
const isScored = (cpu: CpuFidelity): boolean => cpu.operations > 0 && warmupOf(cpu) <= WARMUP_LIMIT

function sum<T extends Score | PageScore>(parts: readonly T[], zero: T): T {
  const total = { ...zero } as Record<string, number>
  for (const part of parts) for (const [name, value] of Object.entries(part)) total[name] = (total[name] ?? 0) + value
  return total as unknown as T
}

const noScore: Score = { recorded: 0, predicted: 0, exact: 0 }
const noPages: PageScore = { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 }

function totals(run: FidelityRun) {
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

function pcpFidelity(script: Script, { run, inferred }: Inference, drainedInTrace: number): PcpFidelity {
  const policy = ownPolicy(script)
  const { requestedDrains, tickDrains, ...best } = totals(run)
  const {
    requestedDrains: _requested,
    tickDrains: _ticks,
    ...withoutResync
  } = totals(new FidelityReplay(script, policy, { ...run, resync: false }).run())
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
    requestedDrains,
    tickDrains,
    excusedRefills: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedRefills, 0),
    excusedBursts: run.cpus.filter(isScored).reduce((all, cpu) => all + cpu.excusedBursts, 0),
    coverage: coverageOf(script, run, best, drainedInTrace),
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
      .map(([cause, count]) => ({ cause, count, help: missHelp[cause] }))
      .sort((a, b) => b.count - a.count),
    listCounts: listCounts(script, run, later.refills),
    freePages: freePages(script, recordedPages(script, inferred.start, later), later),
    scores: Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== undefined)),
  }
}

/** The bound of self-tuning, where it was taken from the record that is then scored. */
function calibratedBounds({ zones }: Machine, { script }: Inference): string[] {
  const learnt = script.zones.flatMap(({ name, pagesets: [first] }, at) => {
    const { highMax } = first ?? {}
    return highMax === undefined || zones[at]?.pagesets[0]?.highMax !== undefined ? [] : [`${name} ${highMax} pages`]
  })
  return learnt.length === 0
    ? []
    : [
        `Calibrated, not predicted: the bound of \`high\`, which no file of this kernel tells, is that of the first burst that shows it (${learnt.join(', ')}); that burst counts as exact.`,
      ]
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
  const pcp = pages ? pcpFidelity(script, inference, events.tables.mm_page_pcpu_drain.length) : undefined
  const reason = pcp === undefined ? undefined : poorBecause(recording, script, pcp)
  if (!pages && kvfree === undefined)
    notes.push('The trace holds no page allocations or frees: nothing to replay on the per-CPU lists.')
  const unscored = run.cpus.filter((cpu) => cpu.operations > 0 && !isScored(cpu)).map(({ cpu }) => cpu)
  if (unscored.length > 0)
    notes.push(
      `CPU ${unscored.join(', ')}: lists unknown for over ${WARMUP_LIMIT * 100} % of the events, so not scored.`,
    )
  if (pages) notes.push(...calibratedBounds(machine, inference))
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
