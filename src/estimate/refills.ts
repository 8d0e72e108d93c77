import type { Pcp } from '#policies'
import { Op } from '#record'
import type { Books } from './books.ts'
/** Recorded refills, compared with when and how much the rule would have fetched. */
export class Refills {
  readonly #books: Books

  constructor(books: Books) {
    this.#books = books
  }

  /** The recorded pages from the buddy that precede this row on its CPU: refills by an allocation or by the bulk allocator. */
  recorded(row: number): void {
    const { refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype, op, pfn, cpu } = this.#books.script
    const end = refillEnd[row]!
    for (let from = refillStart[row]!; from < end; ) {
      const order = refillOrder[from]!
      const type = refillMigratetype[from]!
      let to = from + 1
      while (to < end && refillOrder[to] === order && refillMigratetype[to] === type) to++
      const zone = this.#books.index.zone(refillPfn[from]!)
      if (zone >= 0 && type < 3) {
        const pset = cpu[row]! * this.#books.held.zones + zone
        if (this.#books.held.rulesOf(pset).allowed(order)) {
          const list = pset * this.#books.held.perSet + this.#books.held.rulesOf(pset).listOf(order, type)
          const direct = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
          if (direct && this.#isPast(pset, list, order)) this.#leaveLists(from, zone)
          else this.#refill(row, pset, list, order, from, to)
        } else this.#leaveLists(from, zone)
      }
      from = to
    }
  }

  /**
   * Whether a single page, allocated at once, went past the lists: its list held pages, or would have been filled with more while another
   * CPU, which was last seen draining others’ lists, may have held the pageset’s lock.
   */
  #isPast(pset: number, list: number, order: number): boolean {
    const { held, draining, free } = this.#books
    if (held.lists.lens[list]! > 0 || held.known[list] === 0) return true
    const cpu = Math.trunc(pset / held.zones)
    if (!held.traits.remoteDrains || !draining.some((drains, other) => drains === 1 && other !== cpu)) return false
    const past = held.rulesOf(pset).nrAlloc({ ...held.pcps[pset]! }, order, free.atRefill(pset)) > 1
    if (past) this.#books.miss('past-the-list')
    return past
  }

  /** A page that came straight from the buddy can be on no list. */
  #leaveLists(item: number, zone: number): void {
    const page = this.#books.index.at(this.#books.script.refillPfn[item]!, zone)
    if (this.#books.held.lists.where[page]! < 0) return
    this.#books.miss('held-twice')
    if (this.#books.resync) {
      this.#books.resyncs++
      this.#books.held.drop(page)
    }
  }

  /**
   * One run of recorded pages from the buddy for one list: a refill. Twice the predicted size in one run is two, with the first taken
   * whole by the untraced bulk allocator (vmalloc() asks it for up to 100 pages at once).
   */
  #refill(row: number, pset: number, list: number, order: number, from: number, to: number): void {
    const stats = this.#books.cpus[this.#books.script.cpu[row]!]!
    const { lists } = this.#books.held
    const rules = this.#books.held.rulesOf(pset)
    const pcp = this.#books.held.pcps[pset]!
    const scored = this.#books.held.known[list] === 1
    const excused = scored && lists.lens[list]! > 0 && this.#books.held.allMayBeTaken(list)
    const empty = lists.lens[list] === 0 || excused
    const size = to - from
    const saved = { ...pcp }
    const want = rules.nrAlloc(pcp, order, this.#books.free.atRefill(pset))
    const twice =
      size > want &&
      order === 0 &&
      this.#books.held.traits.bulkAllocator &&
      size === want + rules.nrAlloc(pcp, order, this.#books.free.atRefill(pset))
    const fits = size === want || twice
    if (scored) {
      stats.refills.recorded++
      if (empty) stats.refills.predicted++
      if (empty && fits) stats.refills.exact++
      if (excused) stats.excusedRefills++
      if (!empty) this.#books.miss('refill-of-held-list')
      const explained = empty && !fits && this.#books.resync && this.#explain(pset, order, size, saved)
      if (empty && !fits) {
        const byHigh = !explained && this.#books.resync && this.#highExplains(pset, order, size, saved)
        this.#books.miss(explained ? 'refill-zone-flags' : byHigh ? 'refill-high' : 'refill-size')
      }
      if (!(empty && fits)) {
        if (!this.#books.resync) return
        this.#books.resyncs++
        if (!explained) rules.learnAlloc?.(pcp, size, order)
      }
    }
    this.#books.takeUntil(list, -1)
    this.#books.held.prove(list, pset)
    for (let item = twice ? from + want : from; item < to; item++) this.#arrive(list, order, item)
    for (let item = from; twice && item < from + want; item++) this.#books.noteBulk(list)
  }

  /** Whether other flags of the zone than those thought of explain a refill's size: then these are taken. */
  #explain(pset: number, order: number, size: number, saved: Pcp): boolean {
    const { held, free } = this.#books
    if (!held.traits.decay) return false
    for (const flags of free.otherFlags(pset % held.zones, true, free.atRefill(pset))) {
      const pcp = { ...saved }
      if (held.rulesOf(pset).nrAlloc(pcp, order, flags) !== size) continue
      Object.assign(held.pcps[pset]!, pcp)
      free.learnAtRefill(pset, flags)
      return true
    }
    return false
  }

  /** Whether self-tuning `high` elsewhere than thought explains a refill's size, and the rest of the pacing as it is. */
  #highExplains(pset: number, order: number, size: number, saved: Pcp): boolean {
    const { held, free } = this.#books
    const rules = held.rulesOf(pset)
    const pcp = { ...saved }
    rules.learnAlloc?.(pcp, size, order)
    if (pcp.high === saved.high || pcp.allocFactor !== saved.allocFactor) return false
    const seen = free.atRefill(pset)
    for (const flags of [seen, ...free.otherFlags(pset % held.zones, true, seen)])
      if (rules.nrAlloc({ ...pcp }, order, flags) === size) return true
    return false
  }

  /** A page of a refill comes to its list. */
  #arrive(list: number, order: number, item: number): void {
    const zone = this.#books.index.zone(this.#books.script.refillPfn[item]!)
    if (zone < 0) return
    const page = this.#books.index.at(this.#books.script.refillPfn[item]!, zone)
    if (this.#books.held.lists.where[page]! >= 0) {
      this.#books.miss('held-twice')
      this.#books.resyncs++
      this.#books.held.drop(page)
    }
    this.#books.held.lists.pushTail(list, page)
    this.#books.held.fate[page] = this.#books.fates.ofRefill[item]!
    this.#books.held.pcps[Math.trunc(list / this.#books.held.perSet)]!.count += 1 << order
  }
}
