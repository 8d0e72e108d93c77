import { Quota } from '#policies'
import { Op } from '#record'
import type { Books } from './books.ts'
import type { BulkFrees } from './bulk-frees.ts'
/** Requests to empty the lists of all CPUs: whom they reach, and what was recorded of them. */
export class DrainRequests {
  readonly #books: Books
  readonly #bulkFrees: BulkFrees
  /** By requesting CPU: the pageset that its request empties now; −1: no request. */
  readonly #turn: Int32Array

  constructor(books: Books, bulkFrees: BulkFrees) {
    this.#books = books
    this.#bulkFrees = bulkFrees
    this.#turn = new Int32Array(books.script.cpus).fill(-1)
  }

  /** Anything else that a requester does ends its request. */
  before(cpu: number, op: number): void {
    if (this.#turn[cpu]! < 0 || op === Op.remotePage) return
    this.#settle(cpu, this.#books.held.pcps.length)
    this.#turn[cpu] = -1
  }

  request(row: number): void {
    if (this.#books.held.traits.remoteDrains) {
      this.#turn[this.#books.script.cpu[row]!] = 0
      return
    }
    for (let cpu = 0; cpu < this.#books.script.cpus; cpu++) {
      let held = 0
      for (let zone = 0; zone < this.#books.held.zones; zone++)
        held += this.#books.held.pcps[cpu * this.#books.held.zones + zone]!.count
      if (held > 0) this.#books.interruptions[cpu] = (this.#books.interruptions[cpu] ?? 0) + 1
    }
  }

  drainWork(row: number): void {
    const script = this.#books.script
    const cpu = script.cpu[row]!
    const { requested } = this.#books.cpus[cpu]!
    // A work item drains one zone after the other.
    let from = script.drainStart[row]!
    const end = script.drainEnd[row]!
    for (let zone = 0; zone < this.#books.held.zones; zone++) {
      let to = from
      while (to < end && this.#books.index.zone(script.drainPfn[to]!) === zone) to++
      const pset = cpu * this.#books.held.zones + zone
      const scored = this.#books.held.calibrated[pset] === 1
      if (scored && (to > from || this.#books.held.pcps[pset]!.count > 0)) {
        requested.recorded++
        requested.predicted++
        if (this.#books.held.pcps[pset]!.count === this.#books.sizeOf(from, to)) requested.exact++
        else this.#books.miss('request-size')
      }
      this.#bulkFrees.drainRecorded(row, pset, 0, from, to, scored, new Quota(this.#books.held.pcps[pset]!.count))
      if (scored && this.#books.held.pcps[pset]!.count !== 0) this.#books.resyncs++
      this.#books.held.emptied(pset)
      from = to
    }
  }

  /** A requester empties one pageset after the other; a page of unknown owner belongs to the one whose turn it is. */
  remotePage(row: number): void {
    const { pfn, zone, order, cpu } = this.#books.script
    const page = this.#books.index.at(pfn[row]!, zone[row]!)
    this.#books.free.add(cpu[row]!, zone[row]!, 1 << order[row]!)
    const on = this.#books.held.lists.where[page]!
    const turn = this.#turn[cpu[row]!]!
    if (on >= 0) {
      const owner = Math.trunc(on / this.#books.held.perSet)
      this.#settle(cpu[row]!, owner)
      this.#books.held.drop(page)
      return
    }
    let owner = Math.max(0, turn)
    const size = 1 << order[row]!
    while (owner < this.#books.held.pcps.length && this.#books.held.unknown[owner]! < size) owner++
    if (owner === this.#books.held.pcps.length) return
    this.#settle(cpu[row]!, owner)
    this.#books.held.unknown[owner]! -= size
    this.#books.held.pcps[owner]!.count -= size
  }

  /** The turn of a request moves on to pageset `to`: those passed were emptied, so what they hold now came since. */
  #settle(requester: number, to: number): void {
    for (let pset = Math.max(0, this.#turn[requester]!); pset < to; pset++) {
      this.#books.held.proveAll(pset)
    }
    this.#turn[requester] = Math.max(this.#turn[requester]!, to)
  }
}
