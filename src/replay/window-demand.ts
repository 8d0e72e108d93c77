import { Ask, type Demand } from '#events/demand'
import type { Ns, Order, Pfn } from '#kernel'
import { firstIndex } from '#kernel/numbers'

/** The first row that is not before a moment. */
export function firstRowFrom({ time, length }: Pick<Demand, 'time' | 'length'>, moment: Ns): number {
  return firstIndex(length, (row) => time[row]! >= moment)
}

/** A block that somebody has before the first row of a demand. */
export interface Held {
  readonly block: number
  readonly pfn: Pfn
  readonly order: Order
  readonly zone: number
}

/** Who has which block when a window begins: `left` pages of it, none where nobody has it. */
export interface Holder {
  readonly page: Pfn
  readonly order: Order
  readonly zone: number
  readonly left: number
}

const COLUMNS = [
  'time',
  'ask',
  'cpu',
  'task',
  'block',
  'offset',
  'zone',
  'order',
  'migratetype',
  'gfpFlags',
  'lockHeld',
  'lead',
] as const

/**
 * The rows of a demand from `first` to before `end`, with blocks numbered anew, and the blocks among them that somebody has by then. Of a
 * block that came back in part, each part that comes back later is a block of its own.
 */
export function windowDemand(
  demand: Demand,
  first: number,
  end: number,
  holderOf: (block: number) => Holder,
): { readonly demand: Demand; readonly held: readonly Held[] } {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, demand[name].slice(first, end)])) as unknown as Pick<
    Demand,
    (typeof COLUMNS)[number]
  >
  const numbers = new Map<number, number>()
  const held: Held[] = []
  let blocks = 0
  for (let row = 0; row < end - first; row++) {
    const ask = columns.ask[row]!
    if (ask === Ask.alloc || ask === Ask.bulkAlloc || ask === Ask.unseenAlloc) {
      numbers.set(columns.block[row]!, blocks)
      columns.block[row] = blocks++
    } else if (ask === Ask.free) {
      const old = columns.block[row]!
      const known = numbers.get(old)
      if (known !== undefined) {
        columns.block[row] = known
        continue
      }
      const { page, order, zone, left } = holderOf(old)
      const isWhole = left === 1 << order
      const offset = columns.offset[row]!
      if (isWhole) {
        numbers.set(old, blocks)
        held.push({ block: blocks, pfn: page, order, zone })
      } else {
        held.push({ block: blocks, pfn: page + offset, order: columns.order[row]!, zone })
        columns.offset[row] = 0
      }
      columns.block[row] = blocks++
    } else columns.block[row] = 0
  }
  return { demand: { ...columns, length: end - first, start: 0, blocks, tasks: demand.tasks }, held }
}
