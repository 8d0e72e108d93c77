import { EventBuilder, type Events, Kind, type KindName } from '#events'
import { ABSENT } from '#events/columns'
import type { Task } from '#events/demand'
import type { Cpu, Ns, Order, Traits } from '#kernel'

import type { Fallback } from '#sim'

/** What recorded events run under: `context` of the spine, nothing set. */
const PLAIN = 0

/** Functions of the work items that the page lists know. */
export type Work = 'drain_local_pages_wq' | 'vmstat_update'

/** Writes down what a kernel records. No two events share a stamp, so that no merge by time can swap them. */
export class Tape {
  readonly #builder = new EventBuilder()
  readonly #traits: Traits
  readonly #comms: readonly number[]
  readonly #pids: readonly number[]
  readonly #workqueue: number
  readonly #pageblockOrder: Order
  #last = Number.NEGATIVE_INFINITY

  constructor(tasks: readonly Task[], traits: Traits, pageblockOrder: Order) {
    this.#pageblockOrder = pageblockOrder
    this.#traits = traits
    this.#comms = tasks.map(({ comm }) => this.#builder.strings.add(comm))
    this.#pids = tasks.map(({ pid }) => pid)
    this.#workqueue = this.#builder.strings.add('mm_percpu_wq')
  }

  finish(): Events {
    return this.#builder.finish()
  }

  #add(kind: KindName, time: Ns, cpu: Cpu, task: number): number {
    const slot = this.#builder.tables[kind].push()
    this.#last = Math.max(time, this.#last + 1)
    this.#builder.add(this.#last, cpu, this.#pids[task]!, this.#comms[task]!, PLAIN, Kind[kind], slot)
    return slot
  }

  alloc(time: Ns, cpu: Cpu, task: number, pfn: number, order: number, migratetype: number, gfpFlags: number): void {
    const slot = this.#add('mm_page_alloc', time, cpu, task)
    const { column } = this.#builder.tables.mm_page_alloc
    column.pfn.data[slot] = pfn
    column.order.data[slot] = order
    column.migratetype.data[slot] = migratetype
    column.gfpFlags.data[slot] = gfpFlags
  }

  allocFailed(time: Ns, cpu: Cpu, task: number, order: number, migratetype: number, gfpFlags: number): void {
    const slot = this.#add('mm_page_alloc_failed', time, cpu, task)
    const { column } = this.#builder.tables.mm_page_alloc_failed
    column.order.data[slot] = order
    column.migratetype.data[slot] = migratetype
    column.gfpFlags.data[slot] = gfpFlags
  }

  free(time: Ns, cpu: Cpu, task: number, pfn: number, order: number): void {
    const slot = this.#add('mm_page_free', time, cpu, task)
    const { column } = this.#builder.tables.mm_page_free
    column.pfn.data[slot] = pfn
    column.order.data[slot] = order
  }

  freeBatched(time: Ns, cpu: Cpu, task: number, pfn: number): void {
    const slot = this.#add('mm_page_free_batched', time, cpu, task)
    this.#builder.tables.mm_page_free_batched.column.pfn.data[slot] = pfn
  }

  /** A block left the buddy under zone->lock. `listed`: its order is one that lists keep. */
  fromBuddy(
    time: Ns,
    cpu: Cpu,
    task: number,
    pfn: number,
    order: Order,
    type: number,
    listed: boolean,
    fallback: Fallback | undefined,
  ): void {
    const { fallbackIsPage } = this.#traits
    if (fallback !== undefined && !fallbackIsPage) this.#extfrag(time, cpu, task, order, type, fallback)
    // A part of a pageblock that is claimed passes through the request’s own list, what is stolen or whole does not.
    const claimsPart = fallback?.changeOwnership === true && fallback.order < this.#pageblockOrder
    if (fallback === undefined || !fallbackIsPage || claimsPart) {
      const slot = this.#add('mm_page_alloc_zone_locked', time, cpu, task)
      const { column } = this.#builder.tables.mm_page_alloc_zone_locked
      column.pfn.data[slot] = pfn
      column.order.data[slot] = order
      column.migratetype.data[slot] = type
      column.percpuRefill.data[slot] = this.#traits.storesPercpuRefill ? Number(listed) : ABSENT.flag
    }
    if (fallback !== undefined && fallbackIsPage) this.#extfrag(time, cpu, task, order, type, fallback)
  }

  #extfrag(time: Ns, cpu: Cpu, task: number, order: Order, type: number, fallback: Fallback): void {
    const slot = this.#add('mm_page_alloc_extfrag', time, cpu, task)
    const { column } = this.#builder.tables.mm_page_alloc_extfrag
    column.pfn.data[slot] = fallback.pfn
    column.allocOrder.data[slot] = order
    column.fallbackOrder.data[slot] = fallback.order
    column.allocMigratetype.data[slot] = type
    column.fallbackMigratetype.data[slot] = fallback.migratetype
    column.changeOwnership.data[slot] = Number(fallback.changeOwnership)
  }

  drained(time: Ns, cpu: Cpu, task: number, pfn: number, order: number, migratetype: number): void {
    const slot = this.#add('mm_page_pcpu_drain', time, cpu, task)
    const { column } = this.#builder.tables.mm_page_pcpu_drain
    column.pfn.data[slot] = pfn
    column.order.data[slot] = order
    column.migratetype.data[slot] = migratetype
  }

  drainRequest(time: Ns, cpu: Cpu, task: number): void {
    const slot = this.#add('drain_all_pages', time, cpu, task)
    const { column } = this.#builder.tables.drain_all_pages
    column.zone.data[slot] = 0n
    column.recordedAs.data[slot] = ABSENT.text
  }

  directReclaimBegin(time: Ns, cpu: Cpu, task: number, order: number, gfpFlags: number): void {
    const slot = this.#add('mm_vmscan_direct_reclaim_begin', time, cpu, task)
    const { column } = this.#builder.tables.mm_vmscan_direct_reclaim_begin
    column.order.data[slot] = order
    column.gfpFlags.data[slot] = gfpFlags
  }

  directReclaimEnd(time: Ns, cpu: Cpu, task: number, nrReclaimed: number): void {
    const slot = this.#add('mm_vmscan_direct_reclaim_end', time, cpu, task)
    this.#builder.tables.mm_vmscan_direct_reclaim_end.column.nrReclaimed.data[slot] = nrReclaimed
  }

  kswapdWake(time: Ns, cpu: Cpu, task: number, order: number): void {
    const slot = this.#add('mm_vmscan_kswapd_wake', time, cpu, task)
    const { column } = this.#builder.tables.mm_vmscan_kswapd_wake
    column.nid.data[slot] = 0
    column.order.data[slot] = order
  }

  kswapdSleep(time: Ns, cpu: Cpu, task: number): void {
    const slot = this.#add('mm_vmscan_kswapd_sleep', time, cpu, task)
    this.#builder.tables.mm_vmscan_kswapd_sleep.column.nid.data[slot] = 0
  }

  /** A work item for `target`, by the task that asks for it. */
  workQueued(time: Ns, cpu: Cpu, task: number, target: Cpu, work: Work): void {
    const slot = this.#add('workqueue_queue_work', time, cpu, task)
    const { column } = this.#builder.tables.workqueue_queue_work
    column.work.data[slot] = addressOf(target, work)
    column.function.data[slot] = this.#builder.strings.add(work)
    column.workqueue.data[slot] = this.#workqueue
    column.reqCpu.data[slot] = target
    column.poolCpu.data[slot] = target
  }

  workStarted(time: Ns, cpu: Cpu, task: number, work: Work): void {
    const slot = this.#add('workqueue_execute_start', time, cpu, task)
    const { column } = this.#builder.tables.workqueue_execute_start
    column.work.data[slot] = addressOf(cpu, work)
    column.function.data[slot] = this.#builder.strings.add(work)
  }

  workEnded(time: Ns, cpu: Cpu, task: number, work: Work): void {
    const slot = this.#add('workqueue_execute_end', time, cpu, task)
    const { column } = this.#builder.tables.workqueue_execute_end
    column.work.data[slot] = addressOf(cpu, work)
    column.function.data[slot] = this.#builder.strings.add(work)
  }
}

/** Any address that is each CPU’s and function’s own. */
const addressOf = (cpu: Cpu, work: Work): bigint =>
  0xffff_8880_0000_0000n + BigInt(cpu) * 0x8000n + (work === 'vmstat_update' ? 0x100n : 0n)
