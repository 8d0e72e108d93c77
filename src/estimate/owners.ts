import type { Events } from '#events'
import { ANY_ZONE, Ask, DemandBuilder, type StartState } from '#events/demand'
import { type Cpu, type Migratetype, type Ns, type Order, type Pfn, traitsOf } from '#kernel'
import { BlockIndex, Fate, type Fates, fatesOf, Op, PageIndex, type Script } from '#record'
import type { Inference } from './inferred.ts'
import { OwnedBlocks } from './owned-blocks.ts'
import { Seen } from './sightings.ts'
import { SparsePages } from './sparse-pages.ts'
import { listedAtStart, type StartLists } from './start-lists.ts'
import type { Inferred } from './what-if-start.ts'

/** The task of what no event shows the task of, as trace-cmd prints it. */
const NOBODY = '<...>'

/** Follows who has which page, row by row, and writes the demand. */
export class Owners {
  readonly builder: DemandBuilder
  readonly #script: Script
  readonly #inferred: Inferred
  readonly #events: Events | undefined
  readonly #index: PageIndex
  /** By page: the block that it is part of, + 1; 0: nobody has it. */
  readonly #owner: SparsePages
  /** By page: the row with which it went to lists last, those of the row's CPU, + 1; 0: none. */
  readonly #listedAt: SparsePages
  /** By page: the row of the refill that it came with first, + 1; 0: it did not. */
  readonly #refilledAt: SparsePages
  /** By page: the row with which it was drained last, + 1; 0: it was not. */
  readonly #drainedAt: SparsePages
  readonly #blocks: OwnedBlocks
  /** By CPU: when it last took a block. */
  readonly #lastAlloc: Ns[] = []
  /** By zone: pages that somebody has, though no event shows for what: of the bulk allocator. */
  readonly #untraced: { block: number; offset: number }[][]
  readonly #inUse = { block: [] as number[], zone: [] as number[], pfn: [] as Pfn[], order: [] as Order[] }
  readonly #nobody: number
  readonly #fates: Fates
  /** Whether the lists' lock is only tried, from 6.0 on. Source: pcp_spin_trylock(), mm/page_alloc.c, v6.1. */
  readonly #triesLocks: boolean
  readonly #isLossy: boolean

  constructor({ script, inferred }: Pick<Inference, 'script' | 'inferred'>, events: Events | undefined) {
    const { bulk, localDrains, ticks } = inferred
    const rows = script.length + bulk.row.length + localDrains.row.length + ticks.row.length
    this.builder = new DemandBuilder(rows)
    this.#blocks = new OwnedBlocks(rows)
    this.#script = script
    this.#inferred = inferred
    this.#events = script.source === undefined ? undefined : events
    this.#index = new PageIndex(script.zones)
    this.#owner = new SparsePages(this.#index.size)
    this.#listedAt = new SparsePages(this.#index.size)
    this.#refilledAt = new SparsePages(this.#index.size)
    this.#drainedAt = new SparsePages(this.#index.size)
    this.#untraced = script.zones.map(() => [])
    this.#nobody = this.builder.task(0, NOBODY)
    this.#fates = fatesOf(script)
    this.#triesLocks = traitsOf(script.machine).remoteDrains
    this.#isLossy = script.isLossy
  }

  walk(): void {
    const { bulk, localDrains, ticks, listTypes } = this.#inferred
    const { length, time, op, cpu, pfn, order } = this.#script
    const zones = this.#script.zones.length
    const task = this.#nobody
    const later = (at: number, of: number, row: number): boolean => at < of && row < length
    let [nextBulk, nextLocal, nextTick] = [0, 0, 0]
    const drainsBefore = (row: number, moment: number): void => {
      for (; nextLocal < localDrains.row.length && localDrains.row[nextLocal]! < row; nextLocal++) {
        const pset = localDrains.pset[nextLocal]!
        const [own, zone] = [Math.trunc(pset / zones), pset % zones]
        this.builder.push({ time: moment, ask: Ask.localDrain, cpu: own, task, zone })
      }
    }
    const at = (row: number) => ({ time: time[row]!, cpu: cpu[row]!, task })
    for (let row = 0; row < length; row++) {
      for (; later(nextBulk, bulk.row.length, row) && bulk.row[nextBulk]! <= row; nextBulk++)
        this.#bulkAlloc(time[row]!, bulk.pset[nextBulk]!, listTypes[bulk.list[nextBulk]!]!)
      drainsBefore(row, time[row]!)
      for (; nextTick < ticks.row.length && ticks.row[nextTick]! <= row; nextTick++)
        this.builder.push({ ...at(row), ask: Ask.tick, cpu: ticks.cpu[nextTick]! })
      this.#noteRefill(row)
      this.#noteDrain(row)
      switch (op[row]!) {
        case Op.alloc:
          this.#alloc(row)
          break
        case Op.free:
          this.#free(row, pfn[row]!, order[row]!)
          this.#noteListed(row)
          break
        case Op.drainRequest:
        case Op.requestSkipped:
        case Op.requestWaited:
          this.builder.push({ ...at(row), ask: Ask.drainRequest, zone: pfn[row] === 0 ? ANY_ZONE : pfn[row]! - 1 })
          break
        case Op.tick:
          this.builder.push({ ...at(row), ask: Ask.tick })
          break
        case Op.reclaimStart:
          this.builder.push({ ...at(row), ask: Ask.reclaimStart, zone: pfn[row]! })
          break
        case Op.reclaimEnd:
          this.builder.push({ ...at(row), ask: Ask.reclaimEnd, zone: pfn[row]! })
          break
      }
    }
    drainsBefore(Number.POSITIVE_INFINITY, length === 0 ? 0 : time[length - 1]!)
  }

  /** Which task asks. */
  #taskOf(row: number): number {
    const events = this.#events
    if (events === undefined) return this.#nobody
    const at = this.#script.source![row]!
    return this.builder.task(events.pid[at]!, events.strings.get(events.comm[at]!) ?? NOBODY)
  }

  /** With which gfp flags a row of an allocation asks. */
  #gfpFlagsOf(row: number): number {
    const events = this.#events
    if (events === undefined) return 0
    return events.tables.mm_page_alloc.column.gfpFlags.data[events.slot[this.#script.source![row]!]!] as number
  }

  #newBlock(first: number, order?: Order, since?: Ns): number {
    const block = this.builder.newBlock()
    this.#blocks.set(block, first, order, since)
    return block
  }

  #noteListed(row: number): void {
    const { zone, pfn } = this.#script
    const page = this.#index.at(pfn[row]!, zone[row]!)
    this.#listedAt.set(page, row + 1)
    this.#refilledAt.set(page, 0)
  }

  #noteRefill(row: number): void {
    const { refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype } = this.#script
    const start = refillStart[row]!
    for (let item = start; item < refillEnd[row]!; item++) {
      const of = this.#index.zone(refillPfn[item]!)
      if (of < 0) continue
      const page = this.#index.at(refillPfn[item]!, of)
      this.#listedAt.set(page, row + 1)
      const begins =
        item === start ||
        refillOrder[item] !== refillOrder[item - 1] ||
        refillMigratetype[item] !== refillMigratetype[item - 1]
      this.#refilledAt.set(page, begins ? row + 1 : 0)
    }
  }

  #noteDrain(row: number): void {
    const { op, zone, pfn, drainStart, drainEnd, drainPfn } = this.#script
    if (op[row] === Op.remotePage) this.#drainedAt.set(this.#index.at(pfn[row]!, zone[row]!), row + 1)
    for (let item = drainStart[row]!; item < drainEnd[row]!; item++) {
      const of = this.#index.zone(drainPfn[item]!)
      if (of >= 0) this.#drainedAt.set(this.#index.at(drainPfn[item]!, of), row + 1)
    }
  }

  /**
   * The row at which an allocation took its page, if that was not its own. Its event comes last, after the page was cleared: a task that was preempted
   * meanwhile took it before, maybe on another CPU. Who makes a refill takes its first block at once; else the CPU whose lists the page
   * lay on tells, if the task was seen there last.
   */
  #takenAt(row: number, page: number): number {
    const { cpu, preemptedAtRow } = this.#script
    const known = this.#inferred.taken.get(row)
    if (known !== undefined) return known
    const refill = this.#refilledAt.get(page) - 1
    const left = preemptedAtRow[row]!
    const lay = cpu[this.#listedAt.get(page) - 1] ?? -1
    const moved = left !== 0 && lay >= 0 && lay !== cpu[row] && cpu[left] === lay
    return refill >= 0 ? refill : moved ? left : row
  }

  #alloc(row: number): void {
    const { time, cpu, zone, order, migratetype, pfn } = this.#script
    const first = this.#index.at(pfn[row]!, zone[row]!)
    const taken = this.#takenAt(row, first)
    const at = taken === row ? time[row]! : Math.max(0, time[taken]! - 1)
    for (let page = first; page < first + (1 << order[row]!); page++)
      if (this.#owner.get(page) !== 0) this.#freeUnseen(row, page, at, cpu[taken]!)
    const block = this.#newBlock(first, order[row]!, at)
    this.#lastAlloc[cpu[taken]!] = at
    this.#owner.fill(block + 1, first, first + (1 << order[row]!))
    // In the order of `Wish`, as in `#push`: objects of one shape are never made where the call is inlined.
    this.builder.push({
      time: at,
      ask: Ask.alloc,
      cpu: cpu[taken]!,
      task: this.#taskOf(row),
      block,
      offset: 0,
      zone: zone[row]!,
      order: order[row]!,
      migratetype: migratetype[row]!,
      gfpFlags: this.#gfpFlagsOf(row),
      lockHeld: this.#isAllocPast(row),
      lead: 0,
    })
  }

  /**
   * A page is allocated again at `again`: its free was lost. If it was drained since, it was freed on the CPU that drained it; if it came
   * from the buddy all the same, nothing tells where, and it goes straight there. Else it lay on the lists that it is taken from. A block
   * that is still whole was freed as one.
   */
  #freeUnseen(row: number, page: number, again: Ns, againOn: Cpu): void {
    const { time, cpu, zone, migratetype } = this.#script
    const block = this.#owner.get(page) - 1
    const [first, order, since] = [this.#blocks.first(block), this.#blocks.order(block), this.#blocks.since(block)]
    const end = first + (1 << order)
    let whole = order > 0
    for (let of = first; of < end && whole; of++) whole = this.#owner.get(of) === block + 1
    if (whole) this.#owner.fill(0, first, end)
    const drain = this.#drainedAt.get(page) - 1
    const drained = drain >= 0 && time[drain]! > since
    this.builder.push({
      time: drained ? time[drain]! - 1 : again,
      ask: Ask.free,
      cpu: drained ? cpu[drain]! : againOn,
      task: this.#nobody,
      block,
      offset: whole ? 0 : page - first,
      zone: zone[row]!,
      order: whole ? order : 0,
      migratetype: migratetype[row]!,
      gfpFlags: 0,
      lockHeld: !drained && this.#refilledAt.get(page) !== 0,
      lead: 0,
    })
  }

  /** Whether the row's block came alone from the buddy, though a refill of its list would have fetched more. */
  #isAllocPast(row: number): boolean {
    const { zone, order, pfn, refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype } = this.#script
    const last = refillEnd[row]! - 1
    if (last < refillStart[row]! || refillPfn[last] !== pfn[row] || !this.#triesLocks) return false
    if ((this.#script.zones[zone[row]!]!.pagesets[0]?.batch ?? 2) < 2) return false
    const before = last - 1
    return (
      before < refillStart[row]! ||
      refillOrder[before] !== order[row] ||
      refillMigratetype[before] !== refillMigratetype[last]
    )
  }

  #bulkAlloc(time: number, pset: number, migratetype: Migratetype): void {
    const zones = this.#script.zones.length
    const [cpu, zone] = [Math.trunc(pset / zones), pset % zones]
    const block = this.#newBlock(0)
    this.#untraced[zone]!.push({ block, offset: 0 })
    this.builder.push({ time, ask: Ask.bulkAlloc, cpu, task: this.#nobody, block, zone, migratetype })
  }

  /** A block goes back as one where it is one, or a part of one, for its owner; else page by page. */
  #free(row: number, pfn: Pfn, order: Order): void {
    const zone = this.#script.zone[row]!
    const first = this.#index.at(pfn, zone)
    const whole = order === 0 ? undefined : this.#ownerOfAll(row, first, order)
    if (whole !== undefined) {
      this.#owner.fill(0, first, first + (1 << order))
      this.#push(row, whole.block, whole.offset, order)
      return
    }
    for (let page = first; page < first + (1 << order); page++) {
      const owner = this.#owner.get(page)
      this.#owner.set(page, 0)
      const known = owner !== 0 ? { block: owner - 1, offset: page - this.#blocks.first(owner - 1) } : undefined
      const { block, offset } =
        known ?? this.#ownedFromStart(row, page, 0) ?? this.#untraced[zone]!.pop() ?? this.#unseen(row, page, 0)
      this.#push(row, block, offset, 0)
    }
  }

  /** The one that has all pages of a block, aligned in its own as here; undefined where there is none. */
  #ownerOfAll(row: number, first: number, order: Order): { block: number; offset: number } | undefined {
    const owner = this.#owner.get(first)
    for (let page = first + 1; page < first + (1 << order); page++)
      if (this.#owner.get(page) !== owner) return undefined
    if (owner !== 0) {
      const offset = first - this.#blocks.first(owner - 1)
      return offset % (1 << order) === 0 ? { block: owner - 1, offset } : undefined
    }
    let fromStart = 0
    for (let page = first; page < first + (1 << order); page++) fromStart += Number(this.#isFromStart(row, page))
    if (fromStart === 1 << order) return this.#ownedFromStart(row, first, order)
    return fromStart === 0 ? this.#unseen(row, first, order) : undefined
  }

  /** Whether a page that is freed here was in use when the trace began: this free is the first that the trace shows of it. */
  #isFromStart(row: number, page: number): boolean {
    const { seen, row: seenAt } = this.#inferred.start.sightings
    return seen[page] === Seen.used && seenAt[page] === row + 1
  }

  #ownedFromStart(row: number, page: number, order: Order): { block: number; offset: number } | undefined {
    if (!this.#isFromStart(row, page)) return undefined
    const zone = this.#script.zone[row]!
    const block = this.#newBlock(page)
    this.#inUse.block.push(block)
    this.#inUse.zone.push(zone)
    this.#inUse.pfn.push(this.#index.pfn(page, zone))
    this.#inUse.order.push(order)
    return { block, offset: 0 }
  }

  /** A free whose allocation no event shows. */
  #unseen(row: number, page: number, order: Order): { block: number; offset: number } {
    const { time, cpu, zone, migratetype } = this.#script
    const block = this.#newBlock(0)
    // Where events were lost, a page that lay on lists was taken from them.
    const listed = this.#isLossy ? this.#listedAt.get(page) - 1 : -1
    const of = listed < 0 ? cpu[row]! : cpu[listed]!
    const before = this.#lastAlloc[of] ?? 0
    this.builder.push({
      time: listed >= 0 && before > time[listed]! ? before : time[row]!,
      ask: listed < 0 ? Ask.unseenAlloc : Ask.alloc,
      cpu: of,
      task: this.#nobody,
      block,
      zone: zone[row]!,
      order,
      migratetype: migratetype[row]! < 3 ? migratetype[row]! : 1,
    })
    return { block, offset: 0 }
  }

  #push(row: number, block: number, offset: number, order: Order): void {
    const { time, cpu, zone, migratetype } = this.#script
    this.builder.push({
      time: time[row]!,
      ask: Ask.free,
      cpu: cpu[row]!,
      task: this.#taskOf(row),
      block,
      offset,
      zone: zone[row]!,
      order,
      migratetype: migratetype[row]!,
      gfpFlags: 0,
      // It next leaves the buddy, and no drain brought it there.
      lockHeld: this.#triesLocks && this.#fates.ofRow[row] === Fate.refill,
      lead: 0,
    })
  }

  startState(lists: StartLists): StartState {
    const { zones, machine, blockTypes } = this.#script
    const blocks = new BlockIndex(zones, machine.pageblockOrder)
    const { block, zone, pfn, order } = this.#inUse
    const byPfn = Uint32Array.from(pfn.keys()).sort((a, b) => pfn[a]! - pfn[b]!)
    return {
      free: this.#inferred.start.zones,
      blockTypes: zones.map((one, at) => blockTypes.subarray(blocks.at(one.startPfn, at))),
      fallback: traitsOf(machine).fallbackIsPage ? 'claim' : 'steal',
      inUse: {
        block: Uint32Array.from(byPfn, (at) => block[at]!),
        zone: Uint8Array.from(byPfn, (at) => zone[at]!),
        pfn: Uint32Array.from(byPfn, (at) => pfn[at]!),
        order: Uint8Array.from(byPfn, (at) => order[at]!),
      },
      listed: listedAtStart(this.#script, this.#inferred.start, this.#inUse, lists),
      pacing: lists.pacing,
    }
  }
}
