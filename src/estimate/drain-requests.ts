import { Quota } from '#policies/pcp'
import { Fate, Op, type Script } from '#record'
import type { BulkFrees } from './bulk-frees.ts'
import type { EstimatorState } from './state.ts'

/**
 * By row: 1 where a request comes to the last page that it drains, or begins and drains none. The pagesets after that are empty, so it is
 * over at once. Its CPU may do nothing else for a long time, while those of others fill again.
 */
function endsOfRequests({ length, op, cpu, cpus }: Script): Uint8Array {
  const ends = new Uint8Array(length)
  const last = new Int32Array(cpus).fill(-1)
  for (let row = 0; row < length; row++) {
    const at = last[cpu[row]!]!
    const isPage = op[row] === Op.remotePage
    if (at >= 0 && !isPage) ends[at] = 1
    last[cpu[row]!] = (isPage && at >= 0) || op[row] === Op.drainRequest ? row : -1
  }
  for (const at of last) if (at >= 0) ends[at] = 1
  return ends
}

/** Requests to empty the lists of all CPUs: whom they reach, and what was recorded of them. */
export class DrainRequests {
  readonly #state: EstimatorState
  readonly #bulkFrees: BulkFrees
  /** By requesting CPU: the pageset that its request empties now; −1: no request. */
  readonly #turn: Int32Array
  /** By requesting CPU: pages that were recorded of that pageset so far. */
  readonly #recorded: Int32Array
  /** By requesting CPU: the pageset that it came to last, and what that held. */
  readonly #begun: Int32Array
  readonly #predicted: Int32Array
  /** By row: 1 where a request comes to its last recorded page, or to none. */
  readonly #ends: Uint8Array
  /** By requesting CPU: what that held, page by page. */
  readonly #there: ({ readonly row: number; readonly pages: readonly number[] } | undefined)[] = []

  constructor(state: EstimatorState, bulkFrees: BulkFrees) {
    this.#state = state
    this.#bulkFrees = bulkFrees
    this.#turn = new Int32Array(state.script.cpus).fill(-1)
    this.#recorded = new Int32Array(state.script.cpus)
    this.#begun = new Int32Array(state.script.cpus).fill(-1)
    this.#predicted = new Int32Array(state.script.cpus)
    this.#ends = state.belief.traits.remoteDrains ? endsOfRequests(state.script) : new Uint8Array(0)
  }

  /** Anything else that a requester does ends its request. */
  before(cpu: number, op: number): void {
    if (op !== Op.remotePage) this.#end(cpu)
  }

  /** The pagesets that a request has not come to yet are emptied, all at once. */
  #end(cpu: number): void {
    if (this.#turn[cpu]! < 0) return
    this.#settle(cpu, this.#state.belief.psets.length)
    this.#turn[cpu] = -1
  }

  request(row: number): void {
    const { belief, script, interruptions } = this.#state
    if (belief.traits.remoteDrains) {
      this.#turn[script.cpu[row]!] = 0
      this.#recorded[script.cpu[row]!] = 0
      this.#begun[script.cpu[row]!] = -1
      if (this.#ends[row] === 1) this.#end(script.cpu[row]!)
      return
    }
    for (let cpu = 0; cpu < script.cpus; cpu++) {
      let held = 0
      for (let zone = 0; zone < belief.zones; zone++) held += belief.psets[cpu * belief.zones + zone]!.pcp.count
      if (held > 0) interruptions[cpu] = (interruptions[cpu] ?? 0) + 1
    }
  }

  drainWork(row: number): void {
    const state = this.#state
    const { script, belief, index } = state
    const cpu = script.cpu[row]!
    const { requested } = state.cpus[cpu]!
    // A work item drains one zone after the other.
    let from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    for (let zone = 0; zone < belief.zones; zone++) {
      let to = from
      while (to < end && index.zone(script.drainPfn[to]!) === zone) to++
      const pset = cpu * belief.zones + zone
      const scored = belief.isProven(pset)
      const { count } = belief.psets[pset]!.pcp
      const recorded = state.sizeOf(from, to)
      if (scored && (to > from || count > 0)) {
        requested.recorded++
        requested.predicted++
        if (count === recorded) requested.exact++
        else {
          state.miss('request-size')
          state.corrections++
        }
      }
      const quota = new Quota(count)
      if (state.runsFree(pset)) {
        state.countRequestedDrain(recorded, count)
        this.#bulkFrees.pages.byRule({ pset, list: 0, from, to, quota }, true)
      } else {
        state.countRequestedDrain(recorded, recorded)
        this.#bulkFrees.pages.follow({ pset, list: 0, from, to, scored, quota })
      }
      belief.emptied(pset)
      from = to
    }
  }

  /** A requester empties one pageset after the other; a page of unknown owner belongs to the one whose turn it is. */
  remotePage(row: number): void {
    const state = this.#state
    const { belief, index, free } = state
    const { pfn, zone, order, cpu } = state.script
    const by = cpu[row]!
    const page = index.at(pfn[row]!, zone[row]!)
    const size = 1 << order[row]!
    free.add(by, zone[row]!, size)
    const on = belief.lists.where[page]!
    const owner = on >= 0 ? belief.psetOf(on) : this.#ownerOfUnknown(by, zone[row]!, size)
    this.#settle(by, owner)
    this.#begin(by, owner)
    this.#recorded[by]! += size
    if (!state.runsFree(owner)) {
      if (on >= 0) belief.drop(page)
      else if (belief.psets[owner]!.unknown >= size) belief.dropUnknownPage(owner, size)
    }
    if (this.#ends[state.row] === 1) this.#end(by)
  }

  /** The pageset of this zone, from the one whose turn it is on, that may hold an unknown page; else the one whose turn it is. */
  #ownerOfUnknown(by: number, zone: number, size: number): number {
    const { belief } = this.#state
    const turn = Math.max(0, this.#turn[by]!)
    for (let pset = turn; pset < belief.psets.length; pset++)
      if (pset % belief.zones === zone && belief.psets[pset]!.unknown >= size) return pset
    return turn
  }

  /** The request comes to a pageset, which is empty from then on. */
  #begin(requester: number, pset: number): void {
    if (this.#begun[requester] === pset) return
    this.#begun[requester] = pset
    const { belief, row, given } = this.#state
    const { pcp } = belief.psets[pset]!
    if (!this.#state.runsFree(pset)) {
      this.#there[requester] = { row, pages: belief.pagesOf(pset) }
      return
    }
    const later = given.late.get(row)?.filter((page) => belief.isOn(page, pset)) ?? []
    const lists = later.map((page) => belief.lists.where[page]!)
    for (const page of later) belief.drop(page)
    this.#predicted[requester] = pcp.count
    belief.emptied(pset)
    for (const [at, page] of later.entries()) belief.put(lists[at]!, page)
  }

  /**
   * Pages that were there as the drain began and were not drained: a task had taken them, its event still to come; or the last free of
   * that CPU had not come to its list yet.
   */
  #notDrained(requester: number, pset: number): void {
    const { belief, found, script, lastRow } = this.#state
    const there = this.#there[requester]
    this.#there[requester] = undefined
    if (there === undefined) return
    const last = lastRow[belief.psets[pset]!.cpu]!
    const { op, pfn, zone } = script
    const lastFreed = op[last] === Op.free ? this.#state.index.at(pfn[last]!, zone[last]!) : -1
    for (const page of there.pages) {
      if (!belief.isOn(page, pset)) continue
      const into = page === lastFreed ? found.late : belief.fate[page] === Fate.alloc ? found.early : undefined
      into?.set(there.row, [...(into.get(there.row) ?? []), page])
    }
  }

  /** The turn of a request moves on to pageset `to`: those passed were emptied, so what they hold now came since. */
  #settle(requester: number, to: number): void {
    const state = this.#state
    const { belief } = state
    for (let pset = Math.max(0, this.#turn[requester]!); pset < to; pset++) {
      const recorded = this.#recorded[requester]!
      this.#recorded[requester] = 0
      if (state.runsFree(pset)) {
        this.#begin(requester, pset)
        state.countRequestedDrain(recorded, this.#predicted[requester]!)
      } else {
        state.countRequestedDrain(recorded, recorded)
        if (this.#begun[requester] === pset) this.#notDrained(requester, pset)
        belief.proveAll(pset)
      }
    }
    this.#turn[requester] = Math.max(this.#turn[requester]!, to)
  }
}
