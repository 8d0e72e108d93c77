import { type Events, kindNames } from '#events'
import type { Script } from '#record'

/** Smaller ones are not worth it, and may be parts of what others use too. */
const WORTH_GIVING = 1 << 20

/** Gives the memory of events back at once, and that of their script. Nobody may look at either after that; a what-if has what it needs of them. */
export function giveBack({ tables, ...spine }: Events, { blockTypes: _kept, flow, ...rows }: Script): void {
  const columns = [
    ...Object.values(spine),
    ...kindNames.flatMap((kind) => tables[kind].list.map(({ data }) => data)),
    ...Object.values(rows),
    ...Object.values(flow),
  ]
  for (const column of columns) {
    if (!ArrayBuffer.isView(column) || !(column.buffer instanceof ArrayBuffer)) continue
    if (column.buffer.byteLength >= WORTH_GIVING) column.buffer.transfer(0)
  }
}
