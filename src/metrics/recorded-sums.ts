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

/** The bulk free that a requester makes of another CPU’s lists, page by page. */
interface RemoteDrain {
  pages: number
  zone: number
  owner: number
}

/**
 * Where one CPU’s lists end in a remote drain: pages that a requester drains are one bulk free as long as they come from one zone, and no
 * page shows the lists of another CPU, as far as the record shows whose lists each went to last.
 */
class RemoteDrains {
  readonly #script: Script
  readonly #index: PageIndex
  readonly #owner: Int16Array
  /** By the CPU of the requester. */
  readonly #drains: readonly RemoteDrain[]
  readonly #ended: (pages: number) => void

  constructor(script: Script, ended: (pages: number) => void) {
    this.#script = script
    this.#index = new PageIndex(script.zones)
    this.#owner = new Int16Array(this.#index.size).fill(UNKNOWN)
    this.#drains = Array.from({ length: script.cpus }, () => ({ pages: 0, zone: 0, owner: UNKNOWN }))
    this.#ended = ended
  }

  put(pfn: number, cpu: number): void {
    const zone = this.#index.zone(pfn)
    if (zone >= 0) this.#owner[this.#index.at(pfn, zone)] = cpu
  }

  #ownerOf(pfn: number): number {
    const zone = this.#index.zone(pfn)
    return zone < 0 ? UNKNOWN : this.#owner[this.#index.at(pfn, zone)]!
  }

  page(row: number): void {
    const { cpu, pfn, zone, order } = this.#script
    const drain = this.#drains[cpu[row]!]!
    const owner = this.#ownerOf(pfn[row]!)
    const isOther = drain.owner !== UNKNOWN && owner !== UNKNOWN && owner !== drain.owner
    if (drain.zone !== zone[row] || isOther) this.#end(drain)
    drain.zone = zone[row]!
    if (owner !== UNKNOWN) drain.owner = owner
    drain.pages += 1 << order[row]!
  }

  /** The requester does something else. */
  end(cpu: number): void {
    this.#end(this.#drains[cpu]!)
  }

  endAll(): void {
    for (const drain of this.#drains) this.#end(drain)
  }

  #end(drain: RemoteDrain): void {
    if (drain.pages > 0) this.#ended(drain.pages)
    drain.pages = 0
    drain.owner = UNKNOWN
  }
}

/** Whether an allocation or a free passed the lists: a block that they do not keep, or a free while they were locked. */
function pastLists(script: Script): (row: number) => boolean {
  const { rules } = pagesets(script, ownPolicy(script))
  const { op, zone, order, migratetype } = script
  const fates = traitsOf(script.machine).remoteDrains ? fatesOf(script) : undefined
  const keeps = (row: number): boolean => rules[zone[row]!]?.allowed(order[row]!) ?? true
  return (row) => {
    if (op[row] !== Op.alloc && op[row] !== Op.free) return false
    if (migratetype[row] === BYPASS || !keeps(row)) return true
    // The page next leaves the buddy, and no drain brought it there.
    return op[row] === Op.free && fates?.ofRow[row] === Fate.refill
  }
}

/**
 * What the kernel itself recorded, counted as a replay counts what it does.
 *
 * A run of pages from the buddy for one list is a refill, except a page that is allocated at once.
 */
export function recordedSums(events: Events, script: Script, stepEnds: ArrayLike<number>): StepSums {
  const sums = new StepSums(stepEnds.length, script.cpus)
  const { length, time, op, cpu, order, pfn, refillStart, refillEnd, drainStart, drainEnd, drainOrder } = script
  const last = stepEnds.length - 1
  const isDirect = pastLists(script)
  let step = 0
  const remote = op.includes(Op.remotePage)
    ? new RemoteDrains(script, (pages) => sums.bulkFree(step, pages, true))
    : undefined
  for (let row = 0; row < length; row++) {
    while (step < last && time[row]! > stepEnds[step]!) step++
    if (op[row] === Op.remotePage) {
      remote?.page(row)
      continue
    }
    if (op[row] === Op.lost) continue
    remote?.end(cpu[row]!)
    if (op[row] === Op.free) remote?.put(pfn[row]!, cpu[row]!)
    const direct = isDirect(row)
    if (direct) sums.direct(step, 1 << order[row]!)
    if (refillEnd[row]! > refillStart[row]!)
      sumRefills(script, row, step, { sums, remote, isTaken: direct && op[row] === Op.alloc })
    let drained = 0
    for (let at = drainStart[row]!; at < drainEnd[row]!; at++) drained += 1 << drainOrder[at]!
    if (drained > 0) sums.bulkFree(step, drained, op[row] === Op.drainWork, op[row] !== Op.bulkFreeResumed)
  }
  remote?.endAll()
  step = 0
  for (const [at, of] of recordedInterruptions(events)) {
    while (step < last && at > stepEnds[step]!) step++
    sums.interruption(step, of)
  }
  return sums
}

/** `isTaken`: the row’s own block is counted already. */
function sumRefills(
  { op, cpu, pfn, refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype }: Script,
  row: number,
  step: number,
  { sums, remote, isTaken }: { sums: StepSums; remote: RemoteDrains | undefined; isTaken: boolean },
): void {
  const end = refillEnd[row]!
  for (let from = refillStart[row]!, to = from; from < end; from = to) {
    while (to < end && refillOrder[to] === refillOrder[from] && refillMigratetype[to] === refillMigratetype[from]) to++
    if (remote !== undefined) for (let at = from; at < to; at++) remote.put(refillPfn[at]!, cpu[row]!)
    const pages = (to - from) << refillOrder[from]!
    const atOnce = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
    if (!atOnce) sums.refill(step, cpu[row]!, pages)
    else if (!isTaken) sums.direct(step, pages)
  }
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
