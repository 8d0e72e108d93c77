import { z } from 'zod'
import {
  type Assumption,
  type DrainActions,
  type DrainMechanism,
  defineDrainPolicy,
  PCP_BATCH_SCALE_MAX,
} from './types.ts'

type Pageset = readonly [cpu: number, zone: number]

function pagesets(host: DrainActions, zone: number | undefined): Pageset[] {
  const found: Pageset[] = []
  for (let cpu = 0; cpu < host.cpus; cpu++)
    for (let at = zone ?? 0; at < (zone === undefined ? host.zones : zone + 1); at++)
      if (host.count(cpu, at) > 0) found.push([cpu, at])
  return found
}

/** Requests take turns; one that comes while another runs drains nothing if it asked for all zones, else waits. */
function underMutex(
  start: (host: DrainActions, cpu: number, zone: number | undefined, done: (heldFor?: number) => void) => void,
) {
  let busy = false
  const waiting: (() => void)[] = []
  return function request(host: DrainActions, cpu: number, zone: number | undefined): void {
    const since = host.now
    const run = () => {
      busy = true
      start(host, cpu, zone, (heldFor = 0) => {
        host.observer.answered?.(since)
        when(host, heldFor, () => {
          busy = false
          waiting.shift()?.()
        })
      })
    }
    if (!busy) run()
    else if (zone === undefined) host.observer.skipped?.()
    else waiting.push(run)
  }
}

/** Calls back when `ns` have passed: at once if it is none, so that a run without prices keeps its order. */
const when = (host: DrainActions, ns: number, then: () => void): void => (ns > 0 ? host.after(ns, then) : then())

/** One step after the other, each when the one before is done. A step returns how long it takes; undefined ends it. */
function inTurn(host: DrainActions, step: () => number | undefined, done: () => void): void {
  let ns = step()
  while (ns === 0) ns = step()
  if (ns === undefined) done()
  else host.after(ns, () => inTurn(host, step, done))
}

/** ns */
const DEFAULT_WORK_DELAY = 487_512

const workParams = z.object({
  workDelayNs: z.int().min(0).max(1e10).default(DEFAULT_WORK_DELAY).meta({
    unit: 'ns',
    help: 'From queueing to running. Default: as recorded, item by item, where the kernel drained so; else the mean of 1283 drain_all_pages() calls, Minchan Kim, commit 443c2accd1b6.',
  }),
  isolatedDelayNs: z.int().min(0).max(1e10).optional().meta({
    unit: 'ns',
    help: 'The same on isolated CPUs, where a busy task yields to a kworker at the tick at best. Default: as on the others.',
  }),
  busyCpus: z.int().min(0).max(4096).default(0).meta({
    help: 'So many of the first CPUs are monopolised by work of higher priority: their items start after busyDelayNs.',
  }),
  busyDelayNs: z.int().min(0).max(1e11).default(166_713_013).meta({
    unit: 'ns',
    help: 'Default: the longest of the same 1283 calls.',
  }),
})

/** A kworker starts a tenth to ten times as late as the value in use: published means of the same kernel lie that far apart. */
const assumesWorkDelay = (
  { workDelayNs }: z.infer<typeof workParams>,
  { drainWorks = false }: { readonly drainWorks?: boolean },
): Assumption[] =>
  drainWorks && workDelayNs === DEFAULT_WORK_DELAY
    ? []
    : [{ param: 'workDelayNs', low: Math.round(workDelayNs / 10), high: Math.min(1e10, workDelayNs * 10) }]

/** One work item on each CPU that holds pages; the requester waits for all. */
const workRequest = ({ workDelayNs, isolatedDelayNs, busyCpus, busyDelayNs }: z.infer<typeof workParams>) => {
  const delayOf = (host: DrainActions, cpu: number): number => {
    if (cpu < busyCpus) return busyDelayNs
    if (isolatedDelayNs !== undefined && host.isolated.includes(cpu)) return isolatedDelayNs
    return (workDelayNs === DEFAULT_WORK_DELAY ? host.workDelay?.(cpu) : undefined) ?? workDelayNs
  }
  return underMutex((host, _cpu, zone, done) => {
    const asked = host.now
    const cpus = new Set(pagesets(host, zone).map(([cpu]) => cpu))
    let left = cpus.size
    if (left === 0) done()
    const held = (workDelayNs === DEFAULT_WORK_DELAY ? host.mutexHold?.(asked) : undefined) ?? 0
    for (const cpu of cpus) {
      host.observer.interrupt?.(cpu)
      host.observer.workItemWait?.()
      when(host, delayOf(host, cpu), () => {
        let ns = 0
        for (const [owner, at] of pagesets(host, zone))
          if (owner === cpu) ns += host.drainPages(cpu, at, host.count(cpu, at), cpu)
        host.observer.stolen?.(cpu, ns)
        when(host, ns, () => {
          if (--left === 0) done(asked + held - host.now)
        })
      })
    }
  })
}

export const workDrain = defineDrainPolicy({
  id: 'work',
  title: 'a work item on every CPU with pages; each drains its own lists, interrupts off',
  source: '__drain_all_pages(), drain_local_pages_wq(), mm/page_alloc.c, v5.10',
  leavesOut:
    'the scheduler: an item starts after a delay that depends on its CPU alone; context switches have no price',
  params: workParams,
  create: (params): DrainMechanism => ({ irqSave: true, drainsIrqsOff: true, request: workRequest(params) }),
  assumes: assumesWorkDelay,
})

/** The lists’ pointer is swapped; after a grace period the requester frees what was detached. */
export const rcuSwap = defineDrainPolicy({
  id: 'rcu-swap',
  title: 'swap the lists’ pointer, wait one grace period, free remotely',
  source: 'Nicolas Saenz Julienne, series for a remote drain of the per-CPU page lists: RFC 8 Oct 2021, v1 8 Feb 2022',
  leavesOut:
    'IPIs of an expedited grace period are counted for every other CPU: an upper bound, since idle and user CPUs get none',
  params: z.object({
    expedited: z.boolean().default(false).meta({ help: 'synchronize_rcu_expedited() as in the RFC; false as in v1.' }),
    gracePeriods: z.enum(['trace', 'generated']).default('trace').meta({
      help: 'trace: a normal one as recorded, where the trace has rcu_grace_period events; else gracePeriodNs.',
    }),
    gracePeriodNs: z.int().min(0).max(1e11).default(20_000_000).meta({
      unit: 'ns',
      help: 'Length of a normal grace period. An assumption, from 1 ms to 100 ms; no figure was published (100 ms is the worst named in review of v1).',
    }),
    expeditedNs: z.int().min(0).max(1e11).default(200_000).meta({
      unit: 'ns',
      help: 'Length of an expedited grace period. An assumption, from 20 µs to 1 ms; no figure was published.',
    }),
  }),
  create: ({ expedited, gracePeriods, gracePeriodNs, expeditedNs }): DrainMechanism => ({
    dereference: true,
    irqSave: true,
    drainsIrqsOff: true,
    request: underMutex((host, requester, zone, done) => {
      const swapped = pagesets(host, zone)
      for (const [cpu, at] of swapped) host.detach(cpu, at)
      host.observer.gracePeriodWait?.()
      if (expedited) for (let cpu = 0; cpu < host.cpus; cpu++) if (cpu !== requester) host.observer.interrupt?.(cpu)
      const recorded = gracePeriods === 'trace' && !expedited ? host.gracePeriodEnd() : undefined
      const generated = expedited ? expeditedNs : gracePeriodNs
      when(host, recorded === undefined ? generated : recorded - host.now, () => {
        inTurn(
          host,
          () => {
            const next = swapped.shift()
            if (next === undefined) return undefined
            host.observer.remoteDrain?.()
            return host.freeDetached(...next, requester)
          },
          done,
        )
      })
    }),
  }),
  assumes: ({ expedited, gracePeriods, gracePeriodNs, expeditedNs }, recorded): Assumption[] =>
    expedited
      ? [{ param: 'expeditedNs', low: Math.min(20_000, expeditedNs), high: Math.max(1_000_000, expeditedNs) }]
      : gracePeriods === 'trace' && recorded.gracePeriods
        ? []
        : [{ param: 'gracePeriodNs', low: Math.min(1_000_000, gracePeriodNs), high: Math.max(1e8, gracePeriodNs) }],
})

/** The requester itself empties each CPU’s lists under that pageset’s lock, so many pages a hold. */
const remoteRequest = (pagesPerHold: (batch: number) => number, each: (host: DrainActions) => void = () => {}) =>
  underMutex((host, requester, zone, done) => {
    const waiting = pagesets(host, zone)
    let current: Pageset | undefined
    inTurn(
      host,
      () => {
        if (current === undefined) {
          current = waiting.shift()
          if (current === undefined) return undefined
          host.observer.remoteDrain?.()
        }
        const [cpu, at] = current
        each(host)
        const ns = host.drainPages(cpu, at, pagesPerHold(host.batch(cpu, at)), requester)
        // What comes to the lists from here on stays.
        if (host.count(cpu, at) === 0) current = undefined
        return ns
      },
      done,
    )
  })

const chunked = (batch: number): number => batch << PCP_BATCH_SCALE_MAX

export const spinlock = defineDrainPolicy({
  id: 'spinlock',
  title: 'a blocking per-CPU spinlock; the requester drains remotely',
  source: 'Nicolas Saenz Julienne, v2 of the same series, 3 Nov 2021; the idea is Thomas Gleixner’s',
  leavesOut: 'a requester that meets a local operation: that holds the lock for some 10 ns',
  params: z.object({}),
  create: (): DrainMechanism => ({
    pcpLock: true,
    irqSave: true,
    drainsIrqsOff: true,
    contended: 'waits',
    request: remoteRequest(() => Number.MAX_SAFE_INTEGER),
  }),
})

const kernels = ['smp', 'up', 'rt', 'rt-up', 'up-bypass'] as const

export const trylock = defineDrainPolicy({
  id: 'trylock',
  title: 'a per-CPU try-lock; the requester drains remotely, a chunk per hold',
  source:
    'Mel Gorman, 2022, commit 4b23a68f9536, in 6.0; its delta of 29 Apr 2022 (lore: "Protect PCP lists with a spinlock"); drain_pages_zone(), mm/page_alloc.c, v6.1.192 (chunks: Lucas Stach, 2024)',
  leavesOut:
    'try-locks that fail because an interrupt came in the middle of an operation; priority inheritance of PREEMPT_RT',
  params: z.object({
    wholeCount: z
      .boolean()
      .default(false)
      .meta({ help: 'All pages of a pageset in one hold, as 6.0 did before chunks.' }),
    kernel: z.enum(kernels).default('smp').meta({
      help: 'smp; up: the try-lock always succeeds, so interrupts go off around it; rt, rt-up: PREEMPT_RT, where it is a real lock that may sleep; up-bypass: 7.2 without SMP, where it always fails and the lists are unused.',
    }),
    corrected: z.boolean().default(true).meta({
      help: 'With the delta of 29 Apr 2022. false, on PREEMPT_RT: drains take a lock that may sleep with interrupts off, and with one CPU each operation turns them off around its try-lock.',
    }),
  }),
  create: ({ wholeCount, kernel, corrected }): DrainMechanism => {
    const rt = kernel === 'rt' || kernel === 'rt-up'
    return {
      pcpLock: true,
      irqSave: kernel === 'up' || (kernel === 'rt-up' && !corrected),
      drainsIrqsOff: !rt || !corrected,
      ...(kernel === 'up' ? {} : { contended: 'goes to the buddy' as const }),
      ...(kernel === 'up-bypass' ? { listsOff: 'all' as const } : {}),
      request: remoteRequest(wholeCount ? () => Number.MAX_SAFE_INTEGER : chunked, (host) => {
        if (rt && !corrected) host.observer.sleptInAtomic?.()
      }),
    }
  },
})

/** The lists of isolated CPUs are off, so that no drain has anything to do there. */
export const noIsolated = defineDrainPolicy({
  id: 'no-isolated',
  title: 'no lists on isolated CPUs: each operation there takes zone->lock, no drain comes',
  source: 'suggested for NOHZ_FULL CPUs by Vlastimil Babka, Nov 2021; no kernel has it',
  leavesOut: 'what the work mechanism leaves out, on the other CPUs',
  params: workParams,
  create: (params): DrainMechanism => ({
    irqSave: true,
    drainsIrqsOff: true,
    listsOff: 'isolated',
    request: workRequest(params),
  }),
  assumes: assumesWorkDelay,
})

export const noDrain = defineDrainPolicy({
  id: 'none',
  title: 'drain requests do nothing',
  source: 'a bound of ours; no kernel has it',
  leavesOut: 'nothing',
  isBound: true,
  params: z.object({}),
  create: (): DrainMechanism => ({ request: () => {} }),
})
