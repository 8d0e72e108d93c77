/**
 * The drain mechanisms written down a second time, as plainly as can be: each request and each work item is a process that says what it
 * does, step by step, and lets time pass by yielding it. What the fast mechanisms must agree with.
 */
export interface World {
  /** Pages on the lists, [cpu][zone]. */
  readonly counts: number[][]
  readonly isolated: readonly number[]
  readonly batch: number
  /** What giving so many pages back takes, ns. */
  readonly price: (pages: number) => number
  /** Recorded grace periods. */
  readonly gracePeriods: readonly { readonly start: number; readonly end: number }[]
}

export interface Request {
  readonly time: number
  readonly cpu: number
  /** Undefined: all. */
  readonly zone: number | undefined
}

/** What a run does, each with its moment. */
export type Deed =
  | { readonly what: 'drains'; at: number; cpu: number; zone: number; pages: number; by: number }
  | { readonly what: 'swaps'; at: number; cpu: number; zone: number; pages: number }
  | { readonly what: 'interrupts'; at: number; cpu: number }
  | { readonly what: 'stops'; at: number; cpu: number; ns: number }
  | { readonly what: 'answers'; at: number; since: number }
  | { readonly what: 'skips' | 'waits for a grace period' | 'sleeps in atomic context'; at: number }

type Process = Generator<number | 'until woken', void, void>

/** Runs processes; what is due at one moment runs in the order in which it began to wait. */
export class Scheduler {
  now = 0
  #waiting: { time: number; process: Process }[] = []

  /** Runs a process until it first lets time pass. */
  run(process: Process): void {
    const { done, value } = process.next()
    if (done !== true && value !== 'until woken') this.#waiting.push({ time: this.now + value, process })
  }

  /** Lets time pass up to and including `until`. */
  pass(until: number): void {
    for (;;) {
      const time = Math.min(...this.#waiting.map((one) => one.time))
      if (time > until || this.#waiting.length === 0) break
      this.now = time
      const at = this.#waiting.findIndex((one) => one.time === time)
      const [{ process }] = this.#waiting.splice(at, 1) as [{ time: number; process: Process }]
      this.run(process)
    }
    if (Number.isFinite(until)) this.now = until
  }
}

export class SlowDrains {
  readonly deeds: Deed[] = []
  readonly #world: World
  readonly #scheduler: Scheduler
  #mutexTaken = false
  #queue: Process[] = []

  constructor(world: World, scheduler: Scheduler) {
    this.#world = world
    this.#scheduler = scheduler
  }

  #places(zone: number | undefined): { cpu: number; zone: number }[] {
    return this.#world.counts
      .flatMap((zones, cpu) => zones.map((pages, at) => ({ cpu, zone: at, pages })))
      .filter((place) => place.pages > 0 && (zone === undefined || place.zone === zone))
      .map(({ cpu, zone: at }) => ({ cpu, zone: at }))
  }

  #take(cpu: number, zone: number, most: number, by: number): number {
    const pages = Math.min(most, this.#world.counts[cpu]![zone]!)
    this.#world.counts[cpu]![zone]! -= pages
    this.deeds.push({ what: 'drains', at: this.#scheduler.now, cpu, zone, pages, by })
    return pages === 0 ? 0 : this.#world.price(pages)
  }

  request(request: Request, drain: (cpu: number, zone: number | undefined, self: Process) => Process): void {
    const process: Process = this.#asked(request, () => process, drain)
    this.#scheduler.run(process)
  }

  /** drain_all_pages() under pcpu_drain_mutex: who wants all zones does not wait for it. */
  *#asked(
    { time, cpu, zone }: Request,
    self: () => Process,
    drain: (cpu: number, zone: number | undefined, self: Process) => Process,
  ): Process {
    if (this.#mutexTaken) {
      if (zone === undefined) {
        this.deeds.push({ what: 'skips', at: this.#scheduler.now })
        return
      }
      this.#queue.push(self())
      yield 'until woken'
    }
    this.#mutexTaken = true
    yield* drain(cpu, zone, self())
    this.deeds.push({ what: 'answers', at: this.#scheduler.now, since: time })
    this.#mutexTaken = false
    const next = this.#queue.shift()
    if (next !== undefined) this.#scheduler.run(next)
  }

  /** 5.10: one work item on each CPU that holds pages; it empties that CPU's own lists. */
  *work(delayOf: (cpu: number) => number, zone: number | undefined, requester: Process): Process {
    const cpus = [...new Set(this.#places(zone).map((place) => place.cpu))]
    let unfinished = cpus.length
    let waits = false
    const drains = this
    function* item(cpu: number): Process {
      drains.deeds.push({ what: 'interrupts', at: drains.#scheduler.now, cpu })
      const delay = delayOf(cpu)
      if (delay > 0) yield delay
      let ns = 0
      for (const place of drains.#places(zone)) {
        if (place.cpu === cpu) ns += drains.#take(cpu, place.zone, Number.POSITIVE_INFINITY, cpu)
      }
      drains.deeds.push({ what: 'stops', at: drains.#scheduler.now, cpu, ns })
      if (ns > 0) yield ns
      unfinished--
      if (unfinished === 0 && waits) drains.#scheduler.run(requester)
    }
    for (const cpu of cpus) this.#scheduler.run(item(cpu))
    if (unfinished > 0) {
      waits = true
      yield 'until woken'
    }
  }

  /** The lists are swapped for empty ones; after a grace period the requester frees what they held. */
  *rcuSwap(
    { expedited, fromTrace, lengthNs }: { expedited: boolean; fromTrace: boolean; lengthNs: number },
    by: number,
    zone: number | undefined,
  ): Process {
    const at = () => this.#scheduler.now
    const swapped = this.#places(zone).map((place) => {
      const pages = this.#world.counts[place.cpu]![place.zone]!
      this.#world.counts[place.cpu]![place.zone] = 0
      this.deeds.push({ what: 'swaps', at: at(), ...place, pages })
      return { ...place, pages }
    })
    this.deeds.push({ what: 'waits for a grace period', at: at() })
    if (expedited)
      this.#world.counts.forEach((_, cpu) => {
        if (cpu !== by) this.deeds.push({ what: 'interrupts', at: at(), cpu })
      })
    const recorded = this.#world.gracePeriods.find(({ start }) => start >= at())
    const wait = fromTrace && !expedited && recorded !== undefined ? recorded.end - at() : lengthNs
    if (wait > 0) yield wait
    for (const { cpu, zone, pages } of swapped) {
      this.deeds.push({ what: 'drains', at: at(), cpu, zone, pages, by })
      const ns = this.#world.price(pages)
      if (ns > 0) yield ns
    }
  }

  /** The requester empties one pageset after the other itself, so many pages while it holds the lock. */
  *remote(pagesPerHold: number, sleeps: boolean, by: number, zone: number | undefined): Process {
    for (const place of this.#places(zone)) {
      for (let empty = false; !empty; ) {
        if (sleeps) this.deeds.push({ what: 'sleeps in atomic context', at: this.#scheduler.now })
        const ns = this.#take(place.cpu, place.zone, pagesPerHold, by)
        empty = this.#world.counts[place.cpu]![place.zone] === 0
        if (ns > 0) yield ns
      }
    }
  }
}
