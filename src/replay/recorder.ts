import { Ask, balancesOf, type Demand, type Events } from '#events'
import type { BuddyCounts, Cpu, Machine, Ns, Order, Pages, Zone } from '#kernel'
import {
  choosePcp,
  type DrainHost,
  type DrainMechanism,
  type ListRules,
  type Pcp,
  type PcpChoice,
  Quota,
  type ZoneFlags,
} from '#policies'
import { PageIndex, type Traits, traitsOf } from '#record'
import { Buddy, MAX_PAGE_ORDER, PagesetLists, Timers } from '#sim'
import { earlyAnnounces, freeListsOf } from './free-lists.ts'
import { Tape } from './tape.ts'
/** What a kernel would have recorded of a demand. */
export interface Recorded {
  readonly events: Events
  /** The machine asked for, with zones as zoneinfo and buddyinfo print them before and after. */
  readonly machine: Machine
  /** Allocations that found no page. */
  readonly failed: number
}

/** A block that has no page: not allocated yet, failed, or freed. */
const NONE = 0xffffffff
const MOVABLE = 1
const DRAIN = 'drain_local_pages_wq'
const TICK = 'vmstat_update'

/**
 * Lets a machine’s page allocator answer a demand: lists by the rules of a release, pages from a buddy allocator, each event in the
 * order in which that kernel records it. A pure function.
 *
 * At `start` the lists hold what was freed before, and MOVABLE pages up to the counts that the machine’s zones say. Leaves out what the list rules leave out, and any
 * reclaim of its own: where nothing is free, allocations fail.
 */
export const record = (demand: Demand, machine: Machine, choice = releaseOf(machine)): Recorded =>
  new Recorder(demand, machine, choice).run()

function releaseOf({ release }: Machine): PcpChoice {
  const version = release?.rules ?? '6.1'
  return choosePcp(`pcp/linux-${version}`, version)
}

/** A zone of which all managed pages are free, from its first on, and MOVABLE. */
function wholly(zone: Zone, pageblockOrder: Order, { fallbackIsPage }: Traits): Buddy {
  const buddy = new Buddy(zone, pageblockOrder, fallbackIsPage ? 'claim' : 'steal', new Uint8Array(0))
  const end = zone.startPfn + zone.managed
  for (let pfn = zone.startPfn; pfn < end; ) {
    let order = MAX_PAGE_ORDER
    while (pfn % 2 ** order !== 0 || pfn + 2 ** order > end) order--
    buddy.put(pfn, order)
    pfn += 2 ** order
  }
  return buddy
}

class Recorder implements DrainHost {
  readonly cpus: number
  readonly zones: number
  readonly #demand: Demand
  readonly #machine: Machine
  readonly #traits: Traits
  readonly #tape: Tape
  readonly #buddy: Buddy[]
  readonly #index: PageIndex
  readonly #sets: PagesetLists
  readonly #pcps: readonly Pcp[]
  readonly #rules: readonly ListRules[]
  readonly #mechanism: DrainMechanism
  /** By block. */
  readonly #pfns: Uint32Array
  /** By row of a free: 1 once its mm_page_free is recorded. */
  readonly #announced: Uint8Array
  readonly #flags: ZoneFlags = { reclaimActive: false, belowHigh: false }
  readonly #timers = new Timers()
  /** Before 6.0: the CPU whose drain work runs now; −1: none. */
  #working = -1
  /** ZONE_BELOW_HIGH, by zone. */
  readonly #belowHigh: Uint8Array
  #now = 0
  #cpu = 0
  #task = 0
  #failed = 0

  constructor(demand: Demand, machine: Machine, choice: PcpChoice) {
    this.#demand = demand
    this.#announced = new Uint8Array(demand.length)
    this.#machine = machine
    this.cpus = machine.cpus.reduce((most, cpu) => Math.max(most, cpu + 1), 1)
    this.zones = machine.zones.length
    this.#traits = traitsOf(machine)
    const kworkers = Array.from({ length: this.cpus }, (_, cpu) => ({ pid: 20 + cpu, comm: `kworker/${cpu}:0` }))
    this.#tape = new Tape([...demand.tasks, ...kworkers], this.#traits, machine.pageblockOrder)
    this.#buddy = machine.zones.map((zone) => wholly(zone, machine.pageblockOrder, this.#traits))
    this.#belowHigh = new Uint8Array(this.zones)
    this.#index = new PageIndex(machine.zones)
    this.#sets = new PagesetLists({ machine, zones: machine.zones, cpus: this.cpus }, choice, (zone, pfn, order) =>
      this.#drained(zone, pfn, order),
    )
    this.#pcps = this.#sets.pcps
    this.#rules = this.#sets.rules
    this.#mechanism = choice.drain.create(choice.drainParams as never)
    this.#pfns = new Uint32Array(demand.block.reduce((most, block) => Math.max(most, block + 1), 0)).fill(NONE)
  }

  run(): Recorded {
    const { length, start, time, ask, cpu, order, migratetype, block, gfpFlags, lead } = this.#demand
    for (let row = 0; row < start; row++)
      this.#before(ask[row]!, cpu[row]!, block[row]!, order[row]!, migratetype[row]!)
    this.#fillLists()
    this.#holdRest()
    const zones = this.#zonesNow()
    const buddyBefore = this.#buddyNow()
    const announces = earlyAnnounces(this.#demand)
    let nextAnnounce = 0
    const lists = freeListsOf(this.#demand, this.#traits.freeListMax)
    const ends = new Set(balancesOf(this.#demand).map(({ last }) => last))
    for (let row = start; row < length; row++) {
      this.#runTimers(time[row]!)
      for (; nextAnnounce < announces.length; nextAnnounce++) {
        const early = announces[nextAnnounce]!
        if (time[early]! - lead[early]! > time[row]!) break
        this.#at(early, time[early]! - lead[early]!)
        this.#announce(early)
      }
      this.#at(row, time[row]!)
      switch (ask[row]!) {
        case Ask.alloc:
          this.#alloc(block[row]!, order[row]!, migratetype[row]!, gfpFlags[row]!)
          break
        case Ask.bulkAlloc:
          this.#bulkAlloc(block[row]!, migratetype[row]!)
          break
        case Ask.free:
          this.#announce(row)
          this.#commit(block[row]!, order[row]!)
          break
        case Ask.freeListed:
          // The whole list is announced before its first page reaches the page lists.
          if (lists.begins[row] === 1) for (let at = row; at >= 0; at = lists.next[at]!) this.#announce(at)
          this.#commitListed(block[row]!, order[row]!)
          break
        case Ask.drainRequest:
          this.#tape.drainRequest(this.#now, this.#cpu, this.#task)
          this.#mechanism.request(this, this.#cpu, undefined)
          break
        case Ask.localDrain:
          for (let zone = 0; zone < this.zones; zone++) {
            const pset = this.#cpu * this.zones + zone
            this.#sets.bulkFree(pset, this.#pcps[pset]!.count, 0)
          }
          break
        case Ask.tick:
          this.#tick(cpu[row]!)
          break
        case Ask.directReclaimBegin:
          this.#tape.directReclaimBegin(this.#now, this.#cpu, this.#task, order[row]!, gfpFlags[row]!)
          break
        case Ask.directReclaimEnd:
          this.#tape.directReclaimEnd(this.#now, this.#cpu, this.#task, block[row]!)
          break
        case Ask.kswapdWake:
          this.#flags.reclaimActive = true
          this.#tape.kswapdWake(this.#now, this.#cpu, this.#task, order[row]!)
          break
        case Ask.kswapdSleep:
          this.#tape.kswapdSleep(this.#now, this.#cpu, this.#task)
          break
      }
      if (ends.has(row)) this.#flags.reclaimActive = false
    }
    this.#runTimers(Number.POSITIVE_INFINITY)
    const after = { zonesAfter: this.#zonesNow(), buddyAfter: this.#buddyNow() }
    const machine = { ...this.#machine, zones, buddyBefore, ...after }
    return { events: this.#tape.finish(), machine, failed: this.#failed }
  }

  /** Before the trace blocks come from the buddy; what is freed lies on the lists then. */
  #before(ask: number, cpu: number, block: number, order: number, migratetype: number): void {
    if (ask === Ask.alloc || ask === Ask.bulkAlloc)
      this.#pfns[block] = this.#buddy[this.#zoneFor(order)]!.take(order, migratetype) >>> 0
    else if (ask === Ask.free || ask === Ask.freeListed) this.#put(cpu, block, order)
  }

  #fillLists(): void {
    this.#machine.zones.forEach(({ pagesets: sets }, zone) => {
      for (const { cpu, count } of sets) {
        const pset = cpu * this.zones + zone
        const list = this.#listOf(zone, 0, MOVABLE)
        if (list >= 0) this.#fetch(pset, list, 0, MOVABLE, count - this.#pcps[pset]!.count, false)
      }
    })
  }

  /** What the zones say is not free, and no task of the demand has, somebody else holds all along. */
  #holdRest(): void {
    this.#machine.zones.forEach(({ free }, zone) => {
      const buddy = this.#buddy[zone]!
      for (let order = MAX_PAGE_ORDER; order >= 0; order--)
        while (buddy.free - 2 ** order >= free && buddy.take(order, MOVABLE) >= 0);
    })
  }

  /** The last zone that stays above its low watermark, else the one with most free pages. */
  #zoneFor(order: number): number {
    const { zones } = this.#machine
    let most = 0
    for (let zone = zones.length - 1; zone >= 0; zone--) {
      const { free } = this.#buddy[zone]!
      if (free - 2 ** order >= zones[zone]!.low) return zone
      if (free > this.#buddy[most]!.free) most = zone
    }
    return most
  }

  /** The list of a pageset that keeps such blocks; −1: none does. */
  #listOf(zone: number, order: number, migratetype: number): number {
    const rules = this.#rules[zone]!
    return rules.allowed(order) ? rules.listOf(order, migratetype) : -1
  }

  #alloc(block: number, order: number, migratetype: number, gfpFlags: number): void {
    const pfn = this.#take(order, migratetype, true)
    if (pfn === undefined) {
      this.#failed++
      this.#tape.allocFailed(this.#now, this.#cpu, this.#task, order, migratetype, gfpFlags)
      return
    }
    this.#pfns[block] = pfn
    this.#tape.alloc(this.#now, this.#cpu, this.#task, pfn, order, migratetype, gfpFlags)
  }

  /** The bulk allocator leaves the pacing of the lists alone. */
  #bulkAlloc(block: number, migratetype: number): void {
    this.#pfns[block] = this.#take(0, migratetype, false) ?? NONE
  }

  #take(order: number, migratetype: number, paced: boolean): number | undefined {
    const zone = this.#zoneFor(order)
    const pset = this.#cpu * this.zones + zone
    const list = this.#listOf(zone, order, migratetype)
    if (list < 0) {
      const pfn = this.#fromBuddy(zone, order, migratetype, false)
      return pfn < 0 ? undefined : pfn
    }
    const pcp = this.#pcps[pset]!
    const rules = this.#rules[zone]!
    if (paced) rules.onAlloc(pcp)
    const { rings, base } = this.#sets
    const at = base[pset]! + list
    if (rings.lens[at] === 0) {
      if (this.#buddy[zone]!.free <= this.#machine.zones[zone]!.high) this.#belowHigh[zone] = 1
      this.#flags.belowHigh = this.#belowHigh[zone] === 1
      this.#fetch(pset, list, order, migratetype, rules.nrAlloc(pcp, order, this.#flags), true)
    }
    if (rings.lens[at] === 0) return undefined
    pcp.count -= 1 << order
    return rings.popHead(at)
  }

  /** A refill: pages come in at the tail of an empty list. */
  #fetch(pset: number, list: number, order: number, migratetype: number, blocks: number, recorded: boolean): void {
    const zone = pset % this.zones
    for (let block = 0; block < blocks; block++) {
      const pfn = recorded
        ? this.#fromBuddy(zone, order, migratetype, true)
        : this.#buddy[zone]!.take(order, migratetype)
      if (pfn < 0) break
      this.#sets.rings.pushTail(this.#sets.base[pset]! + list, pfn)
      this.#pcps[pset]!.count += 1 << order
    }
  }

  /** A recorded block from the buddy; −1 where it has none. */
  #fromBuddy(zone: number, order: number, migratetype: number, listed: boolean): number {
    const buddy = this.#buddy[zone]!
    const pfn = buddy.take(order, migratetype)
    if (pfn >= 0)
      this.#tape.fromBuddy(this.#now, this.#cpu, this.#task, pfn, order, migratetype, listed, buddy.fallback)
    return pfn
  }

  #at(row: number, moment: Ns): void {
    this.#now = Math.max(0, moment)
    this.#cpu = this.#demand.cpu[row]!
    this.#task = this.#demand.task[row]!
  }

  /** Once, and not before the block has a page. */
  #announce(row: number): void {
    const { block, order } = this.#demand
    const pfn = this.#pfns[block[row]!]!
    if (pfn === NONE || this.#announced[row] === 1) return
    this.#announced[row] = 1
    this.#tape.free(this.#now, this.#cpu, this.#task, pfn, order[row]!)
  }

  #commitListed(block: number, order: number): void {
    const pfn = this.#pfns[block]!
    // Blocks that no list keeps go to the buddy unannounced.
    if (pfn !== NONE && this.#listOf(this.#index.zone(pfn), order, MOVABLE) >= 0)
      this.#tape.freeBatched(this.#now, this.#cpu, this.#task, pfn)
    this.#commit(block, order)
  }

  /** Puts a block on the list that keeps such, or gives it to the buddy. Returns list and zone; undefined where no list has it. */
  #put(cpu: number, block: number, order: number): { readonly list: number; readonly zone: number } | undefined {
    const pfn = this.#pfns[block]!
    if (pfn === NONE) return undefined
    this.#pfns[block] = NONE
    const zone = this.#index.zone(pfn)
    const list = this.#listOf(zone, order, this.#buddy[zone]!.typeOf(pfn))
    if (list < 0) {
      this.#buddy[zone]!.release(pfn, order)
      return undefined
    }
    const pset = cpu * this.zones + zone
    this.#sets.rings.pushHead(this.#sets.base[pset]! + list, pfn)
    this.#pcps[pset]!.count += 1 << order
    return { list, zone }
  }

  #commit(block: number, order: number): void {
    const put = this.#put(this.#cpu, block, order)
    if (put === undefined) return
    const { list, zone } = put
    const pset = this.#cpu * this.zones + zone
    const pcp = this.#pcps[pset]!
    this.#flags.belowHigh = this.#belowHigh[zone] === 1
    const rules = this.#rules[zone]!
    const n = rules.nrFree(pcp, order, this.#flags)
    if (n === 0) return
    const quota = new Quota(n, rules.freeChunk?.(pcp))
    while (quota.take(this.#sets.bulkFree(pset, quota.left, list)));
    if (this.#buddy[zone]!.free > this.#machine.zones[zone]!.high) this.#belowHigh[zone] = 0
  }

  /** A block leaves the lists for the buddy. */
  #drained(zone: number, pfn: number, order: Order): void {
    const buddy = this.#buddy[zone]!
    const type = buddy.typeOf(pfn)
    buddy.release(pfn, order)
    this.#tape.drained(this.#now, this.#cpu, this.#task, pfn, order, type)
  }

  /** What lies above a self-tuning `high` goes. */
  #tick(cpu: number): void {
    this.#task = this.#kworker(cpu)
    this.#tape.workStarted(this.#now, cpu, this.#task, TICK)
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      this.#sets.bulkFree(pset, this.#rules[zone]!.onTick?.(this.#pcps[pset]!) ?? 0, 0)
    }
    this.#tape.workEnded(this.#now, cpu, this.#task, TICK)
  }

  #kworker(cpu: number): number {
    return this.#demand.tasks.length + cpu
  }

  #zonesNow(): Zone[] {
    return this.#machine.zones.map((zone, at) => ({
      ...zone,
      free: this.#buddy[at]!.free,
      pagesets: this.#machine.cpus.map((cpu) => {
        const { count, high, batch, highMin, highMax } = this.#pcps[cpu * this.zones + at]!
        return { cpu, count, high, batch, ...(this.#traits.printsHighBounds ? { highMin, highMax } : {}) }
      }),
    }))
  }

  #buddyNow(): BuddyCounts[] {
    return this.#machine.zones.map(({ node, name }, at) => ({ node, zone: name, blocks: [...this.#buddy[at]!.blocks] }))
  }

  #runTimers(until: number): void {
    this.#timers.run(until, (time) => {
      this.#now = time
    })
  }

  // What a drain mechanism may do.

  count(cpu: Cpu, zone: number): Pages {
    return this.#pcps[cpu * this.zones + zone]!.count
  }

  batch(cpu: Cpu, zone: number): Pages {
    return this.#pcps[cpu * this.zones + zone]!.batch
  }

  drainPages(cpu: Cpu, zone: number, pages: Pages): Ns {
    // Before 6.0 the work item runs on the CPU whose lists it empties.
    if (!this.#traits.remoteDrains) this.#work(cpu)
    this.#sets.bulkFree(cpu * this.zones + zone, pages, 0)
    return 0
  }

  interrupt(cpu: Cpu): void {
    this.#tape.workQueued(this.#now, this.#cpu, this.#task, cpu, DRAIN)
  }

  /** The work item of `cpu` runs, one that ran before ends. −1: none runs any more. */
  #work(cpu: Cpu): void {
    if (this.#working === cpu) return
    if (this.#working >= 0) this.#tape.workEnded(this.#now, this.#cpu, this.#task, DRAIN)
    this.#working = cpu
    if (cpu < 0) return
    this.#cpu = cpu
    this.#task = this.#kworker(cpu)
    this.#tape.workStarted(this.#now, cpu, this.#task, DRAIN)
  }

  /** The work item of `cpu` is done; one whose lists were empty by then has run all the same. */
  stolen(cpu: Cpu): void {
    this.#work(cpu)
    this.#work(-1)
  }

  get now(): Ns {
    return this.#now
  }

  get isolated(): readonly Cpu[] {
    return this.#machine.isolated
  }

  after(ns: Ns, then: () => void): void {
    this.#timers.set(this.#now + ns, then)
  }

  gracePeriodEnd(): undefined {}

  detach(): never {
    throw new Error('no release detaches lists')
  }

  freeDetached(): never {
    throw new Error('no release detaches lists')
  }

  workItemWait(): void {}
  gracePeriodWait(): void {}
  remoteDrain(): void {}
  skipped(): void {}
  sleptInAtomic(): void {}
  answered(): void {}
}
