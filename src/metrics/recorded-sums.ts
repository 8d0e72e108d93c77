import { ownPolicy } from '#estimate'
import { type Events, Kind } from '#events'
import { type Ns, traitsOf } from '#kernel'
import { BYPASS, Fate, fatesOf, Op, PageIndex, type Script } from '#record'
import { StepSums, type Window } from '#replay'
import { pagesets } from '#sim'

/** When each CPU was interrupted by drain work: where drains are work items (before 6.0), as they were queued. */
function* recordedInterruptions({ time, kind, slot, tables, strings }: Events): Generator<readonly [Ns, number]> {
  const drainWork = strings.find('drain_local_pages_wq')
  const { length, column } = tables.workqueue_queue_work
  if (drainWork === undefined || length === 0) return
  for (let row = 0; row < time.length; row++) {
    if (kind[row] !== Kind.workqueue_queue_work || column.function.data[slot[row]!] !== drainWork) continue
    yield [time[row]!, column.poolCpu.data[slot[row]!] as number]
  }
}

/** Nobody was seen to put a page on its lists yet. */
const UNKNOWN = -1

/** Whose lists each page went to last, as far as the record shows: where one CPU’s lists end in a remote drain. */
class Owners {
  readonly #index: PageIndex
  readonly #owner: Int16Array

  constructor({ zones }: Script) {
    this.#index = new PageIndex(zones)
    this.#owner = new Int16Array(this.#index.size).fill(UNKNOWN)
  }

  put(pfn: number, cpu: number): void {
    const zone = this.#index.zone(pfn)
    if (zone >= 0) this.#owner[this.#index.at(pfn, zone)] = cpu
  }

  of(pfn: number): number {
    const zone = this.#index.zone(pfn)
    return zone < 0 ? UNKNOWN : this.#owner[this.#index.at(pfn, zone)]!
  }
}

/** The bulk free that a requester makes of another CPU’s lists, page by page. */
interface RemoteDrain {
  pages: number
  zone: number
  owner: number
}

/**
 * What the kernel itself recorded, counted as a replay counts what it does.
 *
 * A run of pages from the buddy for one list is a refill, except a page that is allocated at once. Pages that a requester drains
 * remotely are one bulk free as long as they come from one zone, and no page shows the lists of another CPU.
 */
export function recordedSums(events: Events, script: Script, stepEnds: ArrayLike<number>): StepSums {
  const sums = new StepSums(stepEnds.length, script.cpus)
  const { rules } = pagesets(script, ownPolicy(script))
  const { length, time, op, cpu, zone, order, pfn, migratetype } = script
  const { refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype, drainStart, drainEnd, drainOrder } = script
  const last = stepEnds.length - 1
  const fates = traitsOf(script.machine).remoteDrains ? fatesOf(script) : undefined
  // Also a free past lists that were locked: its page next leaves the buddy, and no drain brought it there.
  const direct = (row: number): boolean =>
    migratetype[row] === BYPASS ||
    !(rules[zone[row]!]?.allowed(order[row]!) ?? true) ||
    (op[row] === Op.free && fates?.ofRow[row] === Fate.refill)
  const owners = op.includes(Op.remotePage) ? new Owners(script) : undefined
  // By the CPU of the requester.
  const remote = Array.from({ length: script.cpus }, (): RemoteDrain => ({ pages: 0, zone: 0, owner: UNKNOWN }))
  let step = 0
  const endRemote = (drain: RemoteDrain): void => {
    if (drain.pages > 0) sums.bulkFree(step, drain.pages, true)
    drain.pages = 0
    drain.owner = UNKNOWN
  }
  for (let row = 0; row < length; row++) {
    while (step < last && time[row]! > stepEnds[step]!) step++
    const here = cpu[row]!
    if (op[row] === Op.remotePage) {
      const drain = remote[here]!
      const owner = owners?.of(pfn[row]!) ?? UNKNOWN
      if (drain.zone !== zone[row] || (drain.owner !== UNKNOWN && owner !== UNKNOWN && owner !== drain.owner))
        endRemote(drain)
      drain.zone = zone[row]!
      if (owner !== UNKNOWN) drain.owner = owner
      drain.pages += 1 << order[row]!
      continue
    }
    if (op[row] === Op.lost) continue
    endRemote(remote[here]!)
    if (op[row] === Op.free) owners?.put(pfn[row]!, here)
    const one = op[row] === Op.alloc && direct(row)
    if (one || (op[row] === Op.free && direct(row))) sums.direct(step, 1 << order[row]!)
    const end = refillEnd[row]!
    for (let from = refillStart[row]!, to = from; from < end; from = to) {
      while (to < end && refillOrder[to] === refillOrder[from] && refillMigratetype[to] === refillMigratetype[from])
        to++
      for (let at = from; at < to; at++) owners?.put(refillPfn[at]!, here)
      const pages = (to - from) << refillOrder[from]!
      const atOnce = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
      if (!atOnce) sums.refill(step, here, pages)
      else if (!one) sums.direct(step, pages)
    }
    let drained = 0
    for (let at = drainStart[row]!; at < drainEnd[row]!; at++) drained += 1 << drainOrder[at]!
    if (drained > 0) sums.bulkFree(step, drained, op[row] === Op.drainWork, op[row] !== Op.bulkFreeResumed)
  }
  for (const drain of remote) endRemote(drain)
  step = 0
  for (const [at, of] of recordedInterruptions(events)) {
    while (step < last && at > stepEnds[step]!) step++
    sums.interruption(step, of)
  }
  return sums
}

/** The same of a window, whose steps end there. */
export function recordedSumsWithin(
  events: Events,
  script: Script,
  stepEnds: ArrayLike<number>,
  { from = Number.NEGATIVE_INFINITY, to }: Window,
): StepSums {
  const ends = Array.from(stepEnds)
  if (to !== undefined) ends[ends.length - 1] = to - 1
  // One more step on either side takes what lies outside.
  return recordedSums(events, script, [from - 1, ...ends, Number.POSITIVE_INFINITY]).slice(1, -1)
}
