/** kvfree_rcu() on one CPU, object by object and event by event, with no latency anywhere: slow and plain. */

export interface SlowRules {
  readonly maxEntries: number
  readonly drainTicks: number
  readonly hurries: boolean
  readonly slots: number
  readonly cachedPages: number
  readonly callerAllocates: boolean
  readonly drainsReady: boolean
  /** A refill counts from what the cache has. */
  readonly batch: 'rcu-work' | 'cond-sync' | 'polled'
}

export interface SlowCall {
  readonly at: number
  readonly single: boolean
}

interface Bag {
  objects: number[]
  /** When the grace period of its last object is over. */
  ready: number
}

interface Batch {
  pages: Bag[]
  list: Bag | undefined
  detachReady: number
}

interface Slot {
  /** Holds objects: its work has not begun. */
  batch: Batch | undefined
  working: boolean
  queued: boolean
}

/** Time is in ticks. Returns when each call's object was freed; undefined: not before the end. */
export function slowFrees(
  calls: readonly SlowCall[],
  gracePeriods: readonly (readonly [start: number, end: number])[],
  rules: SlowRules,
  end: number,
): (number | undefined)[] {
  const freed: (number | undefined)[] = calls.map(() => undefined)
  const readyAfter = (t: number) => gracePeriods.find(([start]) => start > t)?.[1] ?? Number.POSITIVE_INFINITY
  let later: { at: number; order: number; what: () => void }[] = []
  let order = 0
  const set = (at: number, first: boolean, what: () => void) => {
    // Grace periods come before timers of the same moment.
    const entry = { at, order: first ? order++ - 1e9 : order++, what }
    later.push(entry)
    return entry
  }
  let pages: Bag[] = []
  let list: Bag | undefined
  let cached = 0
  let monitor: { at: number; order: number; what: () => void } | undefined
  const slots: Slot[] = Array.from({ length: rules.slots }, () => ({ batch: undefined, working: false, queued: false }))
  const collected = () => pages.reduce((n, page) => n + page.objects.length, 0) + (list?.objects.length ?? 0)

  const free = (bags: readonly Bag[], now: number, hasPage: boolean) => {
    for (const { objects } of bags) {
      for (const object of objects) freed[object] = now
      if (hasPage && cached < rules.cachedPages) cached++
    }
  }
  const listOf = (bag: Bag | undefined) => (bag === undefined ? [] : [bag])

  const arm = (now: number) => {
    const delay = rules.hurries && collected() >= rules.maxEntries ? 1 : rules.drainTicks
    const at = Math.floor(now) + delay
    if (monitor !== undefined && monitor.at <= at) return
    later = later.filter((one) => one !== monitor)
    monitor = set(at, false, () => {
      monitor = undefined
      runMonitor(at)
    })
  }

  const runMonitor = (now: number) => {
    if (rules.drainsReady) {
      while (pages.length > 0 && pages[0]!.ready <= now) free([pages.shift()!], now, true)
      if (list !== undefined && list.ready <= now) {
        free([list], now, false)
        list = undefined
      }
    }
    const slot = slots.find(({ batch }) => batch === undefined)
    if (slot !== undefined && collected() > 0) {
      slot.batch = { pages, list, detachReady: readyAfter(now) }
      pages = []
      list = undefined
      if (rules.batch === 'rcu-work') set(readyAfter(now), true, () => begin(slot, readyAfter(now)))
      else begin(slot, now)
    }
    if (collected() > 0) arm(now)
  }

  const begin = (slot: Slot, now: number) => {
    if (slot.working) {
      slot.queued = true
      return
    }
    const batch = slot.batch!
    slot.batch = undefined
    slot.working = true
    const done = (at: number) => {
      slot.working = false
      if (!slot.queued) return
      slot.queued = false
      begin(slot, at)
    }
    const freeAll = (at: number) => {
      free(batch.pages, at, true)
      free(listOf(batch.list), at, false)
      done(at)
    }
    const freeList = (at: number) => {
      if (batch.list === undefined || batch.detachReady <= at) {
        free(listOf(batch.list), at, false)
        done(at)
      } else
        set(readyAfter(at), true, () => {
          free(listOf(batch.list), readyAfter(at), false)
          done(readyAfter(at))
        })
    }
    if (rules.batch === 'rcu-work') freeAll(now)
    else if (rules.batch === 'cond-sync') {
      if (batch.detachReady <= now) freeAll(now)
      else set(readyAfter(now), true, () => freeAll(readyAfter(now)))
    } else {
      while (batch.pages.length > 0 && batch.pages[0]!.ready <= now) free([batch.pages.shift()!], now, true)
      if (batch.pages.length === 0) freeList(now)
      else
        set(readyAfter(now), true, () => {
          free(batch.pages, readyAfter(now), true)
          freeList(readyAfter(now))
        })
    }
  }

  const call = ({ at, single }: SlowCall, object: number) => {
    let page = pages.at(-1)
    if (page === undefined || page.objects.length === rules.maxEntries) {
      if (cached > 0) cached--
      else if (!(single && rules.callerAllocates)) {
        cached = rules.cachedPages
        if (single) set(readyAfter(at), true, () => (freed[object] = readyAfter(at)))
        else {
          list ??= { objects: [], ready: 0 }
          list.objects.push(object)
          list.ready = readyAfter(at)
          arm(at)
        }
        return
      }
      page = { objects: [], ready: 0 }
      pages.push(page)
    }
    page.objects.push(object)
    page.ready = readyAfter(at)
    arm(at)
  }

  const runUntil = (until: number) => {
    for (;;) {
      const next = later.sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (next === undefined || next.at > until) return
      later.shift()
      next.what()
    }
  }
  for (const [object, one] of calls.entries()) {
    runUntil(one.at)
    call(one, object)
  }
  runUntil(end)
  return freed
}
