import type { Events } from '#events'
import { ABSENT_COMM } from '#events/columns'
import type { CpuFlows } from './cpu-flows-schema.ts'

/** Spans of time that flows are told for. */
const SPANS = 50
/** Machines of more CPUs have their pairs in a map. */
const MANY_CPUS = 512

/** Counts by pair of CPUs. */
class Pairs {
  readonly #cpus: number
  readonly #dense: Float64Array | undefined
  readonly #sparse = new Map<number, number>()

  constructor(cpus: number) {
    this.#cpus = cpus
    this.#dense = cpus <= MANY_CPUS ? new Float64Array(cpus * cpus) : undefined
  }

  add(pair: number): void {
    if (this.#dense === undefined) this.#sparse.set(pair, (this.#sparse.get(pair) ?? 0) + 1)
    else this.#dense[pair]!++
  }

  /** Pairs with anything. */
  each(visit: (from: number, to: number, count: number) => void): void {
    for (const [pair, count] of (this.#dense ?? this.#sparse).entries())
      if (count > 0) visit(Math.trunc(pair / this.#cpus), pair % this.#cpus, count)
  }
}

/**
 * Pages by the CPU that allocated them and the CPU that freed them. Only pages whose allocation and free both were recorded. Sums stand in
 * arrays by number: this runs for every page.
 */
export class FlowSums {
  readonly #events: Events
  readonly #cpus: number
  /** Pages by pair of CPUs, and frees. */
  readonly #pages: Pairs
  readonly #frees: Pairs
  readonly #byOrder = new Float64Array(64)
  readonly #byTime = new Float64Array(2 * SPANS)
  /** By task name; the last one: unknown. */
  readonly #freedBy: Float64Array
  readonly #allocatedBy: Float64Array
  readonly #unknown: number
  readonly #from: number
  readonly #perSpan: number

  constructor(events: Events) {
    this.#events = events
    let cpus = 0
    const { cpu, length } = events
    for (let row = 0; row < length; row++) if (cpu[row]! >= cpus) cpus = cpu[row]! + 1
    this.#cpus = cpus
    this.#pages = new Pairs(cpus)
    this.#frees = new Pairs(cpus)
    this.#unknown = events.strings.size
    this.#freedBy = new Float64Array(2 * (this.#unknown + 1))
    this.#allocatedBy = new Float64Array(2 * (this.#unknown + 1))
    this.#from = events.time[0] ?? 0
    this.#perSpan = Math.max(1, ((events.time.at(-1) ?? 0) - this.#from + 1) / SPANS)
  }

  /** A page that row `alloc` allocated is freed by row `free`, as part of a block of that order. `isFirst`: the first page of that free. */
  add(alloc: number, free: number, order: number, isFirst: boolean): void {
    const { cpu, comm, time } = this.#events
    const from = cpu[alloc]!
    const to = cpu[free]!
    const crosses = from === to ? 0 : 1
    this.#pages.add(from * this.#cpus + to)
    if (isFirst) this.#frees.add(from * this.#cpus + to)
    this.#byOrder[2 * order]!++
    this.#byOrder[2 * order + 1]! += crosses
    const span = 2 * Math.min(SPANS - 1, Math.trunc((time[free]! - this.#from) / this.#perSpan))
    this.#byTime[span]!++
    this.#byTime[span + 1]! += crosses
    const freeing = 2 * (comm[free] === ABSENT_COMM ? this.#unknown : comm[free]!)
    this.#freedBy[freeing]!++
    this.#freedBy[freeing + 1]! += crosses
    const allocating = 2 * (comm[alloc] === ABSENT_COMM ? this.#unknown : comm[alloc]!)
    this.#allocatedBy[allocating]!++
    this.#allocatedBy[allocating + 1]! += crosses
  }

  /** Undefined where no page was both allocated and freed. */
  result(): CpuFlows | undefined {
    const matrix = new Map<number, Pick<CpuFlows['matrix'][number], 'freedOn' | 'frees'>>()
    const rowOf = (from: number) => {
      const row = matrix.get(from) ?? { freedOn: {}, frees: {} }
      matrix.set(from, row)
      return row
    }
    this.#pages.each((from, to, pages) => {
      rowOf(from).freedOn[to] = pages
    })
    if (matrix.size === 0) return undefined
    this.#frees.each((from, to, frees) => {
      rowOf(from).frees[to] = frees
    })
    return {
      matrix: [...matrix].sort(([a], [b]) => a - b).map(([allocatedOn, row]) => ({ allocatedOn, ...row })),
      byOrder: rowsOf(this.#byOrder, (order) => ({ order })),
      byFreeing: this.#byName(this.#freedBy),
      byAllocating: this.#byName(this.#allocatedBy),
      overTime: Array.from({ length: SPANS }, (_, span) => ({
        t: Math.round(this.#from + (span + 1) * this.#perSpan),
        pages: this.#byTime[2 * span]!,
        crossCpu: this.#byTime[2 * span + 1]!,
      })),
    }
  }

  #byName(sums: Float64Array) {
    return rowsOf(sums, (comm) => (comm === this.#unknown ? {} : { comm: this.#events.strings.get(comm)! })).sort(
      (a, b) => b.crossCpu - a.crossCpu || b.pages - a.pages,
    )
  }
}

/** Rows with pages of sums that stand in pairs: all, and those that crossed. */
const rowsOf = <N extends object>(sums: Float64Array, name: (row: number) => N) =>
  Array.from({ length: sums.length / 2 }, (_, row) => ({
    ...name(row),
    pages: sums[2 * row]!,
    crossCpu: sums[2 * row + 1]!,
  })).filter(({ pages }) => pages > 0)
