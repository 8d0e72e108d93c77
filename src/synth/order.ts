import { Ask, type Demand } from '#events/demand'
import type { Random } from '#kernel/numbers'

/** By how many pages a CPU’s lists, and what lives that it allocated, may differ from the source at a seam: about one batch. */
const SLACK = 64

/**
 * By block of time: how many pages go onto each CPU’s lists, and how many of those that it allocated come to live, in all; so many numbers
 * as twice the CPUs. `cuts` are the rows at which blocks begin, and the end.
 */
export function flowsOf(source: Demand, cuts: readonly number[]): Int32Array[] {
  const { ask, cpu, order, block, length } = source
  const cpus = cpu.reduce((most, at) => Math.max(most, at + 1), 1)
  const bornOn = new Map<number, number>()
  const isBirth = (row: number) => ask[row] === Ask.alloc || ask[row] === Ask.bulkAlloc
  for (let row = 0; row < length; row++) if (isBirth(row)) bornOn.set(block[row]!, cpu[row]!)
  return cuts.slice(1).map((end, at) => {
    const flow = new Int32Array(cpus * 2)
    for (let row = cuts[at]!; row < end; row++) {
      const pages = 1 << order[row]!
      if (isBirth(row)) {
        flow[cpu[row]!]! -= pages
        flow[cpus + cpu[row]!]! += pages
      } else if (ask[row] === Ask.free || ask[row] === Ask.freeListed) {
        flow[cpu[row]!]! += pages
        flow[cpus + bornOn.get(block[row]!)!]! -= pages
      }
    }
    return flow
  })
}

/**
 * A new order of blocks, each at most about `reach` places from its own, such that at every seam all flows up to there are within
 * SLACK of those of the old order. Each place is drawn from the blocks that keep to it; where none does, the one that differs least
 * comes, and a block that has waited for `reach` places comes in any case.
 */
export function reordered(
  blocks: readonly number[],
  flows: readonly Int32Array[],
  reach: number,
  random: Random,
): number[] {
  const left = blocks.map((_, place) => place)
  const off = new Int32Array(flows[0]!.length)
  return blocks.map((natural, place) => {
    const offWith = (at: number): number =>
      off.reduce((most, sum, k) => Math.max(most, Math.abs(sum + flows[blocks[at]!]![k]! - flows[natural]![k]!)), 0)
    const late = left[0]! <= place - reach
    const near = late ? left.slice(0, 1) : left.slice(0, 2 * reach + 1).filter((at) => at <= place + reach)
    const alike = near.filter((at) => offWith(at) <= SLACK)
    const next =
      alike.length > 0 ? alike[random.below(alike.length)]! : near.reduce((a, b) => (offWith(b) < offWith(a) ? b : a))
    const flow = flows[blocks[next]!]!
    off.forEach((sum, k) => {
      off[k] = sum + flow[k]! - flows[natural]![k]!
    })
    left.splice(left.indexOf(next), 1)
    return blocks[next]!
  })
}
