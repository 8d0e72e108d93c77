import type { AcceptComparison, AcceptRun } from '#metrics/accept'
import { type KvfreeCheck, type KvfreeComparedRun, type KvfreeComparison, kvfreeCheck } from '#metrics/kvfree'
import { runsOn } from '../sections/common.ts'
import { type Matrix, type MatrixCell, type MatrixColumn, roleOf, trimmed } from './matrix.ts'

interface Question<R> {
  readonly column: MatrixColumn
  readonly of: (run: R) => number | undefined
}

/** A measure of kvfree runs, and by which figure the capture’s own record checks it. */
interface KvfreeQuestion extends Question<KvfreeComparedRun> {
  readonly check?: KvfreeCheck
}

const fewer = (column: Omit<MatrixColumn, 'better'>): MatrixColumn => ({ ...column, better: 'fewer' })

const kvfreeQuestions: readonly KvfreeQuestion[] = [
  {
    column: fewer({
      id: 'meanObjects',
      title: 'objects in flight, mean',
      short: 'in flight, mean',
      kind: 'count',
      help: 'Objects between kvfree_rcu() and their free, averaged over the trace.',
      section: 'footprint',
    }),
    of: ({ footprint }) => footprint.meanObjects,
    check: 'meanObjects',
  },
  {
    column: fewer({
      id: 'peakBytes',
      title: 'deferred memory, peak',
      short: 'deferred, peak',
      kind: 'bytes',
      help: 'Objects and pages of pointers that wait at once, at most.',
      section: 'footprint',
    }),
    of: ({ footprint }) => footprint.peakBytes,
    check: 'peakObjects',
  },
  {
    column: fewer({
      id: 'p50',
      title: 'reclaim latency, median',
      short: 'latency, median',
      kind: 'ns',
      help: 'From kvfree_rcu() to the free, for half of the objects.',
      section: 'latency',
    }),
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p50,
    check: 'latencyP50Ns',
  },
  {
    column: fewer({
      id: 'p99',
      title: 'reclaim latency, p99',
      short: 'latency, p99',
      kind: 'ns',
      help: 'From kvfree_rcu() to the free, for 99 % of the objects.',
      section: 'latency',
    }),
    of: ({ quantiles }) => quantiles.reclaimLatencyNs?.p99,
    check: 'latencyP99Ns',
  },
  {
    column: fewer({
      id: 'batches',
      title: 'batches',
      short: 'batches',
      kind: 'count',
      help: 'Batches that a worker freed after a grace period.',
      section: 'timeline',
    }),
    of: ({ work }) => work.batches,
  },
  {
    column: fewer({
      id: 'listFallbacks',
      title: 'objects on the emergency list',
      short: 'on the list',
      kind: 'count',
      help: 'Objects queued one by one because no page of pointers was left.',
      section: 'channels',
    }),
    of: ({ work }) => work.listFallbacks,
  },
  {
    column: fewer({
      id: 'pointerPages',
      title: 'pages of pointers allocated',
      short: 'pointer pages',
      kind: 'count',
      unit: 'pages',
      help: 'By the refill worker, by callers, and from the lists.',
      section: 'channels',
    }),
    of: ({ work }) => work.pagesByRefill + work.pagesByCaller + work.pagesByPcp,
  },
  {
    column: fewer({
      id: 'throttled',
      title: 'callers asleep',
      short: 'callers asleep',
      kind: 'count',
      help: 'Calls that slept since too much waited.',
      section: 'channels',
    }),
    of: ({ work }) => work.throttledCallers,
  },
]

/** A difference is settled if it exceeds the model error. */
function kvfreeCell(value: number | undefined, base: number | undefined, error: number | undefined): MatrixCell {
  if (value === undefined || base === undefined) return { value }
  if (error === undefined) return { value, baseline: base, verdict: 'unchecked', because: ['not recorded'] }
  const apart = value === base ? 0 : Math.abs(value - base) / Math.max(value, base)
  return { value, baseline: base, verdict: apart > error ? 'settled' : 'within-model-error', because: [] }
}

export function kvfreeMatrices(comparison: KvfreeComparison): Matrix[] {
  const { captures, fidelity, baseline } = comparison
  return captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    if (runs.length === 0) return []
    const own = fidelity.find(({ capture }) => capture === name)?.kvfree
    const base = runs.find(({ policy }) => policy === baseline)
    const checks = kvfreeQuestions.map((question) => question.check && kvfreeCheck(own, question.check))
    const errors = checks.map((found) => found?.error)
    // The peak of a record is in objects, a run’s in bytes: its relative error holds, its value has no place here.
    const recordedValue = (at: number) =>
      kvfreeQuestions[at]!.column.kind === 'bytes' ? undefined : checks[at]?.recorded
    return [
      trimmed({
        capture: name,
        zero: [],
        columns: kvfreeQuestions.map(({ column }, at) =>
          errors[at] === undefined ? column : { ...column, error: errors[at] },
        ),
        rows: [
          ...(checks.some((pair) => pair !== undefined)
            ? [
                {
                  name: 'recorded',
                  role: 'recorded',
                  cells: kvfreeQuestions.map((_, at) => ({ value: recordedValue(at) })),
                } as const,
              ]
            : []),
          ...runs.map((run) => ({
            name: run.policy,
            role: roleOf(run === base),
            cells: kvfreeQuestions.map(({ of }, at) =>
              run === base || base === undefined ? { value: of(run) } : kvfreeCell(of(run), of(base), errors[at]),
            ),
          })),
        ],
      }),
    ]
  })
}

const time = (id: string, title: string, short: string, help: string, section: string): MatrixColumn =>
  fewer({ id, title, short, help, section, kind: 'ns' })

const acceptQuestions: readonly Question<AcceptRun>[] = [
  {
    column: time('boot', 'accepting at boot', 'at boot', 'Time spent before the trace begins.', 'who-pays'),
    of: ({ costs }) => costs.bootNs,
  },
  {
    column: time(
      'addedMax',
      'longest added wait',
      'longest wait',
      'The most that accepting delays one allocation.',
      'who-pays',
    ),
    of: ({ costs }) => costs.addedNs.max,
  },
  {
    column: time('addedTotal', 'added waits, total', 'waits, total', 'Summed over all allocations.', 'who-pays'),
    of: ({ costs }) => costs.addedTotalNs,
  },
  {
    column: fewer({
      id: 'delayed',
      title: 'allocations delayed',
      short: 'delayed',
      kind: 'count',
      help: 'Allocations that accepted memory, looked at the bitmap or waited for a lock.',
      section: 'who-pays',
    }),
    of: ({ work }) => work.delayedAllocs,
  },
  {
    column: time(
      'lockWait',
      'lock waits',
      'lock waits',
      'Waits for zone->lock and the bitmap’s lock, all CPUs.',
      'waits',
    ),
    of: ({ costs }) => costs.lockWaitNs,
  },
  {
    column: time('irqsOff', 'longest with interrupts off', 'interrupts off', 'The longest on any CPU.', 'waits'),
    of: ({ costs }) => costs.longestIrqsOffNs,
  },
  {
    column: {
      id: 'accepted',
      title: 'memory accepted',
      short: 'accepted',
      kind: 'bytes',
      help: 'At boot or later.',
      section: 'over-time',
    },
    of: ({ work }) => work.acceptedPages * 4096,
  },
]

/** No trace records how memory is accepted, so nothing here is checked. */
export function acceptMatrices(comparison: AcceptComparison): Matrix[] {
  const { captures, baseline } = comparison
  return captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const base = runs.find(({ policy }) => policy === baseline)
    if (base === undefined) return []
    return [
      trimmed({
        capture: name,
        zero: [],
        columns: acceptQuestions.map(({ column }) => column),
        rows: runs.map((run) => ({
          name: run.policy,
          role: roleOf(run === base),
          cells: acceptQuestions.map(({ of }): MatrixCell => {
            const [value, from] = [of(run), of(base)]
            return run === base || value === undefined || from === undefined
              ? { value }
              : { value, baseline: from, verdict: 'unchecked', because: ['not recorded'] }
          }),
        })),
      }),
    ]
  })
}
