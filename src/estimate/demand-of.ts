import { type Events, Kind, type Recording } from '#events'
import { compactPages } from '#events/columns'
import { Ask, type Demand, DemandBuilder } from '#events/demand'
import { BlockIndex, Op, PageIndex, type Script } from '#record'
import type { Inferred } from './what-if-start.ts'

/** What is known of a page: 0 where it was never seen; free or on a list; or the head of a block (its number + LIVE). */
const FREE = 1
const LIVE = 2

const MOVABLE = 1

/** The task of what no event shows the task of, as trace-cmd prints it. */
const NOBODY = '<...>'

/**
 * The demand behind a recording: `record` turned round. Blocks that were allocated before the trace, and pieces of blocks freed apart,
 * are allocated before it, and what lay on lists at its start is freed before it; what the untraced bulk allocator took is as the fidelity run inferred it. A list’s frees all get the moment at
 * which its first page reached the page lists, and what lay between.
 */
export function demandOf(recording: Pick<Recording, 'events' | 'machine'>, script: Script, inferred: Inferred): Demand {
  const { events, machine } = compactPages(recording)
  const builder = new DemandBuilder()
  const { pid, comm, strings } = events
  const taskAt = (row: number): number => builder.task(pid[row]!, strings.get(comm[row]!) ?? NOBODY)
  const bulk = pushUntraced(builder, script, inferred)

  const { mm_page_alloc: alloc, mm_page_free: free } = events.tables
  const { mm_page_pcpu_drain: drain, mm_page_alloc_extfrag: frag } = events.tables
  const { mm_vmscan_direct_reclaim_begin: begin, mm_vmscan_direct_reclaim_end: end } = events.tables
  const index = new PageIndex(script.zones)
  const blocks = new BlockIndex(script.zones, machine.pageblockOrder)
  const types = script.blockTypes.slice()
  const state = new Uint32Array(index.size)
  const orders = new Map<number, { order: number; migratetype: number }>()
  const listedAt = listMoments(events, index)

  for (let row = 0; row < events.length; row++) {
    const slot = events.slot[row]!
    const at = { time: events.time[row]!, cpu: events.cpu[row]! }
    switch (events.kind[row]!) {
      case Kind.mm_page_alloc: {
        const pfn = alloc.column.pfn.data[slot] as number
        const zone = index.zone(pfn)
        if (zone < 0) break
        const order = alloc.column.order.data[slot] as number
        const migratetype = Math.min(alloc.column.migratetype.data[slot] as number, 2)
        const gfpFlags = alloc.column.gfpFlags.data[slot] as number
        const block = builder.newBlock()
        builder.push({ ...at, ask: Ask.alloc, task: taskAt(row), block, order, migratetype, gfpFlags })
        state[index.at(pfn, zone)] = block + LIVE
        orders.set(block, { order, migratetype })
        break
      }
      case Kind.mm_page_free: {
        const pfn = free.column.pfn.data[slot] as number
        const zone = index.zone(pfn)
        if (zone < 0) break
        const page = index.at(pfn, zone)
        const order = free.column.order.data[slot] as number
        const listed = listedAt[slot]!
        const push = (block: number, migratetype: number) =>
          builder.push({
            ...at,
            time: listed >= 0 ? listed : at.time,
            lead: listed >= 0 ? listed - at.time : 0,
            ask: listed >= 0 ? Ask.freeListed : Ask.free,
            task: taskAt(row),
            block,
            order,
            migratetype,
          })
        const known = state[page]!
        state[page] = FREE
        const whole = known >= LIVE ? orders.get(known - LIVE) : undefined
        const type = types[blocks.at(pfn, zone)]!
        const taken = known === FREE && order === 0 ? bulk.shift() : undefined
        if (whole?.order === order) push(known - LIVE, whole.migratetype)
        else if (taken !== undefined) push(taken.block, taken.migratetype)
        else {
          const block = builder.newBlock()
          const migratetype = type < 3 ? type : 1
          builder.push({ time: -1, ask: Ask.alloc, cpu: at.cpu, task: taskAt(row), block, order, migratetype })
          push(block, migratetype)
        }
        break
      }
      case Kind.mm_page_pcpu_drain: {
        const pfn = drain.column.pfn.data[slot] as number
        const zone = index.zone(pfn)
        if (zone >= 0) types[blocks.at(pfn, zone)] = drain.column.migratetype.data[slot] as number
        break
      }
      case Kind.mm_page_alloc_extfrag: {
        const zone = index.zone(frag.column.pfn.data[slot] as number)
        if (zone >= 0 && frag.column.changeOwnership.data[slot] === 1)
          types[blocks.at(frag.column.pfn.data[slot] as number, zone)] = frag.column.allocMigratetype.data[
            slot
          ] as number
        break
      }
      case Kind.mm_vmscan_direct_reclaim_begin:
        builder.push({
          ...at,
          ask: Ask.directReclaimBegin,
          task: taskAt(row),
          order: begin.column.order.data[slot] as number,
          gfpFlags: begin.column.gfpFlags.data[slot] as number,
        })
        break
      case Kind.mm_vmscan_direct_reclaim_end:
        builder.push({
          ...at,
          ask: Ask.directReclaimEnd,
          task: taskAt(row),
          block: end.column.nrReclaimed.data[slot] as number,
        })
        break
      case Kind.mm_vmscan_kswapd_wake:
        builder.push({ ...at, ask: Ask.kswapdWake, task: taskAt(row) })
        break
      case Kind.mm_vmscan_kswapd_sleep:
        builder.push({ ...at, ask: Ask.kswapdSleep, task: taskAt(row) })
        break
    }
  }
  return builder.finish()
}

interface Bulk {
  readonly block: number
  readonly migratetype: number
}

/** What only the fidelity run knows: what lay on the lists at the start, untraced bulk allocations, compaction’s drains, drain requests, vmstat ticks. Returns the bulk pages, oldest first. */
function pushUntraced(builder: DemandBuilder, script: Script, inferred: Inferred): Bulk[] {
  const { bulk, initial, localDrains, listOrders, listTypes, ticks } = inferred
  const task = builder.task(0, NOBODY)
  const zones = script.zones.length
  const cpuOf = (pset: number): number => Math.trunc(pset / zones)
  const lie = (pset: number, order: number, migratetype: number, blocks: number): void => {
    for (let left = blocks; left > 0; left--) {
      const wish = { cpu: cpuOf(pset), task, block: builder.newBlock(), order, migratetype }
      builder.push({ ...wish, time: -2, ask: Ask.alloc })
      builder.push({ ...wish, time: -1, ask: Ask.free })
    }
  }
  for (const [pset, entries] of initial.entries.entries())
    for (const [list, blocks] of entries.entries()) lie(pset, listOrders[list]!, listTypes[list]!, blocks)
  for (const [pset, pages] of initial.hidden.entries()) lie(pset, 0, MOVABLE, pages)
  for (const [at, row] of localDrains.row.entries())
    builder.push({ time: script.time[row]!, ask: Ask.localDrain, cpu: cpuOf(localDrains.pset[at]!), task })
  for (const [at, row] of ticks.row.entries())
    builder.push({ time: script.time[row] ?? script.to, ask: Ask.tick, cpu: ticks.cpu[at]!, task })
  const { time, op, cpu, length } = script
  for (let row = 0; row < length; row++) {
    const at = { time: time[row]!, cpu: cpu[row]!, task }
    if (op[row] === Op.drainRequest || op[row] === Op.requestWaited) builder.push({ ...at, ask: Ask.drainRequest })
    else if (op[row] === Op.tick) builder.push({ ...at, ask: Ask.tick })
  }
  return bulk.row.map((row, at) => {
    const block = builder.newBlock()
    const migratetype = listTypes[bulk.list[at]!] ?? 0
    builder.push({ time: script.time[row]!, ask: Ask.bulkAlloc, cpu: cpuOf(bulk.pset[at]!), task, block, migratetype })
    return { block, migratetype }
  })
}

/** By slot of mm_page_free: when the list that it is part of was committed; −1 where it is part of none. */
function listMoments(events: Events, index: PageIndex): Float64Array {
  const { mm_page_free: free, mm_page_free_batched: batched } = events.tables
  const moments = new Float64Array(free.length).fill(-1)
  const pending = new Map<number, { cpu: number; slot: number }>()
  /** By CPU: when the list that is committed now began. */
  const began = new Map<number, number>()
  for (let row = 0; row < events.length; row++) {
    const slot = events.slot[row]!
    const cpu = events.cpu[row]!
    switch (events.kind[row]!) {
      case Kind.mm_page_free:
        pending.set(free.column.pfn.data[slot] as number, { cpu, slot })
        began.delete(cpu)
        break
      case Kind.mm_page_alloc:
        began.delete(cpu)
        break
      case Kind.mm_page_free_batched: {
        const pfn = batched.column.pfn.data[slot] as number
        const announced = pending.get(pfn)
        if (announced?.cpu !== cpu || index.zone(pfn) < 0) break
        pending.delete(pfn)
        const moment = began.get(cpu) ?? events.time[row]!
        began.set(cpu, moment)
        moments[announced.slot] = moment
      }
    }
  }
  return moments
}
