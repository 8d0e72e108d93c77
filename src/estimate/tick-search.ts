import type { Ns, Pages } from '#kernel'
import type { Change, HighLine } from './history.ts'

/** The last ticks are moved, so many; each over so many refills at most. */
const MOST_TICKS = 4
const MOST_REFILLS = 5

/** Ways to place ticks that are looked at in full. */
const MOST_WAYS = 12

/** What moved `high` of a pageset, and when. */
export interface TickLine extends HighLine {
  /** When its start was. */
  readonly since: Ns
  readonly bounds: { readonly highMin: Pages; readonly highMax: Pages }
  /** When an entry was. */
  readonly timeOf: (entry: number) => Ns
  /** The entry after another. */
  readonly after: (entry: number) => number
}

interface Way {
  readonly change: Change
  /** By how much ticks are moved in all, ns. */
  readonly cost: number
}

/** `high` at the end if ticks ran before these refills (by number), in order. */
export function highAfter({ start, raises, bounds: { highMin, highMax } }: TickLine, places: readonly number[]): Pages {
  let high = start
  let next = 0
  for (let refill = 0; refill <= raises.length; refill++) {
    for (; next < places.length && places[next] === refill; next++)
      high = Math.max(high - (high >> 3), Math.min(high, highMin))
    if (refill < raises.length) high = Math.min(high + raises[refill]!.by, highMax)
  }
  return high
}

/** The entry before which a tick runs that is moved from one side of refills to another: as near as may be. */
function entryOf({ raises, after }: TickLine, from: number, to: number): number {
  return to < from ? raises[to]!.entry : after(raises[to - 1]!.entry)
}

/**
 * Ways to place ticks that no event shows on other sides of the refills, such that `high` ends where it is shown to be: those that move them
 * least first. `fits`: whether `high` may be so.
 */
export function tickPlacements(line: TickLine, fits: (high: Pages) => boolean): Change[] {
  const { raises, ticks, timeOf } = line
  const nominal = ticks.map((tick) => raises.filter(({ entry }) => entry < tick).length)
  const firstMoved = Math.max(0, ticks.length - MOST_TICKS)
  const ways: Way[] = []
  const consider = (places: readonly number[], without: number, added: number | undefined): void => {
    const all = added === undefined ? places : [...places, added].sort((a, b) => a - b)
    if (!fits(highAfter(line, all))) return
    const skip: number[] = without < 0 ? [] : [ticks[without]!]
    const add: number[] = []
    let cost = without < 0 && added === undefined ? 0 : 1e9
    const kept = ticks.filter((_, at) => at !== without)
    const was = nominal.filter((_, at) => at !== without)
    for (const [at, tick] of kept.entries()) {
      if (places[at] === was[at]) continue
      const to = entryOf(line, was[at]!, places[at]!)
      skip.push(tick)
      add.push(to)
      cost += Math.abs(timeOf(to) - timeOf(tick))
    }
    if (added !== undefined) {
      const before = raises.at(-1)
      const end = before === undefined ? line.last : line.after(before.entry)
      add.push(added < raises.length ? raises[added]!.entry : end)
    }
    if (skip.length + add.length > 0) ways.push({ change: { skip, add }, cost })
    // The last one may also have run later between the same refills.
    const last = kept.length - 1
    if (last < 0) return
    const late = places[last]! < raises.length ? raises[places[last]!]!.entry : line.last
    if (late <= kept[last]! || add.includes(late)) return
    const moved = skip.indexOf(kept[last]!)
    const others = { skip: skip.filter((_, at) => at !== moved), add: add.filter((_, at) => at !== moved) }
    ways.push({
      change: { skip: [...others.skip, kept[last]!], add: [...others.add, late] },
      cost: cost + Math.abs(timeOf(late) - timeOf(kept[last]!)),
    })
  }
  const place = (was: readonly number[], places: number[], without: number, added: number | undefined): void => {
    const at = places.length
    if (at === was.length) {
      consider(places, without, added)
      return
    }
    const least = places[at - 1] ?? 0
    const reach = at < firstMoved ? 0 : MOST_REFILLS
    for (let to = Math.max(least, was[at]! - reach); to <= Math.min(raises.length, was[at]! + reach); to++)
      place(was, [...places, to], without, added)
  }
  place(nominal, [], -1, undefined)
  if (ways.length === 0) {
    for (let without = ticks.length - 1; without >= 0; without--)
      consider(
        nominal.filter((_, at) => at !== without),
        without,
        undefined,
      )
    for (let added = raises.length; added >= 0; added--) consider(nominal, -1, added)
  }
  return ways
    .sort((a, b) => a.cost - b.cost)
    .slice(0, MOST_WAYS)
    .map(({ change }) => change)
}
