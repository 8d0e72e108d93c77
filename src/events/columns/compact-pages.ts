import type { Machine, Zone } from '#kernel'
import { TraceError } from '#kernel/messages'
import type { Events } from '../events.ts'
import { metaOf } from '../exchange/fields.ts'
import { type KindName, kindNames } from '../kinds.ts'
import { type Column, KindTable } from './columns.ts'

/** Page frames that a replay may have arrays for, whether they are touched or not: 32 GiB with pages of 4 KiB. */
const DENSE_PAGES = 2 ** 23
/** Touched blocks may need more, up to here: a replay takes about 50 bytes a page. */
const MOST_PAGES = 2 ** 27

type PageRecording = { readonly events: Events; readonly machine: Machine }

/**
 * The same recording on a machine without the memory that the trace never touches, if the machine spans more page frames than a
 * replay should have arrays for. Blocks of the largest order stay whole and in order, so a page keeps its place in its block, its
 * pageblock and its zone. Counts of zones (managed, free, watermarks) stay as the kernel printed them.
 */
export function compactPages({ events, machine }: PageRecording, dense = DENSE_PAGES): PageRecording {
  const columns = pageColumns(events)
  const spans = machine.zones.length === 0 ? [rangeOf(columns)] : machine.zones
  if (spans.reduce((pages, { spanned }) => pages + spanned, 0) <= dense) return { events, machine }
  const blockPages = 2 ** Math.max(machine.maxPageOrder, machine.pageblockOrder)
  const touched = new Set<number>()
  for (const { pfns, orders } of columns) {
    for (let at = 0; at < pfns.length; at++) {
      const last = pfns[at]! + 2 ** (orders?.[at] ?? 0) - 1
      for (let block = Math.floor(pfns[at]! / blockPages); block * blockPages <= last; block++) touched.add(block)
    }
  }
  // The first and the last block of a zone say where it begins and ends.
  for (const { startPfn, spanned } of [...machine.zones, ...machine.zonesAfter]) {
    touched.add(Math.floor(startPfn / blockPages))
    touched.add(Math.floor((startPfn + spanned - 1) / blockPages))
  }
  if (touched.size * blockPages > MOST_PAGES) {
    throw new TraceError({
      what: `the trace touches ${touched.size} blocks of ${blockPages} pages: a replay needs an entry for each page of them`,
      hint: 'Replay a part of it: `kreplay convert CAPTURE PART.csv --from … --to …`.',
    })
  }
  addUntouched(touched, machine.zones, blockPages, dense / blockPages)
  const placeOf = new Map([...touched].sort((a, b) => a - b).map((block, place) => [block, place]))
  const compact = (pfn: number): number => placeOf.get(Math.floor(pfn / blockPages))! * blockPages + (pfn % blockPages)
  const zone = (one: Zone): Zone => {
    const startPfn = compact(one.startPfn)
    return { ...one, startPfn, spanned: compact(one.startPfn + one.spanned - 1) + 1 - startPfn }
  }
  return {
    events: {
      ...events,
      tables: { ...events.tables, ...Object.fromEntries(columns.map((one) => withPages(one, compact))) },
    },
    machine: { ...machine, zones: machine.zones.map(zone), zonesAfter: machine.zonesAfter.map(zone) },
  }
}

/** The page frames of one kind, and the orders of their blocks where the kind has one. */
interface PageColumn {
  readonly table: KindTable
  readonly column: Column<'u32'>
  readonly pfns: Uint32Array
  readonly orders: Uint8Array | undefined
}

function pageColumns({ tables }: Events): PageColumn[] {
  return kindNames.flatMap((kind: KindName) => {
    const table = tables[kind]
    const column = table.list.find(({ schema }) => metaOf(schema).unit === 'page frame')
    if (table.length === 0 || column?.type !== 'u32') return []
    const orders = table.list.find(({ name }) => name === 'order')
    return [
      {
        table,
        column,
        pfns: column.data.subarray(0, table.length),
        orders: orders?.type === 'u8' ? orders.data : undefined,
      },
    ]
  })
}

function rangeOf(columns: readonly PageColumn[]): Pick<Zone, 'startPfn' | 'spanned'> {
  let [low, high] = [Number.POSITIVE_INFINITY, 0]
  for (const { pfns } of columns) {
    for (let at = 0; at < pfns.length; at++) {
      if (pfns[at]! < low) low = pfns[at]!
      if (pfns[at]! > high) high = pfns[at]!
    }
  }
  return low > high ? { startPfn: 0, spanned: 0 } : { startPfn: low, spanned: high - low + 1 }
}

/** Fills up with blocks that nothing touches, from the start of each zone: policies may take their pages. */
function addUntouched(blocks: Set<number>, zones: readonly Zone[], blockPages: number, most: number): void {
  const spanned = zones.reduce((pages, zone) => pages + zone.spanned, 0)
  const free = most - blocks.size
  for (const zone of zones) {
    let left = Math.floor(free * (zone.spanned / spanned))
    const end = (zone.startPfn + zone.spanned) / blockPages
    for (let block = Math.floor(zone.startPfn / blockPages); block < end && left > 0; block++) {
      if (blocks.has(block)) continue
      blocks.add(block)
      left--
    }
  }
}

function withPages({ table, column, pfns }: PageColumn, compact: (pfn: number) => number): [KindName, KindTable] {
  const copy = new KindTable(table.kind, undefined, table)
  const at = table.list.indexOf(column)
  for (let slot = 0; slot < pfns.length; slot++) copy.list[at]!.set(slot, compact(pfns[slot]!))
  return [table.kind, copy]
}
