import { type Events, kindNames } from '#events'
import type { Script } from '#record'

/** Smaller ones are not worth it, and may be parts of what others use too. */
const WORTH_GIVING = 1 << 20

/** Gives the memory of events back at once. Nobody may look at them after that. */
export const giveBackEvents = ({ tables, ...spine }: Events): void =>
  giveBack([...Object.values(spine), ...kindNames.flatMap((kind) => tables[kind].list.map(({ data }) => data))])

/** The same of a script. What a what-if has of it stays. */
export const giveBackScript = ({ blockTypes: _kept, flow, ...rows }: Script): void =>
  giveBack([...Object.values(rows), ...Object.values(flow)])

function giveBack(columns: readonly unknown[]): void {
  for (const column of columns) {
    if (!ArrayBuffer.isView(column) || !(column.buffer instanceof ArrayBuffer)) continue
    if (column.buffer.byteLength >= WORTH_GIVING) column.buffer.transfer(0)
  }
}
