import { type Events, Kind } from '#events'
import { ABSENT_PID } from '#events/columns'
import type { Ns } from '#kernel'
import { percentiles, quantile } from '#kernel/numbers'
import type { ComparisonHead } from './head.ts'

export type RecordedDrains = NonNullable<ComparisonHead['captures'][number]['recordedDrains']>

interface Request {
  readonly asked: Ns
  open: number
  /** When the last of its work items ended. */
  ended?: Ns
}

/**
 * How long each drain_all_pages() waited on the recorded machine, where drains are work items (before 6.0): from the call to the
 * end of the last item that its task queued. Undefined where the calls or the items were not traced.
 */
export function recordedDrainsOf(events: Events): RecordedDrains | undefined {
  const { time, pid, kind, slot, tables, strings } = events
  const drainWork = strings.find('drain_local_pages_wq')
  if (tables.drain_all_pages.length === 0 || drainWork === undefined) return undefined
  let requests = 0
  const queued = tables.workqueue_queue_work.column
  const ended = tables.workqueue_execute_end.column
  const latest = new Map<number, Request>()
  const ofWork = new Map<bigint, Request>()
  const withWork = new Set<Request>()
  for (let row = 0; row < events.length; row++) {
    if (kind[row] === Kind.drain_all_pages) {
      requests++
      if (pid[row] !== ABSENT_PID) latest.set(pid[row]!, { asked: time[row]!, open: 0 })
    } else if (kind[row] === Kind.workqueue_queue_work) {
      const request = latest.get(pid[row]!)
      if (queued.function.data[slot[row]!] !== drainWork || request === undefined) continue
      request.open++
      withWork.add(request)
      ofWork.set(queued.work.data[slot[row]!] as bigint, request)
    } else if (kind[row] === Kind.workqueue_execute_end) {
      const work = ended.work.data[slot[row]!] as bigint
      const request = ofWork.get(work)
      if (request === undefined) continue
      ofWork.delete(work)
      request.open--
      request.ended = time[row]!
    }
  }
  if (withWork.size === 0) return undefined
  const waits = [...withWork]
    .flatMap(({ asked, open, ended }) => (open === 0 && ended !== undefined ? [ended - asked] : []))
    .sort((a, b) => a - b)
  const mean = waits.reduce((sum, ns) => sum + ns, 0) / waits.length
  return {
    requests,
    withWork: withWork.size,
    ...(waits.length === 0
      ? {}
      : {
          waits: {
            count: waits.length,
            mean: Math.round(mean),
            ...percentiles(waits.length, () => ({ p50: quantile(waits, 0.5)!, p99: quantile(waits, 0.99)! })),
            max: waits.at(-1)!,
          },
        }),
  }
}
