import type { Scenario } from '#events'
import { share } from '#kernel'
import { LEAST_FOR_PERCENTILES } from '#kernel/numbers'
import { freeCounts, type KvfreeRun, type KvfreeSeries, type Scene, type WorkloadRun } from '#replay'
import type { GpInterval } from '#sim'
import { composeHead, composeHeadline, type ReplayedCapture } from '../comparison-head.ts'
import { kvfreeHeadline } from './headline.ts'
import { rcuscaleOf } from './rcuscale.ts'
import type { KvfreeComparedRun, KvfreeComparison } from './schema.ts'
import { kvfreeRecordedRow, kvfreeVerdicts } from './verdicts.ts'

/** Batches and grace periods that a chart shows; totals are in `work`. */
const SHOWN = 2000
/** Of workloads these are taken from so long before the middle of the run until so long after it. */
const WINDOW_NS = 100e6

const mean = (values: Float64Array): number =>
  share(
    values.reduce((a, b) => a + b, 0),
    values.length,
  ) ?? 0

/** Grace periods after whose end, and before the next one's, a batch began to be freed. */
function gracePeriodsUsed(intervals: readonly GpInterval[], batches: readonly { begun: number }[]): number {
  const begun = batches.map((batch) => batch.begun).sort((a, b) => a - b)
  const ends = intervals.flatMap(({ end }) => end ?? []).sort((a, b) => a - b)
  let at = 0
  let used = 0
  for (const [index, end] of ends.entries()) {
    while (at < begun.length && begun[at]! < end) at++
    if (at < begun.length && begun[at]! < (ends[index + 1] ?? Number.POSITIVE_INFINITY)) used++
  }
  return used
}

/** While calls came: what is left behind afterwards is counted apart. */
function meanBytes({ t, bytes }: KvfreeSeries, lastCall: number): { meanBytes?: number } {
  const busy = bytes.slice(0, t.findLastIndex((time) => time <= lastCall) + 1)
  return busy.length === 0 ? {} : { meanBytes: mean(busy) }
}

/** One policy's run as plain data. `capture`: the name of what drove it. */
export function measureKvfree(capture: string, { policy, params, result, gracePeriods }: KvfreeRun): KvfreeComparedRun {
  const { ledger, series, counts, works, batches, sleepers, lastCall } = result
  const { latencies } = ledger
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((quantile) => latencies.quantile(quantile))
  const spanNs = (series.t.at(-1) ?? 0) - (series.t[0] ?? 0)
  // Little's law: mean number ÷ rate of arrival.
  const waitOf = (column: Float64Array): number => share(mean(column) * spanNs, ledger.enqueued) ?? 0
  const bytesAfter = (ns: number): number | undefined => {
    const step = series.t.findIndex((time) => time >= lastCall + ns)
    return step < 0 ? undefined : series.bytes[step]
  }
  const after = Object.entries({ ms100: bytesAfter(0.1e9), s1: bytesAfter(1e9), s5: bytesAfter(5e9) })
  return {
    capture,
    policy,
    params: { ...params },
    work: {
      ...counts,
      enqueued: ledger.enqueued,
      freed: ledger.freed,
      inFlightAtEnd: ledger.inFlight,
      bulkFrees: freeCounts(ledger.frees).bulkFrees,
      monitorRuns: works.monitor,
      batchRuns: works.batch,
      refillRuns: works.refill,
      callbacks: result.callbacks,
      gracePeriods: gracePeriods.filter(({ expedited }) => !expedited).length,
      gracePeriodsUsed: gracePeriodsUsed(gracePeriods, batches),
      workersAsleepPeak: sleepers.peak,
      workersAsleepNs: sleepers.ns,
    },
    footprint: {
      ...meanBytes(series, lastCall),
      meanObjects: mean(series.collected) + mean(series.waiting) + mean(series.freeing),
      peakObjects: ledger.peakObjects,
      peakBytes: ledger.peakBytes,
      afterLastCall: Object.fromEntries(after.filter(([, bytes]) => bytes !== undefined)),
    },
    meanWaitNs: {
      collected: waitOf(series.collected),
      waiting: waitOf(series.waiting),
      freeing: waitOf(series.freeing),
    },
    quantiles:
      latencies.count < LEAST_FOR_PERCENTILES || p50 === undefined || p90 === undefined || p99 === undefined
        ? {}
        : { reclaimLatencyNs: { p50, p90, p99, max: latencies.max } },
    series: {
      t: [...series.t],
      collected: [...series.collected],
      waiting: [...series.waiting],
      freeing: [...series.freeing],
      bytes: [...series.bytes],
    },
    latency: latencies.classes(),
    batches: batches.slice(0, SHOWN).map((batch) => ({ ...batch })),
    cpus: ledger.byCpu.flatMap(([slab = 0, vmalloc = 0, list = 0, sheaf = 0, callback = 0, inline = 0], cpu) => [
      { cpu, slab, vmalloc, list, sheaf, callback, inline },
    ]),
    gracePeriods: gracePeriods
      .slice(0, SHOWN)
      .map(({ start, end, expedited }) => ({ start, ...(end === undefined ? {} : { end }), expedited })),
  }
}

/** The quiet time that a workload is watched for afterwards is no part of it. */
function meanObjectsUntil(lastCall: number, { t, collected, waiting, freeing }: KvfreeComparedRun['series']): number {
  const steps = t.findLastIndex((time) => time <= lastCall) + 1
  return mean(Float64Array.from({ length: steps }, (_, at) => collected[at]! + waiting[at]! + freeing[at]!))
}

/** The same of a workload, with what only the machine model knows. */
export function measureWorkload(
  capture: string,
  { policy, params }: Pick<KvfreeRun, 'policy' | 'params'>,
  { rcuscale }: Scene,
  run: WorkloadRun,
): KvfreeComparedRun {
  const { machine, flows, footprint, lastCall } = run
  const { intervals } = run.gracePeriods
  const spans = machine.spans.all.flatMap(({ done, begun, ...span }) =>
    done === undefined || begun === undefined ? [] : [{ ...span, begun, freed: done }],
  )
  const result = { ...run.result, series: footprint.series, lastCall, batches: spans }
  const begun = { recorded: 0, generated: 0 }
  const measured = measureKvfree(capture, { policy, params, result, gracePeriods: intervals, begun })
  const middle = lastCall / 2
  const about = ({ begun, freed, queued }: (typeof spans)[number]) =>
    freed > middle - WINDOW_NS && Math.min(queued, begun) < middle + WINDOW_NS
  const [ms100, s1, s5] = machine.after.map(({ bytes }) => bytes)
  const after = Object.entries({ ms100, s1, s5 }).filter(([, bytes]) => bytes !== undefined)
  return {
    ...measured,
    work: {
      ...measured.work,
      throttledCallers: measured.work.throttledCallers + flows.reclaims,
      throttledNs: measured.work.throttledNs + flows.reclaimNs,
      workersAsleepPeak: machine.asleepPeak,
      workersAsleepNs: machine.asleepNs,
      contextSwitches: machine.contextSwitches,
      stolenNs: machine.stolenNs,
    },
    footprint: {
      ...measured.footprint,
      meanObjects: meanObjectsUntil(lastCall, measured.series),
      afterLastCall: Object.fromEntries(after),
    },
    batches: spans.filter(about).slice(0, SHOWN),
    gracePeriods: intervals
      .filter(({ start, end = start }) => end > middle - WINDOW_NS && start < middle + WINDOW_NS)
      .map(({ start, end, expedited }) => ({ start, ...(end === undefined ? {} : { end }), expedited })),
    ...(rcuscale === undefined ? {} : { rcuscale: rcuscaleOf(run, rcuscale.loops) }),
  }
}

export interface KvfreeCapture extends ReplayedCapture {
  readonly runs: readonly KvfreeComparedRun[]
  /** What a reader must know of how the runs were made. */
  readonly notes: readonly string[]
}

export function composeKvfree(captures: readonly KvfreeCapture[], baseline: string, version: string): KvfreeComparison {
  const runs = captures.flatMap((capture) => capture.runs)
  const rows = captures.map(({ recording: { name, scenario }, fidelity }) =>
    scenario === undefined ? kvfreeRecordedRow(name, fidelity?.kvfree) : undefined,
  )
  const recorded = rows.flatMap((row) => row ?? [])
  return {
    family: 'kvfree',
    ...composeHead(captures, baseline, version),
    workloads: captures.flatMap(({ recording: { name, scenario } }) =>
      scenario === undefined ? [] : [{ capture: name, ...plain(scenario) }],
    ),
    runs,
    recorded,
    modelError: kvfreeVerdicts.largestErrors(recorded),
    differences: captures.flatMap((capture, at) => kvfreeVerdicts.differences(capture.runs, baseline, rows[at])),
    headline: composeHeadline(captures, ({ recording: { name, scenario }, fidelity }) =>
      kvfreeHeadline(
        name,
        runs.filter(({ capture }) => capture === name),
        baseline,
        fidelity?.kvfree,
        scenario !== undefined,
      ),
    ),
    notes: captures.flatMap(({ recording, notes }) => notes.map((note) => `${recording.name}: ${note}`)),
  }
}

const plain = ({ workload, params, seed }: Scenario) => ({ workload, params: { ...params }, seed })
