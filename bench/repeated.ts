import type { Inferred } from '#estimate'
import { type ColumnArray, EventBuilder, type Events, kindNames } from '#events'
import type { Zone } from '#kernel'
import type { Script } from '#record'
import { BlockIndex, PageIndex } from '../src/record/places.ts'

/** Pages to which zones and copies are aligned: no block is larger. */
const ALIGNED = 1024

type Columns = Pick<Script, 'time' | 'op' | 'cpu' | 'zone' | 'pfn' | 'order' | 'migratetype'>

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

/**
 * A recording’s script so many times over, one after the other, each in memory and time of its own: a longer trace of a larger machine.
 * Only what a what-if replay reads is repeated.
 */
export function repeated(script: Script, inferred: Inferred, times: number): { script: Script; inferred: Inferred } {
  const { length, zones, machine } = script
  const span = script.to - script.from + 1
  const strides = zones.map(({ startPfn, spanned }) => Math.ceil(((startPfn % ALIGNED) + spanned) / ALIGNED) * ALIGNED)
  const firsts = strides.map((_, zone) => strides.slice(0, zone).reduce((sum, stride) => sum + stride * times, 0))
  const moved = (pfn: number, zone: number, copy: number): number => {
    const { startPfn } = zones[zone]!
    return firsts[zone]! + copy * strides[zone]! + pfn - (startPfn - (startPfn % ALIGNED))
  }
  const all = length * times
  const columns: Columns = {
    time: new Float64Array(all),
    op: new Uint8Array(all),
    cpu: new Uint16Array(all),
    zone: new Uint8Array(all),
    pfn: new Uint32Array(all),
    order: new Uint8Array(all),
    migratetype: new Uint8Array(all),
  }
  for (let copy = 0; copy < times; copy++) {
    const from = copy * length
    for (const name of ['op', 'cpu', 'zone', 'order', 'migratetype'] as const)
      columns[name].set(script[name].subarray(0, length), from)
    for (let row = 0; row < length; row++) {
      columns.time[from + row] = script.time[row]! + copy * span
      // A drain request holds its zone there.
      const isPage = script.op[row] === 1 || script.op[row] === 2
      columns.pfn[from + row] = isPage ? moved(script.pfn[row]!, script.zone[row]!, copy) : script.pfn[row]!
    }
  }
  // Watermarks stay, so that lists are sized as they were.
  const larger = zones.map((zone, at): Zone => ({ ...zone, startPfn: firsts[at]!, spanned: strides[at]! * times }))
  const rows = <T extends { readonly row: readonly number[] }>(part: T): T => {
    const copies = Array.from({ length: times }, (_, copy) => copy)
    return Object.fromEntries(
      Object.entries(part).map(([name, values]) => [
        name,
        copies.flatMap((copy) => (values as number[]).map((n) => (name === 'row' ? n + copy * length : n))),
      ]),
    ) as unknown as T
  }
  return {
    script: {
      ...script,
      ...columns,
      length: all,
      zones: larger,
      machine: { ...machine, zones: larger },
      to: script.from + span * times,
      blockTypes: typesOf(),
    },
    inferred: {
      ...inferred,
      bulk: rows(inferred.bulk),
      localDrains: rows(inferred.localDrains),
      ticks: rows(inferred.ticks),
      start: startOf(),
    },
  }

  function typesOf(): Uint8Array {
    const [from, to] = [zones, larger].map((of) => new BlockIndex(of, machine.pageblockOrder)) as [
      BlockIndex,
      BlockIndex,
    ]
    const block = 1 << machine.pageblockOrder
    const types = new Uint8Array(to.size).fill(255)
    zones.forEach(({ startPfn, spanned }, zone) => {
      for (let copy = 0; copy < times; copy++)
        for (let pfn = startPfn; pfn < startPfn + spanned; pfn += block)
          types[to.at(moved(pfn, zone, copy), zone)] = script.blockTypes[from.at(pfn, zone)]!
    })
    return types
  }

  function startOf(): Inferred['start'] {
    const { sightings, zones: free } = inferred.start
    const [from, to] = [new PageIndex(zones), new PageIndex(larger)]
    const seen = new Uint8Array(to.size)
    const row = new Uint32Array(to.size)
    zones.forEach(({ startPfn, spanned }, zone) => {
      const first = from.at(startPfn, zone)
      for (let copy = 0; copy < times; copy++) {
        const at = to.at(moved(startPfn, zone, copy), zone)
        seen.set(sightings.seen.subarray(first, first + spanned), at)
        row.set(sightings.row.subarray(first, first + spanned), at)
      }
    })
    return {
      sightings: {
        seen,
        row,
        listed: {
          ...sightings.listed,
          pfn: sightings.listed.pfn.map((pfn, at) => moved(pfn, sightings.listed.zone[at]!, 0)),
        },
      },
      zones: free.map(({ pfn, order, unplaced }, zone) => {
        const blocks = { pfn: new Uint32Array(pfn.length * times), order: new Uint8Array(pfn.length * times), unplaced }
        for (let copy = 0; copy < times; copy++) {
          blocks.order.set(order, copy * pfn.length)
          for (let at = 0; at < pfn.length; at++) blocks.pfn[copy * pfn.length + at] = moved(pfn[at]!, zone, copy)
        }
        return blocks
      }),
    }
  }
}
