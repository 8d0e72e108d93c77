import { Ask, type Demand } from '#events/demand'
import type { Ns } from '#kernel'
import type { Random } from '#kernel/numbers'

/** Pages that live longer than so many blocks of time are in flight everywhere, and no cut can spare them. */
const HORIZON = 4

/**
 * Rows at which blocks of time begin, and the end. Blocks are half to one and a half times `blockNs` long; each begins where, of all moments
 * near, fewest pages are in flight.
 */
export function cutsOf(source: Demand, blockNs: Ns, random: Random): number[] {
  const { time, start, length } = source
  const inFlight = inFlightOf(source, blockNs * HORIZON)
  const cuts = [start]
  for (let row = start; row < length; ) {
    const earliest = time[row]! + blockNs * (0.4 + 0.2 * random.uniform())
    while (row < length && time[row]! < earliest) row++
    let best = row
    for (; row < length && time[row]! < earliest + blockNs; row++)
      // Rows of one moment stay together.
      if (inFlight[row]! <= inFlight[best]! && time[row]! > time[row - 1]!) best = row
    if (row < length) cuts.push(best)
    row = row < length ? best : row
  }
  return [...cuts, length]
}

/** Pages, by row, that are allocated before it and freed from it on, and live for `horizon` at most. */
function inFlightOf({ time, ask, block, order, start, length }: Demand, horizon: Ns): Int32Array {
  const pages = new Int32Array(length + 1)
  const bornAt = new Map<number, number>()
  for (let row = start; row < length; row++) {
    if (ask[row] === Ask.alloc || ask[row] === Ask.bulkAlloc) bornAt.set(block[row]!, row)
    else if (ask[row] === Ask.free || ask[row] === Ask.freeListed) {
      const born = bornAt.get(block[row]!)
      if (born === undefined || time[row]! - time[born]! > horizon) continue
      pages[born + 1]! += 1 << order[row]!
      pages[row + 1]! -= 1 << order[row]!
    }
  }
  for (let row = start; row < length; row++) pages[row + 1]! += pages[row]!
  return pages
}
