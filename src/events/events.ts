import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, Dictionary, newTables, type Tables } from './columns.ts'
import { Kind, type KindName, kindNames, recordedName, type TraceEvent } from './kinds.ts'

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
  /** Bits as in `spine.context`; ABSENT_CONTEXT where unknown. */
  readonly context: Uint8Array
  readonly slot: Uint32Array
  readonly tables: Tables
  readonly strings: Dictionary
  /** First whole second of the trace's clock. */
  readonly zero: number
}

/** Builds events row by row. Readers push the spine, then write the payload at the slot they are given. */
export class EventBuilder {
  readonly tables = newTables()
  readonly strings = new Dictionary()
  zero = 0
  length = 0
  #time = new Float64Array(0)
  #cpu = new Uint16Array(0)
  #pid = new Int32Array(0)
  #kind = new Uint8Array(0)
  #comm = new Uint32Array(0)
  #context = new Uint8Array(0)
  #slot = new Uint32Array(0)

  /** Adds an event of which the payload row is already pushed: `slot` is what `tables[kind].push()` returned. */
  add(time: number, cpu: number, pid: number, comm: number, context: number, kind: number, slot: number): void {
    const row = this.length
    if (row === this.#time.length) this.#grow(Math.max(1024, row * 2))
    this.#time[row] = time
    this.#cpu[row] = cpu
    this.#pid[row] = pid
    this.#comm[row] = comm
    this.#context[row] = context
    this.#kind[row] = kind
    this.#slot[row] = slot
    this.length = row + 1
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
      ;(column.data as unknown as (number | bigint)[])[slot] = stored
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

  /**
   * Ends building. `blocks`: ends of runs of rows which are each in order (one per CPU); they are merged by time, the earlier
   * block first where times are equal. Without it rows stay as they were added.
   */
  finish(blocks?: readonly number[]): Events {
    for (const kind of kindNames) this.tables[kind].trim()
    const { length } = this
    const order = blocks === undefined ? undefined : mergeOrder(this.#time, blocks)
    const time = this.#time.slice(0, length)
    const cpu = this.#cpu.slice(0, length)
    const pid = this.#pid.slice(0, length)
    const kind = this.#kind.slice(0, length)
    const comm = this.#comm.slice(0, length)
    const context = this.#context.slice(0, length)
    const slot = this.#slot.slice(0, length)
    if (order !== undefined) {
      // Each column by its own name: one shared helper would meet five kinds of array and run at half the speed.
      const [fromTime, fromCpu, fromPid, fromKind] = [this.#time, this.#cpu, this.#pid, this.#kind] as const
      const [fromComm, fromContext, fromSlot] = [this.#comm, this.#context, this.#slot] as const
      for (let row = 0; row < length; row++) {
        const from = order[row]!
        time[row] = fromTime[from]!
        cpu[row] = fromCpu[from]!
        pid[row] = fromPid[from]!
        kind[row] = fromKind[from]!
        comm[row] = fromComm[from]!
        context[row] = fromContext[from]!
        slot[row] = fromSlot[from]!
      }
    }
    const { tables, strings, zero } = this
    const events: Events = { length, time, cpu, pid, kind, comm, context, slot, tables, strings, zero }
    this.#grow(0)
    return events
  }

  #grow(capacity: number): void {
    const grow = <T extends { set(from: T): void; subarray(from: number, to: number): T }>(fresh: T, old: T): T => {
      fresh.set(old.subarray(0, capacity))
      return fresh
    }
    this.#time = grow(new Float64Array(capacity), this.#time)
    this.#cpu = grow(new Uint16Array(capacity), this.#cpu)
    this.#pid = grow(new Int32Array(capacity), this.#pid)
    this.#kind = grow(new Uint8Array(capacity), this.#kind)
    this.#comm = grow(new Uint32Array(capacity), this.#comm)
    this.#context = grow(new Uint8Array(capacity), this.#context)
    this.#slot = grow(new Uint32Array(capacity), this.#slot)
  }
}

/** Rows in order of time, from blocks each in order: a k-way merge that never reorders within a block. */
function mergeOrder(time: Float64Array, blocks: readonly number[]): Uint32Array {
  const cursors = blocks.map((_, block) => (block === 0 ? 0 : blocks[block - 1]!))
  const order = new Uint32Array(blocks.at(-1) ?? 0)
  for (let out = 0; out < order.length; ) {
    let first = -1
    let firstTime = Number.POSITIVE_INFINITY
    let secondTime = Number.POSITIVE_INFINITY
    let second = -1
    for (let block = 0; block < blocks.length; block++) {
      const row = cursors[block]!
      if (row >= blocks[block]!) continue
      const at = time[row]!
      if (first < 0 || at < firstTime) {
        second = first
        secondTime = firstTime
        first = block
        firstTime = at
      } else if (second < 0 || at < secondTime) {
        second = block
        secondTime = at
      }
    }
    // Take the whole run of the first block that comes before any other block's next event.
    const end = blocks[first]!
    let row = cursors[first]!
    do order[out++] = row++
    while (row < end && (time[row]! < secondTime || (time[row]! === secondTime && first < second) || second < 0))
    cursors[first] = row
  }
  return order
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
    event[name] = type === 'text' ? events.strings.get(value as number) : type === 'flag' ? value === 1 : value
  }
  return event as unknown as TraceEvent
}

/** All events as objects, in order: for users and tests, not for hot loops. */
export function* eachEvent(events: Events): Generator<TraceEvent> {
  for (let row = 0; row < events.length; row++) yield eventAt(events, row)
}

/** Numbers of the strings that hold the recorded name of a kind's rows, where its kind does not tell; ABSENT where it does. */
function namesOf(tables: Tables, kind: KindName): Uint32Array | undefined {
  const field = kind === 'other' ? 'name' : 'recordedAs'
  return tables[kind].list.find(({ name }) => name === field)?.data as Uint32Array | undefined
}

/** The name by which the event at a row was recorded; undefined for kreplay's own kinds. */
export function nameAt(events: Events, row: number): string | undefined {
  const kind = kindNames[events.kind[row]!]!
  const number = namesOf(events.tables, kind)?.[events.slot[row]!] ?? ABSENT.text
  return number === ABSENT.text ? recordedName(kind) : events.strings.get(number)
}

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
    const names = namesOf(tables, name)
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
  const counts = events.tables.lost.column.count.data as Uint32Array
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

/** The rows for which `keep` holds, in order. The payload tables are shared with the original. */
export function selectEvents(events: Events, keep: (row: number) => boolean): Events {
  const rows = new Uint32Array(events.length)
  let length = 0
  for (let row = 0; row < events.length; row++) if (keep(row)) rows[length++] = row
  const take = <T extends Float64Array | Uint16Array | Int32Array | Uint8Array | Uint32Array>(column: T): T => {
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
