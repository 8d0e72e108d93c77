import { type Events, Kind } from '#events'
import type { Random } from '#kernel/numbers'

/**
 * Rows to drop so that a share of the events is missing: runs of one CPU's events, each as long as one of `sizes`, at places by chance.
 */
export function rowsToDrop(events: Events, share: number, sizes: ArrayLike<number>, random: Random): Uint8Array {
  const { length, cpu, kind } = events
  const drop = new Uint8Array(length)
  const rowsOf = new Map<number, number>()
  for (let row = 0; row < length; row++)
    if (kind[row] !== Kind.lost) rowsOf.set(cpu[row]!, (rowsOf.get(cpu[row]!) ?? 0) + 1)
  // By CPU, its rows one after another: a run goes on in them.
  const starts = new Map<number, number>()
  let total = 0
  for (const [of, rows] of rowsOf) {
    starts.set(of, total)
    total += rows
  }
  const order = new Uint32Array(total)
  const ends = new Uint32Array(total)
  const next = new Map(starts)
  for (let row = 0; row < length; row++) {
    if (kind[row] === Kind.lost) continue
    const at = next.get(cpu[row]!)!
    order[at] = row
    next.set(cpu[row]!, at + 1)
  }
  for (const [of, start] of starts) ends.fill(start + rowsOf.get(of)!, start, start + rowsOf.get(of)!)
  const wanted = Math.round(Math.min(share, 0.95) * total)
  for (let dropped = 0; dropped < wanted; ) {
    let at = random.below(total)
    const end = ends[at]!
    for (let left = sizes[random.below(sizes.length)]!; left > 0 && at < end && dropped < wanted; at++) {
      if (drop[order[at]!] === 1) continue
      drop[order[at]!] = 1
      dropped++
      left--
    }
  }
  return drop
}
