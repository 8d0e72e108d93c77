import { ANY_ZONE, Ask, NO_PFN, PAST_LISTS, type WhatIf } from '#events/demand'
import type { Ns } from '#kernel'
import type { PcpChoice } from '#policies'
import { clamp, listsOf } from '#policies/pcp'
import { type AllocatorObserver, type BulkFreeCause, type BulkHold, type Clocks, KINDS, PageAllocator } from '#sim'
import { buddiesAtStart, type Conserved, conservedOf, OwnPages } from './own-pages.ts'
import { Priced } from './priced.ts'
import { type ReplayOptions, type ReplayResult, WorkCounts } from './result.ts'
import { Way } from './routes.ts'
import { Series, STEPS } from './series.ts'
import { firstRowFrom } from './window-demand.ts'

/**
 * Replays a demand under a policy: one page allocator answers it, on a machine that began as the recorded one did. With prices, locks
 * take time: see `Clocks`.
 */
export class Replay implements AllocatorObserver {
  readonly #whatIf: WhatIf
  readonly #allocator: PageAllocator
  readonly #own: OwnPages
  /** Where a route sends the block of each row, and that of the row that runs now. */
  readonly #ways: Uint8Array | undefined
  readonly #plainLists: number
  #way: number = Way.asUsual
  /** Whether the operation of this row finds its lists locked by one that it interrupted, and goes past them. */
  #lockHeld = false
  readonly #priced: Priced
  readonly #clocks: Clocks | undefined
  readonly #work = new WorkCounts()
  readonly #interruptions: Record<string, number> = {}
  readonly #series: Series
  readonly #startBlocks: Int32Array
  readonly #conserved: Conserved
  readonly #nodes: readonly (readonly number[])[]
  readonly #allZones: readonly number[]

  constructor(
    whatIf: WhatIf,
    choice: PcpChoice,
    { isolated = whatIf.machine.isolated, steps = STEPS, prices, morePrices = [], ways }: ReplayOptions = {},
  ) {
    const { zones, gracePeriods, demand } = whatIf
    this.#whatIf = whatIf
    const buddies = buddiesAtStart(whatIf)
    this.#allocator = new PageAllocator(whatIf, choice, {
      isolated,
      buddies,
      observer: this,
      shortage: 'borrow',
      gracePeriods,
      drainWorks: whatIf.drainWorks,
      remote: whatIf.remote,
    })
    this.#own = new OwnPages(whatIf)
    this.#ways = ways
    const { perSet, pcps } = this.#allocator.sets
    this.#plainLists = perSet / (1 + (choice.route === undefined ? 0 : listsOf(choice.route).length))
    this.#priced = new Priced(prices, morePrices, this.#allocator, choice, demand)
    this.#clocks = this.#priced.first
    this.#series = new Series(whatIf, steps)
    this.#allocator.now = demand.time[0] ?? whatIf.from
    this.#allZones = zones.map((_, zone) => zone)
    this.#nodes = Array.from({ length: 1 + Math.max(0, ...zones.map(({ node }) => node)) }, (_, node) =>
      this.#allZones.filter((zone) => zones[zone]!.node === node),
    )
    this.#startBlocks = new Int32Array(pcps.length * KINDS)
    this.#fill()
    this.#resume(choice)
    this.#conserved = this.#count()
  }

  /** Puts what lay on the lists when the trace began on the lists of this policy; where it keeps no such blocks, in the buddy. */
  #fill(): void {
    const { listed, pacing = [] } = this.#whatIf.start
    pacing.forEach(({ high, ...factors }, at) => {
      const pcp = Object.assign(this.#allocator.pcps[at]!, factors)
      if (high !== undefined && pcp.highMin < pcp.highMax) pcp.high = clamp(high, pcp.highMin, pcp.highMax)
    })
    const { pset, order, migratetype, pfn } = listed
    for (let at = 0; at < pset.length; at++) {
      const page = pfn[at] === NO_PFN ? this.#allocator.borrow(order[at]!) : pfn[at]!
      if (this.#allocator.place(pset[at]!, page, order[at]!, migratetype[at]!))
        this.#startBlocks[pset[at]! * KINDS + order[at]! * 4 + migratetype[at]!]!++
    }
  }

  /** Where the demand begins within a recording, zones are as they were by then; so is the pacing of the rules that ran. */
  #resume({ lists, listParams }: PcpChoice): void {
    const { carried } = this.#whatIf.start
    if (carried === undefined) return
    this.#allocator.flags.forEach((flags, zone) => {
      flags.reclaimActive = carried.reclaimActive[zone] === 1
      flags.belowHigh = carried.belowHigh[zone] === 1
    })
    if (carried.lists !== lists.id || JSON.stringify(carried.params) !== JSON.stringify(listParams)) return
    carried.pacing.forEach((pacing, pset) => {
      Object.assign(this.#allocator.pcps[pset]!, pacing)
    })
  }

  #count(): Conserved {
    const { buddies, sets, blocks } = this.#allocator
    return conservedOf(this.#whatIf.zones, buddies, this.#own, (visit) => (blocks ?? sets).each(visit))
  }

  run(): ReplayResult {
    this.#runTo(this.#whatIf.demand.length)
    this.#priced.runTimers(Number.POSITIVE_INFINITY)
    this.#closeSteps(Number.POSITIVE_INFINITY)
    const result = this.#result()
    this.#work.wholeBlocksAfterDrain = this.#wholeBlocksAfterDrain()
    return result
  }

  /** Empties all lists, at the very end. */
  #wholeBlocksAfterDrain(): number {
    const { buddies, blocks, sets } = this.#allocator
    const { pageblockOrder } = this.#whatIf.machine
    ;(blocks ?? sets).each((page, order, zone) => this.#allocator.release(zone, page, order))
    let whole = 0
    for (const { blocks: free } of buddies)
      for (let order = pageblockOrder; order < free.length; order++) whole += free[order]! << (order - pageblockOrder)
    return whole
  }

  /** Runs what comes before a moment, and hands over the machine as it stands then. */
  runBefore(moment: Ns): { readonly allocator: PageAllocator; readonly own: OwnPages; readonly row: number } {
    const row = firstRowFrom(this.#whatIf.demand, moment)
    this.#runTo(row)
    this.#allocator.runTimers(moment - 1)
    return { allocator: this.#allocator, own: this.#own, row }
  }

  /** Rows before `end`. */
  #runTo(end: number): void {
    const { time, ask, cpu, zone, order, migratetype, block, offset, lockHeld } = this.#whatIf.demand
    const allocator = this.#allocator
    const work = this.#work
    const priced = this.#priced
    const tries = allocator.mechanism.contended === 'goes to the buddy'
    for (let row = 0; row < end; row++) {
      const now = time[row]!
      priced.runTimers(now)
      allocator.now = now
      if (now > this.#series.next) this.#closeSteps(now)
      if (this.#ways !== undefined) this.#way = this.#ways[row]!
      this.#lockHeld = tries && lockHeld[row] === 1
      switch (ask[row]!) {
        case Ask.alloc:
          this.#alloc(cpu[row]!, zone[row]!, order[row]!, migratetype[row]!, block[row]!)
          break
        case Ask.free:
          this.#free(cpu[row]!, order[row]!, migratetype[row]!, block[row]!, offset[row]!)
          break
        case Ask.bulkAlloc:
          this.#bulkAlloc(cpu[row]!, zone[row]!, migratetype[row]!, block[row]!)
          break
        case Ask.unseenAlloc:
          this.#unseenAlloc(zone[row]!, order[row]!, migratetype[row]!, block[row]!)
          break
        case Ask.drainRequest:
          work.drainRequests++
          priced.request(cpu[row]!, zone[row] === ANY_ZONE ? undefined : zone[row]!)
          break
        case Ask.localDrain:
          allocator.drainLocal(cpu[row]!, zone[row]!)
          break
        case Ask.tick:
          allocator.tick(cpu[row]!)
          break
        case Ask.reclaimStart:
        case Ask.reclaimEnd:
          allocator.setReclaim(this.#nodes[zone[row]!] ?? this.#allZones, ask[row] === Ask.reclaimStart)
          break
      }
    }
  }

  #result(): ReplayResult {
    const work = this.#work
    const { mechanism, isolated, cpus, buddies, sets, blocks, peak } = this.#allocator
    const { startPages, takenPages, putPages, borrowed } = this.#allocator
    work.allocsFromList = work.allocs - work.allocsAfterRefill - work.allocsFromBuddy
    const listOperations = work.allocsFromList + work.allocsAfterRefill + work.frees - work.freesToBuddy
    if (mechanism.pcpLock) work.pcpLocks += listOperations
    if (mechanism.dereference) work.dereferences = listOperations
    if (mechanism.irqSave) work.irqSaves = listOperations
    for (const cpu of isolated) if (cpu < cpus) work.strandedPagesAtEnd += this.#allocator.cachedOf(cpu)
    for (const buddy of buddies) {
      work.fallbacks += buddy.fallbacks
      work.claims += buddy.claims
    }
    work.borrowedPages = borrowed
    work.ownedPageblocks = blocks?.owned ?? 0
    work.strandedWithOwners = blocks?.fromAfar() ?? 0
    const { pages, twice } = this.#count()
    const givenBack = work.drainBurstPages + work.requestedDrainPages + work.localDrainPages
    const clocks = this.#clocks
    return {
      work,
      interruptions: this.#interruptions,
      ...this.#series.result(),
      held: { start: this.#startBlocks, peak },
      ...(clocks === undefined ? {} : { times: clocks.times(work) }),
      moreTimes: this.#priced.moreTimes(work),
      // From the lists themselves, so that the balance checks the counts too.
      pagesAtEnd: (blocks ?? sets).pages(),
      pagesExpected: startPages + work.refillPages - takenPages + putPages - givenBack,
      pagesTwice: this.#conserved.twice + twice,
      pagesLost: pages.reduce((sum, count, zone) => sum + Math.abs(count - this.#conserved.pages[zone]!), 0),
    }
  }

  /**
   * The list of a CPU that an operation of CPU `by` uses; −1: it goes to the buddy, since none keeps such blocks, or somebody holds the
   * pageset's lock.
   */
  #listFor(cpu: number, zone: number, order: number, type: number, by = cpu): number {
    const pset = cpu * this.#allocator.zones + zone
    const usual = this.#allocator.listOf(pset, order, type)
    const list = this.#way === Way.asUsual ? usual : this.#routed(usual)
    if (this.#lockHeld) return -1
    const { now, blocks, mechanism } = this.#allocator
    if (list < 0 || this.#clocks === undefined || mechanism.contended === undefined) return list
    if (!(blocks === undefined ? this.#clocks.isHeld(pset, now) : this.#clocks.waits(by, pset, now))) return list
    this.#work.pcpLocksContended++
    if (mechanism.contended === 'waits') {
      this.#clocks.waitForList(by, pset, now)
      return list
    }
    return -1
  }

  /** Lists that a route adds follow the usual ones, set by set. */
  #routed(list: number): number {
    if (list < 0 || this.#way === Way.buddy) return -1
    return list + (1 + this.#way - Way.firstList) * this.#plainLists
  }

  #alloc(cpu: number, zone: number, order: number, type: number, block: number): void {
    this.#work.allocs++
    const list = this.#listFor(cpu, zone, order, type)
    const page = this.#allocator.alloc(cpu, zone, list, order, type)
    this.#own.allocated(block, this.#allocator.lastZone, page, order)
    if (list < 0) this.#tookBlock(cpu, zone, order)
  }

  /** One order-0 page by alloc_pages_bulk(), which leaves the pacing of the lists alone. */
  #bulkAlloc(cpu: number, zone: number, type: number, block: number): void {
    this.#work.allocs++
    const list = this.#allocator.listOf(cpu * this.#allocator.zones + zone, 0, type)
    const page = this.#allocator.alloc(cpu, zone, list, 0, type, false)
    this.#own.allocated(block, this.#allocator.lastZone, page, 0)
    if (list < 0) this.#tookBlock(cpu, zone, 0)
  }

  /** Straight from the buddy. */
  #tookBlock(cpu: number, zone: number, order: number): void {
    this.#work.allocsFromBuddy++
    this.#zoneLock(1 << order)
    this.#series.direct(1 << order)
    for (const clocks of this.#priced.all) clocks.takeBlock(cpu, zone, this.#allocator.now, 1 << order)
  }

  #unseenAlloc(zone: number, order: number, type: number, block: number): void {
    this.#work.unseenAllocs += 1 << order
    const page = this.#allocator.fromBuddy(zone, order, type)
    this.#own.allocated(block, zone, page >= 0 ? page : this.#allocator.borrow(order), order)
  }

  #free(cpu: number, order: number, type: number, block: number, offset: number): void {
    this.#work.frees++
    const zone = this.#own.zoneOf(block)
    const page = this.#own.freed(block, offset, order)
    const owner = type === PAST_LISTS ? cpu : this.#allocator.cpuFor(cpu, zone, page)
    const list = type === PAST_LISTS ? -1 : this.#listFor(owner, zone, order, type, cpu)
    if (list >= 0) {
      if (owner !== cpu) this.#work.remoteListLocks++
      this.#allocator.free(owner, zone, list, page, order, cpu)
      return
    }
    this.#work.freesToBuddy++
    this.#zoneLock(1 << order)
    this.#series.direct(1 << order)
    for (const clocks of this.#priced.all) clocks.giveBlock(cpu, zone, this.#allocator.now, 1 << order)
    this.#allocator.release(zone, page, order)
  }

  #zoneLock(pages: number): void {
    this.#work.zoneLocks++
    this.#work.zoneLockPages += pages
  }

  #closeSteps(now: number): void {
    this.#series.close(now, (cpu) => this.#allocator.cachedOf(cpu), this.#allocator.buddies)
  }

  // What the allocator reports.

  refilled(cpu: number, zone: number, pages: number, blocks?: number): void {
    this.#work.refills++
    this.#work.refillPages += pages
    this.#work.allocsAfterRefill++
    this.#series.refill(cpu, pages, blocks)
    this.#zoneLock(pages)
    const { now, zones } = this.#allocator
    for (const clocks of this.#priced.all) {
      const ns = clocks.refill(cpu, zone, now, blocks ?? pages)
      if (blocks !== undefined) clocks.hold(cpu * zones + zone, now, ns)
    }
  }

  bulkFreed(
    cpu: number,
    zone: number,
    pages: number,
    cause: BulkFreeCause,
    begins: boolean,
    { by = cpu, blocks, chunk }: Partial<BulkHold> = {},
  ): void {
    const isLocal = cause === 'local'
    if (isLocal) this.#work.localDrainPages += pages
    else this.#work.drainBurstPages += pages
    if (begins && !isLocal) this.#work.drainBursts++
    if (pages > 0) this.#zoneLock(pages)
    const { now, zones } = this.#allocator
    this.#series.burst(now, cpu, pages, isLocal, false, begins, blocks)
    if (pages === 0) return
    for (const clocks of this.#priced.all) {
      const ns = clocks.bulkFree(by, zone, now, blocks ?? pages, chunk, !begins)
      if (blocks !== undefined) clocks.hold(cpu * zones + zone, now, ns)
    }
  }

  requestDrained(cpu: number, zone: number, pages: number, { by, blocks, chunk }: BulkHold): Ns {
    const { mechanism, now, zones } = this.#allocator
    this.#work.requestedDrainPages += pages
    if (mechanism.pcpLock) this.#work.pcpLocks++
    if (pages > 0) this.#zoneLock(pages)
    this.#series.burst(now, cpu, pages, true, true, true, blocks)
    const irqsOff = mechanism.drainsIrqsOff === true
    const ns = this.#priced.drain((clocks) =>
      pages === 0 ? 0 : clocks.drain(by, zone, now, blocks ?? pages, irqsOff, chunk),
    )
    if (mechanism.contended !== undefined) this.#clocks?.hold(cpu * zones + zone, now, ns)
    return ns
  }

  timer(now: Ns): void {
    if (now > this.#series.next) this.#closeSteps(now)
  }

  interrupt(cpu: number): void {
    const { cpus } = this.#whatIf.machine
    if (cpus.length > 0 && !cpus.includes(cpu)) return
    this.#work.interruptions++
    this.#series.interruption(cpu)
    this.#interruptions[cpu] = (this.#interruptions[cpu] ?? 0) + 1
  }

  stolen(cpu: number, ns: Ns): void {
    this.#clocks?.steal(cpu, ns)
  }

  workItemWait(): void {
    this.#work.workItemWaits++
  }

  gracePeriodWait(): void {
    this.#work.gracePeriodWaits++
  }

  remoteDrain(): void {
    this.#work.remoteDrains++
  }

  skipped(): void {
    this.#work.drainRequestsSkipped++
  }

  sleptInAtomic(): void {
    this.#work.sleepsInAtomic++
  }

  answered(since: Ns): void {
    this.#clocks?.answered(this.#allocator.now - since)
    this.#series.answered(since, this.#allocator.now)
  }
}
