import { type Recording, withStandIns } from '#events'
import type { Cpu, Machine, Ns } from '#kernel'
import { factsOf } from '#kernel/releases'
import { choosePolicy, type PolicyChoice } from '#policies'
import { type AnyKvfreePolicy, kvfreePolicies } from '#policies/kvfree'
import { type GpInterval, RecordedGracePeriods } from '#sim'
import { ColumnArrivals } from './columns.ts'
import { constantDelays, DelayedExecutor, type Delays } from './delays.ts'
import { KvfreeEngine, type KvfreeResult, type Outside } from './engine.ts'
import type { Frees } from './ledger.ts'
import { measuredDelays } from './measured-delays.ts'
import { type RecordedCalls, recordedCalls } from './recorded-calls.ts'
import { RecordedExecutor } from './recorded-executor.ts'
import { recordedFrees, withoutEarlier } from './recorded-frees.ts'
import { gracePeriodsOf, inferredGracePeriods } from './recorded-grace-periods.ts'
import { recordedLists } from './recorded-lists.ts'
import { recordedOutside } from './recorded-outside.ts'
import { type CallbackRun, recordedCallbacks, recordedWorks, type WorkRun } from './recorded-works.ts'

/** What a trace tells of kvfree_rcu(): calls and grace periods drive replays, the rest is what they are compared with. */
export interface KvfreeRecord {
  readonly cpus: number
  readonly hz: number
  readonly start: number
  readonly end: number
  readonly calls: RecordedCalls
  readonly gracePeriods: ReturnType<typeof gracePeriodsOf>
  /** No grace period was recorded: they follow from the batches that waited for them. */
  readonly periodsInferred: boolean
  readonly works: readonly WorkRun[]
  readonly sheaves: readonly CallbackRun[]
  /** Calls whose object went to a list, by CPU. */
  readonly lists: ReadonlyMap<Cpu, readonly Ns[]>
  readonly frees: Frees
  /** Barriers and runs of the shrinker that were traced. */
  readonly outside: readonly Outside[]
}

/** Calls of kvfree_rcu(), grace periods, works and what was freed, as a recording shows them. Empty columns where none were traced. */
export function kvfreeRecord(recording: Recording): KvfreeRecord {
  const { machine } = recording
  const events = withStandIns(recording.events)
  const calls = recordedCalls({ ...recording, events })
  const sheaves = recordedCallbacks(events, 'rcu_free_sheaf')
  const works = recordedWorks(events)
  const periodsInferred = events.tables.rcu_grace_period.length === 0
  return {
    cpus: calls.cpus.length,
    hz: machine.hz,
    start: events.time[0] ?? 0,
    end: events.time.at(-1) ?? 0,
    calls,
    gracePeriods: periodsInferred ? inferredGracePeriods(works) : gracePeriodsOf(events),
    periodsInferred,
    works,
    lists: recordedLists(events),
    sheaves,
    frees: withoutEarlier(calls, recordedFrees(events, calls, sheaves)),
    outside: recordedOutside(events, calls.kinds),
  }
}

/**
 * Delays where nothing is recorded: a callback waits for its CPU's tick before and after its grace period (the mean is half a jiffy),
 * a worker wakes in some microseconds. The costs of freeing are those of a traced, emulated kernel; only their ratio matters where
 * the end of the work is recorded.
 */
export const usualDelays = (hz: number): Delays =>
  constantDelays({ work: 20e3, callback: 0.5e9 / hz, accelerate: 0.5e9 / hz, bulkFree: 30, listFree: 700 })

/**
 * Delays that the record itself shows. `crossed`: each is learnt from every second one that is recorded and used where the others were, so that
 * nothing is scored on what it was learnt from.
 */
export const delaysOf = (record: KvfreeRecord, { crossed = false } = {}): Delays =>
  measuredDelays(
    record.works,
    record.lists,
    [
      ...record.sheaves,
      ...record.works.flatMap(({ item, detached, queued }) =>
        detached === undefined || queued === undefined ? [] : [{ cpu: item.cpu, queued: detached, invoked: queued }],
      ),
    ],
    record.gracePeriods.intervals,
    { bulkFree: undefined, listFree: undefined },
    usualDelays(record.hz),
    crossed,
  )

/** Lists of a machine with 688 MiB or more, as 5.10 sizes them; captures of kvfree_rcu() record no page. */
const PAGE_LISTS = { pcpHigh: 378, pcpBatch: 63 }

/** The recording kernel's own policy. */
export const ownKvfree = ({ release }: Machine): PolicyChoice<AnyKvfreePolicy> =>
  choosePolicy('kvfree', kvfreePolicies, factsOf(release).kvfree)

/** rcu_min_cached_objs, where a policy has no such parameter. */
const CACHED_PAGES = 5

/**
 * Spare pages that each CPU must have begun with, which no trace says. The first call that found no page proves it: as many as bring the replay's
 * first to the same call. Else what the recorded first batch of a CPU freed and its own policy's replay with none did not.
 */
export function pagesAtStart(record: KvfreeRecord, own: PolicyChoice<AnyKvfreePolicy>): number[] {
  const { cachedPages = CACHED_PAGES } = own.params
  const results: KvfreeResult[] = []
  const withPages = (pages: number): KvfreeResult =>
    (results[pages] ??= replayKvfree(record, own, {
      works: 'recorded',
      pagesAtStart: new Array<number>(record.cpus).fill(pages),
    }).result)
  return Array.from({ length: record.cpus }, (_, cpu) => {
    const firstListed = record.lists.get(cpu)?.[0]
    if (firstListed !== undefined)
      for (let pages = 0; pages <= Number(cachedPages); pages++)
        if ((withPages(pages).firstList[cpu] ?? Number.POSITIVE_INFINITY) >= firstListed) return pages
    const recorded = record.works.find(({ item }) => item.kind === 'batch' && item.cpu === cpu)?.bulkFrees ?? 0
    return Math.max(0, recorded - (withPages(0).firstBatch[cpu] ?? recorded))
  })
}

export interface KvfreeOptions {
  /** Whether recorded work items and callbacks set when the policy's own begin and end. */
  readonly works: 'recorded' | 'generated'
  readonly steps?: number
  readonly delays?: Delays
  readonly pagesAtStart?: readonly number[]
}

export interface KvfreeRun {
  readonly policy: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  readonly result: KvfreeResult
  readonly gracePeriods: readonly GpInterval[]
  /** Work items and callbacks begun as recorded, and after a generated delay. */
  readonly begun: { readonly recorded: number; readonly generated: number }
}

/**
 * The recorded calls under another batching rule. `works`: start works and callbacks when the record did; else after `delays`. A pure
 * function of its arguments.
 */
export function replayKvfree(
  record: KvfreeRecord,
  { id, policy, params }: PolicyChoice<AnyKvfreePolicy>,
  { works, steps = 0, delays = delaysOf(record), pagesAtStart = [] }: KvfreeOptions,
): KvfreeRun {
  const gracePeriods = new RecordedGracePeriods(record.gracePeriods)
  let begun = { recorded: 0, generated: 0 }
  const engine = new KvfreeEngine(
    {
      ...record,
      steps,
      pagesAtStart,
      sheafAtStart: (cpu, cache) => {
        const { sheaf, firstSheaf } = record.calls.kinds[cache] ?? {}
        const first = firstSheaf?.[cpu]
        return sheaf === undefined || first === undefined ? 0 : Math.max(0, sheaf - first)
      },
      arrivals: new ColumnArrivals(record.calls.cpus, record.calls.kinds),
      gracePeriods,
      pageLists: PAGE_LISTS,
      executor: (clock) => {
        if (works === 'generated') return new DelayedExecutor(clock, delays)
        const executor = new RecordedExecutor(clock, delays, record.works, record.sheaves)
        begun = executor.matched
        return executor
      },
    },
    policy,
    params,
  )
  return { policy: id, params, result: engine.run(), gracePeriods: gracePeriods.intervals, begun }
}
