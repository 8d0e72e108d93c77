import { Touch, type Touches } from '#events/demand'
import type { Ns } from '#kernel'
import type { PolicyChoice } from '#policies'
import {
  type AcceptRules,
  type AnyAcceptPolicy,
  type GuestParams,
  IRQS_OFF,
  IRQS_ON,
  lock,
  run,
  type Steps,
  unlock,
} from '#policies/accept'
import { Scheduler, type SchedulerTask } from '#sim'
import { Guest } from './guest.ts'

/** Counts of one run; pages are base pages. Each is explained in metrics' `acceptWorkSchema`. */
export interface AcceptWork {
  allocs: number
  refills: number
  drains: number
  acceptedPages: number
  acceptedAtBootPages: number
  calls: number
  bitmapChecks: number
  extraChecks: number
  delayedAllocs: number
  zoneLockWaits: number
  bitmapLockWaits: number
  unitWaits: number
}

/** One run as plain data: a pure function of touches and choice. */
export interface AcceptResult {
  readonly policy: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  readonly work: AcceptWork
  /** Before the first event. */
  readonly bootNs: Ns
  /** Added to each allocation that was delayed at all: its own accepting, and waiting for locks. Sorted. */
  readonly addedNs: Float64Array
  /** By CPU: waiting for zone->lock, for the bitmap's lock, for a unit that another accepts. */
  readonly waits: readonly { readonly zoneNs: Ns; readonly bitmapNs: Ns; readonly unitNs: Ns }[]
  /** By node: time that its zone->lock was waited for. */
  readonly nodeWaitNs: readonly Ns[]
  readonly longestZoneWaitNs: Ns
  /** By CPU, with interrupts off. */
  readonly longestIrqsOffNs: readonly Ns[]
  readonly threadNs: Ns
  /** How much later than recorded the last CPU is done with what the trace asks of it. */
  readonly lateNs: Ns
  /** When all was accepted, after the boot's start; undefined: never. */
  readonly allAcceptedNs: Ns | undefined
  readonly stepEnds: Float64Array
  readonly acceptedFree: Float64Array
  readonly unaccepted: Float64Array
  readonly pagesAtStart: number
  readonly pagesLeft: number
  readonly acceptedTwice: number
}

/** Rows that the allocator's free lists or the watermarks hear of, by CPU. */
function rowsOf({ length, does, cpu, cpus, takenStart, takenEnd, givenStart, givenEnd }: Touches): number[][] {
  const rows = Array.from({ length: cpus }, (): number[] => [])
  for (let row = 0; row < length; row++) {
    const moves = takenEnd[row]! > takenStart[row]! || givenEnd[row]! > givenStart[row]!
    if (does[row] !== Touch.none || moves) rows[cpu[row]!]!.push(row)
  }
  return rows
}

/** Replays a recording as if its machine were a guest whose memory is accepted by these rules. */
export function runAccept(touches: Touches, choice: PolicyChoice<AnyAcceptPolicy>, steps = 200): AcceptResult {
  return new AcceptReplay(touches, choice, steps).run()
}

/** How much memory is accepted and how much is not, at the end of equal steps of the trace's time. */
class AcceptSeries {
  readonly stepEnds: Float64Array
  readonly acceptedFree: Float64Array
  readonly unaccepted: Float64Array
  readonly #guest: Guest
  #step = 0

  constructor({ from, to }: Touches, guest: Guest, steps: number) {
    this.#guest = guest
    this.stepEnds = Float64Array.from(
      { length: steps },
      (_, step) => from + ((step + 1) * Math.max(1, to - from)) / steps,
    )
    this.acceptedFree = new Float64Array(steps)
    this.unaccepted = new Float64Array(steps)
  }

  /** Closes the steps that ended before `now`. */
  closeUntil(now: Ns): void {
    while (this.#step < this.stepEnds.length && now > this.stepEnds[this.#step]!) {
      this.acceptedFree[this.#step] = this.#guest.freePages - this.#guest.unacceptedPages
      this.unaccepted[this.#step++] = this.#guest.unacceptedPages
    }
  }
}

/** Who waited for which lock, and how long. */
class AcceptWaits {
  /** By actor: a CPU, or the accepting thread behind them. */
  readonly byActor: readonly [zoneNs: Ns, bitmapNs: Ns, unitNs: Ns][]
  readonly nodeWaitNs: Ns[]
  longestZoneWaitNs = 0
  readonly #guest: Guest
  readonly #work: AcceptWork

  constructor(cpus: number, guest: Guest, work: AcceptWork) {
    this.byActor = Array.from({ length: cpus + 1 }, () => [0, 0, 0])
    this.nodeWaitNs = new Array<Ns>(guest.nodes).fill(0)
    this.#guest = guest
    this.#work = work
  }

  note(actor: number, lockNumber: number, ns: Ns): void {
    if (ns === 0) return
    const waits = this.byActor[actor]!
    if (lockNumber < this.#guest.nodes) {
      waits[0] += ns
      this.#work.zoneLockWaits++
      this.nodeWaitNs[lockNumber]! += ns
      this.longestZoneWaitNs = Math.max(this.longestZoneWaitNs, ns)
    } else if (lockNumber === this.#guest.bitmapLock) {
      waits[1] += ns
      this.#work.bitmapLockWaits++
    } else {
      waits[2] += ns
      this.#work.unitWaits++
    }
  }
}

class AcceptReplay {
  readonly #touches: Touches
  readonly #choice: PolicyChoice<AnyAcceptPolicy>
  readonly #costs: GuestParams
  readonly #rules: AcceptRules
  readonly #guest: Guest
  readonly #work: AcceptWork = {
    allocs: 0,
    refills: 0,
    drains: 0,
    acceptedPages: 0,
    acceptedAtBootPages: 0,
    calls: 0,
    bitmapChecks: 0,
    extraChecks: 0,
    delayedAllocs: 0,
    zoneLockWaits: 0,
    bitmapLockWaits: 0,
    unitWaits: 0,
  }
  readonly #waits: AcceptWaits
  readonly #series: AcceptSeries
  readonly #scheduler: Scheduler
  readonly #added: Ns[] = []
  #lastEnd: Ns
  #allAcceptedNs: Ns | undefined

  constructor(touches: Touches, choice: PolicyChoice<AnyAcceptPolicy>, steps: number) {
    const { policy, params } = choice
    this.#touches = touches
    this.#choice = choice
    this.#costs = params as GuestParams & typeof params
    this.#rules = policy.create(params)
    this.#guest = new Guest(touches, this.#costs, policy.unitPages(params), policy.drivenBy)
    this.#waits = new AcceptWaits(touches.cpus, this.#guest, this.#work)
    this.#series = new AcceptSeries(touches, this.#guest, steps)
    this.#scheduler = new Scheduler((actor, lockNumber, ns) => this.#waits.note(actor, lockNumber, ns))
    this.#lastEnd = touches.from
  }

  run(): AcceptResult {
    const guest = this.#guest
    const { bootCpus } = this.#rules
    const bootNs = bootCpus === undefined ? 0 : guest.acceptAll() / bootCpus
    this.#work.acceptedAtBootPages = guest.acceptedPages
    if (guest.unacceptedPages === 0) this.#allAcceptedNs = bootNs
    rowsOf(this.#touches).forEach((rows, cpu) => {
      let at = 0
      this.#scheduler.add(() => {
        const row = rows[at++]
        return row === undefined ? undefined : this.#taskOf(row, cpu)
      })
    })
    this.#addThread()
    this.#scheduler.run(this.#touches.from)
    this.#series.closeUntil(Number.POSITIVE_INFINITY)
    return this.#result(bootNs)
  }

  #addThread(): void {
    const { thread } = this.#rules
    if (thread === undefined) return
    let started = false
    this.#scheduler.add(() => {
      if (started) return undefined
      started = true
      return { at: this.#touches.from, start: () => thread(this.#guest) }
    }, false)
  }

  #result(bootNs: Ns): AcceptResult {
    const guest = this.#guest
    const { cpus, to } = this.#touches
    const { calls, bitmapChecks, extraChecks, acceptedPages } = guest
    const { stepEnds, acceptedFree, unaccepted } = this.#series
    return {
      policy: this.#choice.id,
      params: this.#choice.params,
      work: Object.assign(this.#work, { acceptedPages, calls, bitmapChecks, extraChecks }),
      bootNs,
      addedNs: Float64Array.from(this.#added).sort(),
      waits: this.#waits.byActor.slice(0, cpus).map(([zoneNs, bitmapNs, unitNs]) => ({ zoneNs, bitmapNs, unitNs })),
      nodeWaitNs: this.#waits.nodeWaitNs,
      longestZoneWaitNs: this.#waits.longestZoneWaitNs,
      longestIrqsOffNs: Array.from({ length: cpus }, (_, cpu) => this.#scheduler.longestIrqsOff(cpu)),
      lateNs: Math.max(0, this.#lastEnd - to),
      threadNs: this.#rules.thread === undefined ? 0 : this.#scheduler.worked(cpus),
      allAcceptedNs: this.#allAcceptedNs,
      stepEnds,
      acceptedFree,
      unaccepted,
      pagesAtStart: guest.pagesAtStart,
      pagesLeft: guest.countUnaccepted(),
      acceptedTwice: guest.acceptedTwice,
    }
  }

  #taskOf(row: number, cpu: number): SchedulerTask {
    const { does, time, pfn, order, takenStart, takenEnd, givenStart, givenEnd } = this.#touches
    const guest = this.#guest
    const isAlloc = does[row] === Touch.alloc
    if (isAlloc) this.#work.allocs++
    const moves = takenEnd[row]! > takenStart[row]! || givenEnd[row]! > givenStart[row]!
    return {
      at: time[row]!,
      start: (now) => {
        this.#series.closeUntil(now)
        const attempt = isAlloc ? this.#rules.onAttempt?.(guest, this.#homeOf(cpu)) : undefined
        if (attempt !== undefined || moves) return this.#whole(row, isAlloc, attempt)
        if (isAlloc) return this.#rules.onPrepare?.(guest, pfn[row]!, order[row]!)
        // A block that the lists do not keep goes to the buddy by itself.
        guest.moveFree(guest.nodeOf(pfn[row]!), 1 << order[row]!)
        return undefined
      },
      done: ({ begun, ended }) => {
        this.#lastEnd = Math.max(this.#lastEnd, ended)
        if (this.#allAcceptedNs === undefined && guest.unacceptedPages === 0)
          this.#allAcceptedNs = ended - this.#touches.from
        const extra = ended - begun - this.#holdNsOf(row)
        if (!isAlloc || extra <= 0) return
        this.#work.delayedAllocs++
        this.#added.push(extra)
      },
    }
  }

  *#whole(row: number, isAlloc: boolean, attempt: Steps | undefined): Steps {
    if (attempt !== undefined) yield* attempt
    yield* this.#refill(row)
    if (isAlloc) {
      const { pfn, order } = this.#touches
      const prepare = this.#rules.onPrepare?.(this.#guest, pfn[row]!, order[row]!)
      if (prepare !== undefined) yield* prepare
    }
    yield* this.#drain(row)
  }

  *#refill(row: number): Steps {
    const { takenStart, takenEnd, taken } = this.#touches
    const [start, end] = [takenStart[row]!, takenEnd[row]!]
    if (start === end) return
    this.#work.refills++
    const node = this.#guest.nodeOf(taken.pfn[start]!)
    yield IRQS_OFF
    yield lock(this.#guest.zoneLock(node))
    for (let at = start; at < end; at++) {
      const take = this.#rules.onTake?.(this.#guest, taken.pfn[at]!, taken.order[at]!)
      if (take !== undefined) yield* take
    }
    const pages = pagesOf(taken.order, start, end)
    this.#guest.moveFree(node, -pages)
    yield run(this.#holdNs(pages))
    yield unlock(this.#guest.zoneLock(node))
    yield IRQS_ON
  }

  *#drain(row: number): Steps {
    const { givenStart, givenEnd, given } = this.#touches
    const [start, end] = [givenStart[row]!, givenEnd[row]!]
    if (start === end) return
    this.#work.drains++
    const node = this.#guest.nodeOf(given.pfn[start]!)
    const pages = pagesOf(given.order, start, end)
    yield IRQS_OFF
    yield lock(this.#guest.zoneLock(node))
    this.#guest.moveFree(node, pages)
    yield run(this.#holdNs(pages))
    yield unlock(this.#guest.zoneLock(node))
    yield IRQS_ON
  }

  /** zone->lock held by a refill or a drain: what the kernel pays in any case. */
  #holdNs(pages: number): Ns {
    return this.#costs.holdNs + pages * this.#costs.holdPageNs
  }

  #holdNsOf(row: number): Ns {
    const { takenStart, takenEnd, taken, givenStart, givenEnd, given } = this.#touches
    const refill = pagesOf(taken.order, takenStart[row]!, takenEnd[row]!)
    const drain = pagesOf(given.order, givenStart[row]!, givenEnd[row]!)
    return (refill === 0 ? 0 : this.#holdNs(refill)) + (drain === 0 ? 0 : this.#holdNs(drain))
  }

  #homeOf(cpu: number): number {
    return Math.floor((cpu * this.#guest.nodes) / this.#touches.cpus)
  }
}

function pagesOf(order: ArrayLike<number>, start: number, end: number): number {
  let pages = 0
  for (let at = start; at < end; at++) pages += 1 << order[at]!
  return pages
}
