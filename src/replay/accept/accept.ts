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
  type Step,
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

const ZONE = 0
const BITMAP = 1
const UNIT = 2

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
export function runAccept(
  touches: Touches,
  { id, policy, params }: PolicyChoice<AnyAcceptPolicy>,
  steps = 200,
): AcceptResult {
  const costs = params as GuestParams & typeof params
  const rules: AcceptRules = policy.create(params)
  const guest = new Guest(touches, costs, policy.unitPages(params), policy.drivenBy)
  const work: AcceptWork = {
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
  const { from, to, cpus } = touches
  const waits = Array.from({ length: cpus + 1 }, () => [0, 0, 0])
  const nodeWaitNs = new Array<Ns>(guest.nodes).fill(0)
  let longestZoneWaitNs = 0
  const scheduler = new Scheduler((actor, lockNumber, ns) => {
    const kind = lockNumber < guest.nodes ? ZONE : lockNumber === guest.bitmapLock ? BITMAP : UNIT
    if (ns === 0) return
    waits[actor]![kind]! += ns
    if (kind === ZONE) {
      work.zoneLockWaits++
      nodeWaitNs[lockNumber]! += ns
      longestZoneWaitNs = Math.max(longestZoneWaitNs, ns)
    } else if (kind === BITMAP) work.bitmapLockWaits++
    else work.unitWaits++
  })

  const bootNs = rules.bootCpus === undefined ? 0 : guest.acceptAll() / rules.bootCpus
  work.acceptedAtBootPages = guest.acceptedPages
  const added: Ns[] = []
  let lastEnd: Ns = from
  let allAcceptedNs: Ns | undefined = guest.unacceptedPages === 0 ? bootNs : undefined

  const stepEnds = Float64Array.from(
    { length: steps },
    (_, step) => from + ((step + 1) * Math.max(1, to - from)) / steps,
  )
  const acceptedFree = new Float64Array(steps)
  const unaccepted = new Float64Array(steps)
  let step = 0
  const closeSteps = (now: Ns) => {
    while (step < steps && now > stepEnds[step]!) {
      acceptedFree[step] = guest.freePages - guest.unacceptedPages
      unaccepted[step++] = guest.unacceptedPages
    }
  }

  rowsOf(touches).forEach((rows, cpu) => {
    let at = 0
    scheduler.add(() => {
      const row = rows[at++]
      return row === undefined ? undefined : taskOf(row, cpu)
    })
  })
  if (rules.thread !== undefined) {
    let started = false
    scheduler.add(() => {
      if (started) return undefined
      started = true
      return { at: from, start: () => rules.thread!(guest) }
    }, false)
  }
  scheduler.run(from)
  closeSteps(Number.POSITIVE_INFINITY)

  work.acceptedPages = guest.acceptedPages
  work.calls = guest.calls
  work.bitmapChecks = guest.bitmapChecks
  work.extraChecks = guest.extraChecks
  return {
    policy: id,
    params,
    work,
    bootNs,
    addedNs: Float64Array.from(added).sort(),
    waits: waits.slice(0, cpus).map(([zoneNs, bitmapNs, unitNs]) => ({
      zoneNs: zoneNs!,
      bitmapNs: bitmapNs!,
      unitNs: unitNs!,
    })),
    nodeWaitNs,
    longestZoneWaitNs,
    longestIrqsOffNs: Array.from({ length: cpus }, (_, cpu) => scheduler.longestIrqsOff(cpu)),
    lateNs: Math.max(0, lastEnd - to),
    threadNs: rules.thread === undefined ? 0 : scheduler.worked(cpus),
    allAcceptedNs,
    stepEnds,
    acceptedFree,
    unaccepted,
    pagesAtStart: guest.pagesAtStart,
    pagesLeft: guest.countUnaccepted(),
    acceptedTwice: guest.acceptedTwice,
  }

  function taskOf(row: number, cpu: number): SchedulerTask {
    const isAlloc = touches.does[row] === Touch.alloc
    if (isAlloc) work.allocs++
    const moves = touches.takenEnd[row]! > touches.takenStart[row]! || touches.givenEnd[row]! > touches.givenStart[row]!
    let own = 0
    return {
      at: touches.time[row]!,
      start: (now) => {
        closeSteps(now)
        const attempt = isAlloc ? rules.onAttempt?.(guest, homeOf(cpu)) : undefined
        if (attempt !== undefined || moves) return whole(row, attempt)
        if (isAlloc) return rules.onPrepare?.(guest, touches.pfn[row]!, touches.order[row]!)
        // A block that the lists do not keep goes to the buddy by itself.
        guest.moveFree(guest.nodeOf(touches.pfn[row]!), 1 << touches.order[row]!)
        return undefined
      },
      done: ({ begun, ended }) => {
        lastEnd = Math.max(lastEnd, ended)
        if (allAcceptedNs === undefined && guest.unacceptedPages === 0) allAcceptedNs = ended - from
        const extra = ended - begun - own
        if (!isAlloc || extra <= 0) return
        work.delayedAllocs++
        added.push(extra)
      },
    }

    function* whole(row: number, attempt: Steps | undefined): Steps {
      if (attempt !== undefined) yield* attempt
      yield* refill(row)
      if (isAlloc) {
        const prepare = rules.onPrepare?.(guest, touches.pfn[row]!, touches.order[row]!)
        if (prepare !== undefined) yield* prepare
      }
      yield* drain(row)
    }

    function* refill(row: number): Steps {
      const [start, end] = [touches.takenStart[row]!, touches.takenEnd[row]!]
      if (start === end) return
      work.refills++
      const node = guest.nodeOf(touches.taken.pfn[start]!)
      let pages = 0
      yield IRQS_OFF
      yield lock(guest.zoneLock(node))
      for (let at = start; at < end; at++) {
        const [pfn, order] = [touches.taken.pfn[at]!, touches.taken.order[at]!]
        pages += 1 << order
        const take = rules.onTake?.(guest, pfn, order)
        if (take !== undefined) yield* take
      }
      guest.moveFree(node, -pages)
      yield hold(pages)
      yield unlock(guest.zoneLock(node))
      yield IRQS_ON
    }

    function* drain(row: number): Steps {
      const [start, end] = [touches.givenStart[row]!, touches.givenEnd[row]!]
      if (start === end) return
      work.drains++
      const node = guest.nodeOf(touches.given.pfn[start]!)
      let pages = 0
      for (let at = start; at < end; at++) pages += 1 << touches.given.order[at]!
      yield IRQS_OFF
      yield lock(guest.zoneLock(node))
      guest.moveFree(node, pages)
      yield hold(pages)
      yield unlock(guest.zoneLock(node))
      yield IRQS_ON
    }

    function hold(pages: number): Step {
      const ns = costs.holdNs + pages * costs.holdPageNs
      own += ns
      return run(ns)
    }
  }

  function homeOf(cpu: number): number {
    return Math.floor((cpu * guest.nodes) / cpus)
  }
}
