import { type Events, Kind, type Recording } from '#events'
import { ABSENT, withoutRows } from '#events/columns'
import { type Random, randomOf } from '#kernel/numbers'
import { unreadIn } from '../caveats.ts'
import { type Contradictions, contradictionsOf } from './contradictions.ts'
import type { LossModel } from './losses.ts'
import { rowsToDrop } from './thinned.ts'

/** Gaps of which the sizes are kept: as good as all to draw from. */
const MOST_SIZES = 10_000

/**
 * What is missing. A gap that no count belongs to is taken to hold as many events as its CPU records on average in so long a silence, and
 * at least one. Without marks, `isLossy` says whether to look for what is missing. Undefined where nothing is.
 */
export function lossModelOf(
  { events, tally }: Pick<Recording, 'events' | 'tally'>,
  isLossy: boolean,
): LossModel | undefined {
  const unread = unreadIn(tally)
  const gaps = events.tables.lost.length === 0 ? [] : gapSizes(events)
  const missing = gaps.reduce((sum, size) => sum + size, unread)
  if (missing > 0) {
    const sizes = gaps.length <= MOST_SIZES ? gaps : everyNth(gaps, MOST_SIZES)
    return { share: missing / (events.length + missing), sizes: unread > 0 ? [...sizes, 1] : sizes, found: 'counted' }
  }
  return isLossy ? unmarked(events) : undefined
}

const everyNth = (values: readonly number[], most: number): number[] =>
  Array.from({ length: most }, (_, at) => values[Math.trunc((at * values.length) / most)]!)

function gapSizes(events: Events): number[] {
  const { length, time, cpu, kind, slot } = events
  const counts = events.tables.lost.column.count.data
  const last = new Map<number, number>()
  const seen = new Map<number, number>()
  const silences: { readonly cpu: number; readonly ns: number }[] = []
  const sizes: number[] = []
  for (let row = 0; row < length; row++) {
    const of = cpu[row]!
    if (kind[row] === Kind.lost) {
      const count = counts[slot[row]!]!
      if (count !== ABSENT.u32) sizes.push(count)
      else silences.push({ cpu: of, ns: time[row]! - (last.get(of) ?? time[0]!) })
    } else seen.set(of, (seen.get(of) ?? 0) + 1)
    last.set(of, time[row]!)
  }
  const span = Math.max(1, (time[length - 1] ?? 0) - (time[0] ?? 0))
  for (const { cpu: of, ns } of silences) sizes.push(Math.max(1, Math.round(((seen.get(of) ?? 0) * ns) / span)))
  return sizes.filter((size) => size > 0)
}

/** Mean sizes of gaps that are tried: single events, and bursts. */
const BURSTS = [1, 64, 512] as const

/** The largest lost share that is tried: a trace that lost more shows no pattern by which to measure the loss. An assumption. */
const MOST_SHARE = 0.6

/**
 * Which loss would leave as many contradictions as there are, as close together: tried on the trace itself, which is thinned once more by
 * each kind of loss.
 */
function unmarked(events: Events): LossModel | undefined {
  const seen = contradictionsOf(events)
  if (seen.reallocated === 0) return undefined
  const tries = BURSTS.map((mean) => {
    const random = randomOf(1, `losses of ${mean}`)
    const sizes = Array.from({ length: 256 }, () => random.count(mean))
    let share = Math.min(MOST_SHARE, shareTwice(seen))
    let apart = Number.POSITIVE_INFINITY
    for (let pass = 0; pass < 2; pass++) {
      const { more, closeness } = thinnedOnce(events, seen, share, sizes, random)
      apart = Math.abs(closeness - closenessOf(seen.rows, events.length))
      share = Math.min(MOST_SHARE, shareBehind(shareTwice(seen), more, share, mean === 1))
    }
    return { share, sizes, apart }
  })
  const best = tries.reduce((least, one) => (one.apart < least.apart ? one : least))
  return { share: best.share, sizes: best.sizes, found: 'contradictions' }
}

const shareTwice = ({ reallocated, matched }: Contradictions): number => reallocated / (reallocated + matched)

/** How many contradictions another loss of this kind adds, and how close together these are. */
function thinnedOnce(
  events: Events,
  before: Contradictions,
  share: number,
  sizes: readonly number[],
  random: Random,
): { readonly more: number; readonly closeness: number } {
  const drop = rowsToDrop(events, share, sizes, random)
  const after = contradictionsOf(withoutRows(events, drop, false))
  const kept: number[] = []
  for (let row = 0; row < events.length; row++) if (drop[row] === 0) kept.push(row)
  const old = new Set(before.rows)
  const fresh = Array.from(after.rows, (row) => kept[row]!).filter((row) => !old.has(row))
  return { more: shareTwice(after) - shareTwice(before), closeness: closenessOf(fresh, events.length) }
}

/** The share of rows that follow the one before within a fifth of their mean distance: 0.18 where they are independent. */
function closenessOf(rows: ArrayLike<number>, length: number): number {
  const near = Math.max(1, length / rows.length / 5)
  let close = 0
  for (let at = 1; at < rows.length; at++) if (rows[at]! - rows[at - 1]! <= near) close++
  return close / Math.max(1, rows.length - 1)
}

/**
 * The share p that is missing, where `twice` of the pages are allocated twice, and `more` of them once a further share `again` is missing.
 * In a burst both events of a page are lost or none: contradictions grow with p. One by one they grow with p ÷ (1 + p), since a second
 * loss between two events undoes the contradiction of the first.
 */
function shareBehind(twice: number, more: number, again: number, single: boolean): number {
  const grows = (p: number): number => (single ? p / (1 + p) : p)
  const wanted = Math.max(0, more) / twice
  const ratioAt = (p: number): number => grows(1 - (1 - p) * (1 - again)) / grows(p) - 1
  let [low, high] = [1e-6, MOST_SHARE]
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (ratioAt(middle) > wanted) low = middle
    else high = middle
  }
  return low
}
