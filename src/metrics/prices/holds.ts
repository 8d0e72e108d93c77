import { type Events, Kind } from '#events'
import { ABSENT } from '#events/columns'
import type { Ns, Pages } from '#kernel'

/** Operations under zone->lock as probes timed them: pages moved and how long it took, waits for the lock taken off. */
export interface Holds {
  readonly pages: Pages[]
  readonly ns: Ns[]
}

export interface MeasuredHolds {
  readonly bulkFree: Holds
  readonly refill: Holds
  /** What one probe took to be recorded: from the first to the second of two at the same entry. */
  readonly probeNs: Ns[]
  /** Waits for zone->lock within these operations. */
  readonly waitNs: Ns[]
  /** Whether the kernel records waits at all: lock:contention_begin, from 5.19 on. */
  readonly hasWaits: boolean
  /** Entries without a return, or returns without an entry: at the ends of the trace, and where events were lost. */
  readonly unpaired: number
}

/** What runs on a CPU now. zone->lock is held with interrupts off: nothing else can begin there. */
interface Open {
  what: 'bulkFree' | 'refill' | undefined
  /** The probe that saw the entry: of two on one function, the kernel says which runs first. */
  by: number | undefined
  begun: Ns
  blocks: number
  order: number
  waitedSince: Ns
  waited: Ns
}

class HoldPairs implements MeasuredHolds {
  readonly bulkFree: Holds = { pages: [], ns: [] }
  readonly refill: Holds = { pages: [], ns: [] }
  readonly probeNs: Ns[] = []
  readonly waitNs: Ns[] = []
  readonly hasWaits: boolean
  unpaired = 0
  readonly #open = new Map<number, Open>()

  constructor(hasWaits: boolean) {
    this.hasWaits = hasWaits
  }

  openOn(cpu: number): Open {
    const known = this.#open.get(cpu)
    if (known !== undefined) return known
    const fresh: Open = { what: undefined, by: undefined, begun: 0, blocks: 0, order: 0, waitedSince: -1, waited: 0 }
    this.#open.set(cpu, fresh)
    return fresh
  }

  begin(open: Open, what: 'bulkFree' | 'refill', now: Ns, blocks: number, order: number): void {
    if (open.what !== undefined) this.unpaired++
    Object.assign(open, { what, begun: now, blocks, order, waitedSince: -1, waited: 0 })
  }

  /** The first of two probes begins it; the second shows what a probe costs, and the hold begins after it. */
  enterBulkFree(open: Open, now: Ns, count: number, by: number | undefined): void {
    const isSecond = open.what === 'bulkFree' && open.by !== undefined && open.by !== by
    if (isSecond) {
      this.probeNs.push(now - open.begun)
      open.begun = now
    } else this.begin(open, 'bulkFree', now, count, 0)
    open.by = isSecond ? undefined : by
  }

  end(open: Open, what: 'bulkFree' | 'refill', now: Ns, blocks: number): void {
    if (open.what !== what) {
      this.unpaired++
      return
    }
    open.what = undefined
    if (blocks <= 0) return
    this[what].pages.push(blocks << open.order)
    this[what].ns.push(Math.max(0, now - open.begun - open.waited))
  }

  endWait(open: Open, now: Ns): void {
    if (open.what === undefined || open.waitedSince < 0) return
    open.waited += now - open.waitedSince
    this.waitNs.push(now - open.waitedSince)
    open.waitedSince = -1
  }

  close(): this {
    for (const { what } of this.#open.values()) if (what !== undefined) this.unpaired++
    return this
  }
}

/** Pairs entries and returns on each CPU. */
export function measuredHolds({ events }: { readonly events: Events }): MeasuredHolds {
  const { hold_probe: probes, contention_begin: waits } = events.tables
  const { column } = probes
  const pairs = new HoldPairs(waits.length > 0)
  const nameOf = (name: string) => events.strings.find(name)
  const [freeBegin, freeAgain, freeEnd] = ['bulk_free_begin', 'bulk_free_again', 'bulk_free_end'].map(nameOf)
  const [refillBegin, refillEnd] = ['refill_begin', 'refill_end'].map(nameOf)
  const probed = (open: Open, now: Ns, slot: number): void => {
    const asked = column.count.data[slot] as number
    const listed = column.listed.data[slot] as number
    const by = column.recordedAs.data[slot] as number
    if (by === freeBegin || by === freeAgain)
      pairs.enterBulkFree(open, now, listed === ABSENT.i32 ? asked : Math.min(asked, listed), by)
    else if (by === freeEnd) pairs.end(open, 'bulkFree', now, open.blocks)
    else if (by === refillBegin) pairs.begin(open, 'refill', now, asked, column.order.data[slot] as number)
    else if (by === refillEnd) pairs.end(open, 'refill', now, column.moved.data[slot] as number)
  }
  for (let row = 0; row < events.length; row++) {
    const kind = events.kind[row]!
    if (kind !== Kind.hold_probe && kind !== Kind.contention_begin && kind !== Kind.contention_end) continue
    const open = pairs.openOn(events.cpu[row]!)
    const now = events.time[row]!
    if (kind === Kind.hold_probe) probed(open, now, events.slot[row]!)
    else if (kind === Kind.contention_end) pairs.endWait(open, now)
    else if (open.what !== undefined) open.waitedSince = now
  }
  return pairs.close()
}
