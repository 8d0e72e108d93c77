import type { Events } from '#events'
import { Ask, balancesOf, type Demand } from '#events/demand'
import {
  type BuddyCounts,
  type Cpu,
  type Machine,
  type Ns,
  type Order,
  type Traits,
  traitsOf,
  type Zone,
} from '#kernel'
import { choosePcp, type PcpChoice } from '#policies'
import { ownPcpId } from '#policies/pcp'
import { type AllocatorObserver, Buddy, PageAllocator } from '#sim'
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

const releaseOf = ({ release }: Machine): PcpChoice => choosePcp(ownPcpId(release), release)

/** A zone of which all managed pages are free, from its first on, and MOVABLE. */
function allFreeBuddy(zone: Zone, { pageblockOrder, maxPageOrder }: Machine, { fallbackIsPage }: Traits): Buddy {
  const family = fallbackIsPage ? 'claim' : 'steal'
  const buddy = new Buddy(zone, pageblockOrder, family, new Uint8Array(0), maxPageOrder)
  const end = zone.startPfn + zone.managed
  for (let pfn = zone.startPfn; pfn < end; ) {
    let order = maxPageOrder
    while (pfn % 2 ** order !== 0 || pfn + 2 ** order > end) order--
    buddy.put(pfn, order)
    pfn += 2 ** order
  }
  return buddy
}

class Recorder implements AllocatorObserver {
  readonly #demand: Demand
  readonly #machine: Machine
  readonly #traits: Traits
  readonly #tape: Tape
  readonly #allocator: PageAllocator
  readonly #zones: readonly number[]
  /** By block: its page, and the zone that has it. */
  readonly #pfns: Uint32Array
  readonly #zoneOf: Uint8Array
  /** By row of a free: 1 once its mm_page_free is recorded. */
  readonly #announced: Uint8Array
  /** Before 6.0: the CPU whose drain work runs now; −1: none. */
  #working = -1
  #cpu = 0
  #task = 0
  #failed = 0
  /** False before the trace. */
  #records = false

  constructor(demand: Demand, machine: Machine, choice: PcpChoice) {
    this.#demand = demand
    this.#announced = new Uint8Array(demand.length)
    this.#machine = machine
    const cpus = machine.cpus.reduce((most, cpu) => Math.max(most, cpu + 1), 1)
    this.#traits = traitsOf(machine)
    const kworkers = Array.from({ length: cpus }, (_, cpu) => ({ pid: 20 + cpu, comm: `kworker/${cpu}:0` }))
    this.#tape = new Tape([...demand.tasks, ...kworkers], this.#traits, machine.pageblockOrder)
    this.#zones = machine.zones.map((_, zone) => zone)
    this.#allocator = new PageAllocator({ machine, zones: machine.zones, cpus }, choice, {
      isolated: machine.isolated,
      buddies: machine.zones.map((zone) => allFreeBuddy(zone, machine, this.#traits)),
      observer: this,
      shortage: 'fail',
    })
    const { blocks } = demand
    this.#pfns = new Uint32Array(blocks).fill(NONE)
    this.#zoneOf = new Uint8Array(blocks)
  }

  run(): Recorded {
    const { length, start, time, ask, cpu, order, migratetype, block, gfpFlags, lead } = this.#demand
    for (let row = 0; row < start; row++)
      this.#before(ask[row]!, cpu[row]!, block[row]!, order[row]!, migratetype[row]!)
    this.#fillLists()
    this.#holdRest()
    this.#records = true
    const zones = this.#zonesNow()
    const buddyBefore = this.#buddyNow()
    const announces = earlyAnnounces(this.#demand)
    let nextAnnounce = 0
    const lists = freeListsOf(this.#demand, this.#traits.freeListMax)
    const ends = new Set(balancesOf(this.#demand).map(({ last }) => last))
    for (let row = start; row < length; row++) {
      this.#allocator.runTimers(time[row]!)
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
          // The bulk allocator leaves the pacing of the lists alone.
          this.#take(block[row]!, 0, migratetype[row]!, false)
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
        default:
          this.#other(row)
      }
      if (ends.has(row)) this.#allocator.setReclaim(this.#zones, false)
    }
    this.#allocator.runTimers(Number.POSITIVE_INFINITY)
    const after = { zonesAfter: this.#zonesNow(), buddyAfter: this.#buddyNow() }
    const machine = { ...this.#machine, zones, buddyBefore, ...after }
    return { events: this.#tape.finish(), machine, failed: this.#failed }
  }

  /** What is neither an allocation nor a free. */
  #other(row: number): void {
    const { ask, cpu, order, gfpFlags, block } = this.#demand
    const { now } = this.#allocator
    switch (ask[row]!) {
      case Ask.drainRequest:
        this.#tape.drainRequest(now, this.#cpu, this.#task)
        this.#allocator.request(this.#cpu, undefined)
        break
      case Ask.localDrain:
        for (const zone of this.#zones) this.#allocator.drainLocal(this.#cpu, zone)
        break
      case Ask.tick:
        this.#tick(cpu[row]!)
        break
      case Ask.directReclaimBegin:
        this.#tape.directReclaimBegin(now, this.#cpu, this.#task, order[row]!, gfpFlags[row]!)
        break
      case Ask.directReclaimEnd:
        this.#tape.directReclaimEnd(now, this.#cpu, this.#task, block[row]!)
        break
      case Ask.kswapdWake:
        this.#allocator.setReclaim(this.#zones, true)
        this.#tape.kswapdWake(now, this.#cpu, this.#task, order[row]!)
        break
      case Ask.kswapdSleep:
        this.#tape.kswapdSleep(now, this.#cpu, this.#task)
        break
    }
  }

  /** Before the trace blocks come from the buddy; what is freed lies on the lists then. */
  #before(ask: number, cpu: number, block: number, order: number, migratetype: number): void {
    if (ask === Ask.alloc || ask === Ask.bulkAlloc) {
      const zone = this.#zoneFor(order)
      this.#zoneOf[block] = zone
      this.#pfns[block] = this.#allocator.fromBuddy(zone, order, migratetype) >>> 0
    } else if (ask === Ask.free || ask === Ask.freeListed) {
      const found = this.#leave(cpu, block, order)
      if (found !== undefined) this.#allocator.put(cpu * this.#zones.length + found.zone, found.list, found.pfn, order)
    }
  }

  #fillLists(): void {
    this.#machine.zones.forEach(({ pagesets: sets }, zone) => {
      for (const { cpu, count } of sets) {
        const pset = cpu * this.#zones.length + zone
        if (this.#allocator.listOf(pset, 0, MOVABLE) < 0) continue
        for (let missing = count - this.#allocator.pcps[pset]!.count; missing > 0; missing--) {
          const pfn = this.#allocator.buddies[zone]!.take(0, MOVABLE)
          if (pfn < 0) break
          this.#allocator.place(pset, pfn, 0, MOVABLE)
        }
      }
    })
  }

  /** What the zones say is not free, and no task of the demand has, somebody else holds all along. */
  #holdRest(): void {
    this.#machine.zones.forEach(({ free }, zone) => {
      const buddy = this.#allocator.buddies[zone]!
      for (let order = buddy.maxOrder; order >= 0; order--)
        while (buddy.free - 2 ** order >= free && buddy.take(order, MOVABLE) >= 0);
    })
  }

  /** The last zone that stays above its low watermark, else the one with most free pages. */
  #zoneFor(order: number): number {
    const { zones } = this.#machine
    const { buddies } = this.#allocator
    let most = 0
    for (let zone = zones.length - 1; zone >= 0; zone--) {
      const { free } = buddies[zone]!
      if (free - 2 ** order >= zones[zone]!.low) return zone
      if (free > buddies[most]!.free) most = zone
    }
    return most
  }

  #alloc(block: number, order: number, migratetype: number, gfpFlags: number): void {
    const { now } = this.#allocator
    if (this.#take(block, order, migratetype, true))
      this.#tape.alloc(now, this.#cpu, this.#task, this.#pfns[block]!, order, migratetype, gfpFlags)
    else {
      this.#failed++
      this.#tape.allocFailed(now, this.#cpu, this.#task, order, migratetype, gfpFlags)
    }
  }

  /** False where nothing is free. */
  #take(block: number, order: number, migratetype: number, paced: boolean): boolean {
    const zone = this.#zoneFor(order)
    const list = this.#allocator.listOf(this.#cpu * this.#zones.length + zone, order, migratetype)
    const pfn = this.#allocator.alloc(this.#cpu, zone, list, order, migratetype, paced)
    this.#pfns[block] = pfn < 0 ? NONE : pfn
    this.#zoneOf[block] = this.#allocator.lastZone
    return pfn >= 0
  }

  #at(row: number, moment: Ns): void {
    this.#allocator.now = Math.max(0, moment)
    this.#cpu = this.#demand.cpu[row]!
    this.#task = this.#demand.task[row]!
  }

  /** Once, and not before the block has a page. */
  #announce(row: number): void {
    const { block, order } = this.#demand
    const pfn = this.#pfns[block[row]!]!
    if (pfn === NONE || this.#announced[row] === 1) return
    this.#announced[row] = 1
    this.#tape.free(this.#allocator.now, this.#cpu, this.#task, pfn, order[row]!)
  }

  #commitListed(block: number, order: number): void {
    const pfn = this.#pfns[block]!
    // Blocks that no list keeps go to the buddy unannounced.
    if (
      pfn !== NONE &&
      this.#allocator.listOf(this.#cpu * this.#zones.length + this.#zoneOf[block]!, order, MOVABLE) >= 0
    )
      this.#tape.freeBatched(this.#allocator.now, this.#cpu, this.#task, pfn)
    this.#commit(block, order)
  }

  /** Takes a block from its user. Returns the list that keeps such; undefined where none does, and the buddy has it by then. */
  #leave(
    cpu: number,
    block: number,
    order: number,
  ): { readonly list: number; readonly zone: number; readonly pfn: number } | undefined {
    const pfn = this.#pfns[block]!
    if (pfn === NONE) return undefined
    this.#pfns[block] = NONE
    const zone = this.#zoneOf[block]!
    const type = this.#allocator.buddies[zone]!.typeOf(pfn)
    const list = this.#allocator.listOf(cpu * this.#zones.length + zone, order, type)
    if (list >= 0) return { list, zone, pfn }
    this.#allocator.release(zone, pfn, order)
    return undefined
  }

  #commit(block: number, order: number): void {
    const found = this.#leave(this.#cpu, block, order)
    if (found !== undefined) this.#allocator.free(this.#cpu, found.zone, found.list, found.pfn, order)
  }

  #tick(cpu: number): void {
    this.#task = this.#kworker(cpu)
    this.#tape.workStarted(this.#allocator.now, cpu, this.#task, TICK)
    this.#allocator.tick(cpu)
    this.#tape.workEnded(this.#allocator.now, cpu, this.#task, TICK)
  }

  #kworker(cpu: number): number {
    return this.#demand.tasks.length + cpu
  }

  #zonesNow(): Zone[] {
    const { buddies, pcps } = this.#allocator
    return this.#machine.zones.map((zone, at) => ({
      ...zone,
      free: buddies[at]!.free,
      pagesets: this.#machine.cpus.map((cpu) => {
        const { count, high, batch, highMin, highMax } = pcps[cpu * this.#zones.length + at]!
        return { cpu, count, high, batch, ...(this.#traits.printsHighBounds ? { highMin, highMax } : {}) }
      }),
    }))
  }

  #buddyNow(): BuddyCounts[] {
    const { buddies } = this.#allocator
    return this.#machine.zones.map(({ node, name }, at) => ({ node, zone: name, blocks: [...buddies[at]!.blocks] }))
  }

  // What the allocator reports.

  taken(zone: number, pfn: number, order: Order, migratetype: number, listed: boolean): void {
    if (!this.#records) return
    const { fallback } = this.#allocator.buddies[zone]!
    this.#tape.fromBuddy(this.#allocator.now, this.#cpu, this.#task, pfn, order, migratetype, listed, fallback)
  }

  drained(zone: number, pfn: number, order: Order): void {
    const type = this.#allocator.buddies[zone]!.typeOf(pfn)
    this.#tape.drained(this.#allocator.now, this.#cpu, this.#task, pfn, order, type)
  }

  /** Before 6.0 the work item runs on the CPU whose lists it empties. */
  requestDrains(cpu: Cpu): void {
    if (!this.#traits.remoteDrains) this.#work(cpu)
  }

  interrupt(cpu: Cpu): void {
    this.#tape.workQueued(this.#allocator.now, this.#cpu, this.#task, cpu, DRAIN)
  }

  /** The work item of `cpu` runs, one that ran before ends. −1: none runs any more. */
  #work(cpu: Cpu): void {
    if (this.#working === cpu) return
    const { now } = this.#allocator
    if (this.#working >= 0) this.#tape.workEnded(now, this.#cpu, this.#task, DRAIN)
    this.#working = cpu
    if (cpu < 0) return
    this.#cpu = cpu
    this.#task = this.#kworker(cpu)
    this.#tape.workStarted(now, cpu, this.#task, DRAIN)
  }

  /** The work item of `cpu` is done; one whose lists were empty by then has run all the same. */
  stolen(cpu: Cpu): void {
    this.#work(cpu)
    this.#work(-1)
  }
}
