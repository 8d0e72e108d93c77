import { type Events, Kind } from '#events'
import { type Cpu, type Machine, type Ns, traitsOf } from '#kernel'
import { Op, type Script } from './script.ts'

/** sysctl vm.stat_interval, 1 s by default. */
const STAT_INTERVAL = 1e9
/** A tick that was seen may have been due so much later, as far as the phase of the ticks is known. */
const PHASE_ERROR = STAT_INTERVAL / 20

/** Steps by which the phase of the ticks is fitted. */
const PHASE_STEPS = [STAT_INTERVAL / 10, STAT_INTERVAL / 50, STAT_INTERVAL / 250]

/** Silent ticks of vmstat_update(): before which row of the script, on which CPU; in order. */
export interface SilentTicks {
  readonly row: readonly number[]
  readonly cpu: readonly number[]
}

export const noTicks: SilentTicks = { row: [], cpu: [] }

/** What of the ticks of a machine no event shows: hidden constants, to be fitted to a record. */
export interface TickTiming {
  /** When CPU 0’s tick falls due, modulo a second. */
  readonly phase: Ns
  /**
   * CPUs whose first tick comes a second later than the others’: their last one before the trace was more than a quarter of a second
   * late, so that it re-armed itself for the second after the next.
   */
  readonly behind: ReadonlySet<Cpu>
}

/** Moments at which vmstat_update() is known to have run, as rows of events → CPU. */
export interface SeenTicks {
  readonly row: readonly number[]
  /** By workqueue events: then all are known. Else by the pages that workers drained. */
  readonly all: boolean
}

/** Task names in the trace's dictionary that begin so. */
export function tasksNamed(events: Events, start: string): ReadonlySet<number> {
  const workers = new Set<number>()
  for (let at = 0; at < events.strings.size; at++) if (events.strings.get(at)!.startsWith(start)) workers.add(at)
  return workers
}

/** Rows at which a work item of this function begins. */
function worksOf(events: Events, name: string): number[] {
  const wanted = events.strings.find(name)
  const functions = events.tables.workqueue_execute_start.column.function.data as Uint32Array
  const found: number[] = []
  if (wanted === undefined || functions.length === 0) return found
  for (let row = 0; row < events.length; row++)
    if (events.kind[row] === Kind.workqueue_execute_start && functions[events.slot[row]!] === wanted) found.push(row)
  return found
}

/**
 * Rows at which a kernel worker drains pages without having freed or asked for any: what vmstat_update() alone does since 6.8. What
 * a preempted worker drains once it runs again is no tick of its own.
 */
function drainsByWorkers(events: Events): number[] {
  const found: number[] = []
  const lastOfCpu: number[] = []
  const lastOfPid = new Map<number, number>()
  const workers = tasksNamed(events, 'kworker/')
  for (let row = 0; row < events.length; row++) {
    const cpu = events.cpu[row]!
    const pid = events.pid[row]!
    if (
      events.kind[row] === Kind.mm_page_pcpu_drain &&
      workers.has(events.comm[row]!) &&
      events.pid[lastOfCpu[cpu] ?? -1] !== pid &&
      events.kind[lastOfPid.get(pid) ?? -1] !== Kind.mm_page_pcpu_drain
    )
      found.push(row)
    lastOfCpu[cpu] = row
    lastOfPid.set(pid, row)
  }
  return found
}

export function seenTicks(events: Events, machine: Machine): SeenTicks {
  const recorded = worksOf(events, 'vmstat_update')
  if (recorded.length > 0) return { row: recorded, all: true }
  return { row: traitsOf(machine).decay ? drainsByWorkers(events) : [], all: false }
}

/** Ticks between two rows of a record: after so many, lists have expired and `high` has decayed, and another one changes nothing. */
const MOST_IN_A_GAP = 256

/**
 * The ticks of one CPU that no event shows, from `first` on. vmstat_update() re-arms itself a second later, rounded to a whole second of
 * the jiffies: down by less than a quarter of it, else up. A tick that was seen is the one due before it, however late it came.
 */
function silentOf(seen: readonly number[], first: number, { to: last, time, length }: Script): number[] {
  const silent: number[] = []
  let row = 0
  for (let due = first; due <= last; ) {
    while (row < length && time[row]! < due) row++
    const quiet = Math.floor((due - (time[row - 1] ?? first)) / STAT_INTERVAL)
    const ahead = Math.floor(((time[row] ?? last) - due) / STAT_INTERVAL)
    if (quiet > MOST_IN_A_GAP && ahead > 0) {
      due += ahead * STAT_INTERVAL
      continue
    }
    const shown = seen.find((time) => time >= due - PHASE_ERROR && time < due + STAT_INTERVAL - PHASE_ERROR)
    if (shown === undefined) silent.push(due)
    const late = shown === undefined ? 0 : Math.max(0, shown - due)
    due += STAT_INTERVAL * (late < STAT_INTERVAL / 4 ? 1 : 2)
  }
  return silent
}

/**
 * The ticks that no event shows: whole seconds of the jiffies come 3 jiffies earlier on each next CPU; from 6.12 on isolated
 * CPUs have none. Source: vmstat_update(), mm/vmstat.c, round_jiffies_relative(), kernel/time/timer.c, v6.12.
 */
export function silentTicks(script: Script, { phase, behind }: TickTiming): SilentTicks {
  if (script.ticksRecorded) return noTicks
  const { machine, length, time, op, cpu } = script
  const cpus = new Set<number>()
  const seen: number[][] = Array.from({ length: script.cpus }, () => [])
  for (let row = 0; row < length; row++) {
    cpus.add(cpu[row]!)
    if (op[row] === Op.tick) seen[cpu[row]!]!.push(time[row]!)
  }
  const skew = (3 / machine.hz) * 1e9
  const due: { time: number; cpu: number }[] = []
  for (const at of cpus) {
    if (machine.isolated.includes(at)) continue
    const first = script.from + ((((phase - at * skew - script.from) % STAT_INTERVAL) + STAT_INTERVAL) % STAT_INTERVAL)
    const from = behind.has(at) ? first + STAT_INTERVAL : first
    for (const moment of silentOf(seen[at]!, from, script)) due.push({ time: moment, cpu: at })
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

const NOBODY: ReadonlySet<Cpu> = new Set()

/** Where nothing tells any better. */
export const anyTiming: TickTiming = { phase: 0, behind: NOBODY }

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/**
 * The timing of the ticks that leaves the fewest misses: of phases a tenth of a second apart, then of those nearer and nearer to the
 * best, down to 4 ms. `misses` follows the record with a timing; by CPU.
 */
export function fitTicks(misses: (timing: TickTiming) => readonly number[]): TickTiming {
  const atPhase = (phase: Ns): { timing: TickTiming; left: number } => {
    const none = misses({ phase, behind: NOBODY })
    const all = sum(none) === 0 ? none : misses({ phase, behind: new Set(none.keys()) })
    const behind = new Set([...none.keys()].filter((cpu) => all[cpu]! < none[cpu]!))
    return { timing: { phase, behind }, left: sum(none.map((left, cpu) => Math.min(left, all[cpu]!))) }
  }
  let best = atPhase(0)
  for (const step of PHASE_STEPS) {
    const { phase } = best.timing
    for (let at = -4; at <= 5 && best.left > 0; at++) {
      if (at === 0) continue
      const next = atPhase(phase + at * step)
      if (next.left < best.left) best = next
    }
  }
  return best.timing
}
