import type { Cpu, Ns, Order, Pages, Pfn } from '#kernel'
import type { PcpChoice } from '#policies'
import { type DrainActions, type DrainMechanism, type ListRules, type Pcp, Quota, type ZoneFlags } from '#policies/pcp'
import {
  type AllocatorMachine,
  type AllocatorObserver,
  type AllocatorOptions,
  BORROWED,
  type BulkFreeCause,
} from './allocator-types.ts'
import { BlockSets } from './block-sets.ts'
import type { Buddy } from './buddy.ts'
import { PagesetLists } from './pageset-lists.ts'
import { listTables } from './pagesets.ts'
import { gracePeriodEndOf, mutexHoldsOf, workDelaysOf } from './recorded-waits.ts'
import { RemoteExpiry } from './remote-expiry.ts'
import type { Rings } from './rings.ts'
import { Timers } from './timers.ts'
import { Watermarks } from './watermarks.ts'
import { zonelistsOf } from './zonelists.ts'

/**
 * The page allocator of a machine under a policy: page lists, buddy, zone flags, vmstat ticks and drain requests. It moves pages and
 * reports to its observer; whoever drives it knows what the pages are for.
 */
export class PageAllocator implements DrainActions {
  readonly cpus: number
  readonly zones: number
  readonly isolated: readonly Cpu[]
  readonly buddies: readonly Buddy[]
  readonly observer: AllocatorObserver
  readonly mechanism: DrainMechanism
  readonly sets: PagesetLists
  /** Instead of `sets`, where the rules keep pageblocks that CPUs own. */
  readonly blocks: BlockSets | undefined
  readonly pcps: readonly Pcp[]
  /** By zone. */
  readonly flags: readonly ZoneFlags[]
  /** By pageset: the most pages that lay on its lists at once. */
  readonly peak: Int32Array
  now: Ns = 0
  /** The zone of the last page that `alloc` returned. */
  lastZone = 0
  /** Pages that were borrowed, and of these not yet back. */
  borrowed: Pages = 0
  owed: Pages = 0
  /** Pages that lay on lists to begin with, that allocations took from lists and that frees put there. */
  startPages: Pages = 0
  takenPages: Pages = 0
  putPages: Pages = 0
  readonly #rules: readonly ListRules[]
  readonly #lists: Rings
  /** By pageset: its first list in use. */
  readonly #base: Int32Array
  /** By pageset: list by order × 4 + migratetype; −1 where such blocks are not kept. */
  readonly #tables: readonly Int8Array[]
  readonly #watermarks: Watermarks
  /** By zone: zones that an allocation tries next. */
  readonly #zonelists: readonly (readonly number[])[]
  readonly #shortage: AllocatorOptions['shortage']
  readonly #expiry: RemoteExpiry
  readonly #gracePeriodEnd: (now: Ns) => Ns | undefined
  readonly #workDelay: (cpu: Cpu, now: Ns) => Ns | undefined
  readonly mutexHold: (asked: Ns) => Ns | undefined
  readonly #timers = new Timers()
  /** Whether the observer wants every block: most do not, and there are many. */
  readonly #hearsTaken: boolean
  readonly #hearsDrained: boolean
  #nextBorrowed = 0

  constructor(of: AllocatorMachine, choice: PcpChoice, options: AllocatorOptions) {
    const { isolated, buddies, observer, shortage, gracePeriods = { start: [], end: [] } } = options
    this.#workDelay = workDelaysOf(options.drainWorks)
    this.mutexHold = mutexHoldsOf(options.drainWorks)
    this.cpus = of.cpus
    this.zones = of.zones.length
    this.isolated = isolated
    this.buddies = buddies
    this.observer = observer
    this.#hearsTaken = observer.taken !== undefined
    this.#hearsDrained = observer.drained !== undefined
    this.mechanism = choice.drain.create(choice.drainParams as never)
    this.sets = new PagesetLists(of, choice, (zone, page, order) => this.#drained(zone, page, order))
    const { pcps, rules, rings, base } = this.sets
    this.pcps = pcps
    this.#rules = rules
    this.#lists = rings
    this.#base = base
    this.blocks = rules.every((rule) => rule.blocks !== undefined)
      ? new BlockSets(of, rules, pcps, buddies, {
          taken: (zone, page, order, type) => {
            if (this.#hearsTaken) observer.taken?.(zone, page, order, type, true)
          },
          release: (zone, page, order) => this.#drained(zone, page, order),
        })
      : undefined
    const off = this.mechanism.listsOff
    this.#tables = listTables(
      rules,
      this.cpus,
      (cpu) => off === 'all' || (off === 'isolated' && isolated.includes(cpu)),
    )
    this.flags = of.zones.map(() => ({ reclaimActive: false, belowHigh: false }))
    this.peak = new Int32Array(pcps.length)
    this.#watermarks = new Watermarks(of)
    this.#zonelists = zonelistsOf(of.zones)
    this.#shortage = shortage
    this.#expiry = new RemoteExpiry(options.remote ?? new Uint8Array(pcps.length))
    this.#gracePeriodEnd = gracePeriodEndOf(gracePeriods)
  }

  /** The list of a pageset that keeps such blocks; −1: none does. */
  listOf(pset: number, order: Order, migratetype: number): number {
    return this.#tables[pset]![order * 4 + migratetype]!
  }

  /** Puts a block at the tail of a list, or where no list keeps such, in the buddy: what lay there before the first event. */
  place(pset: number, page: Pfn, order: Order, migratetype: number): boolean {
    const list = this.listOf(pset, order, migratetype)
    if (list < 0) {
      this.release(pset % this.zones, page, order)
      return false
    }
    this.#pushTail(pset, list, page)
    const pcp = this.pcps[pset]!
    pcp.count += 1 << order
    this.startPages += 1 << order
    this.peak[pset] = Math.max(this.peak[pset]!, pcp.count)
    return true
  }

  /** Calls back for every block on lists, set aside or not: of each list the head first. */
  eachListed(visit: (pset: number, order: Order, migratetype: number, page: Pfn) => void): void {
    this.sets.eachOf((pset, list, order, page) => {
      const type = [0, 1, 2].find((one) => this.#tables[pset]![order * 4 + one] === list)
      visit(pset, order, type ?? 1, page)
    })
  }

  #pushTail(pset: number, list: number, page: Pfn): void {
    if (this.blocks === undefined) this.#lists.pushTail(this.#base[pset]! + list, page)
    else this.blocks.push(pset, list, page, 'tail')
  }

  /** The CPU on whose lists a page belongs that `cpu` frees. */
  cpuFor(cpu: Cpu, zone: number, page: Pfn): Cpu {
    return this.blocks === undefined ? cpu : this.blocks.cpuFor(cpu, zone, page)
  }

  /** A page of no machine. It vanishes once it comes to a buddy. */
  borrow(order: Order): Pfn {
    this.#nextBorrowed = (this.#nextBorrowed + (1 << order) - 1) & -(1 << order)
    const page = BORROWED + this.#nextBorrowed
    this.#nextBorrowed += 1 << order
    this.borrowed += 1 << order
    this.owed += 1 << order
    return page
  }

  /** An allocation comes to a pageset. `list`: from `listOf`, or one beside it that a route adds; −1: straight from the buddy. */
  alloc(cpu: Cpu, zone: number, list: number, order: Order, migratetype: number, paced = true): Pfn {
    const pset = cpu * this.zones + zone
    this.lastZone = zone
    const page = this.#take(pset, zone, list, order, migratetype, paced)
    if (page >= 0) return page
    for (const other of this.#zonelists[zone]!) {
      const next = cpu * this.zones + other
      const itsList = list < 0 ? -1 : this.listOf(next, order, migratetype)
      const found = this.#take(next, other, itsList, order, migratetype, paced)
      if (found < 0) continue
      this.lastZone = other
      return found
    }
    return this.#short(pset, zone, list, order, migratetype)
  }

  /** Nothing is free anywhere. The kernel would reclaim; here a page of no machine comes to the list instead. */
  #short(pset: number, zone: number, list: number, order: Order, migratetype: number): Pfn {
    if (this.#shortage === 'fail') return -1
    const page = this.borrow(order)
    this.observer.taken?.(zone, page, order, migratetype, list >= 0)
    if (list < 0) return page
    this.#pushTail(pset, list, page)
    this.#refilled(pset, zone, 1 << order)
    return this.#pop(pset, list, order)
  }

  /** Source: zone_watermark_fast() in get_page_from_freelist(), which sets ZONE_BELOW_HIGH; mm/page_alloc.c, v6.12. */
  #take(pset: number, zone: number, list: number, order: Order, migratetype: number, paced: boolean): Pfn {
    this.#expiry.used[pset] = 1
    if (this.buddies[zone]!.free <= this.#watermarks.high[zone]!) this.flags[zone]!.belowHigh = true
    if (list < 0) return this.fromBuddy(zone, order, migratetype)
    const pcp = this.pcps[pset]!
    const rules = this.#rules[zone]!
    if (paced) rules.onAlloc(pcp)
    const at = this.#base[pset]! + list
    const isEmpty = this.blocks === undefined ? this.#lists.lens[at]! === 0 : !this.blocks.has(pset, list)
    if (isEmpty && !this.#refill(pset, zone, at, order, migratetype)) return -1
    return this.#pop(pset, list, order)
  }

  #pop(pset: number, list: number, order: Order): Pfn {
    this.pcps[pset]!.count -= 1 << order
    this.takenPages += 1 << order
    return this.blocks === undefined ? this.#lists.popHead(this.#base[pset]! + list) : this.blocks.pop(pset, list)
  }

  /** One block from the buddy for its user; −1: the zone has none. */
  fromBuddy(zone: number, order: Order, migratetype: number): Pfn {
    this.buddies[zone]!.begin()
    const page = this.#watermarks.take(zone, this.buddies[zone]!, order, migratetype)
    if (page >= 0) this.observer.taken?.(zone, page, order, migratetype, false)
    return page
  }

  #refill(pset: number, zone: number, at: number, order: Order, migratetype: number): boolean {
    const buddy = this.buddies[zone]!
    const entries = this.#rules[zone]!.nrAlloc(this.pcps[pset]!, order, this.flags[zone]!)
    if (this.blocks !== undefined) {
      const { pages, blocks } = this.blocks.refill(pset, order, migratetype, entries << order)
      if (pages > 0) this.#refilled(pset, zone, pages, blocks)
      // What came may be parts that are all too small.
      return this.blocks.has(pset, at - this.#base[pset]!)
    }
    let got = 0
    buddy.begin()
    for (; got < entries; got++) {
      const page = this.#watermarks.take(zone, buddy, order, migratetype)
      if (page < 0) break
      if (this.#hearsTaken) this.observer.taken?.(zone, page, order, migratetype, true)
      this.#lists.pushTail(at, page)
    }
    if (got === 0) return false
    this.#refilled(pset, zone, got << order)
    return true
  }

  #refilled(pset: number, zone: number, pages: Pages, blocks?: number): void {
    const pcp = this.pcps[pset]!
    pcp.count += pages
    this.peak[pset] = Math.max(this.peak[pset]!, pcp.count)
    this.observer.refilled?.(Math.trunc(pset / this.zones), zone, pages, blocks)
  }

  /** A block comes back from its user, to a list of a pageset. `by`: the CPU that frees it, which may be another. */
  free(cpu: Cpu, zone: number, list: number, page: Pfn, order: Order, by = cpu): void {
    const pset = cpu * this.zones + zone
    this.put(pset, list, page, order, by)
    const pcp = this.pcps[pset]!
    const rules = this.#rules[zone]!
    const n = rules.nrFree(pcp, order, this.flags[zone]!)
    if (n === 0) return
    this.#bulkFree(pset, zone, n, rules.freeChunk?.(pcp), 'free', by, list)
    if (this.buddies[zone]!.free > this.#watermarks.high[zone]!) this.flags[zone]!.belowHigh = false
  }

  /** Puts a block on a list, whatever its pageset holds by then. */
  put(pset: number, list: number, page: Pfn, order: Order, by?: Cpu): void {
    this.#expiry.used[pset] = 1
    if (this.blocks === undefined) this.#lists.pushHead(this.#base[pset]! + list, page)
    else this.blocks.push(pset, list, page, 'head', by)
    const pcp = this.pcps[pset]!
    pcp.count += 1 << order
    this.putPages += 1 << order
    this.peak[pset] = Math.max(this.peak[pset]!, pcp.count)
  }

  /** A block comes to the buddy of a zone. Returns the order of the free block that it is part of then. */
  release(zone: number, page: Pfn, order: Order): Order {
    if (page >= BORROWED) {
      this.owed -= 1 << order
      return order
    }
    const merged = this.buddies[zone]!.release(page, order)
    if (this.blocks !== undefined && merged >= this.blocks.top(zone)) this.blocks.whole(zone, page, merged)
    return merged
  }

  #drained(zone: number, page: Pfn, order: Order): Order {
    if (this.#hearsDrained) this.observer.drained?.(zone, page, order)
    return this.release(zone, page, order)
  }

  /** So many pages leave a pageset, a chunk per hold of zone->lock, until its lists are empty. Of pageblocks a chunk is so many blocks. */
  #bulkFree(pset: number, zone: number, n: Pages, chunk = n, cause: BulkFreeCause, by: Cpu, list = 0): void {
    const cpu = Math.trunc(pset / this.zones)
    const atOnce = this.#rules[zone]!.letsGo === undefined ? chunk : n
    let begins = true
    const tell = (pages: Pages, blocks?: number): void => {
      this.observer.bulkFreed?.(cpu, zone, pages, cause, begins, { by, blocks, chunk })
      begins = false
    }
    if (this.blocks !== undefined) {
      this.blocks.bulkFree(pset, n, atOnce, list, tell)
      return
    }
    const quota = new Quota(n, atOnce)
    let pages = 0
    do {
      pages = this.sets.bulkFree(pset, quota.left, list)
      tell(pages)
    } while (quota.take(pages) && this.pcps[pset]!.count > 0)
  }

  /**
   * vmstat_update(): what lies above a self-tuning `high` goes, and a batch of a remote zone’s pages that were left alone. Isolated CPUs
   * have none. Source: refresh_cpu_vm_stats(), mm/vmstat.c, v6.12.
   */
  tick(cpu: Cpu): void {
    if (this.isolated.includes(cpu)) return
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      const pcp = this.pcps[pset]!
      const rules = this.#rules[zone]!
      const decayed = rules.onTick?.(pcp) ?? 0
      const expired = this.#expiry.tick(pset, pcp.count) ? Math.min(pcp.batch, pcp.count - decayed) : 0
      const n = decayed + expired
      if (n > 0) this.#bulkFree(pset, zone, n, rules.tickChunk?.(pcp), 'tick', cpu)
    }
  }

  /** A CPU empties its own lists of a zone, in one hold of zone->lock. */
  drainLocal(cpu: Cpu, zone: number): void {
    const pset = cpu * this.zones + zone
    this.#bulkFree(pset, zone, this.count(cpu, zone), this.#rules[zone]!.drainChunk?.(this.pcps[pset]!), 'local', cpu)
  }

  /** drain_all_pages() by a CPU, for one zone or all. */
  request(cpu: Cpu, zone: number | undefined): void {
    this.mechanism.request(this, cpu, zone)
  }

  /** kswapd begins or ends to balance a node: ZONE_RECLAIM_ACTIVE. */
  setReclaim(zones: readonly number[], active: boolean): void {
    for (const zone of zones) {
      this.flags[zone]!.reclaimActive = active
      this.#watermarks.balance(zone, active)
    }
  }

  /** Runs what is due by then. */
  runTimers(until: Ns): void {
    if (this.#timers.next > until) return
    this.#timers.run(until, (time) => {
      this.now = time
      this.observer.timer?.(time)
    })
  }

  /** Pages on a CPU's lists, with those that a drain set aside. */
  cachedOf(cpu: Cpu): Pages {
    let sum = 0
    for (let pset = cpu * this.zones; pset < (cpu + 1) * this.zones; pset++)
      sum += this.pcps[pset]!.count + this.sets.detached[pset]!
    return sum
  }

  // What a drain mechanism may do.

  count(cpu: Cpu, zone: number): Pages {
    return this.pcps[cpu * this.zones + zone]!.count
  }

  batch(cpu: Cpu, zone: number): Pages {
    return this.pcps[cpu * this.zones + zone]!.batch
  }

  drainPages(cpu: Cpu, zone: number, pages: Pages, by: Cpu): Ns {
    const pset = cpu * this.zones + zone
    const { letsGo, drainChunk } = this.#rules[zone]!
    const chunk = drainChunk?.(this.pcps[pset]!) ?? pages
    this.observer.requestDrains?.(cpu)
    let ns = 0
    let left = Math.min(pages, this.count(cpu, zone))
    do {
      const most = letsGo === undefined ? Math.min(chunk, left) : left
      const gone = this.blocks?.oneHold(pset, left, most) ?? { pages: this.sets.bulkFree(pset, most, 0) }
      ns = this.observer.requestDrained?.(cpu, zone, gone.pages, { by, chunk, ...gone }) ?? 0
      left -= gone.pages
    } while (left > 0 && this.count(cpu, zone) > 0)
    return ns
  }

  detach(cpu: Cpu, zone: number): void {
    this.sets.detach(cpu * this.zones + zone)
  }

  freeDetached(cpu: Cpu, zone: number, by: Cpu): Ns {
    const drained = this.sets.freeDetached(cpu * this.zones + zone)
    return this.observer.requestDrained?.(cpu, zone, drained, { by }) ?? 0
  }

  readonly gracePeriodEnd = (): Ns | undefined => this.#gracePeriodEnd(this.now)

  readonly workDelay = (cpu: Cpu): Ns | undefined => this.#workDelay(cpu, this.now)

  after(ns: Ns, then: () => void): void {
    this.#timers.set(this.now + ns, then)
  }
}
