import type { BulkOrder, DrainHost, DrainMechanism, ListRules, Pcp, PcpChoice, ZoneFlags } from '#policies'
import { listTable, pagesets } from './pagesets.ts'
import { type Burst, type Inferred, type ReplayOptions, type ReplayResult, WorkCounts } from './result.ts'
import { BYPASS, Op, type Script } from './script.ts'

/** Replays a script under a policy. Counts only: pages of one list are alike. */
export class Replay implements DrainHost {
  readonly #script: Script
  readonly #inferred: Inferred
  readonly #rules: ListRules[]
  readonly #pcps: Pcp[]
  readonly #lens: Int32Array
  readonly #perSet: number
  readonly #mechanism: DrainMechanism
  readonly #bulkOrders: BulkOrder[]
  readonly #tables: Int8Array[]
  readonly #detached: Int32Array
  readonly #flags: ZoneFlags = { reclaimActive: false, belowHigh: false }
  readonly #timers: { time: number; then: () => void }[] = []
  readonly #work = new WorkCounts()
  readonly #interruptions: Record<string, number> = {}
  readonly #bursts: Burst[] = []
  readonly #refillSizes = new Map<number, number>()
  readonly #burstSizes = new Map<number, number>()
  readonly #isolated: readonly number[]
  readonly #stepEnds: Float64Array
  readonly #cached: Int32Array[]
  readonly #zoneLockPages: Float64Array
  readonly #start: number
  readonly cpus: number
  readonly zones: number
  #step = 0
  #now = 0
  #taken = 0
  #given = 0

  constructor(
    script: Script,
    choice: PcpChoice,
    inferred: Inferred,
    { isolated = script.machine.isolated, steps = 200 }: ReplayOptions = {},
  ) {
    this.#script = script
    this.#inferred = inferred
    this.cpus = script.cpus
    this.zones = script.zones.length
    const { pcps, rules } = pagesets(script, choice)
    this.#pcps = pcps
    this.#rules = rules
    this.#perSet = rules[0]!.lists
    this.#lens = new Int32Array(pcps.length * this.#perSet)
    this.#mechanism = choice.drain.create(choice.drainParams as never)
    this.#bulkOrders = rules.map((rule) => rule.bulkOrder())
    this.#tables = rules.map(listTable)
    this.#detached = new Int32Array(pcps.length)
    this.#isolated = isolated
    const span = Math.max(1, script.to - script.from)
    this.#stepEnds = Float64Array.from({ length: steps }, (_, step) => script.from + ((step + 1) * span) / steps)
    this.#cached = Array.from({ length: script.cpus }, () => new Int32Array(steps))
    this.#zoneLockPages = new Float64Array(steps)
    this.#now = script.from
    this.#start = this.#fill(inferred)
  }

  /** Puts what lay on the lists when the trace began on the lists of this policy, where it keeps such blocks. */
  #fill({ initial, listOrders, listTypes }: Inferred): number {
    let sum = 0
    initial.entries.forEach((entries, pset) => {
      const table = this.#tables[pset % this.zones]!
      const put = (order: number, type: number, blocks: number) => {
        const list = table[order * 4 + type]!
        if (list < 0) return
        this.#lens[pset * this.#perSet + list]! += blocks
        this.#pcps[pset]!.count += blocks << order
        sum += blocks << order
      }
      for (let list = 0; list < entries.length; list++) put(listOrders[list]!, listTypes[list]!, entries[list]!)
      put(0, 1, Math.max(0, initial.hidden[pset]!))
    })
    return sum
  }

  run(): ReplayResult {
    const { bulk, localDrains } = this.#inferred
    const { length, time, op, cpu, zone, order, migratetype, pfn } = this.#script
    const work = this.#work
    let nextBulk = 0
    let nextLocal = 0
    let nextStep = this.#stepEnds[0] ?? Number.POSITIVE_INFINITY
    for (let row = 0; row < length; row++) {
      const now = time[row]!
      if (this.#timers.length > 0) this.#runTimers(now)
      this.#now = now
      if (now > nextStep) nextStep = this.#closeSteps(now)
      while (nextBulk < bulk.row.length && bulk.row[nextBulk]! <= row)
        this.#bulkAlloc(bulk.pset[nextBulk]!, bulk.list[nextBulk++]!)
      while (nextLocal < localDrains.row.length && localDrains.row[nextLocal]! < row)
        this.#localDrain(localDrains.pset[nextLocal++]!)
      switch (op[row]!) {
        case Op.alloc:
          work.allocs++
          this.#alloc(cpu[row]! * this.zones + zone[row]!, zone[row]!, order[row]!, migratetype[row]!)
          break
        case Op.free:
          work.frees++
          this.#free(cpu[row]! * this.zones + zone[row]!, zone[row]!, order[row]!, migratetype[row]!)
          break
        case Op.drainRequest:
          work.drainRequests++
          this.#mechanism.request(this, cpu[row]!, pfn[row] === 0 ? undefined : pfn[row]! - 1)
          break
        case Op.reclaimStart:
          this.#flags.reclaimActive = true
          break
        case Op.reclaimEnd:
          this.#flags.reclaimActive = false
          break
      }
    }
    // A drain that the trace's end cuts short ends with it.
    this.#runTimers(Number.POSITIVE_INFINITY)
    this.#closeSteps(Number.POSITIVE_INFINITY)
    const listOperations = work.allocsFromList + work.allocsAfterRefill + work.frees - work.freesToBuddy
    if (this.#mechanism.pcpLock) work.pcpLocks += listOperations
    if (this.#mechanism.dereference) work.dereferences = listOperations
    for (const isolated of this.#isolated) if (isolated < this.cpus) work.strandedPagesAtEnd += this.#cachedOf(isolated)
    let pagesAtEnd = 0
    // From the lists themselves, so that the balance checks the counts too.
    for (let at = 0; at < this.#lens.length; at++) {
      const zone = Math.trunc(at / this.#perSet) % this.zones
      pagesAtEnd += this.#lens[at]! << this.#rules[zone]!.orderOf(at % this.#perSet)
    }
    for (const pages of this.#detached) pagesAtEnd += pages
    return {
      work,
      interruptions: this.#interruptions,
      stepEnds: this.#stepEnds,
      cached: this.#cached,
      zoneLockPages: this.#zoneLockPages,
      bursts: this.#bursts,
      refillSizes: this.#refillSizes,
      burstSizes: this.#burstSizes,
      pagesAtEnd,
      pagesExpected:
        this.#start + work.refillPages - this.#taken + this.#given - work.drainBurstPages - work.requestedDrainPages,
    }
  }

  #alloc(pset: number, zone: number, order: number, type: number): void {
    const list = this.#tables[zone]![order * 4 + type]!
    if (list >= 0) this.#rules[zone]!.onAlloc(this.#pcps[pset]!)
    this.#take(pset, zone, list, order)
  }

  /** One block off a list, refilled if it is empty; from the buddy where there is no list (−1). */
  #take(pset: number, zone: number, list: number, order: number): void {
    if (list < 0) {
      this.#work.allocsFromBuddy++
      this.#zoneLock(1 << order)
      return
    }
    const pcp = this.#pcps[pset]!
    const at = pset * this.#perSet + list
    if (this.#lens[at]! === 0) {
      this.#refill(pcp, zone, at, order)
      this.#work.allocsAfterRefill++
    } else this.#work.allocsFromList++
    this.#lens[at]!--
    pcp.count -= 1 << order
    this.#taken += 1 << order
  }

  #refill(pcp: Pcp, zone: number, at: number, order: number): void {
    const blocks = this.#rules[zone]!.nrAlloc(pcp, order, this.#flags)
    const pages = blocks << order
    this.#lens[at]! += blocks
    pcp.count += pages
    this.#work.refills++
    this.#work.refillPages += pages
    this.#refillSizes.set(pages, (this.#refillSizes.get(pages) ?? 0) + 1)
    this.#zoneLock(pages)
  }

  /** One order-0 page by alloc_pages_bulk(), which leaves the pacing of the lists alone. */
  #bulkAlloc(pset: number, recordedList: number): void {
    const zone = pset % this.zones
    this.#work.allocs++
    this.#take(pset, zone, this.#tables[zone]![this.#inferred.listTypes[recordedList]!]!, 0)
  }

  #free(pset: number, zone: number, order: number, type: number): void {
    const list = type === BYPASS ? -1 : this.#tables[zone]![order * 4 + type]!
    if (list < 0) {
      this.#work.freesToBuddy++
      this.#zoneLock(1 << order)
      return
    }
    const pcp = this.#pcps[pset]!
    this.#lens[pset * this.#perSet + list]!++
    pcp.count += 1 << order
    this.#given += 1 << order
    const n = this.#rules[zone]!.nrFree(pcp, order, this.#flags)
    if (n > 0) {
      const pages = this.#bulkFree(pset, zone, n, list)
      this.#work.drainBursts++
      this.#work.drainBurstPages += pages
      this.#recordBurst(pset, pages, false)
    }
  }

  /** Takes at least `n` pages (or all there are) off a pageset by the rule; a high-order block may overshoot. */
  #bulkFree(pset: number, zone: number, n: number, list: number): number {
    const pcp = this.#pcps[pset]!
    const order = this.#bulkOrders[zone]!
    const rules = this.#rules[zone]!
    const base = pset * this.#perSet
    let left = Math.min(n, pcp.count)
    let pages = 0
    if (left === 0) return 0
    order.begin(left, list)
    while (left > 0) {
      const from = order.next(this.#lens, base, left)
      const size = 1 << rules.orderOf(from)
      this.#lens[base + from]!--
      pcp.count -= size
      left -= size
      pages += size
    }
    this.#zoneLock(pages)
    return pages
  }

  #localDrain(pset: number): void {
    const pages = this.#bulkFree(pset, pset % this.zones, Number.MAX_SAFE_INTEGER, 0)
    this.#work.requestedDrainPages += pages
    this.#recordBurst(pset, pages, true)
  }

  #zoneLock(pages: number): void {
    this.#work.zoneLocks++
    this.#work.zoneLockPages += pages
    this.#zoneLockPages[this.#step]! += pages
  }

  #recordBurst(pset: number, pages: number, requested: boolean): void {
    if (pages === 0) return
    this.#burstSizes.set(pages, (this.#burstSizes.get(pages) ?? 0) + 1)
    this.#bursts.push({ time: this.#now, cpu: Math.trunc(pset / this.zones), pages, requested })
  }

  #cachedOf(cpu: number): number {
    let sum = 0
    for (let zone = 0; zone < this.zones; zone++) {
      const pset = cpu * this.zones + zone
      sum += this.#pcps[pset]!.count + this.#detached[pset]!
    }
    return sum
  }

  /** Notes the counts at the end of every step that is over. Returns the end of the one that runs now. */
  #closeSteps(now: number): number {
    const last = this.#stepEnds.length - 1
    while (this.#step <= last && now > this.#stepEnds[this.#step]!) {
      for (let cpu = 0; cpu < this.cpus; cpu++) this.#cached[cpu]![this.#step] = this.#cachedOf(cpu)
      if (this.#step === last) break
      this.#step++
    }
    return this.#step >= last ? Number.POSITIVE_INFINITY : this.#stepEnds[this.#step]!
  }

  #runTimers(until: number): void {
    while (this.#timers.length > 0 && this.#timers[0]!.time <= until) {
      const { time, then } = this.#timers.shift()!
      this.#now = Math.min(time, this.#script.to)
      if (this.#now > this.#stepEnds[this.#step]!) this.#closeSteps(this.#now)
      then()
    }
  }

  // What a drain mechanism may do.

  count(cpu: number, zone: number): number {
    return this.#pcps[cpu * this.zones + zone]!.count
  }

  batch(cpu: number, zone: number): number {
    return this.#pcps[cpu * this.zones + zone]!.batch
  }

  drainPages(cpu: number, zone: number, pages: number): number {
    const pset = cpu * this.zones + zone
    const drained = this.#bulkFree(pset, zone, pages, 0)
    if (this.#mechanism.pcpLock) this.#work.pcpLocks++
    this.#work.requestedDrainPages += drained
    this.#recordBurst(pset, drained, true)
    return drained
  }

  detach(cpu: number, zone: number): number {
    const pset = cpu * this.zones + zone
    const pcp = this.#pcps[pset]!
    const moved = pcp.count
    this.#lens.fill(0, pset * this.#perSet, (pset + 1) * this.#perSet)
    this.#detached[pset]! += moved
    pcp.count = 0
    return moved
  }

  freeDetached(cpu: number, zone: number): void {
    const pset = cpu * this.zones + zone
    const pages = this.#detached[pset]!
    this.#detached[pset] = 0
    if (pages === 0) return
    this.#zoneLock(pages)
    this.#work.requestedDrainPages += pages
    this.#recordBurst(pset, pages, true)
  }

  interrupt(cpu: number): void {
    const { cpus } = this.#script.machine
    if (cpus.length > 0 && !cpus.includes(cpu)) return
    this.#work.interruptions++
    this.#interruptions[cpu] = (this.#interruptions[cpu] ?? 0) + 1
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

  after(ns: number, then: () => void): void {
    const time = this.#now + ns
    let at = this.#timers.length
    while (at > 0 && this.#timers[at - 1]!.time > time) at--
    this.#timers.splice(at, 0, { time, then })
  }
}
