import { Op } from './script.ts'
import type { Rows } from './script-columns.ts'

interface Request {
  readonly row: number
  readonly pid: number
  readonly from: number
  /** Works that it queued, and those of them that have not ended. */
  works: number
  open: number
  /** When its last work ended, and when its task was seen again. */
  done: number
  until: number
}

/**
 * Who held pcpu_drain_mutex when drains were works (before 6.0), as the recorded works show it. A request that queued nothing while
 * another held the mutex asked in vain; how long a request holds it, an emulator's scheduling sets.
 * Source: __drain_all_pages(), mm/page_alloc.c, v5.10.
 */
export class RecordedRequests {
  readonly #all: Request[] = []
  readonly #waiting = new Map<number, Request>()
  readonly #ofWork = new Map<bigint, Request>()

  asked(row: number, pid: number, time: number): void {
    const request = { row, pid, from: time, works: 0, open: 0, done: time, until: Number.POSITIVE_INFINITY }
    this.#all.push(request)
    this.#waiting.set(pid, request)
  }

  /** Returns the row of the request if this is its first work: it looked for CPUs with pages just before. */
  queued(pid: number, work: bigint): number | undefined {
    const request = this.#waiting.get(pid)
    if (request === undefined) return undefined
    request.works++
    request.open++
    this.#ofWork.set(work, request)
    return request.works === 1 ? request.row : undefined
  }

  ended(work: bigint, time: number): void {
    const request = this.#ofWork.get(work)
    if (request === undefined) return
    this.#ofWork.delete(work)
    if (--request.open === 0) request.done = time
  }

  /** The task does something else than queue works: it waits no more. */
  seen(pid: number, time: number): void {
    const request = this.#waiting.get(pid)
    if (request === undefined) return
    request.until = time
    this.#waiting.delete(pid)
  }

  get any(): boolean {
    return this.#waiting.size > 0
  }

  /** Marks the rows of requests that asked in vain. */
  mark(rows: Rows): void {
    const holders = this.#all.filter(({ works }) => works > 0)
    for (const { row, from, until, works } of this.#all) {
      if (works > 0 || rows.pfn[row] !== 0) continue
      const busy = holders.some((holder, at) => {
        const next = holders[at + 1]?.from ?? Number.POSITIVE_INFINITY
        const end = holder.open > 0 ? holder.until : Math.max(holder.done, Math.min(holder.until, next))
        return holder.from <= until && from <= end
      })
      if (busy) rows.op[row] = Op.requestSkipped
    }
  }
}
