import type { Ns } from '#kernel'
import { noTicks, Op, type Script, type SilentTicks } from '#record'

/** sysctl vm.stat_interval: 1 s by default, in ns. */
const STAT_INTERVAL = 1e9

/** How far apart the whole seconds of two CPUs lie: 3 jiffies a CPU. Source: round_jiffies_relative(), kernel/time/timer.c, v6.12. */
const SKEW_JIFFIES = 3

/** Ticks come up to so much later than due: a kworker waits for its CPU. */
const MOST_LATE = STAT_INTERVAL / 4

/** In a gap of the trace so many ticks change all that ticks can change. */
const MOST_IN_A_GAP = 64

const within = (time: number): number => ((time % STAT_INTERVAL) + STAT_INTERVAL) % STAT_INTERVAL

/**
 * When the whole seconds of CPU 0 fall due, modulo a second, as the ticks prove that were seen: each was due before it came, by less than
 * a quarter of a second. Of all moments that this allows for most of them, the latest. Undefined where none was seen.
 */
export function phaseOf(
  seen: readonly { readonly time: number; readonly cpu: number }[],
  skew: number,
): number | undefined {
  const dues = seen.map(({ time, cpu }) => within(time + cpu * skew)).sort((a, b) => a - b)
  let best: { due: number; fits: number } | undefined
  for (const due of dues) {
    const fits = dues.reduce((sum, other) => sum + Number(within(other - due) < MOST_LATE), 0)
    if (best === undefined || fits > best.fits) best = { due, fits }
  }
  return best?.due
}

/**
 * Ticks of vmstat_update() that no event shows. Each re-arms itself for the next whole second of its CPU, later than a quarter of a second
 * for the one after. The whole seconds are learnt from ticks that gave pages back, which nothing else explains; where there is none, they
 * are taken to begin with the trace. From 6.12 on isolated CPUs have none. Source: vmstat_update(), mm/vmstat.c, v6.12.
 */
export function silentTicksOf(script: Script, knownPhase?: Ns): SilentTicks {
  if (script.ticksRecorded) return noTicks
  const { machine, length, time, op, cpu } = script
  const cpus = new Set<number>()
  const seen: { time: number; cpu: number }[] = []
  for (let row = 0; row < length; row++) {
    cpus.add(cpu[row]!)
    if (op[row] === Op.tick) seen.push({ time: time[row]!, cpu: cpu[row]! })
  }
  const skew = (SKEW_JIFFIES / machine.hz) * 1e9
  const phase = knownPhase ?? phaseOf(seen, skew) ?? within(script.from)
  const due: { time: number; cpu: number }[] = []
  for (const at of cpus) {
    if (machine.isolated.includes(at)) continue
    const own = seen.filter((tick) => tick.cpu === at).map((tick) => tick.time)
    const first = script.from + within(phase - at * skew - script.from)
    let seenRows = 0
    for (let next = first; next <= script.to; ) {
      while (seenRows < length && time[seenRows]! < next) seenRows++
      const quiet = next - (time[seenRows - 1] ?? first)
      const ahead = Math.floor(((time[seenRows] ?? script.to) - next) / STAT_INTERVAL)
      if (quiet > MOST_IN_A_GAP * STAT_INTERVAL && ahead > 0) {
        next += ahead * STAT_INTERVAL
        continue
      }
      const shown = own.find((moment) => moment >= next && moment < next + STAT_INTERVAL)
      if (shown === undefined) due.push({ time: next, cpu: at })
      next += STAT_INTERVAL * (shown !== undefined && shown - next >= MOST_LATE ? 2 : 1)
    }
  }
  due.sort((a, b) => a.time - b.time || a.cpu - b.cpu)
  const rows: number[] = []
  let row = 0
  for (const { time: moment } of due) {
    while (row < length && time[row]! < moment) row++
    rows.push(row)
  }
  return { row: rows, cpu: due.map(({ cpu: at }) => at) }
}
