import { Kind, type Recording } from '#events'
import { ABSENT } from '#events/columns'
import { skippedIn } from './caveats.ts'

/**
 * Which share of the events is missing. A gap that no count belongs to is taken to hold as many events as its CPU records on average
 * in so long a silence, and at least one.
 */
export function lossShareOf({ events, tally }: Pick<Recording, 'events' | 'tally'>): number {
  const counts = events.tables.lost.column.count.data
  const unreadable = skippedIn(tally).reduce((sum, { count }) => sum + count, 0)
  if (events.tables.lost.length === 0) return unreadable === 0 ? 0 : unreadable / (events.length + unreadable)
  const { length, time, cpu, kind, slot } = events
  const last = new Map<number, number>()
  const seen = new Map<number, number>()
  const silent = new Map<number, number[]>()
  let lost = 0
  for (let row = 0; row < length; row++) {
    const of = cpu[row]!
    if (kind[row] === Kind.lost) {
      const count = counts[slot[row]!]! as number
      if (count !== ABSENT.u32) lost += count
      else silent.set(of, [...(silent.get(of) ?? []), time[row]! - (last.get(of) ?? time[0]!)])
    } else seen.set(of, (seen.get(of) ?? 0) + 1)
    last.set(of, time[row]!)
  }
  const span = Math.max(1, (time[length - 1] ?? 0) - (time[0] ?? 0))
  for (const [of, silences] of silent) for (const ns of silences) lost += Math.max(1, ((seen.get(of) ?? 0) * ns) / span)
  const missing = lost + unreadable
  return missing === 0 ? 0 : missing / (length + missing)
}
