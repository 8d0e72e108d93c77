import { countByName, lossesOf, type Recording } from '#events'
import { share } from '#kernel'
import type { Burst, PolicyRun, Script } from '#replay'
import { scoreOf } from './fidelity.ts'
import { type Prices, priceOf } from './prices.ts'
import type { Comparison, Fidelity, Run } from './schemas.ts'

/** Bursts that a chart shows; totals are never thinned. */
const BURSTS_SHOWN = 2000

/** A capture, what its fidelity run found, and the runs of every policy on it. */
export interface ComparedCapture {
  readonly recording: Recording
  readonly script: Script
  readonly fidelity: Fidelity
  readonly isolated: readonly number[]
  readonly runs: readonly PolicyRun[]
}

/** Exact quantiles of sizes counted by value; undefined where nothing happened. */
export function quantilesOf(sizes: ReadonlyMap<number, number>): { p50: number; p99: number; max: number } | undefined {
  const sorted = [...sizes].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, times]) => sum + times, 0)
  if (total === 0) return undefined
  const at = (quantile: number): number => {
    let seen = 0
    for (const [size, times] of sorted) {
      seen += times
      if (seen >= quantile * total) return size
    }
    return sorted.at(-1)![0]
  }
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)![0] }
}

/** At most `BURSTS_SHOWN`, evenly over the trace; the largest of each stretch, so that peaks stay. */
function thin(bursts: readonly Burst[]): readonly Burst[] {
  if (bursts.length <= BURSTS_SHOWN) return bursts
  const shown: Burst[] = []
  for (let part = 0; part < BURSTS_SHOWN; part++) {
    const from = Math.trunc((part * bursts.length) / BURSTS_SHOWN)
    const to = Math.trunc(((part + 1) * bursts.length) / BURSTS_SHOWN)
    let largest = bursts[from]!
    for (let at = from + 1; at < to; at++)
      if (bursts[at]!.pages > largest.pages || bursts[at]!.requested > largest.requested) largest = bursts[at]!
    shown.push(largest)
  }
  return shown
}

function measure(
  capture: ComparedCapture,
  { policy, lists, drain, params, result }: PolicyRun,
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
    drain,
    work: { ...result.work },
    priced: prices.map((list) =>
      priceOf({ ...result.work, refillSizes: result.refillSizes, burstSizes: result.burstSizes }, list),
    ),
    series: {
      cachedPages: { t, cpus: Object.fromEntries(result.cached.map((pages, cpu) => [cpu, [...pages]])) },
      zoneLockPages: { t, pages: [...result.zoneLockPages] },
      strandedPages: { t, pages: stranded },
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
  }
}

const percent = (value: number): string => `${(value * 100).toFixed(Math.abs(value) < 0.1 ? 1 : 0)} %`
/** Never rounds a miss away: 100 % is said only of 100 %. */
const exactly = (value: number): string => (value === 1 ? '100 %' : `${(Math.floor(value * 10000) / 100).toFixed(2)} %`)
const number = (value: number): string => value.toLocaleString('en-US')

function fidelitySentence({ pcp }: Fidelity): string {
  if (pcp === undefined) return 'The trace holds nothing to check the replay against.'
  const parts: string[] = []
  const refills = scoreOf(pcp.refills)
  const bursts = scoreOf(pcp.drainBursts)
  if (refills !== undefined) parts.push(`${exactly(refills)} of ${number(pcp.refills.recorded)} refills`)
  if (bursts !== undefined) parts.push(`${exactly(bursts)} of ${number(pcp.drainBursts.recorded)} drain bursts`)
  if (parts.length === 0) return 'The recording kernel recorded too little to check the replay against.'
  return `kreplay reproduces exactly ${parts.join(' and ')} that this kernel recorded.`
}

/** The run with the least cost, compared part by part; the first of equals. */
function least(runs: readonly Run[], cost: (run: Run) => readonly number[]): Run | undefined {
  const before = (a: readonly number[], b: readonly number[]): boolean => {
    const at = a.findIndex((value, part) => value !== b[part])
    return at >= 0 && a[at]! < b[at]!
  }
  return runs.reduce<Run | undefined>(
    (best, run) => (best === undefined || before(cost(run), cost(best)) ? run : best),
    undefined,
  )
}

function interruptionFinding(base: Run, best: Run, isolated: readonly number[]): string {
  const locks = share(best.work.zoneLockPages - base.work.zoneLockPages, base.work.zoneLockPages)
  const moved =
    locks === undefined
      ? ''
      : `, and moves ${percent(Math.abs(locks))} ${locks < 0 ? 'fewer' : 'more'} pages under zone->lock`
  const onIsolated = isolated.reduce((sum, cpu) => sum + (base.interruptions[cpu] ?? 0), 0)
  const iso = isolated.length === 0 ? '' : ` (${onIsolated} on isolated CPU ${isolated.join(', ')})`
  const times = best.work.interruptions === 0 ? 'no CPU' : `CPUs ${number(best.work.interruptions)} times`
  return `${best.policy} interrupts ${times} where ${base.policy} does so ${number(base.work.interruptions)} times${iso}${moved}.`
}

/** The finding in one sentence, and how far to trust it in a second. */
function headlineOf(
  { recording, fidelity, isolated }: ComparedCapture,
  runs: readonly Run[],
  baseline: string,
): string {
  const base = runs.find(({ policy }) => policy === baseline)
  const others = runs.filter(({ policy }) => policy !== baseline)
  const trust = fidelitySentence(fidelity)
  if (base === undefined || others.length === 0) return `${recording.name}: ${trust}`
  const where = `On ${recording.name} (Linux ${recording.machine.release?.text ?? 'unknown'})`
  const listed = others.filter(({ work }) => work.allocsFromList > 0)
  // Of equals, one with the baseline's own lists: only the drain differs then.
  const calm = least(listed, ({ work, lists }) => [
    work.interruptions,
    Number(lists !== base.lists),
    work.gracePeriodWaits,
    work.zoneLockPages,
  ])
  if (calm !== undefined && calm.work.interruptions < base.work.interruptions)
    return `${where}, ${interruptionFinding(base, calm, isolated)} ${trust}`
  const best = least(listed, ({ work }) => [work.zoneLockPages])
  const change =
    best === undefined ? undefined : share(best.work.zoneLockPages - base.work.zoneLockPages, base.work.zoneLockPages)
  if (best === undefined || change === undefined || change >= 0) {
    const rest =
      others.length === 1
        ? `${others[0]!.policy} moves no fewer pages`
        : `none of the ${others.length} other policies moves fewer pages`
    return `${where}, ${rest} under zone->lock than ${baseline}. ${trust}`
  }
  return `${where}, ${best.policy} moves ${percent(-change)} fewer pages under zone->lock than ${baseline} (${number(best.work.zoneLockPages)} against ${number(base.work.zoneLockPages)}). ${trust}`
}

const order = (runs: readonly PolicyRun[]): string[] => [...new Set(runs.map(({ policy }) => policy))]

/** Puts the runs of one or more captures into the comparison that reports are made from. */
export function composeComparison(
  captures: readonly ComparedCapture[],
  baseline: string,
  prices: readonly Prices[],
  version: string,
): Comparison {
  const runs = captures.flatMap((capture) => capture.runs.map((run) => measure(capture, run, prices)))
  const tally = new Map<string, Comparison['tally'][number]>()
  for (const { recording, script } of captures) {
    for (const entry of [...recording.tally, ...script.tally]) {
      const known = tally.get(entry.cause)
      if (known === undefined) tally.set(entry.cause, { ...entry })
      else known.count += entry.count
    }
  }
  const notes: string[] = []
  for (const { script, recording, runs: own } of captures) {
    if (script.requestsInferred)
      notes.push(
        `${recording.name}: drain_all_pages() was not traced, so drain mechanisms differ only by what local operations cost.`,
      )
    if (own.some(({ result }) => result.pagesAtEnd !== result.pagesExpected))
      notes.push(`${recording.name}: a replay lost count of pages; please report this.`)
    if (recording.machine.missing.length > 0)
      notes.push(`${recording.name}: the capture lacks ${recording.machine.missing.join(', ')}.`)
  }
  if (
    order(captures.flatMap(({ runs: own }) => own)).some(
      (policy) => policy.includes('linux-6.12') || policy.includes('linux-7.2'),
    )
  )
    notes.push(
      'The rules of 6.12 and 7.2 are replayed without decay by vmstat ticks and without ZONE_BELOW_HIGH: their lists are an upper bound.',
    )
  return {
    schema: 'kreplay.comparison/1',
    captures: captures.map(({ recording, script, isolated }) => ({
      name: recording.name,
      kernel: recording.machine.release?.text ?? 'unknown',
      format: recording.format,
      ...(recording.clock === undefined ? {} : { clock: recording.clock }),
      cpus: Array.from({ length: script.cpus }, (_, cpu) => cpu),
      isolated: [...isolated],
      spanNs: script.to - script.from,
      events: countByName(recording.events),
      losses: lossesOf(recording.events),
      tally: [...recording.tally],
      missing: [...recording.machine.missing],
      zones: script.zones.map(({ name, managed, pagesets }) => ({
        name,
        managed,
        batch: pagesets[0]?.batch ?? 0,
        high: pagesets[0]?.high ?? 0,
      })),
      recordedInterruptions: { ...script.recordedInterruptions },
    })),
    baseline,
    runs,
    fidelity: captures.map(({ fidelity }) => fidelity),
    tally: [...tally.values()],
    headline: captures
      .map((capture) =>
        headlineOf(
          capture,
          runs.filter((run) => run.capture === capture.recording.name),
          baseline,
        ),
      )
      .join(' '),
    notes,
    version,
  }
}
