import { type Recording, withStandIns } from '#events'
import { share } from '#kernel'
import {
  type Delays,
  delaysOf,
  type Frees,
  freeCounts,
  type KvfreeRecord,
  kvfreeRecord,
  ownKvfree,
  pagesAtStart,
  replayKvfree,
} from '#replay'
import type { KvfreeAgreement, KvfreeFidelity } from './fidelity-schema.ts'
import { callTimes, fifoLatencies, footprintOf } from './scores.ts'

function agreementOf(record: KvfreeRecord, calls: Float64Array, predicted: Frees): KvfreeAgreement {
  const { frees, start, end } = record
  const [was, is] = [freeCounts(frees), freeCounts(predicted)]
  const held = { recorded: footprintOf(calls, frees, start, end), predicted: footprintOf(calls, predicted, start, end) }
  const error = (of: 'mean' | 'peak') => share(held.predicted[of] - held.recorded[of], held.recorded[of]) ?? 0
  const [wasWait, isWait] = [fifoLatencies(calls, frees), fifoLatencies(calls, predicted)]
  const pair = (of: keyof typeof was) => ({ recorded: was[of], predicted: is[of] })
  const [wasList, isList] = [was, is].map((one) => share(one.listFrees, one.listFrees + one.bulkObjects))
  return {
    bulkFrees: pair('bulkFrees'),
    bulkObjects: pair('bulkObjects'),
    listFrees: pair('listFrees'),
    ...(wasList === undefined || isList === undefined ? {} : { listShare: { recorded: wasList, predicted: isList } }),
    footprint: { meanError: error('mean'), peakError: error('peak'), ...held },
    ...(wasWait === undefined || isWait === undefined
      ? {}
      : { reclaimLatencyNs: { recorded: wasWait, predicted: isWait } }),
  }
}

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : share(Math.min(a, b), Math.max(a, b))

function scoresOf({ bulkFrees, bulkObjects, footprint, reclaimLatencyNs: waits }: KvfreeAgreement) {
  const scores = {
    bulkFrees: ratio(bulkFrees.recorded, bulkFrees.predicted),
    bulkObjects: ratio(bulkObjects.recorded, bulkObjects.predicted),
    meanFootprint: ratio(footprint.recorded.mean, footprint.predicted.mean),
    peakFootprint: ratio(footprint.recorded.peak, footprint.predicted.peak),
    latencyP50: ratio(waits?.recorded.p50, waits?.predicted.p50),
    latencyP99: ratio(waits?.recorded.p99, waits?.predicted.p99),
  }
  return Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== undefined))
}

/**
 * Whether a trace holds enough of kvfree_rcu() to replay it: grace periods, or the works that waited for them; and calls, or the callbacks and frees
 * that prove them.
 */
export function hasKvfree(recording: Recording): boolean {
  const { tables } = withStandIns(recording.events)
  const calls = tables.kvfree_call_rcu.length > 0
  const batches = tables.rcu_callback.length > 0 && tables.workqueue_queue_work.length > 0
  if (tables.rcu_grace_period.length === 0) return calls && batches && tables.rcu_probe.length > 0
  return calls || (tables.rcu_callback.length > 0 && tables.rcu_invoke_kfree_bulk_callback.length > 0)
}

/** Where each part of the record comes from. */
function evidenceOf({ events }: Recording, record: KvfreeRecord): KvfreeFidelity['evidence'] {
  const { tables } = events
  const from = (...names: (keyof typeof tables)[]) =>
    names.some((name) => tables[name].length > 0) ? ('tracepoints' as const) : ('probes' as const)
  return {
    gracePeriods: record.periodsInferred ? 'inferred' : from('rcu_grace_period'),
    calls: record.calls.inferred ? 'inferred' : 'probes',
    callbacks: from('rcu_callback', 'rcu_invoke_callback'),
    frees: from('rcu_invoke_kfree_bulk_callback', 'rcu_invoke_kvfree_callback', 'rcu_invoke_callback'),
  }
}

/**
 * How exactly kreplay reproduces what the recording kernel freed by kvfree_rcu(). `own`: its policy, or a variant of it. `delays`: of what-ifs.
 */
export function kvfreeFidelity(
  recording: Recording,
  own = ownKvfree(recording.machine),
  delays: (record: KvfreeRecord) => Delays = (record) => delaysOf(record),
): KvfreeFidelity {
  const record = kvfreeRecord(recording)
  const calls = callTimes(record.calls)
  const start = pagesAtStart(record, own)
  const run = replayKvfree(record, own, { works: 'recorded', pagesAtStart: start })
  const best = agreementOf(record, calls, run.result.ledger.frees)
  const bare = replayKvfree(record, own, { works: 'recorded' })
  const after = (late: Delays) =>
    agreementOf(
      record,
      calls,
      replayKvfree(record, own, { works: 'generated', pagesAtStart: start, delays: late }).result.ledger.frees,
    )
  return {
    policy: own.id,
    enqueued: record.calls.count,
    ...best,
    callsInferred: record.calls.inferred,
    evidence: evidenceOf(recording, record),
    begun: { ...run.begun },
    pagesAtStart: start,
    withoutStart: agreementOf(record, calls, bare.result.ledger.frees),
    generatedDelays: after(delays(record)),
    leftOut: after(delaysOf(record, { crossed: true })),
    scores: scoresOf(best),
  }
}
