import type { Inferred } from '#estimate'
import type { Ns } from '#kernel'
import {
  type DrainHost,
  type DrainMechanism,
  type ListRules,
  listsOf,
  type Pcp,
  type PcpChoice,
  Quota,
  type ZoneFlags,
} from '#policies'
import { BYPASS, Op, type Script } from '#record'
import type { Rings } from '#sim'
import { Clocks, KINDS, listTables, PagesetLists, Timers } from '#sim'
import { OwnPages } from './own-pages.ts'
import { type Held, type ReplayOptions, type ReplayResult, WorkCounts } from './result.ts'
import { Way } from './routes.ts'
import { Series } from './series.ts'
/**
 * Replays a script under a policy, with pages of the policy's own from a buddy of its own. With prices, locks take time: see `Clocks`.
 */
export class Replay implements DrainHost {
  readonly #script: Script
  readonly #inferred: Inferred
  readonly #sets: PagesetLists
  readonly #rules: readonly ListRules[]
  readonly #pcps: readonly Pcp[]
  readonly #pages: OwnPages
  readonly #lists: Rings
  /** By pageset: its first list in use. */
  readonly #base: Int32Array
  readonly #mechanism: DrainMechanism
  /** By zone and CPU: list by order × 4 + migratetype; −1 where such blocks are not kept. */
  readonly #tables: Int8Array[]
  readonly #held: Held
  /** Where a route sends the block of each row, and that of the row that runs now. */
  readonly #ways: Uint8Array | undefined
  readonly #plainLists: number
  #way: number = Way.asUsual
  readonly #peak: Int32Array
  readonly #flags: ZoneFlags = { reclaimActive: false, belowHigh: false }
  /** By zone: ZONE_BELOW_HIGH, and the watermark it is about. */
  readonly #belowHigh: Uint8Array
  readonly #highMarks: number[]
  readonly #timers = new Timers()
  readonly #clocks: Clocks | undefined
  /** The same, and those of further price lists. */
  readonly #allClocks: readonly Clocks[]
  readonly #work = new WorkCounts()
  readonly #interruptions: Record<string, number> = {}
  readonly #series: Series
  readonly #start: number
  readonly #marks: Uint8Array
  readonly cpus: number
  readonly zones: number
  readonly isolated: readonly number[]
  #now = 0
  #taken = 0
  #given = 0
  #twice = 0

  constructor(
    script: Script,
    choice: PcpChoice,
    inferred: Inferred,
    { isolated = script.machine.isolated, steps = 200, prices, morePrices = [], ways }: ReplayOptions = {},
  ) {
    this.#script = script
    this.#inferred = inferred
    this.cpus = script.cpus
    this.zones = script.zones.length
    this.isolated = isolated
    this.#sets = new PagesetLists(script, choice, (zone, page, order) => this.#pages.release(zone, page, order))
    const { pcps, rules, rings, base, perSet } = this.#sets
    this.#pcps = pcps
    this.#rules = rules
    this.#lists = rings
    this.#base = base
    this.#ways = ways
    this.#plainLists = perSet / (1 + (choice.route === undefined ? 0 : listsOf(choice.route).length))
    this.#mechanism = choice.drain.create(choice.drainParams as never)
    const off = this.#mechanism.listsOff
    this.#tables = listTables(
      rules,
      this.cpus,
      (cpu) => off === 'all' || (off === 'isolated' && isolated.includes(cpu)),
    )
    this.#peak = new Int32Array(pcps.length)
    this.#held = { start: new Int32Array(pcps.length * KINDS), peak: this.#peak }
    this.#belowHigh = new Uint8Array(this.zones)
    this.#highMarks = script.zones.map(({ high }) => (script.machine.zones.length === 0 ? -1 : high))
    this.#allClocks = [...(prices === undefined ? [] : [prices]), ...morePrices].map(
      (list) => new Clocks(list, this.zones, this.cpus),
    )
    this.#clocks = this.#allClocks[0]
    this.#series = new Series(script, steps)
    this.#now = script.from
    this.#pages = new OwnPages(script, inferred.start)
    this.#start = this.#fill(inferred)
    const { marks, twice } = this.#audit()
    this.#marks = marks
    this.#twice = twice
  }

  /** Puts what lay on the lists when the trace began on the lists of this policy; where it keeps no such blocks, to the buddy. */
  #fill({ initial, listOrders, listTypes }: Inferred): number {
    let sum = 0
    initial.entries.forEach((entries, pset) => {
      const zone = pset % this.zones
      const put = (order: number, type: number, blocks: number) => {
        const list = this.#tables[pset]![order * 4 + type]!
        if (list >= 0) this.#held.start[pset * KINDS + order * 4 + type]! += blocks
        for (let block = 0; block < blocks; block++) {
          const page = this.#pages.fromStart(zone, order)
          if (list < 0) this.#pages.release(zone, page, order)
          else this.#lists.pushTail(this.#base[pset]! + list, page)
        }
        if (list < 0) return
        this.#pcps[pset]!.count += blocks << order
        sum += blocks << order
      }
      for (let list = 0; list < entries.length; list++) put(listOrders[list]!, listTypes[list]!, entries[list]!)
      put(0, 1, Math.max(0, initial.hidden[pset]!))
      this.#peak[pset] = this.#pcps[pset]!.count
    })
    return sum
  }

  #audit() {
    return this.#pages.audit((visit) => this.#sets.each(visit))
  }

  run(): ReplayResult {
    const { bulk, localDrains, ticks } = this.#inferred
    const silent = ticks.row.length
    let nextTick = 0
    const { length, time, op, cpu, zone, order, migratetype, pfn } = this.#script
    const work = this.#work
    let nextBulk = 0
    let nextLocal = 0
    for (let row = 0; row < length; row++) {
      const now = time[row]!
      if (this.#timers.next <= now) this.#runTimers(now)
      this.#now = now
      if (now > this.#series.next) this.#closeSteps(now)
      while (nextBulk < bulk.row.length && bulk.row[nextBulk]! <= row)
        this.#bulkAlloc(bulk.pset[nextBulk]!, bulk.list[nextBulk++]!)
      while (nextLocal < localDrains.row.length && localDrains.row[nextLocal]! < row)
        this.#localDrain(localDrains.pset[nextLocal++]!)
      while (nextTick < silent && ticks.row[nextTick]! <= row) this.#tick(ticks.cpu[nextTick++]!)
      if (this.#ways !== undefined) this.#way = this.#ways[row]!
      switch (op[row]!) {
        case Op.alloc:
          work.allocs++
          this.#alloc(cpu[row]!, zone[row]!, order[row]!, migratetype[row]!, pfn[row]!)
          break
        case Op.free:
          this.#free(cpu[row]!, zone[row]!, order[row]!, migratetype[row]!, pfn[row]!)
          break
        case Op.drainRequest:
        case Op.requestSkipped:
        case Op.requestWaited:
          work.drainRequests++
          this.#mechanism.request(this, cpu[row]!, pfn[row] === 0 ? undefined : pfn[row]! - 1)
          break
        case Op.tick:
          this.#tick(cpu[row]!)
          break
        case Op.reclaimStart:
          this.#flags.reclaimActive = true
          break
        case Op.reclaimEnd:
          this.#flags.reclaimActive = false
          break
      }
    }
    while (nextLocal < localDrains.row.length) this.#localDrain(localDrains.pset[nextLocal++]!)
    this.#runTimers(Number.POSITIVE_INFINITY)
    this.#closeSteps(Number.POSITIVE_INFINITY)
    return this.#result()
  }

  #result(): ReplayResult {
    const work = this.#work
    const { pcpLock, dereference, irqSave } = this.#mechanism
    const listOperations = work.allocsFromList + work.allocsAfterRefill + work.frees - work.freesToBuddy
    if (pcpLock) work.pcpLocks += listOperations
    if (dereference) work.dereferences = listOperations
    if (irqSave) work.irqSaves = listOperations
    for (const isolated of this.isolated) if (isolated < this.cpus) work.strandedPagesAtEnd += this.#cachedOf(isolated)
    for (const buddy of this.#pages.buddies) {
      work.fallbacks += buddy.fallbacks
      work.claims += buddy.claims
    }
    work.borrowedPages = this.#pages.borrowed
    work.unseenAllocs = this.#pages.unseen
    // From the lists themselves, so that the balance checks the counts too.
    const pagesAtEnd = this.#sets.pages()
    const { marks, twice } = this.#audit()
    const givenBack = work.drainBurstPages + work.requestedDrainPages + work.localDrainPages
    const clocks = this.#clocks
    const { stepEnds, cached, zoneLockPages, refillPages, freeBlocks, bursts, sums, refillSizes, burstSizes } =
      this.#series
    return {
      work,
      interruptions: this.#interruptions,
      stepEnds,
      cached,
      zoneLockPages,
      refillPages,
      freeBlocks,
      bursts,
      sums,
      refillSizes,
      burstSizes,
      held: this.#held,
      ...(clocks === undefined ? {} : { times: clocks.times(work) }),
      moreTimes: this.#allClocks.slice(1).map((one) => one.times(work)),
      pagesAtEnd,
      pagesExpected: this.#start + work.refillPages - this.#taken + this.#given - givenBack,
      pagesTwice: this.#twice + twice,
      pagesLost: differing(marks, this.#marks),
    }
  }

  /** The list that an operation uses; −1: it goes to the buddy, since none keeps such blocks, or a drain holds the pageset's lock. */
  #listFor(cpu: number, pset: number, kind: number): number {
    const usual = this.#tables[pset]![kind]!
    const list = this.#way === Way.asUsual ? usual : this.#routed(usual)
    if (list < 0 || this.#clocks === undefined || !this.#clocks.isHeld(pset, this.#now)) return list
    this.#work.pcpLocksContended++
    if (this.#mechanism.contended === 'waits') {
      this.#clocks.waitForList(cpu, pset, this.#now)
      return list
    }
    return -1
  }

  /** Lists that a route adds follow the usual ones, set by set. */
  #routed(list: number): number {
    if (list < 0 || this.#way === Way.buddy) return -1
    return list + (1 + this.#way - Way.firstList) * this.#plainLists
  }

  #alloc(cpu: number, zone: number, order: number, type: number, pfn: number): void {
    const pset = cpu * this.zones + zone
    const list = this.#listFor(cpu, pset, order * 4 + type)
    if (list >= 0) this.#rules[zone]!.onAlloc(this.#pcps[pset]!)
    this.#pages.allocated(zone, pfn, order, this.#take(cpu, pset, zone, list, order, type))
  }

  /** One block off a list, refilled if it is empty; from the buddy where there is no list (−1). */
  #take(cpu: number, pset: number, zone: number, list: number, order: number, type: number): number {
    if (list < 0) {
      this.#work.allocsFromBuddy++
      this.#zoneLock(1 << order)
      this.#series.direct(1 << order)
      for (const clocks of this.#allClocks) clocks.takeBlock(cpu, zone, this.#now, 1 << order)
      return this.#pages.takeAnyhow(zone, order, type)
    }
    const pcp = this.#pcps[pset]!
    const at = this.#base[pset]! + list
    if (this.#lists.lens[at]! === 0) {
      this.#refill(cpu, pset, zone, at, order, type)
      this.#work.allocsAfterRefill++
    } else this.#work.allocsFromList++
    pcp.count -= 1 << order
    this.#taken += 1 << order
    return this.#lists.popHead(at)
  }

  #refill(cpu: number, pset: number, zone: number, at: number, order: number, type: number): void {
    const pcp = this.#pcps[pset]!
    if (this.#pages.buddies[zone]!.free <= this.#highMarks[zone]!) this.#belowHigh[zone] = 1
    this.#flags.belowHigh = this.#belowHigh[zone] === 1
    const blocks = this.#rules[zone]!.nrAlloc(pcp, order, this.#flags)
    let got = 0
    for (; got < blocks; got++) {
      const page = this.#pages.take(zone, order, type)
      if (page < 0) break
      this.#lists.pushTail(at, page)
    }
    if (got === 0) {
      // The kernel would reclaim.
      this.#lists.pushTail(at, this.#pages.takeAnyhow(zone, order, type))
      got = 1
    }
    const pages = got << order
    pcp.count += pages
    if (pcp.count > this.#peak[pset]!) this.#peak[pset] = pcp.count
    this.#work.refills++
    this.#work.refillPages += pages
    this.#series.refill(cpu, pages)
    this.#zoneLock(pages)
    for (const clocks of this.#allClocks) clocks.refill(cpu, zone, this.#now, pages)
  }

  /** One order-0 page by alloc_pages_bulk(), which leaves the pacing of the lists alone. */
  #bulkAlloc(pset: number, recordedList: number): void {
    const type = this.#inferred.listTypes[recordedList]!
    this.#work.allocs++
    const page = this.#take(Math.trunc(pset / this.zones), pset, pset % this.zones, this.#tables[pset]![type]!, 0, type)
    this.#pages.allocatedUntraced(page)
  }

  #free(cpu: number, zone: number, order: number, type: number, pfn: number): void {
    if (order === 0) {
      this.#freePage(cpu, zone, 0, type, this.#pages.freed(zone, pfn, type))
      return
    }
    const page = this.#pages.freedBlock(zone, pfn, order, type)
    if (page >= 0) {
      this.#freePage(cpu, zone, order, type, page)
      return
    }
    // The pages of this block do not stand together under this policy.
    for (let at = pfn; at < pfn + (1 << order); at++)
      this.#freePage(cpu, zone, 0, type, this.#pages.freed(zone, at, type))
  }

  #freePage(cpu: number, zone: number, order: number, type: number, page: number): void {
    this.#work.frees++
    const pset = cpu * this.zones + zone
    const list = type === BYPASS ? -1 : this.#listFor(cpu, pset, order * 4 + type)
    if (list < 0) {
      this.#work.freesToBuddy++
      this.#zoneLock(1 << order)
      this.#series.direct(1 << order)
      for (const clocks of this.#allClocks) clocks.giveBlock(cpu, zone, this.#now, 1 << order)
      this.#pages.release(zone, page, order)
      return
    }
    const pcp = this.#pcps[pset]!
    this.#lists.pushHead(this.#base[pset]! + list, page)
    pcp.count += 1 << order
    this.#given += 1 << order
    if (pcp.count > this.#peak[pset]!) this.#peak[pset] = pcp.count
    this.#flags.belowHigh = this.#belowHigh[zone] === 1
    const n = this.#rules[zone]!.nrFree(pcp, order, this.#flags)
    if (n > 0) {
      this.#work.drainBursts++
      this.#burst(pset, zone, new Quota(n, this.#rules[zone]!.freeChunk?.(pcp)), list)
      if (this.#pages.buddies[zone]!.free > this.#highMarks[zone]!) this.#belowHigh[zone] = 0
    }
  }

  /** A bulk free, a chunk of its quota per hold of zone->lock, until the lists are empty. */
  #burst(pset: number, zone: number, quota: Quota, list: number): void {
    let pages = 0
    let first = true
    do {
      pages = this.#bulkFree(pset, quota.left, list)
      this.#work.drainBurstPages += pages
      this.#recordBurst(pset, pages, { requested: false, asked: false, first })
      first = false
      for (const clocks of this.#allClocks) clocks.bulkFree(Math.trunc(pset / this.zones), zone, this.#now, pages)
    } while (quota.take(pages) && this.#pcps[pset]!.count > 0)
  }

  #bulkFree(pset: number, n: number, list: number): number {
    const pages = this.#sets.bulkFree(pset, n, list)
    if (pages > 0) this.#zoneLock(pages)
    return pages
  }

  /** vmstat_update(): what lies above a self-tuning `high` goes, a batch per hold of zone->lock. Isolated CPUs have none. */
  #tick(cpu: number): void {
    if (this.isolated.includes(cpu)) return
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      const pcp = this.#pcps[pset]!
      const n = this.#rules[zone]!.onTick?.(pcp) ?? 0
      if (n === 0) continue
      this.#work.drainBursts++
      this.#burst(pset, zone, new Quota(n, pcp.batch), 0)
    }
  }

  #localDrain(pset: number): void {
    const [cpu, zone] = [Math.trunc(pset / this.zones), pset % this.zones]
    const pages = this.#bulkFree(pset, Number.MAX_SAFE_INTEGER, 0)
    this.#work.localDrainPages += pages
    this.#recordBurst(pset, pages, { requested: true, asked: false, first: true })
    if (pages > 0) for (const clocks of this.#allClocks) clocks.bulkFree(cpu, zone, this.#now, pages)
  }

  #zoneLock(pages: number): void {
    this.#work.zoneLocks++
    this.#work.zoneLockPages += pages
  }

  #recordBurst(
    pset: number,
    pages: number,
    { requested, asked, first }: { requested: boolean; asked: boolean; first: boolean },
  ): void {
    this.#series.burst(this.#now, Math.trunc(pset / this.zones), pages, requested, asked, first)
  }

  #cachedOf(cpu: number): number {
    let sum = 0
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      sum += this.#pcps[pset]!.count + this.#sets.detached[pset]!
    }
    return sum
  }

  #closeSteps(now: number): void {
    this.#series.close(now, (cpu) => this.#cachedOf(cpu), this.#pages.buddies)
  }

  #runTimers(until: number): void {
    this.#timers.run(until, (time) => {
      this.#now = time
      if (time > this.#series.next) this.#closeSteps(time)
    })
  }

  // What a drain mechanism may do.

  get now(): Ns {
    return this.#now
  }

  count(cpu: number, zone: number): number {
    return this.#pcps[cpu * this.zones + zone]!.count
  }

  batch(cpu: number, zone: number): number {
    return this.#pcps[cpu * this.zones + zone]!.batch
  }

  drainPages(cpu: number, zone: number, pages: number, by: number): Ns {
    const pset = cpu * this.zones + zone
    const drained = this.#bulkFree(pset, pages, 0)
    if (this.#mechanism.pcpLock) this.#work.pcpLocks++
    const ns = this.#drained(pset, zone, drained, by)
    if (this.#mechanism.contended !== undefined) this.#clocks?.hold(pset, this.#now, ns)
    return ns
  }

  #drained(pset: number, zone: number, pages: number, by: number): Ns {
    this.#work.requestedDrainPages += pages
    this.#recordBurst(pset, pages, { requested: true, asked: true, first: true })
    if (pages === 0 || this.#clocks === undefined) return 0
    return this.#clocks.drain(by, zone, this.#now, pages, this.#mechanism.drainsIrqsOff === true)
  }

  detach(cpu: number, zone: number): void {
    this.#sets.detach(cpu * this.zones + zone)
  }

  freeDetached(cpu: number, zone: number, by: number): Ns {
    const pset = cpu * this.zones + zone
    const pages = this.#sets.freeDetached(pset)
    if (pages > 0) this.#zoneLock(pages)
    return this.#drained(pset, zone, pages, by)
  }

  interrupt(cpu: number): void {
    const { cpus } = this.#script.machine
    if (cpus.length > 0 && !cpus.includes(cpu)) return
    this.#work.interruptions++
    this.#series.interruption(cpu)
    this.#interruptions[cpu] = (this.#interruptions[cpu] ?? 0) + 1
  }

  stolen(cpu: number, ns: Ns): void {
    this.#clocks?.steal(cpu, ns)
  }

  gracePeriodEnd(): Ns | undefined {
    const { start, end } = this.#script.gracePeriods
    const next = start.findIndex((time) => time >= this.#now)
    return next < 0 ? undefined : end[next]
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
    this.#clocks?.answered(this.#now - since)
  }

  after(ns: Ns, then: () => void): void {
    this.#timers.set(this.#now + ns, then)
  }
}

function differing(a: Uint8Array, b: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! ^ b[at]!
  return sum
}
