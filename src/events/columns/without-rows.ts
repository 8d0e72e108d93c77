import type { Events } from '../events.ts'
import { Kind } from '../kinds.ts'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, KindTable } from './columns.ts'

/**
 * The events without those whose row is not 0 in `drop`, as a recording that lost them. `marked`: a loss with their number stands before
 * the next event of their CPU, as the kernel marks it. The payload tables are shared with the original.
 */
export function withoutRows(events: Events, drop: Uint8Array, marked: boolean): Events {
  const lost = new KindTable('lost', undefined, events.tables.lost)
  const pending = new Map<number, number>()
  const rows = new Uint32Array(events.length * 2)
  const slots = new Uint32Array(events.length * 2)
  let length = 0
  for (let row = 0; row < events.length; row++) {
    const cpu = events.cpu[row]!
    if (drop[row] !== 0) {
      if (marked) pending.set(cpu, (pending.get(cpu) ?? 0) + 1)
      continue
    }
    const count = pending.get(cpu)
    if (count !== undefined) {
      pending.delete(cpu)
      const slot = lost.push()
      for (const column of lost.list) column.set(slot, column.name === 'count' ? count : ABSENT[column.type])
      rows[length] = row
      slots[length++] = slot + 1
    }
    rows[length++] = row
  }
  lost.trim()
  const take = <T extends Float64Array | Uint16Array | Int32Array | Uint8Array | Uint32Array>(
    column: T,
    ofMark?: (mark: number) => number,
  ): T => {
    const taken = new (column.constructor as new (length: number) => T)(length)
    for (let at = 0; at < length; at++)
      taken[at] = slots[at] === 0 || ofMark === undefined ? column[rows[at]!]! : ofMark(slots[at]! - 1)
    return taken
  }
  return {
    ...events,
    length,
    tables: { ...events.tables, lost },
    time: take(events.time),
    cpu: take(events.cpu),
    pid: take(events.pid, () => ABSENT_PID),
    kind: take(events.kind, () => Kind.lost),
    comm: take(events.comm, () => ABSENT_COMM),
    context: take(events.context, () => ABSENT_CONTEXT),
    slot: take(events.slot, (slot) => slot),
  }
}
