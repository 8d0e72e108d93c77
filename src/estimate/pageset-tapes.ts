import { Ask, type Demand, PAST_LISTS } from '#events/demand'
import type { Order, Pages } from '#kernel'
import type { ListRules } from '#policies/pcp'
import { Op, PageIndex, type Script } from '#record'

export const Step = {
  alloc: 0,
  free: 1,
  tick: 2,
  refill: 3,
  /** Pages leave the lists by no rule of theirs. */
  gone: 4,
} as const

/** Recorded refills and bulk frees of a tape at most: the start of a trace is all that is asked for. */
const MOST_ANSWERS = 12
const MOST_STEPS = 1 << 16

/** What comes to one pageset from the start of a trace on, with what the recording kernel did about it. */
export class PagesetTape {
  readonly step: number[] = []
  readonly order: Order[] = []
  /** Refilled or given back by the step. */
  readonly pages: Pages[] = []
  /** How far a bulk free may go beyond what a rule says: its blocks go whole. */
  readonly beyond: Pages[] = []
  #answers = 0
  /** What comes later is none of its business. */
  isOver = false

  push(step: number, order: Order, pages: Pages = 0): void {
    if (this.isOver) return
    this.step.push(step)
    this.order.push(order)
    this.pages.push(pages)
    this.beyond.push(0)
    if (step === Step.refill) this.#answers++
    this.isOver = this.#answers >= MOST_ANSWERS || this.step.length >= MOST_STEPS
  }

  /** Its last free, or tick, led to this. */
  givesBack(step: number, pages: Pages, beyond: Pages): void {
    if (this.isOver) return
    const last = this.step.lastIndexOf(step)
    if (last < 0 || this.pages[last]! > 0) {
      this.push(Step.gone, 0, pages)
      return
    }
    this.pages[last] = pages
    this.beyond[last] = beyond
    this.isOver = ++this.#answers >= MOST_ANSWERS
  }
}

/** A demand, pageset by pageset, with the recorded refills and bulk frees. Ends where drains on request or reclaim begin. */
export function pagesetTapes(script: Script, demand: Demand, rules: readonly ListRules[]): readonly PagesetTape[] {
  const tapes = new Tapes(script, demand, rules)
  tapes.record()
  return tapes.tapes
}

const ENDS: readonly number[] = [Ask.drainRequest, Ask.localDrain, Ask.reclaimStart]

class Tapes {
  readonly tapes: readonly PagesetTape[]
  readonly #script: Script
  readonly #demand: Demand
  readonly #rules: readonly ListRules[]
  readonly #index: PageIndex
  readonly #zones: number
  /** By the row of a bulk free that was preempted: rows at which it went on. */
  readonly #later = new Map<number, number[]>()
  /** Row of the demand that comes next. */
  #next = 0

  constructor(script: Script, demand: Demand, rules: readonly ListRules[]) {
    this.#script = script
    this.#demand = demand
    this.#rules = rules
    this.#index = new PageIndex(script.zones)
    this.#zones = script.zones.length
    this.tapes = Array.from({ length: script.cpus * this.#zones }, () => new PagesetTape())
    const { op, pfn, length } = script
    for (let row = 0; row < length; row++) {
      if (op[row] === Op.bulkFreeResumed) this.#later.set(pfn[row]!, [...(this.#later.get(pfn[row]!) ?? []), row])
    }
  }

  record(): void {
    const { length, op, time, refillStart, refillEnd, drainStart, drainEnd } = this.#script
    for (let row = 0; row < length && this.tapes.some(({ isOver }) => !isOver); row++) {
      if (op[row] === Op.lost || op[row] === Op.remotePage || op[row] === Op.drainWork) return
      // An allocation whose event came later stands a moment before the refill that it made.
      if (refillEnd[row]! > refillStart[row]!) {
        this.#follow(time[row]! - 1)
        this.#refills(row)
      }
      if (drainEnd[row]! > drainStart[row]!) {
        this.#follow(time[row]! + 1)
        this.#bulkFrees(row)
      }
    }
  }

  #follow(until: number): void {
    const { length, time, ask, cpu, zone, order, migratetype, lockHeld } = this.#demand
    for (; this.#next < length && time[this.#next]! < until; this.#next++) {
      const row = this.#next
      const first = cpu[row]! * this.#zones
      if (ENDS.includes(ask[row]!)) for (const tape of this.tapes) tape.isOver = true
      else if (ask[row] === Ask.tick) this.#tick(first)
      const rules = this.#rules[zone[row]!]
      if (rules === undefined || lockHeld[row] === 1 || !rules.allowed(order[row]!)) continue
      const tape = this.tapes[first + zone[row]!]!
      if (ask[row] === Ask.alloc) tape.push(Step.alloc, order[row]!)
      else if (ask[row] === Ask.bulkAlloc) tape.push(Step.gone, 0, 1)
      else if (ask[row] === Ask.free && migratetype[row] !== PAST_LISTS) tape.push(Step.free, order[row]!)
    }
  }

  /** A tick that no event shows may have come at another moment. */
  #tick(first: number): void {
    for (let zone = 0; zone < this.#zones; zone++) {
      const tape = this.tapes[first + zone]!
      if (this.#script.ticksRecorded) tape.push(Step.tick, 0)
      else if (this.#rules[zone]!.onTick !== undefined) tape.isOver = true
    }
  }

  #refills(row: number): void {
    const { op, cpu, pfn, refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype } = this.#script
    for (let from = refillStart[row]!, to = from; from < refillEnd[row]!; from = to) {
      const zone = this.#index.zone(refillPfn[from]!)
      const order = refillOrder[from]!
      while (to < refillEnd[row]! && refillOrder[to] === order && refillMigratetype[to] === refillMigratetype[from])
        to++
      const isForUser = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
      if (zone >= 0 && !isForUser && this.#rules[zone]!.allowed(order))
        this.tapes[cpu[row]! * this.#zones + zone]!.push(Step.refill, order, (to - from) << order)
    }
  }

  #bulkFrees(row: number): void {
    const { op, cpu } = this.#script
    if (op[row] !== Op.free && op[row] !== Op.tick) return
    for (let zone = 0; zone < this.#zones; zone++) {
      let [pages, blocks] = [0, 0]
      for (const part of [row, ...(this.#later.get(row) ?? [])]) {
        const { drainStart, drainEnd, drainPfn, drainOrder } = this.#script
        for (let at = drainStart[part]!; at < drainEnd[part]!; at++) {
          if (this.#index.zone(drainPfn[at]!) !== zone) continue
          pages += 1 << drainOrder[at]!
          blocks++
        }
      }
      if (pages > 0)
        this.tapes[cpu[row]! * this.#zones + zone]!.givesBack(
          op[row] === Op.free ? Step.free : Step.tick,
          pages,
          pages - blocks,
        )
    }
  }
}
