import type { z } from 'zod'
import type { Cpu, Ns } from '#kernel'
import type { RcuSequences } from '#kernel/rcu'

/** Where objects wait. The first two are channels of pages of pointers. */
export const Channel = { slab: 0, vmalloc: 1, list: 2, sheaf: 3, callback: 4, inline: 5 } as const
export type Channel = (typeof Channel)[keyof typeof Channel]

/** What objects wait for. */
export const State = { collected: 0, waiting: 1, freeing: 2 } as const
export type State = (typeof State)[keyof typeof State]

/**
 * Calls of kvfree_call_rcu() that come one after another on one CPU and are equal but for their moments and arguments. It lives for
 * one call only. All come before the next timer, work item, start or end of a grace period.
 */
export interface Calls {
  readonly cpu: Cpu
  /** At least 1. */
  readonly n: number
  readonly channel: typeof Channel.slab | typeof Channel.vmalloc
  /** What the slab allocator takes for one object. */
  readonly bytes: number
  /** Objects of one kmem_cache have one number; −1 where the cache is not known or has none. */
  readonly cache: number
  /** Objects that a sheaf of the cache holds; 0 or absent: what their size says. */
  readonly sheaf?: number
  /** The moment of the i-th. */
  at(i: number): Ns
  /** Whether the i-th has no rcu_head, so that its caller may sleep. Asked only where it matters; one object, one answer. */
  isSingle(i: number): boolean
}

/** Objects that share their fate: a page of pointers, a stretch of a list, a sheaf. */
export class Held {
  readonly channel: Channel
  readonly cpu: Cpu
  n = 0
  /** Of all of them. */
  bytes = 0
  /** When the first and the last of them came. */
  first: Ns = 0
  last: Ns = 0
  /** Grace-period snapshots, where the policy takes them. */
  cookie = 0
  cookieExpedited = 0

  constructor(channel: Channel, cpu: Cpu) {
    this.channel = channel
    this.cpu = cpu
  }

  /** Adds objects `from` … `to` (exclusive) of a run. */
  add(calls: Calls, from: number, to: number): void {
    if (this.n === 0) this.first = calls.at(from)
    this.last = calls.at(to - 1)
    this.n += to - from
    this.bytes += (to - from) * calls.bytes
  }

  /** Takes over the objects of another. */
  absorb(other: Held): void {
    if (this.n === 0) this.first = other.first
    this.last = other.last
    this.n += other.n
    this.bytes += other.bytes
  }
}

/** A work item by identity: one `struct work_struct`. Never runs twice at once. */
export interface WorkItem {
  readonly kind: 'monitor' | 'batch' | 'refill'
  /** The CPU whose objects it serves. It runs there where the queue is bound and the work was queued there. */
  readonly cpu: Cpu
  /** Which of the CPU's batches; 0 for the others. */
  readonly slot: number
  readonly queue: 'bound' | 'unbound' | 'highpri'
  /** A worker takes it up. Calls `done` when it has nothing more to do, at once or later. */
  readonly begin: (done: () => void) => void
}

/** What a policy counts. The engine counts what it can see itself: objects, frees, grace periods, work items. */
export interface KvfreeCounts {
  /** Times that a batch was handed over to wait for a grace period. */
  batches: number
  /** Objects put on a list since no page was to be had. */
  listFallbacks: number
  /** One-argument callers that slept a grace period. */
  inlineWaits: number
  /** Monitor runs that found every batch slot busy. */
  slotsBusy: number
  /** Objects freed with no batch of their own, since their grace period was over. */
  readyEarly: number
  /** Pages of pointers by who allocated them. */
  pagesByRefill: number
  pagesByCaller: number
  pagesByPcp: number
  pagesReturned: number
  /** Pages allocated that another had made needless meanwhile. */
  pagesWasted: number
  /** Callers that slept for memory or for another's allocation. */
  throttledCallers: number
  /** How long they slept in all, ns. */
  throttledNs: number
  /** Runs of the shrinker, the objects it found collected, and the spare pages that it gave back. */
  shrinks: number
  shrunkObjects: number
  shrunkPages: number
  /** Times that the per-CPU page lists had no page when one was first asked for. */
  pcpMisses: number
}

/** A caller that sleeps, and its object. */
export interface Sleeper {
  readonly held: Held
  /** Its object is taken care of: it goes on. */
  wake(): void
}

/** What a policy may do. All happens at `now`; in `enqueue` the moment is given. */
export interface KvfreeHost {
  readonly cpus: number
  readonly hz: number
  readonly now: Ns
  /** Counters of grace periods at this moment; the same all through a run. */
  readonly sequences: RcuSequences
  readonly counts: KvfreeCounts
  /** Spare pages that a CPU begins with: 0 as a kernel boots. */
  pagesAtStart(cpu: Cpu): number
  /** Objects that a CPU's sheaf of a cache holds at the start: 0 where it is not known. */
  sheafAtStart(cpu: Cpu, cache: number): number
  /** How long the normal grace period in progress has lasted; undefined where none is. */
  gracePeriodAge(at: Ns): Ns | undefined

  /** Whether work is queued, or a timer is set for it. Work that has begun is not. */
  isPending(item: WorkItem): boolean
  /** Delayed work: runs at the `jiffies`-th tick after `at`. Where it is pending, moves it, but never to a later moment. */
  arm(item: WorkItem, at: Ns, jiffies: number): void
  /** Queues work at once; does nothing where it is queued already. */
  queue(item: WorkItem, at: Ns): void
  /** queue_rcu_work(): queues it by a callback after a normal grace period. */
  queueRcuWork(item: WorkItem): void
  /** call_rcu() on `cpu`; `invoke` runs as a callback after a normal grace period. */
  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void
  /** The worker that runs `item` sleeps a normal grace period. */
  synchronizeRcu(item: WorkItem, then: () => void): void
  /** A one-argument caller goes to sleep with its object in its hand. */
  sleep(calls: Calls, i: number): Sleeper
  /** A sleeper goes on sleeping until a grace period is over, and frees its object itself. */
  freeInline(sleeper: Sleeper): void
  /** Calls back at a later moment. */
  after(at: Ns, then: () => void): void

  /** A page for pointers; false where there is none. */
  allocatePage(cpu: Cpu, at: Ns, by: 'refill' | 'caller' | 'pcp'): boolean
  /** Gives one back on a CPU. */
  freePage(on: Cpu): void
  /** Memory that holds pointers besides pages: taken, or given back where negative. */
  overhead(on: Cpu, bytes: number): void
  /** So many objects of a CPU wait for something else now. */
  moved(n: number, from: State, to: State): void
  /**
   * Frees what is given, in that order; `each` hears of each when it is gone, and on which CPU, `then` when all are. `by`: who does it: a work item,
   * or a callback or a task that reclaims on this CPU.
   */
  free(by: WorkItem | Cpu, held: readonly Held[], each: (held: Held, on: Cpu) => void, then: () => void): void
}

/** A policy at work: the state of all CPUs. */
export interface Kvfree {
  /**
   * Takes in the first k ≥ 1 objects of a run, as many as no rule tells apart, and returns k. What it arms or queues may begin before
   * the run ends, so the object that does so is the last it takes.
   */
  enqueue(calls: Calls): number
  /** A task on this CPU finds no memory and reclaims: the policy's shrinker, where it has one. */
  shrink?(on: Cpu): void
  /**
   * kvfree_rcu_barrier(): somebody waits until all that was queued is freed; or that of one cache, by its number among calls, −1 where none came of it.
   * Absent where a release has none.
   */
  barrier?(of: 'all' | number): void
}

export interface KvfreePolicy<P extends z.ZodObject = z.ZodObject> {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  readonly params: P
  readonly create: (params: z.infer<P>, host: KvfreeHost) => Kvfree
}
export type AnyKvfreePolicy = KvfreePolicy<z.ZodObject>
export const defineKvfreePolicy = <P extends z.ZodObject>(policy: KvfreePolicy<P>): KvfreePolicy<P> => policy
