import type { Ns } from '#kernel'
import { percentiles, rankOf } from '#kernel/numbers'
import { Lock } from './lock.ts'

interface HoldPrice {
  readonly baseNs: Ns
  readonly pageNs: Ns
}

/** Time that one hold of zone->lock takes: a straight line in pages. From a price list; see metrics' `lockPricesOf`. */
export interface LockPrices {
  readonly id: string
  readonly bulkFree: HoldPrice
  readonly refill: HoldPrice
}

const holdOf = ({ baseNs, pageNs }: HoldPrice, pages: number): Ns => Math.max(0, baseNs + pages * pageNs)

/** How long something took, over all times that it happened. */
export interface Spread {
  readonly count: number
  /** Those that took any time at all. */
  readonly positive: number
  readonly sumNs: Ns
  /** Percentiles: absent below 20 times. */
  readonly p50?: Ns
  readonly p99?: Ns
  readonly p999?: Ns
  readonly max: Ns
}

/** Who waited how long in one run, under one price list. */
export interface Times {
  readonly prices: string
  /** Holds of zone->lock, and waits for it, whoever took it. */
  readonly zoneHold: Spread
  readonly zoneWait: Spread
  /** Operations on a list that waited for its pageset’s lock. */
  readonly listWait: Spread
  /** What an allocation or free took beyond the list operation itself. */
  readonly operation: Spread
  /** From a drain request to its end. */
  readonly requester: Spread
  /** By CPU: for how long drain work kept it from what it did. */
  readonly stolenNs: Readonly<Record<string, Ns>>
  /** The longest that a drain had interrupts off. */
  readonly longestIrqsOffNs: Ns
  /** Times that a bulk free let zone->lock go half-way to somebody who waited. */
  readonly letGos: number
}

/** Parts of an octave that are distinguished: quantiles are at most 1.1 % too high. */
const PARTS = 64

/** Counts of times by length, in steps of a 64th octave. */
class Spreads {
  readonly #counts = new Uint32Array(64 * PARTS)
  #positive = 0
  #sum = 0
  #max = 0
  /** The last time and its part: most are as long as the one before. */
  #last = 1
  #part = 0

  add(ns: Ns): void {
    if (ns <= 0) return
    if (ns !== this.#last) {
      this.#last = ns
      this.#part = Math.max(0, Math.ceil(Math.log2(ns) * PARTS))
    }
    this.#counts[this.#part]!++
    this.#positive++
    this.#sum += ns
    if (ns > this.#max) this.#max = ns
  }

  /** `count`: how often it happened in all; what was not added took no time. */
  spread(count = this.#positive): Spread {
    const at = (share: number): Ns => {
      let left = rankOf(share, count) - (count - this.#positive)
      if (left < 0) return 0
      for (let part = 0; part < this.#counts.length; part++) {
        left -= this.#counts[part]!
        if (left < 0) return Math.min(this.#max, Math.round(2 ** (part / PARTS)))
      }
      return this.#max
    }
    return {
      count,
      positive: this.#positive,
      sumNs: Math.round(this.#sum),
      ...percentiles(count, () => ({ p50: at(0.5), p99: at(0.99), p999: at(0.999) })),
      max: Math.round(this.#max),
    }
  }
}

/**
 * What operations cost in time: zone->lock is one lock for all CPUs of a zone, and a CPU does one thing after the other. An operation
 * begins when it was recorded, or when its CPU is done with what delayed it; who was recorded first gets the lock first.
 */
export class Clocks {
  readonly #prices: LockPrices
  readonly #locks: readonly Lock[]
  /** When a CPU is done with what it does now. */
  readonly #done: Float64Array
  /** When whoever holds a pageset's own lock lets go of it. */
  readonly #held: Float64Array
  readonly #zoneWait = new Spreads()
  readonly #zoneHold = new Spreads()
  readonly #listWait = new Spreads()
  readonly #operation = new Spreads()
  readonly #requester = new Spreads()
  #requests = 0
  #letGos = 0
  /** By CPU: taken from whatever ran there. */
  readonly #stolen: Float64Array
  #longestIrqsOff: Ns = 0

  constructor(prices: LockPrices, zones: number, cpus: number) {
    this.#prices = prices
    this.#locks = Array.from({ length: zones }, () => new Lock())
    this.#done = new Float64Array(cpus)
    this.#held = new Float64Array(cpus * zones)
    this.#stolen = new Float64Array(cpus)
  }

  /** `part`: after so long the lock is let go where somebody waits. */
  #zoneLock(cpu: number, zone: number, now: Ns, hold: Ns, part = hold, goesOn = false): Ns {
    const start = Math.max(now, this.#done[cpu]!)
    const { wait, letGo } = this.#locks[zone]!.takeInParts(start, hold, part, cpu, goesOn)
    if (letGo >= 0) {
      this.#letGos++
      this.#done[letGo] = Math.max(this.#done[letGo]!, start + wait) + hold
    }
    this.#done[cpu] = start + wait + hold
    this.#zoneWait.add(wait)
    this.#zoneHold.add(hold)
    return start - now + wait + hold
  }

  /** A CPU takes so many pages from the buddy to a list. Returns how long from `now` until it is done. */
  refill(cpu: number, zone: number, now: Ns, pages: number): Ns {
    const ns = this.#zoneLock(cpu, zone, now, holdOf(this.#prices.refill, pages))
    this.#operation.add(ns)
    return ns
  }

  /**
   * A CPU gives so many pages of a list back, as part of a free. As `refill`. `chunk`: it lets go after so many where somebody waits.
   * `goesOn`: with the bulk free that it was at.
   */
  bulkFree(cpu: number, zone: number, now: Ns, pages: number, chunk = pages, goesOn = false): Ns {
    const price = this.#prices.bulkFree
    const ns = this.#zoneLock(cpu, zone, now, holdOf(price, pages), holdOf(price, Math.min(chunk, pages)), goesOn)
    this.#operation.add(ns)
    return ns
  }

  /** One block straight from or to the buddy. Its price is the slope alone, a lower bound: the published lines begin at 63 pages. */
  #block(cpu: number, zone: number, now: Ns, pages: number, { pageNs }: HoldPrice): void {
    this.#operation.add(this.#zoneLock(cpu, zone, now, pages * pageNs))
  }

  takeBlock(cpu: number, zone: number, now: Ns, pages: number): void {
    this.#block(cpu, zone, now, pages, this.#prices.refill)
  }

  giveBlock(cpu: number, zone: number, now: Ns, pages: number): void {
    this.#block(cpu, zone, now, pages, this.#prices.bulkFree)
  }

  /** A drain gives pages back on CPU `by`. Returns how long from `now` until it is done. */
  drain(by: number, zone: number, now: Ns, pages: number, irqsOff: boolean, chunk = pages): Ns {
    const price = this.#prices.bulkFree
    const ns = this.#zoneLock(by, zone, now, holdOf(price, pages), holdOf(price, Math.min(chunk, pages)))
    if (irqsOff) this.#longestIrqsOff = Math.max(this.#longestIrqsOff, ns)
    return ns
  }

  steal(cpu: number, ns: Ns): void {
    this.#stolen[cpu]! += ns
  }

  /** `zoneLocks`, `allocs` and `frees` of the run: what did not wait took no time. */
  times({ zoneLocks, allocs, frees }: { zoneLocks: number; allocs: number; frees: number }): Times {
    return {
      prices: this.#prices.id,
      zoneHold: this.#zoneHold.spread(),
      zoneWait: this.#zoneWait.spread(zoneLocks),
      listWait: this.#listWait.spread(),
      operation: this.#operation.spread(allocs + frees),
      requester: this.#requester.spread(this.#requests),
      stolenNs: Object.fromEntries(Array.from(this.#stolen, (ns, cpu) => [cpu, Math.round(ns)])),
      longestIrqsOffNs: Math.round(this.#longestIrqsOff),
      letGos: this.#letGos,
    }
  }

  /** A drain request was answered after `ns`. */
  answered(ns: Ns): void {
    this.#requests++
    this.#requester.add(ns)
  }

  /** A pageset's own lock is held for the next `ns`: by a drain, or by whoever moves pages of a list that CPUs share. */
  hold(pset: number, now: Ns, ns: Ns): void {
    this.#held[pset] = now + ns
  }

  isHeld(pset: number, now: Ns): boolean {
    return this.#held[pset]! > now
  }

  /** Whether the lock is still held when a CPU is done with what it does: never by itself. */
  waits(cpu: number, pset: number, now: Ns): boolean {
    return this.#held[pset]! > Math.max(now, this.#done[cpu]!)
  }

  /** A CPU waits until a pageset's own lock is free. */
  waitForList(cpu: number, pset: number, now: Ns): void {
    const wait = this.#held[pset]! - Math.max(now, this.#done[cpu]!)
    if (wait <= 0) return
    this.#done[cpu] = this.#held[pset]!
    this.#listWait.add(wait)
    this.#operation.add(wait)
  }
}
