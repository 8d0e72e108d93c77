import { type Events, Kind } from '#events'

/** Times of the events of each CPU, without losses. */
export function timesByCpu({ time, cpu, kind, zero, length }: Events): Map<number, number[]> {
  const times = new Map<number, number[]>()
  for (let row = 0; row < length; row++) {
    if (kind[row] === Kind.lost) continue
    const own = times.get(cpu[row]!) ?? []
    own.push(zero * 1e9 + time[row]!)
    times.set(cpu[row]!, own)
  }
  return times
}
