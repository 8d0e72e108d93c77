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

/** Pairs entries and returns on each CPU. */
export function measuredHolds({ events }: { readonly events: Events }): MeasuredHolds {
  const { hold_probe: probes, contention_begin: waits } = events.tables
  const names = {
    freeBegin: events.strings.find('bulk_free_begin'),
    freeAgain: events.strings.find('bulk_free_again'),
    freeEnd: events.strings.find('bulk_free_end'),
    refillBegin: events.strings.find('refill_begin'),
    refillEnd: events.strings.find('refill_end'),
  }
  const found = {
    bulkFree: { pages: [] as Pages[], ns: [] as Ns[] },
    refill: { pages: [] as Pages[], ns: [] as Ns[] },
    probeNs: [] as Ns[],
    waitNs: [] as Ns[],
    hasWaits: waits.length > 0,
    unpaired: 0,
  }
  const cpus = new Map<number, Open>()
  const openOn = (cpu: number): Open => {
    const known = cpus.get(cpu)
    if (known !== undefined) return known
    const fresh: Open = { what: undefined, by: undefined, begun: 0, blocks: 0, order: 0, waitedSince: -1, waited: 0 }
    cpus.set(cpu, fresh)
    return fresh
  }
  const begin = (open: Open, what: 'bulkFree' | 'refill', now: Ns, blocks: number, order: number) => {
    if (open.what !== undefined) found.unpaired++
    Object.assign(open, { what, begun: now, blocks, order, waitedSince: -1, waited: 0 })
  }
  const enterBulkFree = (open: Open, now: Ns, count: number, by: number | undefined) => {
    const isSecond = open.what === 'bulkFree' && open.by !== undefined && open.by !== by
    if (isSecond) {
      found.probeNs.push(now - open.begun)
      open.begun = now
    } else begin(open, 'bulkFree', now, count, 0)
    open.by = isSecond ? undefined : by
  }
  const end = (open: Open, what: 'bulkFree' | 'refill', now: Ns, blocks: number) => {
    if (open.what !== what) {
      found.unpaired++
      return
    }
    open.what = undefined
    if (blocks <= 0) return
    found[what].pages.push(blocks << open.order)
    found[what].ns.push(Math.max(0, now - open.begun - open.waited))
  }
  for (let row = 0; row < events.length; row++) {
    const open = openOn(events.cpu[row]!)
    const now = events.time[row]!
    const slot = events.slot[row]!
    switch (events.kind[row]!) {
      case Kind.contention_begin:
        if (open.what !== undefined) open.waitedSince = now
        break
      case Kind.contention_end:
        if (open.what === undefined || open.waitedSince < 0) break
        open.waited += now - open.waitedSince
        found.waitNs.push(now - open.waitedSince)
        open.waitedSince = -1
        break
      case Kind.hold_probe: {
        const { column } = probes
        const asked = column.count.data[slot] as number
        const listed = column.listed.data[slot] as number
        const count = listed === ABSENT.i32 ? asked : Math.min(asked, listed)
        switch (column.recordedAs.data[slot]) {
          case names.freeBegin:
          case names.freeAgain:
            enterBulkFree(open, now, count, column.recordedAs.data[slot])
            break
          case names.freeEnd:
            end(open, 'bulkFree', now, open.blocks)
            break
          case names.refillBegin:
            begin(open, 'refill', now, count, column.order.data[slot] as number)
            break
          case names.refillEnd:
            end(open, 'refill', now, column.moved.data[slot] as number)
        }
      }
    }
  }
  for (const { what } of cpus.values()) if (what !== undefined) found.unpaired++
  return found
}
