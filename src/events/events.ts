import {
  ABSENT,
  ABSENT_COMM,
  ABSENT_CONTEXT,
  ABSENT_PID,
  Dictionary,
  filled,
  moved,
  newTables,
  type Progress,
  roomFor,
  type Tables,
  takeTables,
  unknownProgress,
} from './columns/columns.ts'
import { Kind, kindNames, recordedName, type TraceEvent } from './kinds.ts'

/**
 * Millions of events as columns, in the order in which they happened. Row r of the spine (`time` … `slot`) is one event; its
 * payload is row `slot[r]` of `tables[kindNames[kind[r]]]`.
 */
export interface Events {
  readonly length: number
  /** ns after second `zero` of the trace's clock. Integer. */
  readonly time: Float64Array
  readonly cpu: Uint16Array
  /** ABSENT_PID where unknown. */
  readonly pid: Int32Array
  readonly kind: Uint8Array
  /** Index into `strings`; ABSENT_COMM where unknown. */
  readonly comm: Uint32Array
  /** Bits as in `commonFields.context`; ABSENT_CONTEXT where unknown. */
  readonly context: Uint8Array
  readonly slot: Uint32Array
  readonly tables: Tables
  readonly strings: Dictionary
  /** First whole second of the trace's clock. */
  readonly zero: number
}

/** How events are handed over while they are built, so that not all of them stand in memory. */
export interface Batching {
  /** Events of a batch; the last has what is left. */
  readonly rows: number
  readonly take: (batch: Events) => void
  /** Whether an event is wanted. Its payload is row `slot` of its kind's table already. */
  readonly keeps?: (builder: EventBuilder, time: number, cpu: number, kind: number, slot: number) => boolean
}

/** More texts than that a dictionary takes only in a trace of which no batch is handed over. */
const MOST_STRINGS = 1 << 16

/** Builds events row by row. Readers push the spine, then write the payload at the slot they are given. */
export class EventBuilder {
  /** A reader that knows how far it is says so. */
  readonly progress = unknownProgress()
  readonly tables: Tables
  strings = new Dictionary()
  /** Set before the first event is added. */
  zero = 0
  length = 0
  readonly #batching: Batching | undefined
  readonly #growth: Progress
  #time = new Float64Array(0)
  #cpu = new Uint16Array(0)
  #pid = new Int32Array(0)
  #kind = new Uint8Array(0)
  #comm = new Uint32Array(0)
  #context = new Uint8Array(0)
  #slot = new Uint32Array(0)

  constructor(batching?: Batching) {
    this.#batching = batching
    // Batches are of one size, however much is to come.
    this.#growth = batching === undefined ? this.progress : unknownProgress()
    this.tables = newTables(this.#growth)
  }

  /** Adds an event of which the payload row is already pushed: `slot` is what `tables[kind].push()` returned. */
  add(time: number, cpu: number, pid: number, comm: number, context: number, kind: number, slot: number): void {
    const batching = this.#batching
    if (batching?.keeps !== undefined && !batching.keeps(this, time, cpu, kind, slot)) {
      this.tables[kindNames[kind]!].length = slot
      return
    }
    const row = this.length
    if (row === this.#time.length) this.#grow(roomFor(row, this.#growth))
    this.#time[row] = time
    this.#cpu[row] = cpu
    this.#pid[row] = pid
    this.#comm[row] = comm
    this.#context[row] = context
    this.#kind[row] = kind
    this.#slot[row] = slot
    this.length = row + 1
    if (this.length === batching?.rows) this.cut()
  }

  /** Hands over what was added since the last batch. */
  cut(): void {
    if (this.#batching === undefined || this.length === 0) return
    const { length, strings, zero } = this
    const tables = takeTables(this.tables)
    this.#batching.take({ length, ...this.#spine(), tables, strings, zero })
    this.length = 0
  }

  /**
   * Begins a new dictionary where batches are handed over and the old one has grown large; says whether it did. A caller that
   * remembers numbers of strings forgets them then.
   */
  renewStrings(): boolean {
    if (this.#batching === undefined || this.strings.size < MOST_STRINGS) return false
    this.cut()
    this.strings = new Dictionary()
    return true
  }

  #spine() {
    const { length } = this
    return {
      time: this.#time.slice(0, length),
      cpu: this.#cpu.slice(0, length),
      pid: this.#pid.slice(0, length),
      kind: this.#kind.slice(0, length),
      comm: this.#comm.slice(0, length),
      context: this.#context.slice(0, length),
      slot: this.#slot.slice(0, length),
    }
  }

  /** Adds one event from its object view: for tests, losses and other rare events. */
  addEvent(event: TraceEvent): void {
    const table = this.tables[event.event]
    const slot = table.push()
    const payload = event as unknown as Record<string, number | bigint | boolean | string | undefined>
    for (const column of table.list) {
      const value = payload[column.name]
      const stored =
        value === undefined
          ? ABSENT[column.type]
          : typeof value === 'string'
            ? this.strings.add(value)
            : typeof value === 'boolean'
              ? Number(value)
              : value
      column.set(slot, stored)
    }
    this.add(
      event.time,
      event.cpu,
      event.pid ?? ABSENT_PID,
      event.comm === undefined ? ABSENT_COMM : this.strings.add(event.comm),
      event.context ?? ABSENT_CONTEXT,
      Kind[event.event],
      slot,
    )
  }

  /** Ends building: rows stay in the order in which they were added. */
  finish(): Events {
    for (const kind of kindNames) this.tables[kind].trim()
    const { length } = this
    const time = filled(this.#time, length)
    const cpu = filled(this.#cpu, length)
    const pid = filled(this.#pid, length)
    const kind = filled(this.#kind, length)
    const comm = filled(this.#comm, length)
    const context = filled(this.#context, length)
    const slot = filled(this.#slot, length)
    const { tables, strings, zero } = this
    const events: Events = { length, time, cpu, pid, kind, comm, context, slot, tables, strings, zero }
    this.#time = new Float64Array(0)
    this.#cpu = new Uint16Array(0)
    this.#pid = new Int32Array(0)
    this.#kind = new Uint8Array(0)
    this.#comm = new Uint32Array(0)
    this.#context = new Uint8Array(0)
    this.#slot = new Uint32Array(0)
    return events
  }

  #grow(capacity: number): void {
    this.#time = moved(this.#time, capacity)
    this.#cpu = moved(this.#cpu, capacity)
    this.#pid = moved(this.#pid, capacity)
    this.#kind = moved(this.#kind, capacity)
    this.#comm = moved(this.#comm, capacity)
    this.#context = moved(this.#context, capacity)
    this.#slot = moved(this.#slot, capacity)
  }
}

/** The event at a row as an object. */
export function eventAt(events: Events, row: number): TraceEvent {
  const kind = kindNames[events.kind[row]!]!
  const table = events.tables[kind]
  const slot = events.slot[row]!
  const event: Record<string, unknown> = { event: kind, time: events.time[row]!, cpu: events.cpu[row]! }
  const pid = events.pid[row]!
  const comm = events.comm[row]!
  const context = events.context[row]!
  if (pid !== ABSENT_PID) event.pid = pid
  if (comm !== ABSENT_COMM) event.comm = events.strings.get(comm)
  if (context !== ABSENT_CONTEXT) event.context = context
  for (const { name, type, data } of table.list) {
    const value = data[slot]!
    if (value === ABSENT[type]) continue
    event[name] = type === 'text' ? events.strings.get(Number(value)) : type === 'flag' ? value === 1 : value
  }
  return event as unknown as TraceEvent
}

/** All events as objects, in order: for users and tests, not for hot loops. */
export function* eachEvent(events: Events): Generator<TraceEvent> {
  for (let row = 0; row < events.length; row++) yield eventAt(events, row)
}

const usualNames = kindNames.map(recordedName)

/** The name by which the event of a kind and slot was recorded; undefined for kreplay's own kinds. */
export function nameOf({ tables, strings }: Pick<Events, 'tables' | 'strings'>, kind: number, slot: number) {
  const { names } = tables[kindNames[kind]!]
  if (names === undefined) return usualNames[kind]
  const number = names.data[slot]!
  return number === ABSENT.text ? usualNames[kind] : strings.get(number)
}

/** The name by which the event at a row was recorded; undefined for kreplay's own kinds. */
export const nameAt = (events: Events, row: number): string | undefined =>
  nameOf(events, events.kind[row]!, events.slot[row]!)

/** Events by the name as recorded. kreplay's own kinds (losses, start, end) are not among them. */
export function countByName(events: Events): Record<string, number> {
  const { kind, slot, tables, strings, length } = events
  const counts = new Map<string, number>()
  const count = (name: string | undefined, n: number) => {
    if (name !== undefined && n > 0) counts.set(name, (counts.get(name) ?? 0) + n)
  }
  const byKind = new Float64Array(kindNames.length)
  for (let row = 0; row < length; row++) byKind[kind[row]!]!++
  kindNames.forEach((name, number) => {
    const names = tables[name].names?.data
    if (names === undefined || byKind[number] === 0) {
      count(recordedName(name), byKind[number]!)
      return
    }
    const byString = new Float64Array(strings.size)
    let usual = 0
    for (let row = 0; row < length; row++) {
      if (kind[row] !== number) continue
      const string = names[slot[row]!]!
      if (string === ABSENT.text) usual++
      else byString[string]!++
    }
    count(recordedName(name), usual)
    for (let string = 0; string < byString.length; string++) count(strings.get(string), byString[string]!)
  })
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Losses: how many gaps, and how many events as far as the recording counted them. */
export function lossesOf(events: Events): { gaps: number; events: number; uncounted: number } {
  const counts = events.tables.lost.column.count.data
  const losses = { gaps: 0, events: 0, uncounted: 0 }
  for (let row = 0; row < events.length && counts.length > 0; row++) {
    if (events.kind[row] !== Kind.lost) continue
    const count = counts[events.slot[row]!]!
    losses.gaps++
    if (count === ABSENT.u32) losses.uncounted++
    else losses.events += count
  }
  return losses
}

/** The rows for which `keep` holds, in order. Payload tables are shared with the original; so are columns, where the rows follow one another. */
export function selectEvents(events: Events, keep: (row: number) => boolean): Events {
  const rows = new Uint32Array(events.length)
  let length = 0
  for (let row = 0; row < events.length; row++) if (keep(row)) rows[length++] = row
  const first = rows[0] ?? 0
  const isStretch = length === 0 || rows[length - 1] === first + length - 1
  const take = <T extends Float64Array | Uint16Array | Int32Array | Uint8Array | Uint32Array>(column: T): T => {
    if (isStretch) return column.subarray(first, first + length) as T
    const taken = column.slice(0, length) as T
    for (let at = 0; at < length; at++) taken[at] = column[rows[at]!]!
    return taken
  }
  return {
    ...events,
    length,
    time: take(events.time),
    cpu: take(events.cpu),
    pid: take(events.pid),
    kind: take(events.kind),
    comm: take(events.comm),
    context: take(events.context),
    slot: take(events.slot),
  }
}

/** Batches, of which each may have a dictionary of its own, as one. */
export function joined(batches: Iterable<Events>): Events {
  const [first, ...others] = batches
  if (first === undefined) return new EventBuilder().finish()
  if (others.length === 0) return first
  const builder = new EventBuilder()
  builder.zero = first.zero
  for (const batch of [first, ...others]) {
    const numbers = new Map<number, number>()
    const numberOf = (number: number): number => {
      if (number === ABSENT.text) return number
      let known = numbers.get(number)
      if (known === undefined) {
        known = builder.strings.add(batch.strings.get(number)!)
        numbers.set(number, known)
      }
      return known
    }
    for (let row = 0; row < batch.length; row++) {
      const kind = batch.kind[row]!
      const from = batch.tables[kindNames[kind]!].list
      const table = builder.tables[kindNames[kind]!]
      const slot = table.push()
      table.list.forEach((column, at) => {
        const value = from[at]!.data[batch.slot[row]!]!
        column.set(slot, column.type === 'text' ? numberOf(Number(value)) : value)
      })
      const comm = numberOf(batch.comm[row]!)
      builder.add(batch.time[row]!, batch.cpu[row]!, batch.pid[row]!, comm, batch.context[row]!, kind, slot)
    }
  }
  return builder.finish()
}
