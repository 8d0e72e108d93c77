import type { Machine, Pfn } from '#kernel'
import type { Notice } from '#kernel/messages'
import { type KindTable, newTables } from './columns/columns.ts'
import { type Events, selectEvents } from './events.ts'
import { metaOf } from './exchange/fields.ts'
import { fieldsOf, type KindName, kindNames } from './kinds.ts'

/** The most CPUs that a kernel can be built for: NR_CPUS of x86-64 with MAXSMP. Others allow fewer. */
export const MOST_CPUS = 8192
/** Page frames that a column can hold; the highest number stands for an absent value. */
const PAGE_FRAMES = 2 ** 32 - 1

export const boundNotices = {
  'impossible-order': {
    level: 'error',
    help: 'Events with an order above the largest that this machine has (MAX_PAGE_ORDER). They are left out.',
  },
  'impossible-page': {
    level: 'error',
    help: 'Events with a page frame that no machine has, or that this one has no memory for. They are left out.',
  },
  'impossible-cpu': {
    level: 'error',
    help: `Events on a CPU numbered ${MOST_CPUS} or above; no kernel has so many. They are left out.`,
  },
} as const satisfies Record<string, Notice>

export type BoundCause = keyof typeof boundNotices

/** What the values of a machine’s events can be. */
export interface ValueBounds extends Pick<Machine, 'maxPageOrder'> {
  /** Whether the machine has memory there; absent where nobody knows. */
  readonly isMemory?: ((pfn: Pfn) => boolean) | undefined
}

type Mark = (cause: BoundCause, row: number) => void

/**
 * The events whose values can be. `count` gets the cause and the row of each other one. Readers check what a column can hold;
 * this is what a machine can have, in one place for all formats, and it costs a look at each order, page and CPU. Times need no
 * bound of their own: none is more than 2⁵³ ns, 104 days, from the trace's first second.
 */
export function withinBounds(events: Events, bounds: ValueBounds, count: Mark): Events {
  const bad = new Uint8Array(events.length)
  let left = 0
  const mark: Mark = (cause, row) => {
    if (bad[row] === 1) return
    bad[row] = 1
    left++
    count(cause, row)
  }
  markCpus(events, mark)
  markPayloads(events, bounds, mark)
  return left === 0 ? events : withoutRows(events, bad)
}

function markCpus({ cpu, length }: Events, mark: Mark): void {
  for (let row = 0; row < length; row++) if (cpu[row]! >= MOST_CPUS) mark('impossible-cpu', row)
}

/** Names of the columns of a kind that hold an order, and of the one that holds a page frame. */
interface BoundedColumns {
  readonly orders: readonly string[]
  readonly page: string | undefined
}

function boundedColumnsOf(kind: KindName): BoundedColumns {
  const units = Object.entries(fieldsOf(kind)).map(([name, schema]) => ({ name, ...metaOf(schema) }))
  return {
    orders: units.filter(({ unit, column }) => unit === 'order' && column === 'u8').map(({ name }) => name),
    page: units.find(({ unit, column }) => unit === 'page frame' && column === 'u32')?.name,
  }
}

const boundedColumns = kindNames.map(boundedColumnsOf)

function markPayloads({ kind, slot, length, tables }: Events, bounds: ValueBounds, mark: Mark): void {
  const causes = kindNames.map((name, number) => badSlots(tables[name], boundedColumns[number]!, bounds))
  if (causes.every((one) => one === undefined)) return
  for (let row = 0; row < length; row++) {
    const cause = causes[kind[row]!]?.get(slot[row]!)
    if (cause !== undefined) mark(cause, row)
  }
}

/** Rows of a table whose values cannot be, with the reason; undefined where there is none, as in nearly every trace. */
function badSlots(
  table: KindTable,
  { orders, page }: BoundedColumns,
  bounds: ValueBounds,
): Map<number, BoundCause> | undefined {
  const { maxPageOrder, isMemory } = bounds
  const bad = new Map<number, BoundCause>()
  for (const column of table.list) {
    if (column.type !== 'u8' || !orders.includes(column.name)) continue
    const { data } = column
    for (let at = 0; at < table.length; at++) if (data[at]! > maxPageOrder) bad.set(at, 'impossible-order')
  }
  const pages = table.list.find(({ name }) => name === page)
  if (pages?.type !== 'u32') return bad.size === 0 ? undefined : bad
  const { data } = pages
  const lengths = table.list.find(({ name }) => name === 'order')
  const sure = PAGE_FRAMES - 2 ** maxPageOrder
  for (let at = 0; at < table.length; at++) {
    const pfn = data[at]!
    if (pfn <= sure && (isMemory === undefined || isMemory(pfn))) continue
    const order = lengths?.type === 'u8' ? lengths.data[at]! : 0
    if (!bad.has(at) && (pfn + 2 ** order > PAGE_FRAMES || isMemory?.(pfn) === false)) bad.set(at, 'impossible-page')
  }
  return bad.size === 0 ? undefined : bad
}

/** Without the marked rows. Tables of kinds that lose one are made again, since surveys read whole columns. */
function withoutRows(events: Events, bad: Uint8Array): Events {
  const { kind, slot, tables } = events
  const gone = kindNames.map(() => new Set<number>())
  for (let row = 0; row < events.length; row++) if (bad[row] === 1) gone[kind[row]!]!.add(slot[row]!)
  const places = kindNames.map((name, number) => keptPlaces(tables[name].length, gone[number]!))
  const kept = newTables()
  kindNames.forEach((name, number) => {
    copyRows(tables[name], kept[name], places[number]!)
  })
  const selected = selectEvents(events, (row) => bad[row] === 0)
  for (let row = 0; row < selected.length; row++)
    selected.slot[row] = places[selected.kind[row]!]![selected.slot[row]!]!
  return { ...selected, tables: kept }
}

/** Where each row of a table is once those in `gone` are not there. */
function keptPlaces(length: number, gone: ReadonlySet<number>): Uint32Array {
  const places = new Uint32Array(length)
  let place = 0
  for (let at = 0; at < length; at++) {
    places[at] = gone.has(at) ? GONE : place
    if (!gone.has(at)) place++
  }
  return places
}

const GONE = 0xffffffff

function copyRows(from: KindTable, to: KindTable, places: Uint32Array): void {
  to.setLength(places.reduce((rows, place) => (place === GONE ? rows : rows + 1), 0))
  from.list.forEach(({ data }, field) => {
    const column = to.list[field]!
    for (let at = 0; at < places.length; at++) if (places[at] !== GONE) column.set(places[at]!, data[at]!)
  })
  to.trim()
}
