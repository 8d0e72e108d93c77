import type { Cpu, Ns } from '#kernel'
import { rcuSeqDone } from '#kernel/rcu'
import { inOrderOfFree, Krw, objectsIn } from './krw.ts'
import { type Calls, Channel, Held, type Kvfree, type KvfreeHost, type Sleeper, State, type WorkItem } from './types.ts'

/** How a page of pointers knows that its objects may go. */
type CookieKind = 'none' | 'polled' | 'full'

/** Where a page comes from when a CPU's cache is empty. */
export interface PageSource {
  /** Whether a worker refills the cache when it was found empty. */
  readonly refills: boolean
  /** Called with the first call of a run, which needs a page. `sleeps`: the caller sleeps until `Krc.pageCame`. */
  page(krc: Krc, calls: Calls): 'page' | 'none' | 'sleeps'
  /** How many objects may go in before the source wants to look at what is left. */
  room?(krc: Krc, calls: Calls): number
  /** `k` objects came, whatever became of them. */
  came?(krc: Krc, calls: Calls, k: number): void
}

/** How a batch waits for its grace period and what its work then does. */
export interface BatchRule {
  /** The batch was just filled. */
  detached(krc: Krc, krw: Krw): void
  /** Its work begins. */
  begin(krc: Krc, krw: Krw, done: () => void): void
}

export interface KrcRules {
  readonly maxEntries: number
  readonly drainMs: number
  readonly slots: number
  readonly cachedPages: number
  /** So many objects make the monitor run at the next tick; 0: none do. */
  readonly hurryAt: number
  readonly cookie: CookieKind
  readonly cookieAt: 'first' | 'last'
  /** Whether the monitor frees what is ready before it makes a batch. */
  readonly drainsReady: boolean
  readonly queue: 'bound' | 'unbound'
  /** Memory pressure empties the cache too, and puts off its next refill, which then brings one page: since 6.1. */
  readonly backsOff: boolean
  /** 6.12 and later: a refill begins with what the cache has. */
  readonly fillsUp: boolean
  /** kvfree_rcu_barrier(): since 6.12. */
  readonly hasBarrier?: boolean
  /** Whether the cache is full before the first call. */
  readonly preallocates?: boolean
  readonly source: PageSource
  readonly batch: BatchRule
}

/** rcu_delay_page_cache_fill_msec */
const BACKOFF_MS = 5000

/** krcp: what one CPU collects. Lists are oldest first. */
export class Krc {
  readonly cpu: Cpu
  readonly host: KvfreeHost
  readonly rules: KrcRules
  readonly pages: [Held[], Held[]] = [[], []]
  head: Held[] = []
  /** Objects of which no grace period has been asked for. */
  count = 0
  cached: number
  readonly krws: readonly Krw[]
  readonly monitor: WorkItem
  readonly refill: WorkItem
  /** The refill that memory pressure put off. */
  readonly #lateRefill: WorkItem
  refilling = false
  #backsOff = false
  /** One-argument callers that wait for a page, first come first. */
  readonly sleepers: Sleeper[] = []
  readonly #drainJiffies: number
  readonly #backoffJiffies: number

  constructor(cpu: Cpu, host: KvfreeHost, rules: KrcRules) {
    this.cpu = cpu
    this.host = host
    this.rules = rules
    this.cached = Math.min(rules.cachedPages, host.pagesAtStart(cpu))
    if (rules.preallocates)
      while (this.cached < rules.cachedPages && host.allocatePage(cpu, host.now, 'refill')) this.cached++
    this.#drainJiffies = Math.max(1, Math.floor((rules.drainMs * host.hz) / 1000))
    this.#backoffJiffies = Math.floor((BACKOFF_MS * host.hz) / 1000)
    this.krws = Array.from({ length: rules.slots }, (_, slot) => {
      const krw: Krw = new Krw({
        kind: 'batch',
        cpu,
        slot,
        queue: rules.queue,
        begin: (done) => rules.batch.begin(this, krw, done),
      })
      return krw
    })
    this.monitor = {
      kind: 'monitor',
      cpu,
      slot: 0,
      queue: rules.queue,
      begin: (done) => this.#monitor(this.monitor, done),
    }
    const begin = (done: () => void) => this.#refill(done)
    this.refill = { kind: 'refill', cpu, slot: 0, queue: 'highpri', begin }
    this.#lateRefill = { kind: 'refill', cpu, slot: 1, queue: rules.queue, begin }
  }

  /** Takes in as many of a run's objects as share a page, a list or a fate. */
  enqueue(calls: Calls): number {
    const { host } = this
    const { maxEntries, source } = this.rules
    const pages = this.pages[calls.channel]
    let page = pages.at(-1)
    if (page === undefined || page.n === maxEntries) {
      if (this.cached > 0) this.cached--
      else {
        const got = source.page(this, calls)
        if (got === 'sleeps') {
          this.sleepers.push(host.sleep(calls, 0))
          source.came?.(this, calls, 1)
          return 1
        }
        if (got === 'none') return this.#withoutPage(calls)
      }
      page = this.#addPage(calls.channel)
    }
    const room = source.room?.(this, calls) ?? Number.POSITIVE_INFINITY
    const k = Math.min(calls.n, maxEntries - page.n, this.#untilArmed, room)
    const isFirst = page.n === 0
    page.add(calls, 0, k)
    if (this.rules.cookie !== 'none' && (isFirst || this.rules.cookieAt === 'last')) this.#mark(page)
    this.#collected(calls.at(k - 1), k)
    source.came?.(this, calls, k)
    return k
  }

  /** A fresh page on top of a channel, whatever lies there. */
  #addPage(channel: Calls['channel']): Held {
    const page = new Held(channel, this.cpu)
    this.pages[channel].push(page)
    return page
  }

  /** A page that sleepers of a channel wait for: they fill it in the order in which they came. False where some are left. */
  pageCame(channel: Calls['channel']): boolean {
    const { maxEntries } = this.rules
    let page = this.pages[channel].at(-1)
    if (this.cached > 0 || (page !== undefined && page.n < maxEntries)) {
      // Others were freed meanwhile; it is kept all the same.
      this.host.counts.pagesWasted++
      this.cached++
    } else page = this.#addPage(channel)
    for (;;) {
      const sleeper = this.sleepers[0]
      if (sleeper === undefined) return true
      if (page === undefined || page.n === maxEntries) {
        if (this.cached === 0) return false
        this.cached--
        page = this.#addPage(channel)
      }
      this.sleepers.shift()
      page.absorb(sleeper.held)
      if (this.rules.cookie !== 'none') this.#mark(page)
      this.#collected(this.host.now, 1)
      sleeper.wake()
    }
  }

  #withoutPage(calls: Calls): number {
    const { host, rules } = this
    const asks = rules.source.refills && this.askForPages(calls.at(0))
    if (calls.isSingle(0)) {
      host.freeInline(host.sleep(calls, 0))
      rules.source.came?.(this, calls, 1)
      return 1
    }
    const room = rules.source.room?.(this, calls) ?? Number.POSITIVE_INFINITY
    const most = asks ? 1 : Math.min(calls.n, this.#untilArmed, room)
    let k = 1
    while (k < most && !calls.isSingle(k)) k++
    let stretch = this.head.at(-1)
    if (stretch === undefined) {
      stretch = new Held(Channel.list, this.cpu)
      this.head.push(stretch)
    }
    stretch.add(calls, 0, k)
    // The newest object's snapshot is that of the whole list.
    this.#mark(stretch)
    host.counts.listFallbacks += k
    this.#collected(calls.at(k - 1), k)
    rules.source.came?.(this, calls, k)
    return k
  }

  /** Objects up to and including the one that arms the monitor, or makes it run at the next tick. */
  get #untilArmed(): number {
    if (!this.host.isPending(this.monitor)) return 1
    const { hurryAt } = this.rules
    return this.count < hurryAt ? hurryAt - this.count : Number.POSITIVE_INFINITY
  }

  #collected(at: Ns, k: number): void {
    this.count += k
    this.#arm(at)
  }

  #arm(at: Ns): void {
    const { hurryAt } = this.rules
    this.host.arm(this.monitor, at, hurryAt > 0 && this.count >= hurryAt ? 1 : this.#drainJiffies)
  }

  /** run_page_cache_worker(). False where it is asked for already. */
  askForPages(at: Ns): boolean {
    if (this.refilling) return false
    this.refilling = true
    if (this.#backsOff) this.host.arm(this.#lateRefill, at, this.#backoffJiffies)
    else this.host.queue(this.refill, at)
    return true
  }

  #refill(done: () => void): void {
    const { host, rules, cpu } = this
    // Releases before 6.12 count from 0, and stop when the cache is full: the page over is freed again.
    const target = this.#backsOff ? Math.min(1, rules.cachedPages) : rules.cachedPages
    for (let i = rules.fillsUp ? this.cached : 0; i < target; i++) {
      if (!host.allocatePage(cpu, host.now, 'refill')) break
      if (this.cached >= rules.cachedPages) {
        host.freePage(cpu)
        break
      }
      this.cached++
    }
    this.refilling = false
    this.#backsOff = false
    done()
  }

  /** A list has a polled snapshot, whatever pages have: `head_gp_snap`. */
  isReady({ channel, cookie, cookieExpedited }: Held): boolean {
    const { sequences } = this.host
    return this.rules.cookie === 'full' && channel !== Channel.list
      ? rcuSeqDone(sequences.normal, cookie) || rcuSeqDone(sequences.expedited, cookieExpedited)
      : this.isPolledOver(cookie)
  }

  isPolledOver(cookie: number): boolean {
    return rcuSeqDone(this.host.sequences.polled, cookie)
  }

  /** Takes the snapshot of now. */
  #mark(held: Held): void {
    const { sequences } = this.host
    const isFull = this.rules.cookie === 'full' && held.channel !== Channel.list
    held.cookie = isFull ? sequences.snapNormal() : sequences.snapPolled()
    held.cookieExpedited = sequences.snapExpedited()
  }

  /** Reclaim on CPU `on` drops spare pages and does what the monitor does, at once; it always asks for all there is. */
  shrink(on: Cpu): void {
    const { counts } = this.host
    counts.shrunkObjects += this.count
    if (this.rules.backsOff) {
      this.#backsOff = true
      counts.shrunkPages += this.cached
      for (; this.cached > 0; this.cached--) this.host.freePage(on)
    }
    this.#monitor(on, () => {})
  }

  /** Whatever is collected becomes a batch now; with every slot busy, as soon as one is free. */
  barrier(): void {
    this.#detach()
    if (this.count > 0) this.host.arm(this.monitor, this.host.now, 1)
  }

  #monitor(by: WorkItem | Cpu, done: () => void): void {
    const detach = (): void => {
      this.#detach()
      if (this.count > 0) this.#arm(this.host.now)
      done()
    }
    const ready = this.rules.drainsReady ? this.#takeReady() : []
    if (ready.length === 0) detach()
    // What comes while these are freed is in the batch.
    else this.host.free(by, ready, this.#freed, detach)
  }

  /** kvfree_rcu_drain_ready(): what may go at once; the newest ready page first. */
  #takeReady(): Held[] {
    const taken: Held[] = []
    for (const pages of this.pages) {
      let ready = 0
      while (ready < pages.length && this.isReady(pages[ready]!)) ready++
      taken.push(...pages.splice(0, ready).reverse())
    }
    const newest = this.head.at(-1)
    if (newest !== undefined && this.isReady(newest)) {
      taken.push(...this.head.reverse())
      this.head = []
    }
    const n = objectsIn(taken)
    this.count -= n
    this.host.counts.readyEarly += n
    this.host.moved(n, State.collected, State.freeing)
    return taken
  }

  /** Moves all that is collected into the first free slot. */
  #detach(): void {
    if (this.count === 0) return
    const { host } = this
    const krw = this.krws.find(({ isBusy }) => !isBusy)
    if (krw === undefined) {
      host.counts.slotsBusy++
      return
    }
    for (const channel of [Channel.slab, Channel.vmalloc] as const) {
      for (const page of this.pages[channel]) krw.pages[channel].push(page)
      this.pages[channel].length = 0
    }
    krw.head = this.head
    this.head = []
    krw.detachCookie = host.sequences.snapPolled()
    host.counts.batches++
    host.moved(this.count, State.collected, State.waiting)
    this.count = 0
    this.rules.batch.detached(this, krw)
  }

  /** Empties a batch, which makes its slot free; oldest page first in each channel. */
  take(krw: Krw): { pages: [Held[], Held[]]; head: Held[] } {
    const taken: { pages: [Held[], Held[]]; head: Held[] } = {
      pages: [krw.pages[0].splice(0), krw.pages[1].splice(0)],
      head: krw.head,
    }
    krw.head = []
    this.host.moved(
      objectsIn(taken.pages[0]) + objectsIn(taken.pages[1]) + objectsIn(taken.head),
      State.waiting,
      State.freeing,
    )
    return taken
  }

  /** Frees in the order given. The page of pointers goes back to the cache, or to the allocator. */
  free(by: WorkItem, held: readonly Held[], then: () => void): void {
    this.host.free(by, held, this.#freed, then)
  }

  readonly #freed = ({ channel }: Held, on: Cpu): void => {
    if (channel === Channel.list) return
    if (this.cached < this.rules.cachedPages) this.cached++
    else this.host.freePage(on)
  }
}

/** The batch waits by queue_rcu_work(); its work frees all. */
export const rcuWork: BatchRule = {
  detached: (krc, krw) => krc.host.queueRcuWork(krw.item),
  begin: (krc, krw, done) => krc.free(krw.item, inOrderOfFree(krc.take(krw)), done),
}

/** Nothing but the cache. */
export const cacheOnly: PageSource = { refills: true, page: () => 'none' }

/** A one-argument caller allocates itself. */
export const callerAllocates: PageSource = {
  refills: true,
  page: ({ host, cpu }, calls) =>
    calls.isSingle(0) && host.allocatePage(cpu, calls.at(0), 'caller') ? 'page' : 'none',
}

/** One krcp for each CPU. */
export function collect(host: KvfreeHost, rules: KrcRules): Kvfree {
  const krcs = Array.from({ length: host.cpus }, (_, cpu) => new Krc(cpu, host, rules))
  return {
    enqueue: (calls) => krcs[calls.cpu]!.enqueue(calls),
    shrink: (on) => {
      host.counts.shrinks++
      for (const krc of krcs) krc.shrink(on)
    },
    ...(rules.hasBarrier === true
      ? {
          barrier: () => {
            for (const krc of krcs) krc.barrier()
          },
        }
      : {}),
  }
}
