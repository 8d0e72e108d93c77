import { Flow, FlowKind } from './flow.ts'
import { Op } from './script.ts'
import { Pages, Rows, Run } from './script-columns.ts'
import { Preemptions } from './trackers/preemptions.ts'

/** No task has this number. */
const NOBODY = Number.NaN

/**
 * Appends the rows of a record. What the kernel recorded on a CPU is attached to its rows: pages of a refill to the next row, drained pages
 * to the last one.
 */
export class RowWriter {
  readonly rows: Rows
  readonly flow: Flow
  readonly refills: Pages
  readonly drains: Pages
  readonly preemptions: Preemptions
  /** By row: the event it stems from. */
  readonly source: Uint32Array | undefined
  /** The event at hand, and its task. */
  event = 0
  task = NOBODY
  readonly #lastRow: Int32Array
  /** By CPU: the task of its last row. */
  readonly #rowTask: Float64Array
  readonly #refilled: readonly Run[]
  readonly #drained: readonly Run[]

  constructor(size: { cpus: number; rows: number; refills: number; drains: number }, sources: boolean) {
    const { cpus } = size
    this.rows = new Rows(size.rows)
    this.refills = new Pages(size.refills)
    this.drains = new Pages(size.drains)
    this.flow = new Flow(size.refills + size.drains)
    this.preemptions = new Preemptions(cpus)
    this.source = sources ? new Uint32Array(size.rows) : undefined
    this.#lastRow = new Int32Array(cpus).fill(-1)
    this.#rowTask = new Float64Array(cpus).fill(NOBODY)
    this.#refilled = Array.from({ length: cpus }, () => new Run())
    this.#drained = Array.from({ length: cpus }, () => new Run())
  }

  /** @returns the row's number */
  add(time: number, op: number, cpu: number, zone = 0, pfn = 0, order = 0, migratetype = 0): number {
    const { rows } = this
    const row = rows.length++
    // A gap says nothing of the list at hand: a refill or a bulk free goes on after it.
    if (op !== Op.lost) {
      this.#attach(row, cpu)
      this.#lastRow[cpu] = row
      this.#rowTask[cpu] = this.task
      this.preemptions.row(cpu, row)
    }
    if (this.source !== undefined) this.source[row] = this.event
    rows.time[row] = time
    rows.op[row] = op
    rows.cpu[row] = cpu
    rows.zone[row] = zone
    rows.pfn[row] = pfn
    rows.order[row] = order
    rows.migratetype[row] = migratetype
    return row
  }

  /** Drained pages belong to the CPU's last row, pages of a refill to this one. */
  #attach(row: number, cpu: number): void {
    const { rows, drains, refills } = this
    const drained = this.#drained[cpu]!
    if (drained.length > 0) {
      const previous = this.#lastRow[cpu]!
      rows.drainStart[previous] = drains.length
      drains.take(drained)
      rows.drainEnd[previous] = drains.length
    }
    const refilled = this.#refilled[cpu]!
    if (refilled.length > 0) {
      rows.refillStart[row] = refills.length
      refills.take(refilled)
      rows.refillEnd[row] = refills.length
    }
  }

  /** A block leaves the buddy on `cpu`; `zone` is 255 outside every zone. */
  refilled(cpu: number, zone: number, pfn: number, order: number, migratetype: number): void {
    const run = this.#refilled[cpu]!
    const kind = run.length === 0 ? FlowKind.begins : FlowKind.taken
    const moved = this.flow.push(this.rows.length, cpu, zone, pfn, order, migratetype, kind)
    run.push(pfn, order, migratetype, moved)
  }

  /** Number in the flow of the block that last left the buddy in the refill that goes on here; undefined if it is another page. */
  lastRefilled(cpu: number, pfn: number): number | undefined {
    const run = this.#refilled[cpu]!
    return run.length > 0 && run.pfn[run.length - 1] === pfn ? run.flow[run.length - 1]! : undefined
  }

  /** CPUs that have this page in a refill whose row is still to come. */
  refillingCpus(pfn: number): number[] {
    return this.#refilled.flatMap((run, cpu) => (run.has(pfn) ? [cpu] : []))
  }

  /** A block comes to the buddy from the lists of `cpu`. */
  drained(cpu: number, zone: number, pfn: number, order: number, migratetype: number): void {
    const moved = this.flow.push(this.rows.length, cpu, zone, pfn, order, migratetype, FlowKind.drained)
    this.#drained[cpu]!.push(pfn, order, migratetype, moved)
  }

  /** −1: none yet. */
  lastRow(cpu: number): number {
    return this.#lastRow[cpu]!
  }

  /** Whether the CPU's last row is of the task at hand. */
  lastRowIsOurs(cpu: number): boolean {
    return this.#rowTask[cpu] === this.task
  }
}
