import { ABSENT } from '#events/columns'
import type { Context } from '../context.ts'
import type { RowWriter } from '../row-writer.ts'
import { Op } from '../script.ts'
import type { BlockTypes } from './block-types.ts'
import { DrainTasks, RECLAIMED, REQUESTING } from './drain-tasks.ts'
import type { PageTracker } from './pages.ts'
import { Outcome, type RequestOutcomes, requestOutcomes } from './requests.ts'

/** Work items that drained a CPU's lists, in order of when they started. */
interface DrainWorks {
  readonly cpu: number[]
  /** ns */
  readonly queued: number[]
  /** From queueing to running; ns. */
  readonly delay: number[]
  readonly holds: RequestOutcomes['holds']
}

/** Drained pages, whose they are, and the requests to drain. */
export class DrainTracker {
  /** Rows of bulk frees whose task was seen next on another CPU. */
  readonly moved: number[] = []
  /** `drain_local_pages_wq` items queued, by CPU. */
  readonly interruptions: Record<string, number> = {}
  readonly works: DrainWorks
  /** Work items on their way: address → CPU and when it was queued. */
  readonly #onTheirWay = new Map<bigint, { readonly cpu: number; readonly time: number }>()
  readonly #context: Context
  readonly #writer: RowWriter
  readonly #types: BlockTypes
  readonly #pages: PageTracker
  readonly #tasks = new DrainTasks()
  readonly #outcomes: RequestOutcomes | undefined
  readonly #drain
  readonly #asked: BigUint64Array
  readonly #queue
  readonly #started: Uint32Array
  readonly #startedWork: BigUint64Array
  /** Number of the drain work's function in the trace's dictionary; an absent one matches nothing. */
  readonly #drainWork: number

  constructor(context: Context, writer: RowWriter, types: BlockTypes, pages: PageTracker) {
    const { events, traits } = context
    this.#context = context
    this.#writer = writer
    this.#types = types
    this.#pages = pages
    this.#drain = events.tables.mm_page_pcpu_drain.column
    this.#asked = events.tables.drain_all_pages.column.zone.data
    this.#queue = events.tables.workqueue_queue_work.column
    this.#started = events.tables.workqueue_execute_start.column.function.data
    this.#startedWork = events.tables.workqueue_execute_start.column.work.data
    this.#drainWork = events.strings.find('drain_local_pages_wq') ?? -1
    if (!traits.remoteDrains)
      this.#outcomes = requestOutcomes(events, this.#drainWork, (slot) => this.#zoneAsked(slot) !== 0)
    this.works = { cpu: [], queued: [], delay: [], holds: this.#outcomes?.holds ?? { asked: [], held: [] } }
  }

  /** The task at hand does something else than draining. */
  otherEvent(cpu: number): void {
    const { rows, task } = this.#writer
    const left = this.#tasks.acts(task, cpu)
    if (left !== undefined) this.moved.push(rows.op[left] === Op.bulkFreeResumed ? rows.pfn[left]! : left)
  }

  page(slot: number, time: number, cpu: number): void {
    const { index, tally } = this.#context
    const writer = this.#writer
    const pfn = this.#drain.pfn.data[slot]!
    const order = this.#drain.order.data[slot]!
    const type = this.#drain.migratetype.data[slot]!
    const zone = index.zone(pfn)
    if (zone < 0) {
      tally.count('outside-zones')
      return
    }
    this.#types.shown(pfn, zone, type)
    this.#pages.left(pfn, zone)
    let doing = this.#tasks.doing(writer.task, cpu)
    if (doing === RECLAIMED) {
      // Direct reclaim that still found no page asks for a drain; its call is inlined, so no probe sees it.
      writer.add(time, Op.drainRequest, cpu)
      tally.count('inferred-requests')
      doing = REQUESTING
      this.#tasks.begins(writer.task, cpu, doing)
    }
    if (doing === REQUESTING) {
      // A page of a refill whose first page is not announced yet.
      for (const other of writer.refillingCpus(pfn)) writer.add(time, Op.none, other, zone)
      writer.add(time, Op.remotePage, cpu, zone, pfn, order, type)
      return
    }
    if (doing === undefined || doing !== writer.lastRow(cpu)) this.#begin(time, cpu, zone, doing)
    writer.drained(cpu, zone, pfn, order, type)
  }

  /** A bulk free that was preempted goes on; else, if something else ran here last, nothing that was seen explains it. */
  #begin(time: number, cpu: number, zone: number, doing: number | undefined): void {
    const { rows, task } = this.#writer
    if (doing !== undefined) {
      const first = rows.op[doing] === Op.bulkFreeResumed ? rows.pfn[doing]! : doing
      this.#writer.add(time, Op.bulkFreeResumed, cpu, zone, first)
    } else if (!this.#writer.lastRowIsOurs(cpu)) this.#writer.add(time, Op.none, cpu, zone)
    this.#tasks.begins(task, cpu, this.#writer.lastRow(cpu))
  }

  /** What the task at hand drains next is of this tick. */
  tickBegins(row: number, cpu: number): void {
    this.#tasks.begins(this.#writer.task, cpu, row)
  }

  reclaimEnds(cpu: number): void {
    if (this.#context.traits.remoteDrains) this.#tasks.begins(this.#writer.task, cpu, RECLAIMED)
  }

  /** 1 + index of the zone that the request names; 0: all. One zone asked for is the only one there is, or unknown: a pointer names none. */
  #zoneAsked(slot: number): number {
    const zone = this.#asked[slot]!
    return zone === 0n || zone === ABSENT.u64 || this.#context.zones.length > 1 ? 0 : 1
  }

  request(slot: number, time: number, cpu: number): void {
    const outcome = this.#outcomes?.of[slot] ?? Outcome.drained
    const op =
      outcome === Outcome.waited ? Op.requestWaited : outcome === Outcome.skipped ? Op.requestSkipped : Op.drainRequest
    this.#writer.add(time, op, cpu, 0, this.#zoneAsked(slot))
    if (this.#context.traits.remoteDrains) this.#tasks.begins(this.#writer.task, cpu, REQUESTING)
  }

  workQueued(slot: number, time: number, cpu: number): void {
    if (this.#queue.function.data[slot] !== this.#drainWork) return
    const target = this.#queue.poolCpu.data[slot]!
    this.interruptions[target] = (this.interruptions[target] ?? 0) + 1
    this.#onTheirWay.set(this.#queue.work.data[slot]!, { cpu: target, time })
    const request = this.#outcomes?.startedBy.get(slot)
    if (request !== undefined) this.#writer.add(time, Op.requestStarted, cpu, 0, this.#zoneAsked(request))
  }

  workStarts(slot: number, time: number, cpu: number): void {
    if (this.#started[slot] !== this.#drainWork) return
    this.#writer.add(time, Op.drainWork, cpu)
    const work = this.#startedWork[slot]!
    const queued = this.#onTheirWay.get(work)
    if (queued === undefined) return
    this.#onTheirWay.delete(work)
    this.works.cpu.push(queued.cpu)
    this.works.queued.push(queued.time)
    this.works.delay.push(time - queued.time)
  }
}
