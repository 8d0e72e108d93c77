import { ABSENT } from '#events/columns'
import type { Pages } from '#kernel'
import type { Context } from '../context.ts'
import type { RowWriter } from '../row-writer.ts'
import { Op, type PagesetState } from '../script.ts'

/** Pagesets as probes fetched them at the entry of free_pcppages_bulk(), by the free that led there. */
export class PagesetStates {
  readonly byRow = new Map<number, PagesetState>()
  readonly #context: Context
  readonly #writer: RowWriter
  readonly #column

  constructor(context: Context, writer: RowWriter) {
    this.#context = context
    this.#writer = writer
    this.#column = context.events.tables.pcp_state.column
  }

  /** Other functions, and the drains of requests, stem from no free. A bulk free in batches is probed once for each: the first counts. */
  probed(slot: number, cpu: number): void {
    const { rows } = this.#writer
    const row = this.#writer.lastRow(cpu)
    const { asked, zoneStart, count, high, highMin, highMax, freeCount, freeFactor, allocFactor } = this.#column
    if (row < 0 || rows.op[row] !== Op.free || !this.#writer.lastRowIsOurs(cpu) || this.byRow.has(row)) return
    if (asked.data[slot] === ABSENT.i32) return
    const start = zoneStart.data[slot]!
    if (start !== ABSENT.u32 && start !== this.#context.zones[rows.zone[row]!]!.startPfn) return
    const value = ({ data }: { readonly data: ArrayLike<number> }): Pages | undefined =>
      data[slot] === ABSENT.i32 ? undefined : data[slot]!
    this.byRow.set(row, {
      count: count.data[slot]!,
      high: high.data[slot]!,
      highMin: value(highMin),
      highMax: value(highMax),
      freeCount: value(freeCount),
      freeFactor: value(freeFactor),
      allocFactor: value(allocFactor),
    })
  }
}
