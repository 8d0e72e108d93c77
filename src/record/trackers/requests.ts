import { type Events, Kind } from '#events'
import { isInterrupt } from './drain-tasks.ts'

/** What came of a call of drain_all_pages(). */
export const Outcome = { drained: 0, waited: 1, skipped: 2 } as const

interface Request {
  readonly slot: number
  readonly pid: number
  readonly from: number
  /** Works that it queued, and those of them that have not ended. */
  works: number
  open: number
  /** When its last work ended, and when its task was seen again. */
  done: number
  until: number
}

export interface RequestOutcomes {
  /** By slot of drain_all_pages. */
  readonly of: Uint8Array
  /** Slot of workqueue_queue_work → slot of the request whose first work it is: it looked for CPUs with pages just before. */
  readonly startedBy: ReadonlyMap<number, number>
  /** Requests that queued works: when each was made, and how long it held pcpu_drain_mutex at least; ns. */
  readonly holds: { readonly asked: readonly number[]; readonly held: readonly number[] }
}

/**
 * Who held pcpu_drain_mutex when drains were works (before 6.0), as the recorded works show it. A request that queued nothing while
 * another held the mutex was skipped; how long a request holds it depends on the machine's scheduling.
 * Source: __drain_all_pages(), mm/page_alloc.c, v5.10.
 */
export function requestOutcomes(
  events: Events,
  drainWork: number,
  namesZone: (slot: number) => boolean,
): RequestOutcomes {
  const { tables } = events
  const asked = tables.drain_all_pages.column.zone.data
  const queue = tables.workqueue_queue_work.column
  const ended = tables.workqueue_execute_end.column.work.data
  const all: Request[] = []
  const waiting = new Map<number, Request>()
  const ofWork = new Map<bigint, Request>()
  const of = new Uint8Array(asked.length)
  const startedBy = new Map<number, number>()

  for (let at = 0; asked.length > 0 && at < events.length; at++) {
    const kind = events.kind[at]!
    const pid = events.pid[at]!
    const time = events.time[at]!
    const slot = events.slot[at]!
    if (waiting.size > 0 && kind !== Kind.workqueue_queue_work && !isInterrupt(events, at)) seen(pid, time)
    if (kind === Kind.drain_all_pages) {
      const request = { slot, pid, from: time, works: 0, open: 0, done: time, until: Number.POSITIVE_INFINITY }
      all.push(request)
      waiting.set(pid, request)
    } else if (kind === Kind.workqueue_queue_work && queue.function.data[slot] === drainWork) {
      const request = waiting.get(pid)
      if (request !== undefined) queued(request, slot)
    } else if (kind === Kind.workqueue_execute_end) end(ended[slot]!, time)
  }
  for (const request of all) if (isSkipped(request)) of[request.slot] = Outcome.skipped
  return { of, startedBy, holds: holdsOf(all, of) }

  /** The task does something else than queue works: it waits no more. */
  function seen(pid: number, time: number): void {
    const request = waiting.get(pid)
    if (request === undefined) return
    request.until = time
    waiting.delete(pid)
  }

  function queued(request: Request, slot: number): void {
    request.open++
    ofWork.set(queue.work.data[slot]!, request)
    if (request.works++ > 0) return
    of[request.slot] = Outcome.waited
    startedBy.set(slot, request.slot)
  }

  function end(work: bigint, time: number): void {
    const request = ofWork.get(work)
    if (request === undefined) return
    ofWork.delete(work)
    if (--request.open === 0) request.done = time
  }

  /** Only a request for all zones looks at the mutex and gives up. */
  function isSkipped({ slot, from, until, works }: Request): boolean {
    if (works > 0 || namesZone(slot)) return false
    const holders = all.filter((other) => other.works > 0)
    return holders.some((holder, at) => {
      const next = holders[at + 1]?.from ?? Number.POSITIVE_INFINITY
      const released = holder.open > 0 ? holder.until : Math.max(holder.done, Math.min(holder.until, next))
      return holder.from <= until && from <= released
    })
  }
}

/** A request holds the mutex at least as long as others are skipped because of it. */
function holdsOf(all: readonly Request[], of: Uint8Array): RequestOutcomes['holds'] {
  const skipped = all.filter(({ slot }) => of[slot] === Outcome.skipped).map(({ from }) => from)
  const holders = all.filter(({ works, open }) => works > 0 && open === 0)
  return {
    asked: holders.map(({ from }) => from),
    held: holders.map(({ from, done, until }, at) => {
      const end = Math.min(until, holders[at + 1]?.from ?? Number.POSITIVE_INFINITY)
      const last = skipped.findLast((moment) => moment >= from && moment <= end) ?? 0
      return Math.max(done, last + 1) - from
    }),
  }
}
