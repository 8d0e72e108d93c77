import type { Cpu, Migratetype, Ns, Order } from '#kernel'
import { type ColumnArray, moved } from '../columns/columns.ts'

/** What tasks ask of the page allocator. */
export const Ask = {
  alloc: 0,
  /** One order-0 page by alloc_pages_bulk(), which records nothing of it. */
  bulkAlloc: 1,
  free: 2,
  /** A free as part of a list: those of one task, CPU and moment. Each is announced (mm_page_free) `lead` earlier, or when the first of the list is committed. */
  freeListed: 3,
  /** drain_all_pages() for `zone`. */
  drainRequest: 4,
  /** Compaction empties the lists of its own CPU, of `zone`. */
  localDrain: 5,
  directReclaimBegin: 6,
  /** `block` holds the pages reclaimed. */
  directReclaimEnd: 7,
  kswapdWake: 8,
  kswapdSleep: 9,
  /** vmstat_update() runs on this CPU; `task` is of no meaning. */
  tick: 10,
  /** kswapd begins or ends to balance node `zone`: ZONE_RECLAIM_ACTIVE of its zones. */
  reclaimStart: 11,
  reclaimEnd: 12,
  /** A block that somebody has, though no event shows how he got it: from the buddy, by compaction or hugetlb. */
  unseenAlloc: 13,
} as const

/** `Demand.zone`: none named; of requests and of reclaim: all. */
export const ANY_ZONE = 255

export interface Task {
  readonly pid: number
  readonly comm: string
}

/**
 * What a machine’s tasks ask of the page allocator: who wants or frees which block, when, on which CPU. No page frames, no refills and no
 * drains: these are the allocator’s answer. What stands before row `start` happened before the trace.
 */
export interface Demand {
  readonly length: number
  readonly start: number
  /** All of `block` are below. */
  readonly blocks: number
  /** Integer, in order. */
  readonly time: Float64Array
  readonly ask: Uint8Array
  readonly cpu: Uint16Array
  /** Index into `tasks`. */
  readonly task: Uint16Array
  /** The block’s number: each is allocated once; a free gives it back, or a part of it. */
  readonly block: Uint32Array
  /** Of frees: where in the block the part of `order` begins that comes back; pages. */
  readonly offset: Uint16Array
  /** Index into the machine’s zones of the zone that served the request; `ANY_ZONE`: the allocator chooses. */
  readonly zone: Uint8Array
  readonly order: Uint8Array
  /**
   * As asked for; of frees: the type of the list that takes the block. Below MIGRATE_PCPTYPES; `PAST_LISTS` for a free that goes to the
   * buddy, since no list takes pages of such a pageblock.
   */
  readonly migratetype: Uint8Array
  readonly gfpFlags: Uint32Array
  /**
   * Of allocations and frees: 1 where the operation found the lock of its page lists held, by one that it interrupted. Where the lock is
   * only tried, such a block goes past the lists.
   */
  readonly lockHeld: Uint8Array
  /** Of freeListed: how long before `time`, at which the list is committed, the block was announced; ns. */
  readonly lead: Uint32Array
  readonly tasks: readonly Task[]
}

/** `Demand.migratetype` of a free that goes past the lists. */
export const PAST_LISTS = 255

/** One row of a demand. */
export interface DemandRow {
  readonly time: Ns
  readonly ask: number
  readonly cpu: Cpu
  readonly task: number
  readonly block?: number
  readonly offset?: number
  readonly zone?: number
  readonly order?: Order
  readonly migratetype?: Migratetype
  readonly gfpFlags?: number
  readonly lockHeld?: boolean
  readonly lead?: Ns
}

/** Collects the rows of a demand in any order of time. */
export class DemandBuilder {
  readonly #tasks: Task[] = []
  readonly #numbers = new Map<string, number>()
  #length = 0
  #blocks = 0
  #columns: Columns

  /** `rows`: about as many as will come. Rows that never come take no memory. */
  constructor(rows = 1024) {
    this.#columns = columnsOf(Math.max(1, rows))
  }

  /** The number of a task, new or known. */
  task(pid: number, comm: string): number {
    const key = `${pid} ${comm}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#tasks.push({ pid, comm }) - 1
      this.#numbers.set(key, number)
    }
    return number
  }

  /** A block’s number, never given before. */
  newBlock(): number {
    return this.#blocks++
  }

  /** Returns the row’s number, until `finish`. */
  push(wanted: DemandRow): number {
    const { time, ask, cpu, task, block = 0, offset = 0, zone = ANY_ZONE } = wanted
    const { order = 0, migratetype = 0, gfpFlags = 0, lockHeld = false, lead = 0 } = wanted
    const row = this.#length++
    if (row === this.#columns.time.length) this.#columns = withRoom(this.#columns, row * 2)
    const columns = this.#columns
    columns.time[row] = Math.round(time)
    columns.ask[row] = ask
    columns.cpu[row] = cpu
    columns.block[row] = block
    columns.zone[row] = zone
    columns.order[row] = order
    columns.migratetype[row] = migratetype
    // Zeros stand there already: a column that holds nothing else takes no memory.
    if (task !== 0) columns.task[row] = task
    if (offset !== 0) columns.offset[row] = offset
    if (gfpFlags !== 0) columns.gfpFlags[row] = gfpFlags
    if (lockHeld) columns.lockHeld[row] = 1
    if (lead !== 0) columns.lead[row] = lead
    return row
  }

  /** Which block a row that was pushed is of. */
  settle(row: number, block: number): void {
    this.#columns.block[row] = block
  }

  /** Rows in order of time, equals as they were pushed. What comes before time 0 happened before the trace. Ends the building. */
  finish(): Demand {
    const length = this.#length
    const columns = this.#columns
    this.#columns = columnsOf(1)
    this.#length = 0
    const late = lateRows(columns.time.subarray(0, length))
    const stretches = late.length === 0 ? undefined : stretchesInOrder(columns.time, length, late)
    for (const name of names)
      columns[name] = (
        stretches === undefined ? columns[name].subarray(0, length) : inOrder(columns[name], length, stretches)
      ) as never
    return finished(columns, length, this.#tasks)
  }
}

function finished(columns: Columns, length: number, tasks: readonly Task[]): Demand {
  const at = columns.time.findIndex((time) => time >= 0)
  let blocks = 0
  for (let row = 0; row < length; row++) if (columns.block[row]! >= blocks) blocks = columns.block[row]! + 1
  return { ...columns, length, start: at < 0 ? length : at, blocks, tasks }
}

const columnsOf = (length: number) => ({
  time: new Float64Array(length),
  ask: new Uint8Array(length),
  cpu: new Uint16Array(length),
  task: new Uint16Array(length),
  block: new Uint32Array(length),
  offset: new Uint16Array(length),
  zone: new Uint8Array(length),
  order: new Uint8Array(length),
  migratetype: new Uint8Array(length),
  gfpFlags: new Uint32Array(length),
  lockHeld: new Uint8Array(length),
  lead: new Uint32Array(length),
})
type Columns = ReturnType<typeof columnsOf>

const names = Object.keys(columnsOf(0)) as (keyof Columns)[]

const withRoom = (from: Columns, length: number): Columns =>
  Object.fromEntries(names.map((name) => [name, moved(from[name], length)])) as Columns

/** Rows before which a later one stands: few, since what is written follows a trace. In order of time, equals as they stand. */
function lateRows(time: Float64Array): Uint32Array {
  const late: number[] = []
  let latest = Number.NEGATIVE_INFINITY
  for (let row = 0; row < time.length; row++) {
    if (time[row]! < latest) late.push(row)
    else latest = time[row]!
  }
  return Uint32Array.from(late).sort((a, b) => time[a]! - time[b]! || a - b)
}

/** Rows that are copied one by one sooner than as a stretch. */
const SHORT = 8

/**
 * All rows in order of time, equals as they stand, as stretches of rows that follow one another: where each begins, and its end. Those that
 * are not `late` are in order already.
 */
function stretchesInOrder(time: Float64Array, length: number, late: Uint32Array): number[] {
  const isLate = new Uint8Array(length)
  for (const row of late) isLate[row] = 1
  const stretches: number[] = []
  let next = 0
  for (let row = 0; row < length; ) {
    for (; next < late.length && comesFirst(time, late[next]!, row); next++)
      stretches.push(late[next]!, late[next]! + 1)
    let end = row
    while (end < length && isLate[end] === 0 && !(next < late.length && comesFirst(time, late[next]!, end))) end++
    if (end > row) stretches.push(row, end)
    row = end
    while (row < length && isLate[row] === 1) row++
  }
  for (; next < late.length; next++) stretches.push(late[next]!, late[next]! + 1)
  return stretches
}

/** A column's rows in the order of the stretches. The old one's memory is freed at once: there are many columns. */
function inOrder<T extends ColumnArray>(column: T, length: number, stretches: readonly number[]): T {
  const into = moved(column.subarray(0, 0) as T, length)
  let at = 0
  for (let of = 0; of < stretches.length; of += 2) {
    const [first, end] = [stretches[of]!, stretches[of + 1]!]
    if (end - first < SHORT) for (let row = first; row < end; row++) into[at++] = column[row]!
    else {
      into.set(column.subarray(first, end) as never, at)
      at += end - first
    }
  }
  moved(column, 0)
  return into
}

const comesFirst = (time: Float64Array, row: number, other: number): boolean =>
  time[row]! < time[other]! || (time[row] === time[other] && row < other)

/** When kswapd balances, as rows: from each wake to what it does last before it wakes again or sleeps. */
export function balancesOf({ ask, task, start, length }: Demand): { readonly wake: number; readonly last: number }[] {
  const balances: { wake: number; last: number }[] = []
  const open = new Map<number, { last: number }>()
  for (let row = start; row < length; row++) {
    const balance = open.get(task[row]!)
    if (ask[row] === Ask.kswapdWake) {
      const next = { wake: row, last: row }
      balances.push(next)
      open.set(task[row]!, next)
    } else if (ask[row] === Ask.kswapdSleep) open.delete(task[row]!)
    else if (balance !== undefined) balance.last = row
  }
  return balances
}
