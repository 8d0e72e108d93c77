import { LEAST_FOR_PERCENTILES, quantile } from '#kernel/numbers'
import type { Frees, RecordedCalls } from '#replay'
/** All moments of calls, in order. */
export function callTimes({ cpus, count }: RecordedCalls): Float64Array {
  const all = new Float64Array(count)
  let at = 0
  for (const { time } of cpus) {
    all.set(time, at)
    at += time.length
  }
  return all.sort()
}

/** Objects in flight over a span: mean and peak, from every single call and free. */
export function footprintOf(calls: Float64Array, frees: Frees, start: number, end: number) {
  let inFlight = 0
  let peak = 0
  let area = 0
  let last = start
  let free = 0
  const until = (time: number) => {
    area += inFlight * (time - last)
    last = time
  }
  const freesUntil = (time: number) => {
    for (; free < frees.length && frees.time[free]! <= time; free++) {
      until(frees.time[free]!)
      inFlight -= frees.n[free]!
    }
  }
  for (const time of calls) {
    freesUntil(time)
    until(time)
    inFlight++
    if (inFlight > peak) peak = inFlight
  }
  freesUntil(end)
  until(end)
  return { mean: end > start ? area / (end - start) : 0, peak }
}

/**
 * Waits from call to free, first in, first out over the whole machine, since bulk frees carry no pointers: undefined where fewer than 20
 * objects were freed.
 */
export function fifoLatencies(calls: Float64Array, frees: Frees): { p50: number; p99: number } | undefined {
  const waits: number[] = []
  let call = 0
  for (let row = 0; row < frees.length; row++)
    for (let i = 0; i < frees.n[row]! && call < calls.length; i++, call++) waits.push(frees.time[row]! - calls[call]!)
  if (waits.length < LEAST_FOR_PERCENTILES) return undefined
  const sorted = Float64Array.from(waits).sort()
  return { p50: quantile(sorted, 0.5)!, p99: quantile(sorted, 0.99)! }
}
