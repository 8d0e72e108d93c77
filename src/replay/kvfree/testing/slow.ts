/** kvfree_rcu() on one CPU, object by object and event by event, with no latency anywhere: slow and plain. */

export interface SlowRules {
  readonly maxEntries: number
  readonly drainTicks: number
  readonly hurries: boolean
  readonly slots: number
  readonly cachedPages: number
  readonly source: SlowSource
  readonly drainsReady: boolean
  readonly batch: 'rcu-work' | 'cond-sync' | 'polled' | 'polled-rcu-work'
}

/** What happens where there is no room for an object. */
interface SlowSource {
  /**
   * `worker`: it goes without a page, and the cache is filled at once. `caller`: so, but a one-argument caller has its page at once.
   * `sleeper`: a one-argument caller sleeps for its page, others go without. `pcp`: a page comes off the page lists if they hold one.
   */
  readonly from: 'worker' | 'caller' | 'sleeper' | 'pcp'
  /** How long a sleeper's allocation takes, and whether it succeeds. */
  readonly allocTicks?: number
  readonly fails?: boolean
  /** Nobody allocates while a grace period is older. */
  readonly stalledTicks?: number
  /** The cache is filled so long after room falls to `critical` or the calls of a tick reach `perTick`. */
  readonly watch?: { readonly critical: number; readonly perTick: number; readonly delayTicks: number }
  readonly lists?: { readonly high: number; readonly batch: number; readonly objectsPerPage: number }
}

interface SlowCall {
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

/** When an object was freed, and where it waited: by name of `Channel`. */
export interface SlowFree {
  readonly at: number
  readonly from: 'slab' | 'list' | 'inline' | 'sheaf'
}

/** Time is in ticks. Returns what became of each call's object; undefined: not freed before the end. */
export function slowFrees(
  calls: readonly SlowCall[],
  gracePeriods: readonly (readonly [start: number, end: number])[],
  rules: SlowRules,
  end: number,
): (SlowFree | undefined)[] {
  const freed: (SlowFree | undefined)[] = calls.map(() => undefined)
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
  const { source } = rules
  let cached = source.from === 'worker' || source.from === 'caller' ? 0 : rules.cachedPages
  let sleepers: number[] = []
  let allocating = false
  let asked = false
  let rate = { tick: -1, calls: 0 }
  const lists = { count: 0, objects: 0, freed: 0 }
  const give = () => {
    const { high, batch } = source.lists!
    if (++lists.count >= high) lists.count -= batch
  }
  let monitor: { at: number; order: number; what: () => void } | undefined
  const slots: Slot[] = Array.from({ length: rules.slots }, () => ({ batch: undefined, working: false, queued: false }))
  const collected = () => pages.reduce((n, page) => n + page.objects.length, 0) + (list?.objects.length ?? 0)

  const gone = (object: number, at: number, from: SlowFree['from']) => {
    freed[object] = { at, from }
    if (source.lists !== undefined && ++lists.freed % source.lists.objectsPerPage === 0) give()
  }
  const free = (bags: readonly Bag[], now: number, hasPage: boolean) => {
    for (const { objects } of bags) {
      for (const object of objects) gone(object, now, hasPage ? 'slab' : 'list')
      if (!hasPage) continue
      if (cached < rules.cachedPages) cached++
      else if (source.lists !== undefined) give()
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

  /** Frees what is ready. Whether anything is left. */
  const freesSome = (batch: Batch, now: number): boolean => {
    while (batch.pages.length > 0 && batch.pages[0]!.ready <= now) free([batch.pages.shift()!], now, true)
    if (batch.detachReady <= now) {
      free(listOf(batch.list), now, false)
      batch.list = undefined
    }
    return batch.pages.length > 0 || batch.list !== undefined
  }

  const begin = (slot: Slot, now: number) => {
    if (slot.working) {
      slot.queued = true
      return
    }
    const batch = slot.batch!
    if (rules.batch === 'polled-rcu-work' && freesSome(batch, now)) {
      set(readyAfter(now), true, () => {
        slot.batch = undefined
        free(batch.pages, readyAfter(now), true)
        free(listOf(batch.list), readyAfter(now), false)
      })
      return
    }
    slot.batch = undefined
    if (rules.batch === 'polled-rcu-work') return
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

  const inline = (object: number, now: number) =>
    set(readyAfter(now), true, () => gone(object, readyAfter(now), 'inline'))

  const allocate = (at: number) => {
    allocating = true
    const done = at + source.allocTicks!
    set(done, false, () => {
      allocating = false
      const all = sleepers
      sleepers = []
      if (source.fails === true) {
        for (const object of all) inline(object, done)
        return
      }
      const newest = pages.at(-1)
      if (cached > 0 || (newest !== undefined && newest.objects.length < rules.maxEntries)) cached++
      else pages.push({ objects: [], ready: 0 })
      for (const object of all) if (!put(object, done)) sleepers.push(object)
      if (sleepers.length > 0) allocate(done)
    })
  }

  /** Into the newest page, or one of the cache. False where there is no room. */
  const put = (object: number, at: number): boolean => {
    let page = pages.at(-1)
    if (page === undefined || page.objects.length === rules.maxEntries) {
      if (cached === 0) return false
      cached--
      page = { objects: [], ready: 0 }
      pages.push(page)
    }
    page.objects.push(object)
    page.ready = readyAfter(at)
    arm(at)
    return true
  }

  const withoutPage = (object: number, { at, single }: SlowCall) => {
    if (single) {
      inline(object, at)
      return
    }
    list ??= { objects: [], ready: 0 }
    list.objects.push(object)
    list.ready = readyAfter(at)
    arm(at)
  }

  const noRoom = (object: number, call: SlowCall) => {
    const { at, single } = call
    const withPage = () => {
      pages.push({ objects: [], ready: 0 })
      put(object, at)
    }
    const running = gracePeriods.find(([start, end]) => start <= at && at < end)
    const stalled = running !== undefined && at - running[0] > (source.stalledTicks ?? Number.POSITIVE_INFINITY)
    switch (source.from) {
      case 'caller':
      case 'worker':
        if (single && source.from === 'caller') withPage()
        else {
          cached = rules.cachedPages
          withoutPage(object, call)
        }
        break
      case 'sleeper':
        if (single && !stalled) {
          sleepers.push(object)
          if (!allocating) allocate(at)
        } else withoutPage(object, call)
        break
      case 'pcp':
        if (lists.count > 0) {
          lists.count--
          withPage()
        } else withoutPage(object, call)
    }
  }

  const watch = (at: number) => {
    if (source.watch === undefined) return
    const { critical, perTick, delayTicks } = source.watch
    if (rate.tick !== Math.floor(at)) rate = { tick: Math.floor(at), calls: 0 }
    rate.calls++
    const newest = pages.at(-1)
    const left = cached * rules.maxEntries + (newest === undefined ? 0 : rules.maxEntries - newest.objects.length)
    if (asked || cached >= rules.cachedPages || (left > critical && rate.calls < perTick)) return
    const fill = () => {
      asked = false
      cached = Math.max(cached, rules.cachedPages)
    }
    asked = true
    if (delayTicks === 0) fill()
    else set(at + delayTicks, false, fill)
  }

  const call = (one: SlowCall, object: number) => {
    if (!put(object, one.at)) noRoom(object, one)
    watch(one.at)
    if (source.lists === undefined || lists.objects++ % source.lists.objectsPerPage !== 0) return
    if (lists.count === 0) lists.count = source.lists.batch
    lists.count--
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

/** Objects of one CPU as sheaves: each cache fills its own, and a full one waits for a grace period. Which cache each is of. */
export function slowSheaves(
  calls: readonly { readonly at: number; readonly cache: number }[],
  gracePeriods: readonly (readonly [start: number, end: number])[],
  capacities: readonly number[],
): (SlowFree | undefined)[] {
  return calls.map(({ cache }, object) => {
    const own = calls.flatMap((call, at) => (call.cache === cache ? [at] : []))
    const place = own.indexOf(object)
    const last = own[place - (place % capacities[cache]!) + capacities[cache]! - 1]
    const end = last === undefined ? undefined : gracePeriods.find(([start]) => start > calls[last]!.at)?.[1]
    return end === undefined ? undefined : { at: end, from: 'sheaf' }
  })
}
