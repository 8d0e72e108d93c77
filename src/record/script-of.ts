import { ABSENT, type Events, Kind, type Recording } from '#events'
import { Tally } from '#kernel'
import { ContiguousFrees } from './contiguous.ts'
import { DrainTasks, isInterrupt, RECLAIMED, REQUESTING, taskOf } from './drain-tasks.ts'
import { Flow, FlowKind } from './flow.ts'
import { BlockIndex, firstTypes, guessZone, PageIndex } from './places.ts'
import { Preemptions } from './preemptions.ts'
import { Edge, reclaimEdges } from './reclaim.ts'
import { RecordedRequests } from './recorded-requests.ts'
import { BYPASS, Op, type Script } from './script.ts'
import { Pages, Rows, Run } from './script-columns.ts'
import { scriptNotices } from './script-notices.ts'
import { seenTicks, tasksNamed } from './ticks.ts'
import { traitsOf } from './traits.ts'

/** No task has this number. */
const NOBODY = Number.NaN

/** The type under which lists keep a page of a block of this type: HIGHATOMIC and CMA go to the movable ones. */
const listType = (type: number): number => (type < 3 ? type : type === 3 ? 1 : BYPASS)

/** Symbol numbers of the drain work's function in the trace's dictionary; an absent one matches nothing. */
const drainWorkOf = (events: Events): number => events.strings.find('drain_local_pages_wq') ?? -1

/**
 * Turns a recording into the script that every replay follows. One pass over the events.
 *
 * A page freed in a batch reaches its list at its `mm_page_free_batched`, with the order of its `mm_page_free`.
 * The type of a freed page is its pageblock's: learnt from drains, else from refills, else from allocations; changed by
 * `mm_page_alloc_extfrag` with change_ownership (pcp-unaccepted.md §6.2).
 */
export function scriptOf(
  recording: Pick<Recording, 'events' | 'machine'>,
  { sources = false }: { readonly sources?: boolean } = {},
): Script {
  const { events, machine } = recording
  const tally = new Tally(scriptNotices)
  let { zones } = machine
  if (zones.length === 0) {
    tally.count('no-zoneinfo')
    zones = [guessZone(events)]
  }
  const index = new PageIndex(zones)
  const { tables, length } = events
  const alloc = tables.mm_page_alloc.column
  const allocPfn = alloc.pfn.data as Uint32Array
  const allocOrder = alloc.order.data as Uint8Array
  const allocType = alloc.migratetype.data as Uint8Array
  const free = tables.mm_page_free.column
  const freePfn = free.pfn.data as Uint32Array
  const freeOrder = free.order.data as Uint8Array
  const batchedPfn = tables.mm_page_free_batched.column.pfn.data as Uint32Array
  const locked = tables.mm_page_alloc_zone_locked.column
  const lockedPfn = locked.pfn.data as Uint32Array
  const lockedOrder = locked.order.data as Uint8Array
  const lockedType = locked.migratetype.data as Uint8Array
  const drain = tables.mm_page_pcpu_drain.column
  const drainPfn = drain.pfn.data as Uint32Array
  const drainOrder = drain.order.data as Uint8Array
  const drainType = drain.migratetype.data as Uint8Array
  const frag = tables.mm_page_alloc_extfrag.column
  const fragPfn = frag.pfn.data as Uint32Array
  const fragOwner = frag.changeOwnership.data as Uint8Array
  const fragType = frag.allocMigratetype.data as Uint8Array
  const fragFallback = frag.fallbackOrder.data as Uint8Array
  const fragOrder = frag.allocOrder.data as Uint8Array
  const workFunction = tables.workqueue_execute_start.column.function.data as Uint32Array
  const queueFunction = tables.workqueue_queue_work.column.function.data as Uint32Array
  const queueCpu = tables.workqueue_queue_work.column.poolCpu.data as Int32Array
  const queueWork = tables.workqueue_queue_work.column.work.data as BigUint64Array
  const workEndOf = tables.workqueue_execute_end.column.work.data as BigUint64Array
  const drainZone = tables.drain_all_pages.column.zone.data as BigUint64Array
  const gpevent = tables.rcu_grace_period.column.gpevent.data as Uint32Array
  const [gpStart, gpEnd] = ['start', 'end'].map((name) => events.strings.find(name) ?? -1)
  const gracePeriods = { start: [] as number[], end: [] as number[] }
  const shortOrder = tables.mm_vmscan_direct_reclaim_begin.column.order.data as Uint8Array
  const drainWork = drainWorkOf(events)
  const requests = new RecordedRequests()

  let cpus = 1
  for (const cpu of events.cpu) if (cpu >= cpus) cpus = cpu + 1
  for (const zone of zones) for (const { cpu } of zone.pagesets) if (cpu >= cpus) cpus = cpu + 1

  const ticks = seenTicks(events, machine)
  let nextTick = 0

  const rows = new Rows(
    allocPfn.length +
      2 * freePfn.length +
      batchedPfn.length +
      drainZone.length +
      workFunction.length +
      drainZone.length +
      queueCpu.length +
      tables.mm_vmscan_direct_reclaim_begin.length +
      tables.mm_vmscan_direct_reclaim_end.length +
      2 * drainPfn.length +
      3 * tables.mm_vmscan_kswapd_wake.length +
      tables.mm_vmscan_kswapd_sleep.length +
      tables.lost.length +
      ticks.row.length +
      cpus,
  )
  const refills = new Pages(lockedPfn.length + fragPfn.length)
  const drains = new Pages(drainPfn.length)
  const flow = new Flow(lockedPfn.length + fragPfn.length + drainPfn.length)
  const blocks = new BlockIndex(zones, machine.pageblockOrder)
  const types = firstTypes(events, index, blocks, traitsOf(machine).fallbackIsPage)
  const blockTypes = types.slice()
  const pending = new Int32Array(index.size).fill(-1)
  // The row that put a page on its list, until it leaves.
  const freedAt = new Int32Array(index.size).fill(-1)
  const refillRuns = Array.from({ length: cpus }, () => new Run())
  const drainRuns = Array.from({ length: cpus }, () => new Run())
  const lastRow = new Int32Array(cpus).fill(-1)
  const recordedInterruptions: Record<string, number> = {}
  const { cachesType, decay, fallbackIsPage, remoteDrains, contiguousFrees } = traitsOf(machine)
  // Whose the last row of a CPU is.
  const rowTask = new Float64Array(cpus).fill(NOBODY)
  let task = NOBODY
  const drainTasks = new DrainTasks()
  const preemptions = new Preemptions(cpus)
  const moved: number[] = []

  const reclaim = reclaimEdges(events)
  const workers = tasksNamed(events, 'kworker/')
  const compactors = tasksNamed(events, 'kcompactd')
  const contiguous = new ContiguousFrees(rows)

  let at = 0
  const source = sources ? new Uint32Array(rows.time.length) : undefined
  const add = (
    time: number,
    op: number,
    cpu: number,
    zone: number,
    pfn: number,
    order: number,
    type: number,
  ): number => {
    const row = rows.length++
    const previous = lastRow[cpu]!
    const drained = drainRuns[cpu]!
    if (drained.length > 0) {
      rows.drainStart[previous] = drains.length
      drains.take(drained)
      rows.drainEnd[previous] = drains.length
    }
    const refilled = refillRuns[cpu]!
    if (refilled.length > 0) {
      rows.refillStart[row] = refills.length
      refills.take(refilled)
      rows.refillEnd[row] = refills.length
    }
    lastRow[cpu] = row
    rowTask[cpu] = task
    preemptions.row(cpu, row)
    if (source !== undefined) source[row] = at
    rows.time[row] = time
    rows.op[row] = op
    rows.cpu[row] = cpu
    rows.zone[row] = zone
    rows.pfn[row] = pfn
    rows.order[row] = order
    rows.migratetype[row] = type
    return row
  }

  /** A page leaves the buddy. From 6.10 on its free list tells its block's type. */
  const noteLocked = (pfn: number, type: number): void => {
    const zone = index.zone(pfn)
    if (zone < 0) return
    freedAt[index.at(pfn, zone)] = -1
    if (fallbackIsPage) types[blocks.at(pfn, zone)] = type
  }

  const fetched = (cpu: number, pfn: number, order: number, type: number): void => {
    const run = refillRuns[cpu]!
    const kind = run.length === 0 ? FlowKind.begins : FlowKind.taken
    run.push(pfn, order, type, flow.push(rows.length, cpu, index.zone(pfn), pfn, order, type, kind))
  }

  for (; at < length; at++) {
    const kind = events.kind[at]!
    const cpu = events.cpu[at]!
    const slot = events.slot[at]!
    const time = events.time[at]!
    task = taskOf(events, at)
    const left = preemptions.seen(task, cpu)
    if (kind !== Kind.mm_page_pcpu_drain) {
      const left = drainTasks.acts(task, cpu)
      if (left !== undefined) moved.push(rows.op[left] === Op.bulkFreeResumed ? rows.pfn[left]! : left)
    }
    if (requests.any && !isInterrupt(events, at) && kind !== Kind.workqueue_queue_work)
      requests.seen(events.pid[at]!, time)
    if (ticks.row[nextTick] === at) {
      add(time, Op.tick, cpu, 0, 0, 0, 0)
      nextTick++
    }
    const edges = reclaim === undefined ? 0 : reclaim[at]!
    if ((edges & Edge.start) !== 0) add(time, Op.reclaimStart, cpu, 0, 0, 0, 0)
    if (kind !== Kind.mm_page_free) contiguous.end(cpu)
    switch (kind) {
      case Kind.mm_page_alloc: {
        const pfn = allocPfn[slot]!
        const zone = index.zone(pfn)
        if (zone < 0) {
          tally.count('outside-zones')
          break
        }
        const page = index.at(pfn, zone)
        pending[page] = -1
        // Handed out again from the list of its type.
        const freed = freedAt[page]!
        if (freed >= 0 && rows.order[freed] === allocOrder[slot] && allocType[slot]! < 3) {
          if (cachesType && allocOrder[slot] === 0) types[blocks.at(pfn, zone)] = allocType[slot]!
          if (rows.cpu[freed] === cpu && rows.migratetype[freed] !== allocType[slot]) {
            rows.migratetype[freed] = allocType[slot]!
            tally.count('type-from-alloc')
          }
        }
        freedAt[page] = -1
        const row = add(time, Op.alloc, cpu, zone, pfn, allocOrder[slot]!, allocType[slot]! < 3 ? allocType[slot]! : 1)
        if (left !== undefined) rows.preemptedAtRow[row] = left
        break
      }
      case Kind.mm_page_free: {
        const pfn = freePfn[slot]!
        const zone = index.zone(pfn)
        if (zone < 0) {
          tally.count('outside-zones')
          break
        }
        const page = index.at(pfn, zone)
        const earlier = freedAt[page]!
        if (earlier > 0 && rows.op[earlier - 1] === Op.compactionTook && rows.pfn[earlier - 1] === pfn) {
          // Freed by compaction, and now again: it went back to compaction's own pages, not to a list.
          rows.op[earlier] = Op.none
          rows.op[earlier - 1] = Op.none
        }
        const type = types[blocks.at(pfn, zone)]!
        if (type > 3) tally.count('foreign-block-type')
        if (compactors.has(events.comm[at]!)) add(time, Op.compactionTook, cpu, zone, pfn, freeOrder[slot]!, 0)
        const row = add(time, Op.free, cpu, zone, pfn, freeOrder[slot]!, listType(type))
        pending[page] = row
        freedAt[page] = row
        if (contiguousFrees && freeOrder[slot] === 0 && workers.has(events.comm[at]!) && !isInterrupt(events, at))
          contiguous.free(cpu, row)
        else contiguous.end(cpu)
        break
      }
      case Kind.mm_page_free_batched: {
        const pfn = batchedPfn[slot]!
        const zone = index.zone(pfn)
        if (zone < 0) {
          tally.count('outside-zones')
          break
        }
        const page = index.at(pfn, zone)
        const earlier = pending[page]!
        // Its task may have moved on to another CPU since it announced the page.
        if (earlier < 0) break
        pending[page] = -1
        rows.op[earlier] = Op.none
        // In a batch: last references to pages on their way to the LRU lists, which compaction flushes first. What it moved goes one by one.
        if (earlier > 0 && rows.op[earlier - 1] === Op.compactionTook) rows.op[earlier - 1] = Op.none
        // Before 6.10 the type is kept in the page as it is prepared; since then it is looked up here.
        const type = cachesType ? rows.migratetype[earlier]! : listType(types[blocks.at(pfn, zone)]!)
        freedAt[page] = add(time, Op.free, cpu, zone, pfn, rows.order[earlier]!, type)
        break
      }
      case Kind.mm_page_alloc_zone_locked:
        noteLocked(lockedPfn[slot]!, lockedType[slot]!)
        fetched(cpu, lockedPfn[slot]!, lockedOrder[slot]!, lockedType[slot]!)
        break
      case Kind.mm_page_pcpu_drain: {
        const pfn = drainPfn[slot]!
        const zone = index.zone(pfn)
        if (zone < 0) {
          tally.count('outside-zones')
          break
        }
        types[blocks.at(pfn, zone)] = drainType[slot]!
        const freed = freedAt[index.at(pfn, zone)]!
        if (cachesType && freed >= 0 && rows.migratetype[freed] !== listType(drainType[slot]!)) {
          rows.migratetype[freed] = listType(drainType[slot]!)
          tally.count('type-from-drain')
        }
        freedAt[index.at(pfn, zone)] = -1
        let doing = drainTasks.doing(task, cpu)
        if (doing === RECLAIMED) {
          // Direct reclaim that still found no page asks for a drain; its call is inlined, so no probe sees it.
          add(time, Op.drainRequest, cpu, 0, 0, 0, 0)
          tally.count('inferred-requests')
          doing = REQUESTING
          drainTasks.begins(task, cpu, doing)
        }
        if (doing === REQUESTING) {
          // A page of a refill whose first page is not announced yet.
          for (let other = 0; other < cpus; other++)
            if (refillRuns[other]!.has(pfn)) add(time, Op.none, other, zone, 0, 0, 0)
          add(time, Op.remotePage, cpu, zone, pfn, drainOrder[slot]!, drainType[slot]!)
        } else {
          if (doing === undefined || doing !== lastRow[cpu]) {
            // A bulk free that was preempted goes on; else, if something else ran here last, nothing that was seen explains it.
            if (doing !== undefined)
              add(
                time,
                Op.bulkFreeResumed,
                cpu,
                zone,
                rows.op[doing] === Op.bulkFreeResumed ? rows.pfn[doing]! : doing,
                0,
                0,
              )
            else if (rowTask[cpu] !== task) add(time, Op.none, cpu, zone, 0, 0, 0)
            drainTasks.begins(task, cpu, lastRow[cpu]!)
          }
          const moved = flow.push(rows.length, cpu, zone, pfn, drainOrder[slot]!, drainType[slot]!, FlowKind.drained)
          drainRuns[cpu]!.push(pfn, drainOrder[slot]!, drainType[slot]!, moved)
        }
        break
      }
      case Kind.mm_vmscan_direct_reclaim_begin:
        add(time, Op.shortage, cpu, 0, 0, shortOrder[slot]!, 0)
        break
      case Kind.mm_vmscan_direct_reclaim_end:
        if (remoteDrains) drainTasks.begins(task, cpu, RECLAIMED)
        break
      case Kind.mm_page_alloc_extfrag: {
        const pfn = fragPfn[slot]!
        const zone = index.zone(pfn)
        if (zone < 0) {
          tally.count('outside-zones')
          break
        }
        if (fragOwner[slot] === 1) {
          // A block larger than a pageblock changes the type of all that it covers.
          const block = blocks.at(pfn, zone)
          types.fill(fragType[slot]!, block, block + Math.max(1, (1 << fragFallback[slot]!) >>> machine.pageblockOrder))
        }
        if (!fallbackIsPage) break
        const run = refillRuns[cpu]!
        if (run.length === 0 || run.pfn[run.length - 1] !== pfn) fetched(cpu, pfn, fragOrder[slot]!, fragType[slot]!)
        flow.fallback[run.flow[run.length - 1]!] = fragFallback[slot]! + 1
        flow.claimed[run.flow[run.length - 1]!] = fragOwner[slot]!
        break
      }
      case Kind.drain_all_pages: {
        const zone = drainZone[slot]!
        // One zone asked for is the only populated one, or unknown: a zone pointer names none.
        const asked = zone === 0n || zone === ABSENT.u64 || zones.length > 1 ? 0 : 1
        const row = add(time, Op.drainRequest, cpu, 0, asked, 0, 0)
        if (remoteDrains) drainTasks.begins(task, cpu, REQUESTING)
        else requests.asked(row, events.pid[at]!, time)
        break
      }
      case Kind.workqueue_queue_work:
        if (queueFunction[slot] === drainWork) {
          const target = queueCpu[slot]!
          recordedInterruptions[target] = (recordedInterruptions[target] ?? 0) + 1
          const asked = requests.queued(events.pid[at]!, queueWork[slot]!)
          if (asked !== undefined) {
            rows.op[asked] = Op.requestWaited
            add(time, Op.requestStarted, cpu, 0, rows.pfn[asked]!, 0, 0)
          }
        }
        break
      case Kind.workqueue_execute_start:
        if (workFunction[slot] === drainWork) add(time, Op.drainWork, cpu, 0, 0, 0, 0)
        break
      case Kind.workqueue_execute_end:
        requests.ended(workEndOf[slot]!, time)
        break
      case Kind.rcu_grace_period:
        if (gpevent[slot] === gpStart) gracePeriods.start.push(time)
        else if (gpevent[slot] === gpEnd && gracePeriods.end.length < gracePeriods.start.length)
          gracePeriods.end.push(time)
        break
      case Kind.lost:
        tally.count('lost-events')
        add(time, Op.lost, cpu, 0, 0, 0, 0)
        break
    }
    if ((edges & Edge.end) !== 0) add(time, Op.reclaimEnd, cpu, 0, 0, 0, 0)
    if ((edges & Edge.sleep) !== 0) add(time, Op.kswapdSleep, cpu, 0, 0, 0, 0)
  }
  for (let cpu = 0; cpu < cpus; cpu++) contiguous.end(cpu)
  // Freed by compaction and never seen again: it went back to compaction's own pages, and another was moved into it.
  for (const row of freedAt)
    if (row > 0 && rows.op[row - 1] === Op.compactionTook && rows.pfn[row - 1] === rows.pfn[row]) {
      rows.op[row] = Op.none
      rows.op[row - 1] = Op.none
    }
  requests.mark(rows)
  const end = length === 0 ? 0 : events.time[length - 1]!
  // A last row per CPU takes what was recorded after its last event.
  for (let cpu = 0; cpu < cpus; cpu++) if (lastRow[cpu]! >= 0) add(end, Op.none, cpu, 0, 0, 0, 0)
  const requestsInferred = drainZone.length === 0
  if (requestsInferred) tally.count('no-drain-requests')
  if (decay && !ticks.all && length > 0) tally.count('no-ticks')
  if (refills.length === 0 && allocPfn.length > 0) tally.count('no-refills')

  return {
    length: rows.length,
    time: rows.time,
    op: rows.op,
    cpu: rows.cpu,
    zone: rows.zone,
    pfn: rows.pfn,
    order: rows.order,
    migratetype: rows.migratetype,
    refillStart: rows.refillStart,
    refillEnd: rows.refillEnd,
    drainStart: rows.drainStart,
    drainEnd: rows.drainEnd,
    preemptedAtRow: rows.preemptedAtRow,
    refillPfn: refills.pfn.subarray(0, refills.length),
    refillOrder: refills.order.subarray(0, refills.length),
    refillMigratetype: refills.migratetype.subarray(0, refills.length),
    drainPfn: drains.pfn.subarray(0, drains.length),
    drainOrder: drains.order.subarray(0, drains.length),
    drainMigratetype: drains.migratetype.subarray(0, drains.length),
    drainFlow: drains.flow.subarray(0, drains.length),
    flow,
    blockTypes,
    zones,
    machine,
    cpus,
    from: length === 0 ? 0 : events.time[0]!,
    to: end,
    moved,
    requestsInferred,
    gracePeriods,
    ticksRecorded: ticks.all,
    recordedInterruptions,
    ...(source === undefined ? {} : { source }),
    tally: tally.entries(),
    events: length,
  }
}
