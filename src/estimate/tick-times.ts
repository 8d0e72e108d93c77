import type { Cpu, Ns } from '#kernel'
import { noTicks, Op, type Script, type SilentTicks } from '#record'
import type { TickWindow } from './tick-evidence.ts'

/** sysctl vm.stat_interval: 1 s by default, in ns. */
const STAT_INTERVAL = 1e9

/** How far apart the whole seconds of two CPUs lie: 3 jiffies a CPU. Source: round_jiffies_relative(), kernel/time/timer.c, v6.12. */
const SKEW_JIFFIES = 3

/** Ticks come up to so much later than due: a kworker waits for its CPU. */
const MOST_LATE = STAT_INTERVAL / 4

/** In a gap of the trace so many ticks change all that ticks can change. */
const MOST_IN_A_GAP = 64

const within = (time: number): number => ((time % STAT_INTERVAL) + STAT_INTERVAL) % STAT_INTERVAL

/** A tick of a CPU that ran before row `to` instead of `from`; −1: at all. */
export interface TickMove {
  readonly cpu: Cpu
  readonly from: number
  readonly to: number
}

/** Corrected times of ticks that no event shows. */
export function movedTicks({ row, cpu }: SilentTicks, moves: readonly TickMove[]): SilentTicks {
  const all = row.map((at, tick) => ({ row: at, cpu: cpu[tick]! }))
  for (const move of moves) {
    const at = all.findIndex((tick) => tick.row === move.from && tick.cpu === move.cpu)
    if (at >= 0) all.splice(at, 1)
    // What was moved already is not moved again.
    if (move.to >= 0 && (at >= 0 || move.from < 0)) all.push({ row: move.to, cpu: move.cpu })
  }
  all.sort((a, b) => a.row - b.row || a.cpu - b.cpu)
  return { row: all.map((tick) => tick.row), cpu: all.map((tick) => tick.cpu) }
}

export interface SeenTick {
  readonly time: Ns
  readonly cpu: Cpu
}

/** Phases that are tried: so many in a second. */
const PHASES = 250

/** Cost of a tick that comes this late; beyond a quarter of a second all delays cost the same. */
const surprise = (late: Ns): number => Math.min(late, MOST_LATE)

/**
 * Cost of a window for ticks that fall due at `due` (modulo a second): how late ticks must have come for as many to run in it as the record
 * proves. A tick that is late by a quarter of a second or more skips the next one.
 */
function surpriseOf({ from, to, ticks }: TickWindow, due: Ns, own: readonly Ns[]): number {
  const first = from + within(due - from)
  const before = own.findLast((time) => time <= from)
  const late = before === undefined ? 0 : within(before - due)
  const isLeftOut = before !== undefined && late >= MOST_LATE && first < before - late + 2 * STAT_INTERVAL
  const next = isLeftOut ? first + STAT_INTERVAL : first
  const ran = next > to ? 0 : 1 + Math.floor((to - next) / STAT_INTERVAL)
  if (ran === ticks) return 0
  if (ran === ticks + 1) return surprise(to - (next + (ran - 1) * STAT_INTERVAL))
  return surprise(ran === ticks - 1 ? from - (first - STAT_INTERVAL) : STAT_INTERVAL)
}

/**
 * When the whole seconds of CPU 0 fall due, modulo a second, as the record shows it: a tick that was seen was due before it came; in a window
 * so many ran as lowered `high`. Of all moments that for which ticks came least late: the middle of the longest stretch. Undefined where
 * nothing was seen.
 */
export function phaseOf(seen: readonly SeenTick[], skew: number, windows: readonly TickWindow[] = []): Ns | undefined {
  if (seen.length + windows.length === 0) return undefined
  const own = Map.groupBy(seen, ({ cpu }) => cpu)
  const timesOf = (cpu: Cpu): Ns[] => (own.get(cpu) ?? []).map(({ time }) => time)
  const proofs = windows.map((window) => ({ window, times: timesOf(window.cpu) }))
  const costs = Array.from({ length: PHASES }, (_, at) => {
    const phase = (at * STAT_INTERVAL) / PHASES
    let sum = 0
    for (const { time, cpu } of seen) sum += surprise(within(time + cpu * skew - phase))
    for (const { window, times } of proofs) sum += surpriseOf(window, phase - window.cpu * skew, times)
    return sum
  })
  const least = Math.min(...costs)
  // The longest stretch of the best, around the turn of a second too.
  let [best, length] = [0, 0]
  for (let from = 0; from < PHASES; from++) {
    let to = 0
    while (to < PHASES && costs[(from + to) % PHASES] === least) to++
    if (to > length) [best, length] = [from, to]
  }
  return within(((best + (length - 1) / 2) * STAT_INTERVAL) / PHASES)
}

/**
 * Ticks of vmstat_update() that no event shows. Each re-arms itself for the next whole second of its CPU, later than a quarter of a second
 * for the one after. The whole seconds are learnt from ticks that gave pages back and from what they did to `high`; where there is nothing, they
 * are taken to begin with the trace. From 6.12 on isolated CPUs have none. Source: vmstat_update(), mm/vmstat.c, v6.12.
 */
export function silentTicksOf(script: Script, windows: readonly TickWindow[] = [], knownPhase?: Ns): SilentTicks {
  if (script.ticksRecorded) return noTicks
  const { machine, length, time, op, cpu } = script
  const cpus = new Set<number>()
  const seen: { time: number; cpu: number }[] = []
  for (let row = 0; row < length; row++) {
    cpus.add(cpu[row]!)
    if (op[row] === Op.tick) seen.push({ time: time[row]!, cpu: cpu[row]! })
  }
  const skew = (SKEW_JIFFIES / machine.hz) * 1e9
  const phase = knownPhase ?? phaseOf(seen, skew, windows) ?? within(script.from - 1)
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
