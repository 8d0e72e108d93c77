import { type Events, Kind } from '#events'
import { ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID } from '#events/columns'
import type { Cpu, Machine, Ns } from '#kernel'
import { mostFirst, Sums, spreadOf } from './sums.ts'
import type { subjects, Works } from './works-schema.ts'

type Subject = (typeof subjects)[number]

/**
 * Work items that empty a CPU’s caches. Sources: drain_local_pages_wq(), mm/page_alloc.c, up to v5.19; lru_add_drain_per_cpu(), mm/swap.c;
 * flush_cpu_slab(), mm/slub.c, from v5.15 on, and flush_rcu_sheaf(), from v6.18 on; drain_local_stock(), mm/memcontrol.c, later in two;
 * vmstat_update(), mm/vmstat.c.
 */
const SUBJECTS: Readonly<Record<string, Subject>> = {
  drain_local_pages_wq: 'page lists',
  lru_add_drain_per_cpu: 'LRU batches',
  flush_cpu_slab: 'SLUB',
  flush_rcu_sheaf: 'SLUB',
  drain_local_stock: 'memcg stocks',
  drain_local_memcg_stock: 'memcg stocks',
  drain_local_obj_stock: 'memcg stocks',
  vmstat_update: 'vmstat',
}
const subjectOf = (name: string): Subject | undefined => (Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined)

/** Softirq, hardirq and NMI. */
const IN_INTERRUPT = 1 | 2 | 4

interface Queued {
  readonly requester: string
  readonly cpu: Cpu
}

interface Run extends Queued {
  readonly name: string
  readonly on: Cpu
  readonly from: Ns
}

/**
 * Which work items ran on which CPU, and who asked for them? And what if caches were emptied under a lock from afar, or left to the CPU until
 * it returns from the kernel: Marcelo Tosatti and Leonardo Bras, "Introduce QPW for per-cpu operations", 6 Feb 2026 (v4 of 18 May 2026 calls it
 * "Per-CPU Work helpers": LRU batches, SLUB), and Michal Hocko’s answer of 11 Feb 2026. Undefined where no work item was recorded.
 */
export function surveyWorks(events: Events, { isolated }: Pick<Machine, 'isolated'>): Works | undefined {
  const { workqueue_queue_work: queue, workqueue_execute_start: start } = events.tables
  if (queue.length + start.length === 0) return undefined
  return new WorkSums(events, new Set(isolated)).result()
}

class WorkSums {
  readonly #events: Events
  readonly #isolated: ReadonlySet<Cpu>
  readonly #byFunction = new Sums<'queued' | 'runs' | 'onIsolated' | 'ns', string>([
    'queued',
    'runs',
    'onIsolated',
    'ns',
  ])
  readonly #byCell = new Sums<'runs' | 'ns', string>(['runs', 'ns'])
  readonly #cells = new Map<string, Pick<Run, 'name' | 'on' | 'requester'> & { longestNs: Ns }>()
  readonly #asked = new Sums<'locks' | 'own', Subject>(['locks', 'own'])
  /** By address of the item: who queued it, and its run. */
  readonly #queued = new Map<bigint, Queued>()
  readonly #running = new Map<bigint, Run>()
  readonly #deferrals: Deferrals

  constructor(events: Events, isolated: ReadonlySet<Cpu>) {
    this.#events = events
    this.#isolated = isolated
    this.#deferrals = new Deferrals(isolated)
    const { length, kind, slot, time, cpu } = events
    const { dueOn } = this.#deferrals
    for (let row = 0; row < length; row++)
      switch (kind[row]!) {
        case Kind.workqueue_queue_work:
          this.#queue(row, slot[row]!)
          break
        case Kind.workqueue_execute_start:
          this.#start(row, slot[row]!)
          break
        case Kind.workqueue_execute_end:
          this.#end(row, slot[row]!)
          break
        default:
          if (dueOn[cpu[row]!] === 1 && this.#isTask(row)) this.#deferrals.seen(cpu[row]!, time[row]!)
      }
    for (const work of this.#running.keys()) this.#finish(work, 0)
  }

  #name(of: { readonly data: ArrayLike<number | bigint> }, slot: number): string {
    return this.#events.strings.get(of.data[slot] as number) ?? '(unknown)'
  }

  /** A task that is no kworker, and no CPU’s idle loop. */
  #isTask(row: number): boolean {
    const { pid, comm, context, strings } = this.#events
    if (pid[row] === 0 || pid[row] === ABSENT_PID || (context[row] !== ABSENT_CONTEXT && context[row]! & IN_INTERRUPT))
      return false
    return comm[row] !== ABSENT_COMM && strings.get(comm[row]!)?.startsWith('kworker/') !== true
  }

  #queue(row: number, slot: number): void {
    const { cpu, comm, context, time, strings, tables } = this.#events
    const { work, function: fn, poolCpu } = tables.workqueue_queue_work.column
    const name = this.#name(fn, slot)
    this.#byFunction.add('queued', name)
    const inInterrupt = context[row] !== ABSENT_CONTEXT && (context[row]! & IN_INTERRUPT) !== 0
    const task = comm[row] === ABSENT_COMM ? '(unknown)' : (strings.get(comm[row]!) ?? '(unknown)')
    this.#queued.set(work.data[slot] as bigint, { requester: inInterrupt ? '(interrupt)' : task, cpu: cpu[row]! })
    const subject = subjectOf(name)
    const target = Number(poolCpu.data[slot])
    if (subject !== undefined && target >= 0) this.#deferrals.ask(subject, target, time[row]!)
  }

  #start(row: number, slot: number): void {
    const { cpu, time, tables } = this.#events
    const { work, function: fn } = tables.workqueue_execute_start.column
    const item = work.data[slot] as bigint
    this.#finish(item, 0)
    const asked = this.#queued.get(item)
    this.#queued.delete(item)
    const on = cpu[row]!
    this.#running.set(item, {
      name: this.#name(fn, slot),
      on,
      from: time[row]!,
      requester: asked?.requester ?? '(unknown)',
      cpu: asked?.cpu ?? on,
    })
  }

  #end(row: number, slot: number): void {
    const item = this.#events.tables.workqueue_execute_end.column.work.data[slot] as bigint
    const run = this.#running.get(item)
    if (run !== undefined) this.#finish(item, this.#events.time[row]! - run.from)
  }

  #finish(item: bigint, ns: Ns): void {
    const run = this.#running.get(item)
    if (run === undefined) return
    this.#running.delete(item)
    const { name, on, requester, cpu } = run
    this.#byFunction.add('runs', name)
    this.#byFunction.add('ns', name, ns)
    if (this.#isolated.has(on)) this.#byFunction.add('onIsolated', name)
    const key = JSON.stringify([name, on, requester])
    this.#byCell.add('runs', key)
    this.#byCell.add('ns', key, ns)
    const cell = this.#cells.get(key) ?? { name, on, requester, longestNs: 0 }
    cell.longestNs = Math.max(cell.longestNs, ns)
    this.#cells.set(key, cell)
    const subject = subjectOf(name)
    if (subject !== undefined) this.#asked.add(cpu === on ? 'own' : 'locks', subject)
  }

  result(): Works {
    const byFunction = mostFirst(
      this.#byFunction.list((name) => ({ function: name })),
      ({ onIsolated }) => onIsolated,
      ({ runs }) => runs,
    )
    const asked = this.#asked.list((subject) => ({ subject }))
    return {
      byFunction,
      cells: mostFirst(
        this.#byCell.list((key) => {
          const { name, on, requester, longestNs } = this.#cells.get(key)!
          return { function: name, cpu: on, requester, longestNs }
        }),
        ({ runs }) => runs,
      ),
      drains: [...new Set(Object.values(SUBJECTS))].flatMap((subject) => {
        const functions = byFunction.filter((row) => subjectOf(row.function) === subject)
        if (functions.length === 0) return []
        const sum = (of: 'runs' | 'onIsolated' | 'ns') => functions.reduce((total, row) => total + row[of], 0)
        const { locks = 0, own = 0 } = asked.find((row) => row.subject === subject) ?? {}
        return [
          {
            subject,
            functions: functions.map((row) => row.function),
            work: { runs: sum('runs'), onIsolated: sum('onIsolated'), ns: sum('ns') },
            remoteLock: { locks, own },
            deferred: this.#deferrals.of(subject),
          },
        ]
      }),
    }
  }
}

/** What a CPU would have to do by its next return from the kernel, had nobody interrupted it. */
class Deferrals {
  readonly #isolated: ReadonlySet<Cpu>
  readonly #due = new Map<Cpu, Map<Subject, Ns>>()
  /** By CPU: 1 where something is due. Every event asks. */
  readonly dueOn = new Uint8Array(2 ** 16)
  readonly #waits = new Map<Subject, number[]>()
  readonly #sums = new Sums<'runs' | 'onIsolated' | 'saved', Subject>(['runs', 'onIsolated', 'saved'])

  constructor(isolated: ReadonlySet<Cpu>) {
    this.#isolated = isolated
  }

  ask(subject: Subject, cpu: Cpu, now: Ns): void {
    const due = this.#due.get(cpu) ?? new Map<Subject, Ns>()
    this.#due.set(cpu, due)
    this.dueOn[cpu] = 1
    if (due.has(subject)) this.#sums.add('saved', subject)
    else due.set(subject, now)
  }

  /** A task of that CPU is in the kernel, so it returns some time after. */
  seen(cpu: Cpu, now: Ns): void {
    for (const [subject, since] of this.#due.get(cpu) ?? []) {
      this.#sums.add('runs', subject)
      if (this.#isolated.has(cpu)) this.#sums.add('onIsolated', subject)
      const waits = this.#waits.get(subject) ?? []
      waits.push(now - since)
      this.#waits.set(subject, waits)
    }
    this.#due.delete(cpu)
    this.dueOn[cpu] = 0
  }

  of(subject: Subject): Works['drains'][number]['deferred'] {
    const row = this.#sums.row(subject)
    const { runs, onIsolated, saved } = this.#sums.column
    const waitNs = spreadOf(this.#waits.get(subject) ?? [])
    return {
      runs: runs[row]!,
      onIsolated: onIsolated[row]!,
      saved: saved[row]!,
      pending: [...this.#due.values()].filter((due) => due.has(subject)).length,
      ...(waitNs === undefined ? {} : { waitNs }),
    }
  }
}
