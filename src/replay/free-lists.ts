import { Ask, type Demand } from '#events/demand'

/** Lists of frees: the row of the next page of the same list, −1 after the last; and which rows begin a list. */
export interface FreeLists {
  readonly next: Int32Array
  readonly begins: Uint8Array
}

/** Frees of one moment by one task on one CPU are one list, up to `max` pages. */
export function freeListsOf({ length, start, time, ask, cpu, task }: Demand, max: number): FreeLists {
  const next = new Int32Array(length).fill(-1)
  const begins = new Uint8Array(length)
  const last = new Map<number, { row: number; pages: number }>()
  const isSame = (a: number, b: number): boolean => time[a] === time[b] && task[a] === task[b]
  for (let row = start; row < length; row++) {
    const open = last.get(cpu[row]!)
    if (ask[row] !== Ask.freeListed) {
      last.delete(cpu[row]!)
    } else if (open !== undefined && open.pages < max && isSame(open.row, row)) {
      next[open.row] = row
      open.row = row
      open.pages++
    } else {
      begins[row] = 1
      last.set(cpu[row]!, { row, pages: 1 })
    }
  }
  return { next, begins }
}

/** Rows of frees that are announced before their list is committed, in order of that. */
export function earlyAnnounces({ length, start, time, lead }: Demand): Uint32Array {
  const rows: number[] = []
  for (let row = start; row < length; row++) if (lead[row]! > 0) rows.push(row)
  return Uint32Array.from(rows).sort((a, b) => time[a]! - lead[a]! - time[b]! + lead[b]! || a - b)
}
