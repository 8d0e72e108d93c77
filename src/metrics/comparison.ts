import { countByName, lossesOf, type Recording } from '#events'
import { quantileOfCounts, type Zone } from '#kernel'
import { formatDuration, type TallyEntry } from '#kernel/messages'
import { ownPcpId } from '#policies/pcp'
import type { Script } from '#record'
import type { Burst, Foresight, PolicyRun } from '#replay'
import { boundsOf } from './bounds.ts'
import { caveatsOf } from './caveats.ts'
import type { PcpComparison } from './comparison-schema.ts'
import type { ComparisonHead } from './head.ts'
import { headlineOf } from './headline.ts'
import { notModelledOf } from './not-modelled.ts'
import { type Prices, priceOf } from './prices.ts'
import { recordedDrainsOf } from './recorded-drains.ts'
import { largestErrors, recordedRow, verdictsOf } from './recorded-row.ts'
import type { Fidelity, Run } from './schemas.ts'
import { stepSums, stepsOf, totalsOf } from './totals.ts'

/** Bursts that a chart shows; totals are never thinned. */
const BURSTS_SHOWN = 2000

/** A capture, what its fidelity run found, and the runs of every policy on it. */
export interface ComparedCapture {
  readonly recording: Recording
  readonly script: Script
  readonly foresight: Foresight
  readonly fidelity: Fidelity
  readonly isolated: readonly number[]
  readonly runs: readonly PolicyRun[]
  /** The recording kernel’s own policy with its defaults, free-running. */
  readonly own: PolicyRun
  /** Policies again, with an assumed input at either end of its range. */
  readonly varied: readonly VariedPolicy[]
}

export interface VariedPolicy {
  readonly policy: string
  readonly param: string
  readonly end: 'low' | 'high'
  readonly run: PolicyRun
}

/** Exact quantiles of sizes counted by value; undefined where nothing happened. */
export function quantilesOf(sizes: ReadonlyMap<number, number>): { p50: number; p99: number; max: number } | undefined {
  const sorted = [...sizes].sort(([a], [b]) => a - b)
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantileOfCounts(sorted, share))
  return p50 === undefined ? undefined : { p50, p99: p99!, max: max! }
}

/** At most `most` bursts, evenly over the trace; the largest of each stretch, so that peaks stay. */
function largestOfStretches(bursts: readonly Burst[], most: number): readonly Burst[] {
  if (bursts.length <= most) return bursts
  return Array.from({ length: most }, (_, part) => {
    const from = Math.trunc((part * bursts.length) / most)
    const to = Math.trunc(((part + 1) * bursts.length) / most)
    return bursts.slice(from, to).reduce((largest, burst) => (burst.pages > largest.pages ? burst : largest))
  })
}

/** At most `BURSTS_SHOWN`; requested ones are rarer and thinned by themselves. */
function thin(bursts: readonly Burst[]): readonly Burst[] {
  if (bursts.length <= BURSTS_SHOWN) return bursts
  const requested = largestOfStretches(
    bursts.filter((burst) => burst.requested),
    BURSTS_SHOWN / 4,
  )
  const own = largestOfStretches(
    bursts.filter((burst) => !burst.requested),
    BURSTS_SHOWN - requested.length,
  )
  return [...requested, ...own].sort((a, b) => a.time - b.time)
}

/** Free pages in blocks of `from` and above. */
const freePages = (blocks: readonly Int32Array[], step: number, from: number): number =>
  blocks.reduce((sum, of, order) => (order < from ? sum : sum + (of[step]! << order)), 0)

function measure(
  capture: ComparedCapture,
  { policy, lists, drain, isBound, params, sizes, result, times }: PolicyRun,
  prices: readonly Prices[],
): Run {
  const { script, isolated } = capture
  const t = [...result.stepEnds]
  const bursts = thin(result.bursts)
  const burstPages = quantilesOf(result.burstSizes)
  const refillPages = quantilesOf(result.refillSizes)
  const stranded = t.map((_, step) => isolated.reduce((sum, cpu) => sum + (result.cached[cpu]?.[step] ?? 0), 0))
  return {
    capture: capture.recording.name,
    policy,
    params: { ...params },
    lists,
    sizes: [...sizes],
    drain,
    isBound,
    work: { ...result.work },
    totals: totalsOf({ result, times }, isolated),
    bounds: boundsOf(capture.foresight, result),
    priced: prices.map((list) =>
      priceOf({ ...result.work, refillSizes: result.refillSizes, burstSizes: result.burstSizes }, list),
    ),
    series: {
      cachedPages: { t, cpus: Object.fromEntries(result.cached.map((pages, cpu) => [cpu, [...pages]])) },
      zoneLockPages: { t, pages: [...result.zoneLockPages] },
      freePages: {
        t,
        pages: t.map((_, step) => freePages(result.freeBlocks, step, 0)),
        contiguous: t.map((_, step) => freePages(result.freeBlocks, step, script.machine.pageblockOrder)),
      },
      strandedPages: { t, pages: stranded },
      sums: stepSums(result.stepEnds, stepsOf(result.sums, isolated), result.sums),
      bursts: {
        t: bursts.map(({ time }) => time),
        cpu: bursts.map(({ cpu }) => cpu),
        pages: bursts.map(({ pages }) => pages),
        requested: bursts.map(({ requested }) => requested),
      },
      burstsShown: bursts.length,
      burstsTotal: result.bursts.length,
    },
    quantiles: {
      ...(burstPages === undefined ? {} : { burstPages }),
      ...(refillPages === undefined ? {} : { refillPages }),
    },
    interruptions: Object.fromEntries(
      Array.from({ length: script.cpus }, (_, cpu) => [cpu, result.interruptions[cpu] ?? 0]),
    ),
    times: [...times],
    freeBlocksAtEnd: result.freeBlocks.map((blocks) => blocks.at(-1) ?? 0),
  }
}

/** A capture of a comparison of any family, with what its replays could not use. */
export interface ReplayedCapture {
  readonly recording: Recording
  /** Absent where the trace records nothing of what the family's policies do. */
  readonly fidelity?: Fidelity
  readonly isolated: readonly number[]
  readonly tally: readonly TallyEntry[]
  readonly cpus: number
  readonly zones: readonly Zone[]
  readonly recordedInterruptions?: Readonly<Record<string, number>>
}

/** The finding of each capture, then what its recording lacks. */
export const composeHeadline = <C extends Pick<ReplayedCapture, 'recording'>>(
  captures: readonly C[],
  findingOf: (capture: C) => string,
): string => captures.flatMap((capture) => [findingOf(capture), ...caveatsOf(capture.recording)]).join(' ')

function recordedDrains({ events }: Recording): Pick<ComparisonHead['captures'][number], 'recordedDrains'> {
  const recordedDrains = recordedDrainsOf(events)
  return recordedDrains === undefined ? {} : { recordedDrains }
}

/** What a comparison of any family says besides its runs and its finding. */
export function composeHead(
  captures: readonly ReplayedCapture[],
  baseline: string,
  version: string,
): Omit<ComparisonHead, 'headline' | 'notes'> {
  const tally = new Map<string, ComparisonHead['tally'][number]>()
  for (const { recording, tally: own } of captures) {
    for (const entry of [...recording.tally, ...own]) {
      const known = tally.get(entry.cause)
      if (known === undefined) tally.set(entry.cause, { ...entry })
      else known.count += entry.count
    }
  }
  return {
    schema: 'kreplay.comparison/1',
    notModelled: notModelledOf(captures.map(({ recording }) => recording)),
    captures: captures.map(({ recording, isolated, cpus, zones, recordedInterruptions }) => ({
      ...recordedDrains(recording),
      name: recording.name,
      kernel: recording.machine.release?.text ?? 'unknown',
      ...(recording.machine.release?.synthetic === true ? { synthetic: true } : {}),
      format: recording.format,
      ...(recording.clock === undefined ? {} : { clock: recording.clock }),
      cpus: Array.from({ length: cpus }, (_, cpu) => cpu),
      isolated: [...isolated],
      zero: recording.events.zero,
      spanNs: (recording.events.time.at(-1) ?? 0) - (recording.events.time[0] ?? 0),
      events: countByName(recording.events),
      losses: lossesOf(recording.events),
      tally: [...recording.tally],
      missing: [...recording.machine.missing],
      zones: zones.map(({ node, name, managed, pagesets }) => ({
        node,
        name,
        managed,
        batch: pagesets[0]?.batch ?? 0,
        high: pagesets[0]?.high ?? 0,
      })),
      recordedInterruptions: { ...recordedInterruptions },
    })),
    baseline,
    fidelity: captures.flatMap(({ fidelity }) => fidelity ?? []),
    tally: [...tally.values()],
    version,
  }
}

/** Where the recording kernel's policy, replayed as a what-if, interrupts otherwise than the record shows: how far, and why. */
function interruptionNotes(recording: Recording, script: Script, { result, params }: PolicyRun): string[] {
  const recorded = Object.values(script.recordedInterruptions).reduce((sum, times) => sum + times, 0)
  const replayed = result.work.interruptions
  if (recorded === 0 || replayed === recorded) return []
  const waits = recordedDrainsOf(recording.events)?.waits
  const why =
    waits === undefined || typeof params.workDelayNs !== 'number'
      ? ''
      : ` Work items are assumed to start after ${formatDuration(params.workDelayNs)}; recorded requesters waited ${formatDuration(waits.mean)} on average. Replay with the recorded delay: --set workDelayNs=${waits.mean}.`
  return [`${recording.name}: ${recorded} interruptions recorded, ${replayed} predicted by the same rules.${why}`]
}

/** Puts the runs of one or more captures into the comparison that reports are made from. */
export function composePcp(
  captures: readonly ComparedCapture[],
  baseline: string,
  prices: readonly Prices[],
  version: string,
): PcpComparison {
  const runs = captures.flatMap((capture) => capture.runs.map((run) => measure(capture, run, prices)))
  const recorded = captures.map(recordedRow)
  const differences = verdictsOf(captures, recorded, baseline)
  const notes: string[] = []
  for (const { script, recording, runs: own } of captures) {
    if (script.requestsInferred)
      notes.push(
        `${recording.name}: drain_all_pages() was not traced, so no policy drains on request. Record it with: kreplay capture --for drain.`,
      )
    const guessed = script.tally.find(({ cause }) => cause === 'inferred-requests')?.count ?? 0
    const requests = own[0]?.result.work.drainRequests ?? 0
    if (guessed > 0)
      notes.push(
        `${recording.name}: ${guessed} of ${requests} drain requests are inferred from pages drained after direct reclaim.`,
      )
    const ownRun = own.find(({ policy }) => policy === ownPcpId(recording.machine.release))
    if (ownRun !== undefined) notes.push(...interruptionNotes(recording, script, ownRun))
    if (
      own.some(
        ({ result }) => result.pagesAtEnd !== result.pagesExpected || result.pagesTwice > 0 || result.pagesLost > 0,
      )
    )
      notes.push(`${recording.name}: a replay lost count of pages; please report this.`)
    if (recording.machine.missing.length > 0)
      notes.push(`${recording.name}: the capture lacks ${recording.machine.missing.join(', ')}.`)
  }
  return {
    family: 'pcp',
    ...composeHead(
      captures.map(({ script, ...capture }) => ({ ...script, ...capture })),
      baseline,
      version,
    ),
    runs,
    recorded,
    modelError: largestErrors(recorded),
    differences,
    headline: composeHeadline(captures, (capture) =>
      headlineOf(
        {
          name: capture.recording.name,
          kernel: capture.recording.machine.release?.text ?? 'unknown',
          isolated: capture.isolated,
          fidelity: capture.fidelity,
          row: recorded[captures.indexOf(capture)]!,
          differences: differences.filter((one) => one.capture === capture.recording.name),
        },
        runs.filter((run) => run.capture === capture.recording.name),
        baseline,
      ),
    ),
    notes,
  }
}
