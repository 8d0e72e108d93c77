import type { SilentTicks } from '#record'
import type { PageStart } from './free-start.ts'
import type { InitialLists } from './scores.ts'

/** What a what-if replay starts from and is driven by beside the script: what the fidelity run learnt of the recording. */
export interface Inferred {
  readonly initial: InitialLists
  /** Orders of the lists of `initial`, and their migratetypes. */
  readonly listOrders: readonly number[]
  readonly listTypes: readonly number[]
  readonly start: PageStart
  /** Compaction emptying its own CPU's lists, in order of `row`. */
  readonly localDrains: { readonly row: readonly number[]; readonly pset: readonly number[] }
  /** By row of an allocation: the row at which it took its page, where that was before. */
  readonly taken: ReadonlyMap<number, number>
  /** By zone: the upper bound of `high`, as the record proves it; 0: it does not, or zoneinfo prints it. */
  readonly highMax: readonly number[]
  /** vmstat ticks that no event shows. */
  readonly ticks: SilentTicks
  /** Pages taken by the untraced bulk allocator, in order of `row`. */
  readonly bulk: { readonly row: readonly number[]; readonly pset: readonly number[]; readonly list: readonly number[] }
}
