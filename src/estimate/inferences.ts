import type { TickWindow } from './tick-evidence.ts'
import type { TickMove } from './tick-times.ts'

/** What a pass that follows the record finds out, and a free-running one takes as given: none of it is the work of list rules. */
export interface Inferences {
  /** By row: pages that left their lists there, though the event of their allocation came later. */
  readonly early: Map<number, number[]>
  /** By row of an allocation: the row at which its task took the page, if that was before. */
  readonly taken: Map<number, number>
  /** Of those that an earlier pass found, by row: pages that were heads of their lists by then, and left. */
  readonly left: Map<number, number[]>
  /** By row at which a requested drain began: pages freed before that came to their list after it. */
  readonly late: Map<number, number[]>
  /** Pages that the untraced bulk allocator took: at which row, from which list entry. */
  readonly bulk: { readonly row: number[]; readonly pset: number[]; readonly list: number[] }
  /** Refills before the event of the allocation that made them, which took `page`; −1: not known. */
  readonly refillsAhead: { readonly row: number; readonly list: number; readonly page: number }[]
  /** Moments at which compaction emptied its own CPU's lists, and the first drain of each. */
  readonly localDrains: { readonly row: number[]; readonly pset: number[]; readonly from: number[] }
  /** Rows of which the event proved a constant of the machine: they are not scored. */
  readonly proving: Set<number>
  /** When ticks ran, as what they did to `high` proves. */
  readonly tickWindows: readonly TickWindow[]
  /** By zone: the upper bound of `high`, as the record proves it; 0: it does not. */
  readonly highMax: readonly number[]
  /** Rows of allocations that went past their list to the buddy. */
  readonly direct: Set<number>
  /** Pages from before the trace that left unseen: before which row, how many, and from which list of the pageset. */
  readonly unseen: {
    readonly row: number
    readonly pset: number
    readonly pages: number
    readonly list: number
  }[]
  /** Ticks that no event shows and that ran before another row than thought; −1: did not run, or was not thought to. */
  readonly tickMoves: TickMove[]
}

export const noInferences = (): Inferences => ({
  early: new Map(),
  taken: new Map(),
  left: new Map(),
  late: new Map(),
  bulk: { row: [], pset: [], list: [] },
  refillsAhead: [],
  localDrains: { row: [], pset: [], from: [] },
  direct: new Set(),
  proving: new Set(),
  tickWindows: [],
  highMax: [],
  unseen: [],
  tickMoves: [],
})
