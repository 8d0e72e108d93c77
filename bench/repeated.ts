import { EventBuilder, type Events, kindNames } from '#events'
import type { ColumnArray } from '#events/columns'
import type { Demand, StartState, WhatIf } from '#events/demand'
import type { Zone } from '#kernel'

/** Pages to which zones and copies are aligned: no block is larger. */
const ALIGNED = 1024

/** Events so many times over, each time later. */
export function repeatedEvents(events: Events, times: number): Events {
  const { length, strings, zero } = events
  const span = (events.time[length - 1] ?? 0) - (events.time[0] ?? 0) + 1
  const over = <T extends ColumnArray>(column: T): T => {
    const all = new (column.constructor as new (length: number) => T)(column.length * times)
    for (let copy = 0; copy < times; copy++) (all as Uint8Array).set(column as Uint8Array, copy * column.length)
    return all
  }
  const { tables } = new EventBuilder()
  for (const kind of kindNames) {
    const table = events.tables[kind]
    tables[kind].setLength(table.length * times)
    tables[kind].list.forEach((column, at) => {
      ;(column.data as Uint8Array).set(over(table.list[at]!.data.subarray(0, table.length)) as Uint8Array)
    })
  }
  const { cpu, pid, kind, comm, context } = events
  const [time, slot] = [over(events.time), over(events.slot)]
  for (let row = 0; row < time.length; row++) {
    const copy = Math.floor(row / length)
    time[row] = time[row]! + copy * span
    slot[row] = slot[row]! + copy * events.tables[kindNames[kind[row % length]!]!].length
  }
  return {
    length: length * times,
    time,
    cpu: over(cpu),
    pid: over(pid),
    kind: over(kind),
    comm: over(comm),
    context: over(context),
    slot,
    tables,
    strings,
    zero,
  }
}

/** A demand so many times over, each on memory of its own; what lay on the lists at the start, lies there once. */
export function repeated(whatIf: WhatIf, times: number): WhatIf {
  const { demand, start, zones, machine } = whatIf
  const copies = Array.from({ length: times }, (_, copy) => copy)
  const strides = zones.map(({ startPfn, spanned }) => aligned((startPfn % ALIGNED) + spanned))
  let next = 0
  const firsts = strides.map((stride) => {
    const first = next
    next += stride * times
    return first
  })
  const moved = (pfn: number, zone: number, copy: number): number => {
    const { startPfn } = zones[zone]!
    return firsts[zone]! + copy * strides[zone]! + pfn - (startPfn - (startPfn % ALIGNED))
  }
  // Watermarks stay, so that lists are sized as they were.
  const larger = zones.map((zone, at): Zone => {
    const spanned = strides[at]! * times
    return { ...zone, startPfn: firsts[at]!, spanned, present: spanned }
  })
  const { blocks } = demand
  const { inUse, listed } = start
  const state: StartState = {
    fallback: start.fallback,
    free: start.free.map(({ pfn, order }, zone) => ({
      pfn: Uint32Array.from(copies.flatMap((copy) => Array.from(pfn, (page) => moved(page, zone, copy)))),
      order: over(order, times),
    })),
    blockTypes: zones.map(({ startPfn }, zone) => {
      const perCopy = strides[zone]! >>> machine.pageblockOrder
      const skipped = (startPfn % ALIGNED) >>> machine.pageblockOrder
      const types = new Uint8Array(perCopy * times).fill(1)
      for (const copy of copies)
        types.set(start.blockTypes[zone]!.subarray(0, perCopy - skipped), copy * perCopy + skipped)
      return types
    }),
    inUse: {
      block: numbered(inUse.block, times, blocks),
      zone: over(inUse.zone, times),
      pfn: Uint32Array.from(
        copies.flatMap((copy) => Array.from(inUse.pfn, (pfn, at) => moved(pfn, inUse.zone[at]!, copy))),
      ),
      order: over(inUse.order, times),
    },
    listed: { ...listed, pfn: listed.pfn.map((pfn, at) => moved(pfn, listed.pset[at]! % zones.length, 0)) },
  }
  return {
    ...whatIf,
    demand: demandOver(whatIf, times, blocks),
    start: state,
    zones: larger,
    machine: { ...machine, zones: larger },
    to: whatIf.from + (whatIf.to - whatIf.from + 1) * times,
  }
}

const aligned = (pages: number): number => Math.ceil(pages / ALIGNED) * ALIGNED

function over<T extends ColumnArray>(column: T, times: number): T {
  const all = new (column.constructor as new (length: number) => T)(column.length * times)
  for (let copy = 0; copy < times; copy++) (all as Uint8Array).set(column as Uint8Array, copy * column.length)
  return all
}

/** Block numbers, each copy’s own. */
function numbered(block: Uint32Array, times: number, blocks: number): Uint32Array {
  const all = over(block, times)
  for (let at = block.length; at < all.length; at++) all[at]! += Math.trunc(at / block.length) * blocks
  return all
}

function demandOver({ demand, from, to }: WhatIf, times: number, blocks: number): Demand {
  const { length, time, ask, cpu, task, block, offset, zone, order, migratetype, gfpFlags, lockHeld, lead } = demand
  const moments = over(time, times)
  for (let at = length; at < moments.length; at++) moments[at]! += Math.trunc(at / length) * (to - from + 1)
  return {
    ...demand,
    length: length * times,
    blocks: blocks * times,
    time: moments,
    ask: over(ask, times),
    cpu: over(cpu, times),
    task: over(task, times),
    block: numbered(block, times, blocks),
    offset: over(offset, times),
    zone: over(zone, times),
    order: over(order, times),
    migratetype: over(migratetype, times),
    gfpFlags: over(gfpFlags, times),
    lockHeld: over(lockHeld, times),
    lead: over(lead, times),
  }
}
