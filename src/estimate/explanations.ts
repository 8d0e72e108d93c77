import type { Pcp, ZoneFlags } from '#policies'
import type { Books } from './books.ts'
import type { BulkSizes, Burst } from './bulk-sizes.ts'

/** Why a burst was not as predicted, where the record tells: each puts what was hidden where the record shows it. */
export class Explanations {
  readonly #books: Books
  readonly #sizes: BulkSizes

  constructor(books: Books, sizes: BulkSizes) {
    this.#books = books
    this.#sizes = sizes
  }

  /**
   * Whether the untraced bulk allocator explains that nothing went at the limit: a page on top of a list, that is not seen to be
   * allocated later, was not there any more. One such page for each free that went unanswered.
   */
  takenBefore({ row, pset, list, order, saved }: Burst): boolean {
    const { held } = this.#books
    const base = pset * held.perSet
    for (let at = base; at < base + held.perSet; at++) {
      const top = held.lists.head(at)
      if (at === base + list || top < 0 || !held.mayBeTaken(top, at)) continue
      const pcp = { ...saved, count: saved.count - 1 }
      if (held.rulesOf(pset).nrFree(pcp, order, this.#books.flagsOf(pset)) > 0) return false
      held.drop(top)
      Object.assign(held.pcps[pset]!, pcp)
      this.#books.noteBulk(at)
      this.#books.cpus[this.#books.script.cpu[row]!]!.excusedBursts++
      return true
    }
    return false
  }

  /** Whether other flags of the zone than those thought of explain what was recorded: then these are taken. */
  byFlags({ pset, order, saved, from, to }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    if (!held.traits.reclaimActive) return false
    const zone = pset % held.zones
    for (const flags of free.otherFlags(zone, held.traits.decay)) {
      const pcp = { ...saved }
      const n = held.rulesOf(pset).nrFree(pcp, order, flags)
      const pages = n === 0 ? 0 : this.#sizes.reach(pset, n, this.#sizes.chunkOf(pset, n), from, to).pages
      if (pages !== recorded) continue
      if (recorded > 0 && !this.#mayBe(flags, pset, order, saved)) continue
      Object.assign(held.pcps[pset]!, pcp)
      free.learn(zone, flags)
      return true
    }
    return false
  }

  /**
   * Whether a count that was off explains that pages go now: an order-0 free crossed a limit exactly, under the zone's flags as they are
   * thought to be or others. Pages from before the trace are counted by zoneinfo alone.
   */
  byCount({ row, pset, order, saved, from, to }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    if (order > 0 || held.allKnown(pset) || !held.traits.reclaimActive) return false
    const zone = pset % held.zones
    const rules = held.rulesOf(pset)
    const known = held.held(pset)
    const ranges = [{ from, to }, ...this.#sizes.later(row)]
    for (const flags of [{ ...free.flags[zone]! }, ...free.otherFlags(zone, held.traits.decay)]) {
      const limit = rules.limit(saved, flags)
      if (limit === saved.count || limit < known || held.isTooFar(pset, limit)) continue
      const pcp = { ...saved, count: limit }
      const n = rules.nrFree(pcp, order, flags)
      if (n === 0 || this.#sizes.expected(row, pset, n, this.#sizes.chunkOf(pset, n), ranges) !== recorded) continue
      held.recount(pset, limit)
      Object.assign(held.pcps[pset]!, pcp)
      free.learn(zone, flags)
      held.calibrated[pset] = 1
      return true
    }
    return false
  }

  /** Whether flags explain that pages go now and none went at the last free: they began since, or the count crossed their limit. */
  #mayBe(flags: ZoneFlags, pset: number, order: number, saved: Pcp): boolean {
    const { held, free, quiet } = this.#books
    if (quiet[pset]! < 0 || free.mayBegin(pset % held.zones, flags, quiet[pset]!)) return true
    return held.rulesOf(pset).nrFree({ ...saved, count: saved.count - (1 << order) }, order, flags) === 0
  }

  /** Whether self-tuning `high` was elsewhere than thought: then it is put where the record shows it. */
  byHigh({ pset, n, saved }: Burst, recorded: number): boolean {
    const { held, free } = this.#books
    // While kswapd balances the limit is another.
    if (recorded === 0) return !this.#books.flagsOf(pset).reclaimActive && held.raiseHigh(pset)
    return n === 0 && held.lowerHigh(pset, saved, free.unpressed(pset % held.zones))
  }
}
