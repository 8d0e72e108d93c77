import { type Events, Kind } from '#events'
import { type Machine, traitsOf } from '#kernel'

/** Silent ticks of vmstat_update(): before which row of the script, on which CPU; in order. */
export interface SilentTicks {
  readonly row: readonly number[]
  readonly cpu: readonly number[]
}

export const noTicks: SilentTicks = { row: [], cpu: [] }

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
 * ns: a worker that was preempted while it drains goes on sooner; a tick comes later after the last. Half of vm.stat_interval, 1 s by default.
 */
const LONGEST_PAUSE = 0.5e9

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
    const before = lastOfPid.get(pid) ?? -1
    const drained = events.kind[before] === Kind.mm_page_pcpu_drain
    const goesOn = drained && events.time[row]! - events.time[before]! < LONGEST_PAUSE
    if (
      events.kind[row] === Kind.mm_page_pcpu_drain &&
      workers.has(events.comm[row]!) &&
      (drained ? !goesOn : events.pid[lastOfCpu[cpu] ?? -1] !== pid)
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
