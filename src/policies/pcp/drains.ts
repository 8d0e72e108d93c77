import { z } from 'zod'
import { type DrainHost, type DrainMechanism, defineDrainPolicy, PCP_BATCH_SCALE_MAX } from './types.ts'

function* pagesets(host: DrainHost, zone: number | undefined): Generator<readonly [cpu: number, zone: number]> {
  for (let cpu = 0; cpu < host.cpus; cpu++)
    for (let at = zone ?? 0; at < (zone === undefined ? host.zones : zone + 1); at++)
      if (host.count(cpu, at) > 0) yield [cpu, at]
}

const cpusWithPages = (host: DrainHost, zone: number | undefined): Set<number> =>
  new Set([...pagesets(host, zone)].map(([cpu]) => cpu))

/** Requests take turns; one that comes while another runs drains nothing if it asked for all zones, else waits. */
function underMutex(start: (host: DrainHost, cpu: number, zone: number | undefined, done: () => void) => void) {
  let busy = false
  const waiting: (() => void)[] = []
  return function request(host: DrainHost, cpu: number, zone: number | undefined): void {
    const run = () => {
      busy = true
      start(host, cpu, zone, () => {
        busy = false
        waiting.shift()?.()
      })
    }
    if (!busy) run()
    else if (zone === undefined) host.skipped()
    else waiting.push(run)
  }
}

/** One work item on each CPU that holds pages; the requester waits for all. */
export const workDrain = defineDrainPolicy({
  id: 'work',
  title: 'a work item on every CPU with pages; each drains its own lists, interrupts off',
  source: '__drain_all_pages(), drain_local_pages_wq(), mm/page_alloc.c, v5.10',
  leavesOut: 'the scheduling of kworkers: every item starts after the same delay',
  params: z.object({
    workDelayNs: z.int().min(0).max(1e10).default(487_512).meta({
      unit: 'ns',
      help: 'From queueing to running. Default: mean of 1283 drain_all_pages() calls, Minchan Kim, commit 443c2accd1b6.',
    }),
  }),
  create: ({ workDelayNs }): DrainMechanism => ({
    pcpLock: false,
    dereference: false,
    request: underMutex((host, _cpu, zone, done) => {
      const cpus = cpusWithPages(host, zone)
      for (const cpu of cpus) {
        host.interrupt(cpu)
        host.workItemWait()
      }
      host.after(cpus.size === 0 ? 0 : workDelayNs, () => {
        for (const [cpu, at] of pagesets(host, zone)) if (cpus.has(cpu)) host.drainPages(cpu, at, host.count(cpu, at))
        done()
      })
    }),
  }),
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
    gracePeriodNs: z.int().min(0).max(1e11).default(20_000_000).meta({
      unit: 'ns',
      help: 'Length of a grace period. An assumption; no figure was published (100 ms is the worst named in review of v1).',
    }),
  }),
  create: ({ expedited, gracePeriodNs }): DrainMechanism => ({
    pcpLock: false,
    dereference: true,
    request: underMutex((host, requester, zone, done) => {
      const swapped = [...pagesets(host, zone)]
      for (const [cpu, at] of swapped) host.detach(cpu, at)
      host.gracePeriodWait()
      if (expedited) for (let cpu = 0; cpu < host.cpus; cpu++) if (cpu !== requester) host.interrupt(cpu)
      host.after(gracePeriodNs, () => {
        for (const [cpu, at] of swapped) {
          host.remoteDrain()
          host.freeDetached(cpu, at)
        }
        done()
      })
    }),
  }),
})

/** The requester itself empties each CPU’s lists under that pageset’s lock. */
function remote(pagesPerHold: (batch: number) => number): DrainMechanism {
  return {
    pcpLock: true,
    dereference: false,
    request: underMutex((host, _cpu, zone, done) => {
      for (const [cpu, at] of pagesets(host, zone)) {
        host.remoteDrain()
        while (host.count(cpu, at) > 0) host.drainPages(cpu, at, pagesPerHold(host.batch(cpu, at)))
      }
      done()
    }),
  }
}

export const spinlock = defineDrainPolicy({
  id: 'spinlock',
  title: 'a blocking per-CPU spinlock; the requester drains remotely',
  source: 'Nicolas Saenz Julienne, v2 of the same series, 3 Nov 2021; the idea is Thomas Gleixner’s',
  leavesOut: 'local operations that collide with a drain and spin: counted as possible, not simulated',
  params: z.object({}),
  create: () => remote(() => Number.MAX_SAFE_INTEGER),
})

export const trylock = defineDrainPolicy({
  id: 'trylock',
  title: 'a per-CPU try-lock; the requester drains remotely, a chunk per hold',
  source:
    'Mel Gorman, 2022, commit 4b23a68f9536, in 6.0; drain_pages_zone(), mm/page_alloc.c, v6.1.192 (chunks: Lucas Stach, 2024)',
  leavesOut: 'local operations that collide with a drain and fall to the buddy',
  params: z.object({
    wholeCount: z
      .boolean()
      .default(false)
      .meta({ help: 'All pages of a pageset in one hold, as 6.0 did before chunks.' }),
  }),
  create: ({ wholeCount }) => remote((batch) => (wholeCount ? Number.MAX_SAFE_INTEGER : batch << PCP_BATCH_SCALE_MAX)),
})

export const noDrain = defineDrainPolicy({
  id: 'none',
  title: 'drain requests do nothing',
  source: 'a bound of ours; no kernel has it',
  leavesOut: 'nothing',
  params: z.object({}),
  create: (): DrainMechanism => ({ pcpLock: false, dereference: false, request: () => {} }),
})
