import { type Events, Kind } from '#events'
import { ABSENT } from '#events/columns'
import type { Cpu, Ns } from '#kernel'
import type { WorkItem } from '#policies/kvfree'

/** One execution of a work item. */
export interface WorkRun {
  readonly item: Pick<WorkItem, 'kind' | 'cpu' | 'slot'>
  /** A batch's queue_rcu_work(); absent where no callback event was recorded. */
  readonly detached?: Ns | undefined
  /** Absent where its queueing was not recorded. */
  readonly queued: Ns | undefined
  readonly start: Ns
  readonly end: Ns | undefined
  /** Pages of pointers that it freed. No input of a replay, but for what a CPU's cache began with. */
  readonly bulkFrees: number
}

const kindOf = {
  kfree_rcu_monitor: 'monitor',
  kfree_rcu_work: 'batch',
  fill_page_cache_func: 'refill',
} as const satisfies Record<string, WorkItem['kind']>

/** What lies in one CPU's area lies closer than this; areas of two CPUs lie farther apart. */
const AREA = 0x1000n

interface Pointer {
  readonly address: bigint
  readonly kind: WorkItem['kind']
  /** Times that it was queued, by CPU. */
  readonly queuedOn: Map<Cpu, number>
}

type Identity = WorkRun['item']

/**
 * Which address is which item. Items of one CPU lie in its per-CPU area, batches in order of slot; the CPU is the one that queued the
 * area's monitor and refill most often, since both are queued by timers of the CPU that enqueues.
 */
function identify(pointers: readonly Pointer[]): Map<bigint, Identity> {
  const sorted = [...pointers].sort((a, b) => (a.address < b.address ? -1 : 1))
  const areas: Pointer[][] = []
  for (const pointer of sorted) {
    const last = areas.at(-1)
    if (last !== undefined && pointer.address - last.at(-1)!.address < AREA) last.push(pointer)
    else areas.push([pointer])
  }
  const find = (area: readonly Pointer[], kind: WorkItem['kind']) => area.find((one) => one.kind === kind)?.address
  const whole = areas.find((area) => find(area, 'monitor') !== undefined && find(area, 'refill') !== undefined)
  const between = whole === undefined ? 0n : find(whole, 'refill')! - find(whole, 'monitor')!
  const anchorOf = (area: readonly Pointer[]): bigint | undefined => {
    const refill = find(area, 'refill')
    return find(area, 'monitor') ?? (refill === undefined ? undefined : refill - between)
  }
  const offsets = new Set<bigint>()
  for (const area of areas) {
    const anchor = anchorOf(area)
    if (anchor === undefined) continue
    for (const { kind, address } of area) if (kind === 'batch') offsets.add(address - anchor)
  }
  const slots = [...offsets].sort((a, b) => (a < b ? -1 : 1))
  const identities = new Map<bigint, Identity>()
  for (const area of areas) {
    const anchor = anchorOf(area)
    const cpu = queuedMostOn(area)
    if (anchor === undefined || cpu === undefined) continue
    for (const { kind, address } of area)
      identities.set(address, { kind, cpu, slot: kind === 'batch' ? slots.indexOf(address - anchor) : 0 })
  }
  return identities
}

function queuedMostOn(area: readonly Pointer[]): Cpu | undefined {
  const votes = new Map<Cpu, number>()
  for (const { kind, queuedOn } of area)
    if (kind !== 'batch') for (const [cpu, n] of queuedOn) votes.set(cpu, (votes.get(cpu) ?? 0) + n)
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0]
}

/** Where the rcu_head of a `struct rcu_work` lies behind its work_struct: 32 bytes, some more with lock debugging. */
const RCU_HEAD_WITHIN = 0x100n

/** Moments of queue_rcu_work(), by address of the work: rcu_callback events of rcu_work_rcufn name the rcu_head behind it. */
function detachesOf(events: Events, batches: readonly bigint[]): Map<bigint, Ns[]> {
  const { kind: kinds, slot: slots, time: times, tables, strings } = events
  const rcufn = strings.find('rcu_work_rcufn')
  const { func, rhp } = tables.rcu_callback.column
  const sorted = [...batches].sort((a, b) => (a < b ? -1 : 1))
  const detaches = new Map<bigint, Ns[]>(sorted.map((address) => [address, []]))
  if (rcufn === undefined) return detaches
  for (let row = 0; row < events.length; row++) {
    if (kinds[row] !== Kind.rcu_callback || func.data[slots[row]!] !== rcufn) continue
    const head = rhp.data[slots[row]!] as bigint
    // A probe on queue_rcu_work() has the work itself.
    const work = sorted.findLast((address) => address <= head)
    if (work !== undefined && head - work < RCU_HEAD_WITHIN) detaches.get(work)!.push(times[row]!)
  }
  return detaches
}

/** All executions of kvfree's work items that a trace holds, in order of start. */
export function recordedWorks(events: Events): WorkRun[] {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables, strings } = events
  const { workqueue_queue_work: queue, workqueue_execute_start: begin, workqueue_execute_end: end } = tables
  const byFunction = new Map(Object.entries(kindOf).map(([name, kind]) => [strings.find(name), kind] as const))
  byFunction.delete(undefined)
  const pointers = new Map<bigint, Pointer>()
  const pointerOf = (address: bigint, kind: WorkItem['kind']): Pointer => {
    let pointer = pointers.get(address)
    if (pointer === undefined) {
      pointer = { address, kind, queuedOn: new Map() }
      pointers.set(address, pointer)
    }
    return pointer
  }
  const found: { address: bigint; queued: Ns | undefined; start: Ns; end: Ns | undefined; bulkFrees: number }[] = []
  const byWorker = new Map<number, (typeof found)[number]>()
  const queued = new Map<bigint, Ns>()
  const running = new Map<bigint, (typeof found)[number]>()
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!,
      time = times[row]!
    switch (kinds[row]!) {
      case Kind.workqueue_queue_work: {
        const kind = byFunction.get(queue.column.function.data[slot] as number)
        if (kind === undefined) break
        const address = queue.column.work.data[slot] as bigint
        const { queuedOn } = pointerOf(address, kind)
        queuedOn.set(cpus[row]!, (queuedOn.get(cpus[row]!) ?? 0) + 1)
        queued.set(address, time)
        break
      }
      case Kind.workqueue_execute_start: {
        const kind = byFunction.get(begin.column.function.data[slot] as number)
        if (kind === undefined) break
        const address = begin.column.work.data[slot] as bigint
        pointerOf(address, kind)
        const run = { address, queued: queued.get(address), start: time, end: undefined, bulkFrees: 0 }
        byWorker.set(events.pid[row]!, run)
        queued.delete(address)
        running.set(address, run)
        found.push(run)
        break
      }
      case Kind.workqueue_execute_end: {
        const address = end.column.work.data[slot] as bigint
        const run = running.get(address)
        if (run === undefined) break
        run.end = time
        running.delete(address)
        byWorker.delete(events.pid[row]!)
        break
      }
      case Kind.rcu_invoke_kfree_bulk_callback: {
        const run = byWorker.get(events.pid[row]!)
        if (run !== undefined) run.bulkFrees++
      }
    }
  }
  const all = [...pointers.values()]
  const identities = identify(all)
  const detaches = detachesOf(
    events,
    all.flatMap(({ kind, address }) => (kind === 'batch' ? address : [])),
  )
  const runs = found.flatMap(({ address, ...run }): WorkRun[] => {
    const item = identities.get(address)
    if (item === undefined) return []
    // A work is not queued again before it has begun.
    const own = detaches.get(address)
    const at = own?.findLastIndex((time) => time <= (run.queued ?? run.start)) ?? -1
    return [{ item, detached: at < 0 ? undefined : own!.splice(0, at + 1).at(-1), ...run }]
  })
  return atTheirAct(runs)
}

/**
 * A monitor takes what its CPU has collected when it hands a batch over, some microseconds after its beginning: where callbacks are recorded that
 * moment is known. A call more or less moves the ends of all later pages of pointers.
 */
function atTheirAct(runs: readonly WorkRun[]): WorkRun[] {
  const handed = Map.groupBy(
    runs.filter(({ detached }) => detached !== undefined),
    ({ item }) => item.cpu,
  )
  return runs.map((run) => {
    const { item, start, end, bulkFrees } = run
    if (item.kind !== 'monitor' || end === undefined) return run
    const act = handed.get(item.cpu)?.find(({ detached }) => detached! >= start && detached! <= end)?.detached
    if (act === undefined) return run
    // One that frees what is ready does so first.
    return bulkFrees > 0 ? { ...run, end: act } : { ...run, start: act }
  })
}

/** A callback by its rcu_head: when it was queued and when it was invoked. */
export interface CallbackRun {
  readonly cpu: Cpu
  readonly queued: Ns
  readonly invoked: Ns | undefined
}

interface OpenCallback {
  cpu: Cpu
  queued: Ns | undefined
  invoked: Ns | undefined
}

/**
 * Callbacks of one function, in order of queueing. Those that an offloaded CPU put on its bypass list have no event of their queueing: their CPU is
 * the one whose other callbacks the same thread invokes, and their moment lies between their neighbours', since a CPU's callbacks keep their order.
 */
export function recordedCallbacks(events: Events, name: string): CallbackRun[] {
  const { kind: kinds, cpu: cpus, pid: pids, slot: slots, time: times, tables, strings } = events
  const { rcu_callback: queue, rcu_invoke_callback: invoke } = tables
  const wanted = strings.find(name)
  const runs: OpenCallback[] = []
  if (wanted === undefined) return []
  const open = new Map<bigint, OpenCallback>()
  const cpuOfThread = new Map<number, Cpu>()
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    if (kinds[row] === Kind.rcu_callback) {
      const rhp = queue.column.rhp.data[slot] as bigint
      if (queue.column.func.data[slot] !== wanted || rhp === ABSENT.u64) continue
      // A probe may miss a callback's run: one that is queued again has been invoked by then.
      const before = open.get(rhp)
      if (before !== undefined) before.invoked = times[row]!
      const run = { cpu: cpus[row]!, queued: times[row]!, invoked: undefined }
      open.set(rhp, run)
      runs.push(run)
    } else if (kinds[row] === Kind.rcu_invoke_callback) {
      const rhp = invoke.column.rhp.data[slot] as bigint
      if (invoke.column.func.data[slot] !== wanted) continue
      const run = open.get(rhp)
      if (run === undefined) {
        const cpu = cpuOfThread.get(pids[row]!) ?? cpus[row]!
        runs.push({ cpu, queued: undefined, invoked: times[row]! })
        continue
      }
      run.invoked = times[row]!
      cpuOfThread.set(pids[row]!, run.cpu)
      open.delete(rhp)
    }
  }
  return [...Map.groupBy(runs, ({ cpu }) => cpu).values()].flatMap(inOrder).sort((a, b) => a.queued - b.queued)
}

/** One CPU's callbacks in their order, with moments for those whose queueing was not recorded. */
function inOrder(runs: readonly OpenCallback[]): CallbackRun[] {
  const order = runs.toSorted(
    (a, b) => (a.invoked ?? Number.POSITIVE_INFINITY) - (b.invoked ?? Number.POSITIVE_INFINITY),
  )
  return order.map(({ cpu, queued, invoked }, at) => {
    if (queued !== undefined) return { cpu, queued, invoked }
    const before = order.findLastIndex((run, other) => other < at && run.queued !== undefined)
    const after = order.findIndex((run, other) => other > at && run.queued !== undefined)
    const end = order[after]?.queued ?? invoked!
    const begin = order[before]?.queued ?? end
    const share = (at - before) / ((after < 0 ? order.length : after) - before)
    return { cpu, queued: Math.min(invoked!, begin + (end - begin) * share), invoked }
  })
}
