import { type Events, Kind, type Recording } from '#events'
import { compactPages } from '#events/columns'
import { Ask, type Demand, DemandBuilder, type DemandRow } from '#events/demand'
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
 * are allocated before it, and what lay on lists at its start is freed before it; what the untraced bulk allocator took is as the
 * fidelity run inferred it. A list’s frees all get the moment at which its first page reached the page lists, and what lay between.
 */
export function demandOf(recording: Pick<Recording, 'events' | 'machine'>, script: Script, inferred: Inferred): Demand {
  return new RecordedDemand(compactPages(recording), script, inferred).build()
}

type At = Pick<DemandRow, 'time' | 'cpu'>

/** Follows the events: what is known of each page, of each block handed out, and of each pageblock's type. */
class RecordedDemand {
  readonly #events: Events
  readonly #builder = new DemandBuilder()
  readonly #bulk: Bulk[]
  readonly #index: PageIndex
  readonly #blocks: BlockIndex
  readonly #types: Uint8Array
  readonly #state: Uint32Array
  readonly #handedOut = new Map<number, { order: number; migratetype: number }>()
  readonly #listedAt: Float64Array

  constructor({ events, machine }: Pick<Recording, 'events' | 'machine'>, script: Script, inferred: Inferred) {
    this.#events = events
    this.#bulk = pushUntraced(this.#builder, script, inferred)
    this.#index = new PageIndex(script.zones)
    this.#blocks = new BlockIndex(script.zones, machine.pageblockOrder)
    this.#types = script.blockTypes.slice()
    this.#state = new Uint32Array(this.#index.size)
    this.#listedAt = listMoments(events, this.#index)
  }

  build(): Demand {
    const { length, kind, slot, time, cpu } = this.#events
    for (let row = 0; row < length; row++) {
      const at = { time: time[row]!, cpu: cpu[row]! }
      switch (kind[row]!) {
        case Kind.mm_page_alloc:
          this.#alloc(row, slot[row]!, at)
          break
        case Kind.mm_page_free:
          this.#free(row, slot[row]!, at)
          break
        case Kind.mm_page_pcpu_drain:
          this.#noteDrained(slot[row]!)
          break
        case Kind.mm_page_alloc_extfrag:
          this.#noteStolen(slot[row]!)
          break
        default:
          this.#reclaim(row, slot[row]!, at)
      }
    }
    return this.#builder.finish()
  }

  #taskAt(row: number): number {
    const { pid, comm, strings } = this.#events
    return this.#builder.task(pid[row]!, strings.get(comm[row]!) ?? NOBODY)
  }

  #alloc(row: number, slot: number, at: At): void {
    const { column } = this.#events.tables.mm_page_alloc
    const pfn = column.pfn.data[slot] as number
    const zone = this.#index.zone(pfn)
    if (zone < 0) return
    const order = column.order.data[slot] as number
    const migratetype = Math.min(column.migratetype.data[slot] as number, 2)
    const gfpFlags = column.gfpFlags.data[slot] as number
    const block = this.#builder.newBlock()
    this.#builder.push({ ...at, ask: Ask.alloc, task: this.#taskAt(row), block, order, migratetype, gfpFlags })
    this.#state[this.#index.at(pfn, zone)] = block + LIVE
    this.#handedOut.set(block, { order, migratetype })
  }

  #free(row: number, slot: number, at: At): void {
    const { column } = this.#events.tables.mm_page_free
    const pfn = column.pfn.data[slot] as number
    const zone = this.#index.zone(pfn)
    if (zone < 0) return
    const page = this.#index.at(pfn, zone)
    const order = column.order.data[slot] as number
    const known = this.#state[page]!
    this.#state[page] = FREE
    const { block, migratetype } = this.#blockFreed(row, known, order, this.#types[this.#blocks.at(pfn, zone)]!)
    const listed = this.#listedAt[slot]!
    const isListed = listed >= 0
    this.#builder.push({
      ...at,
      time: isListed ? listed : at.time,
      lead: isListed ? listed - at.time : 0,
      ask: isListed ? Ask.freeListed : Ask.free,
      task: this.#taskAt(row),
      block,
      order,
      migratetype,
    })
  }

  /** The block that a free gives back; one that the trace does not show whole was allocated before it. */
  #blockFreed(row: number, known: number, order: number, pageblockType: number): Bulk {
    const whole = known >= LIVE ? this.#handedOut.get(known - LIVE) : undefined
    const taken = known === FREE && order === 0 ? this.#bulk.shift() : undefined
    if (whole?.order === order) return { block: known - LIVE, migratetype: whole.migratetype }
    if (taken !== undefined) return taken
    const block = this.#builder.newBlock()
    const migratetype = pageblockType < 3 ? pageblockType : MOVABLE
    const [cpu, task] = [this.#events.cpu[row]!, this.#taskAt(row)]
    this.#builder.push({ time: -1, ask: Ask.alloc, cpu, task, block, order, migratetype })
    return { block, migratetype }
  }

  #noteDrained(slot: number): void {
    const { column } = this.#events.tables.mm_page_pcpu_drain
    this.#noteType(column.pfn.data[slot] as number, column.migratetype.data[slot] as number)
  }

  #noteStolen(slot: number): void {
    const { column } = this.#events.tables.mm_page_alloc_extfrag
    if (column.changeOwnership.data[slot] === 1)
      this.#noteType(column.pfn.data[slot] as number, column.allocMigratetype.data[slot] as number)
  }

  #noteType(pfn: number, migratetype: number): void {
    const zone = this.#index.zone(pfn)
    if (zone >= 0) this.#types[this.#blocks.at(pfn, zone)] = migratetype
  }

  #reclaim(row: number, slot: number, at: At): void {
    const { mm_vmscan_direct_reclaim_begin: begin, mm_vmscan_direct_reclaim_end: end } = this.#events.tables
    switch (this.#events.kind[row]!) {
      case Kind.mm_vmscan_direct_reclaim_begin: {
        const [order, gfpFlags] = [begin.column.order.data[slot] as number, begin.column.gfpFlags.data[slot] as number]
        this.#builder.push({ ...at, ask: Ask.directReclaimBegin, task: this.#taskAt(row), order, gfpFlags })
        break
      }
      case Kind.mm_vmscan_direct_reclaim_end: {
        const block = end.column.nrReclaimed.data[slot] as number
        this.#builder.push({ ...at, ask: Ask.directReclaimEnd, task: this.#taskAt(row), block })
        break
      }
      case Kind.mm_vmscan_kswapd_wake:
        this.#builder.push({ ...at, ask: Ask.kswapdWake, task: this.#taskAt(row) })
        break
      case Kind.mm_vmscan_kswapd_sleep:
        this.#builder.push({ ...at, ask: Ask.kswapdSleep, task: this.#taskAt(row) })
        break
    }
  }
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
