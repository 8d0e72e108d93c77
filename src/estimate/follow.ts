import { BYPASS, Fate, Op } from '#record'
import { BulkFrees } from './bulk-frees.ts'
import { BulkSizes } from './bulk-sizes.ts'
import { DrainRequests } from './drain-requests.ts'
import { type Inferences, noInferences } from './inferences.ts'
import { nextTickOf } from './next-tick.ts'
import { Refills } from './refills.ts'
import type { ScoredRows } from './scored-window.ts'
import type { FidelityRun } from './scores.ts'
import { EstimatorState, type Shared } from './state.ts'
import { Ticks } from './ticks.ts'

/** Rows of which the drained pages are their own business. */
const explained: ReadonlySet<number> = new Set([Op.free, Op.drainWork, Op.tick, Op.bulkFreeResumed])

interface PassOptions {
  /** Correct the belief after each miss; else the record is used until a pageset is proven, and then no more. */
  readonly corrects: boolean
  /** What an earlier pass found. */
  readonly given?: Inferences
  /** Rows whose scores are also counted apart. */
  readonly scored?: ScoredRows | undefined
  /** Go on with the belief over gaps in the recording, where it is to say how the trace began and not how well it is known. */
  readonly bridges?: boolean
}

/**
 * One pass over a script under the recording kernel's own rules: each row is predicted, compared with what the kernel recorded there,
 * explained where it differs, and the belief is corrected.
 */
export class Pass {
  readonly #state: EstimatorState
  readonly #shared: Shared
  readonly #scored: ScoredRows | undefined
  readonly #refills: Refills
  readonly #bulkFrees: BulkFrees
  readonly #requests: DrainRequests
  readonly #ticks: Ticks
  readonly #bridges: boolean
  /** What of the inferences of an earlier pass comes next. */
  #nextBulk = 0
  #nextAhead = 0
  #nextUnseen = 0

  constructor(shared: Shared, { corrects, given = noInferences(), scored, bridges = false }: PassOptions) {
    this.#shared = shared
    this.#scored = scored
    this.#bridges = bridges
    const state = new EstimatorState(shared, corrects, given)
    const sizes = new BulkSizes(state)
    this.#state = state
    this.#refills = new Refills(state, sizes)
    this.#bulkFrees = new BulkFrees(state, sizes)
    this.#requests = new DrainRequests(state, this.#bulkFrees)
    this.#ticks = new Ticks(state, sizes, this.#bulkFrees)
  }

  run(): FidelityRun {
    const state = this.#state
    const { script, belief, free, draining } = state
    const { length, op, cpu } = script
    const { ticks } = this.#shared
    let nextTick = 0
    const { first = 0, end = length } = this.#scored ?? {}
    for (let row = 0; row < length; row++) {
      if (row === first && row > 0) state.beginsHere()
      if (row === end) state.endsHere()
      while (ticks.row[nextTick] === row) {
        free.tick(ticks.cpu[nextTick]!)
        this.#ticks.due(ticks.cpu[nextTick++]!, row)
      }
      state.row = row
      if (op[row] === Op.lost) {
        if (!this.#bridges) belief.forget(cpu[row]!)
        continue
      }
      this.#ticks.comesLate(cpu[row]!, row)
      free.advance(row)
      this.#requests.before(cpu[row]!, op[row]!)
      if (script.refillEnd[row]! > script.refillStart[row]!) this.#refills.recorded(row)
      else if (op[row] === Op.alloc && belief.traits.decay) free.tried(script.zone[row]!, row)
      if (state.given.early.size > 0) this.#popEarly(row)
      this.#leaveUnseen(row)
      this.#takeInBulk(row)
      this.#act(row)
      this.#refills.notPredicted()
      if (!explained.has(op[row]!)) this.#bulkFrees.strayDrains(row)
      state.lastRow[cpu[row]!] = row
      draining[cpu[row]!] = op[row] === Op.remotePage || op[row] === Op.drainRequest ? 1 : 0
    }
    const run = state.close(ticks, this.#shared.boosts, this.#scored !== undefined)
    return { ...run, nextTick: nextTickOf(state, this.#bulkFrees.pages) }
  }

  #act(row: number): void {
    const state = this.#state
    const { script, belief, free } = state
    switch (script.op[row]!) {
      case Op.alloc:
        this.#alloc(row)
        break
      case Op.free:
        this.#free(row)
        break
      case Op.drainRequest:
      case Op.requestStarted:
        this.#requests.request(row)
        break
      case Op.drainWork:
        this.#requests.drainWork(row)
        break
      case Op.remotePage:
        this.#requests.remotePage(row)
        break
      case Op.reclaimStart:
        if (belief.traits.reclaimActive) free.reclaim(true, row, script.pfn[row]!)
        break
      case Op.reclaimEnd:
        if (belief.traits.reclaimActive) free.reclaim(false, row, script.pfn[row]!)
        break
      case Op.kswapdSleep:
        free.kswapdSleeps(script.pfn[row]!)
        break
      case Op.compactionTook:
        free.add(script.cpu[row]!, script.zone[row]!, -(1 << script.order[row]!))
        break
      case Op.shortage:
        if (belief.traits.decay) free.shortage(row)
        break
      case Op.tick:
        free.tick(script.cpu[row]!)
        this.#ticks.tick(row)
        break
      case Op.bulkFreeResumed:
        this.#bulkFrees.resumed(row)
        break
    }
  }

  /** Pages that tasks took here, though their events come later. */
  #popEarly(row: number): void {
    const { given, belief, history, found } = this.#state
    const pages = given.early.get(row)
    if (pages === undefined) return
    const followed: number[] = []
    for (const page of pages) {
      const list = belief.lists.where[page]!
      if (list < 0) continue
      if (this.#state.listRunsFree(belief.psetOf(list), list)) {
        const head = belief.lists.head(list)
        if (head !== page) {
          belief.forgetIdentity(page)
          belief.allocates(belief.psetOf(list))
          belief.drop(head)
          belief.marksInFlight(page)
        } else belief.popInFlight(page)
      } else followed.push(page)
    }
    if (followed.length > 0)
      belief.popEarly(followed, (page, list) => {
        history.popped(belief.psetOf(list), row, belief.orderOf(list))
        this.#state.noteAhead(page)
        found.left.set(row, [...(found.left.get(row) ?? []), page])
      })
  }

  /** Pages from before the trace leave unseen, as an earlier pass found. */
  #leaveUnseen(row: number): void {
    const { given, belief, history } = this.#state
    for (; given.unseen[this.#nextUnseen]?.row === row; this.#nextUnseen++) {
      const { pset, pages } = given.unseen[this.#nextUnseen]!
      belief.recount(pset, belief.psets[pset]!.pcp.count - pages)
      history.taken(pset, row, pages)
    }
  }

  /** What the untraced bulk allocator took from lists that run free, as an earlier pass found. */
  #takeInBulk(row: number): void {
    const state = this.#state
    const { belief, given, corrects } = state
    if (corrects) return
    const { bulk, refillsAhead } = given
    for (; bulk.row[this.#nextBulk]! <= row; this.#nextBulk++) {
      const pset = bulk.pset[this.#nextBulk]!
      const list = pset * belief.perSet + bulk.list[this.#nextBulk]!
      if (!state.listRunsFree(pset, list) || state.filledAt[list] === bulk.row[this.#nextBulk]) continue
      if (belief.lists.lens[list] === 0) this.#refills.predicted(pset, list, true)
      const head = belief.lists.head(list)
      if (head >= 0) belief.drop(head)
    }
    for (; this.#nextAhead < refillsAhead.length && refillsAhead[this.#nextAhead]!.row <= row; this.#nextAhead++) {
      const { list, page, row: filled } = refillsAhead[this.#nextAhead]!
      const pset = belief.psetOf(list)
      // What was followed as recorded is done.
      if (!state.listRunsFree(pset, list) || state.filledAt[list] === filled) continue
      if (belief.lists.lens[list] === 0) this.#refills.predicted(pset, list)
      if (page < 0) continue
      belief.allocates(pset)
      this.#takesHead(list, page)
      belief.marksInFlight(page)
    }
  }

  #alloc(row: number): void {
    const state = this.#state
    const { script, belief, index } = state
    const order = script.order[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * belief.zones + zone
    const page = index.at(script.pfn[row]!, zone)
    this.#ticks.uses(pset)
    if (belief.landed(page)) {
      state.notePop(row, page)
      state.noteLanded(page)
      return
    }
    const rules = belief.rulesOf(pset)
    if (!rules.allowed(order)) {
      state.isElsewhere(page)
      return
    }
    const list = pset * belief.perSet + rules.listOf(order, script.migratetype[row]!)
    const stats = state.cpus[cpu]!
    stats.operations++
    // Straight from the buddy, past the lists and their pacing.
    if (state.isDirect(row)) {
      state.isElsewhere(page)
      return
    }
    belief.allocates(pset)
    state.history.popped(pset, row, order)
    if (state.listRunsFree(pset, list)) this.#takesHead(list, page)
    else this.#takes(row, list, page)
  }

  /** The rules hand out their own head, which takes the recorded page's part from here on. */
  #takesHead(list: number, page: number): void {
    const { belief } = this.#state
    if (belief.lists.lens[list] === 0) this.#refills.predicted(belief.psetOf(list), list)
    const head = belief.lists.head(list)
    if (head < 0) return
    if (head !== page && belief.lists.where[page]! >= 0) belief.forgetIdentity(page)
    belief.drop(belief.lists.head(list))
  }

  #takes(row: number, list: number, page: number): void {
    const state = this.#state
    const { belief } = state
    const pset = belief.psetOf(list)
    const on = belief.lists.where[page]!
    const proven = belief.known[list] === 1
    if (!proven && belief.lists.lens[list] === 0) state.cpuOf(pset).warmup++
    if (on === list) {
      if (belief.lists.head(list) !== page && !this.#skipTo(row, list, page)) return
      belief.drop(page)
      return
    }
    state.notePop(row, page)
    if (on >= 0) {
      state.miss('on-another-list')
      state.corrections++
      if (belief.psetOf(on) === pset) belief.drop(page)
      else belief.dropAbsent(page)
      return
    }
    if (!proven) {
      // Unknown pages lie below all known ones.
      if (!state.popUntraced(list, -1)) state.corrections++
      const order = belief.orderOf(list)
      belief.psets[pset]!.pcp.count -= 1 << order
      belief.takeUnknown(pset, list, order)
      return
    }
    state.corrections++
    if (belief.lists.lens[list] === 0) {
      state.cpuOf(pset).refills.predicted++
      state.miss('refill-not-recorded')
    } else state.miss('page-not-held')
  }

  /**
   * Pops what the bulk allocator took above `page`. Where what lies above is seen again, `page` alone was popped: its task slept,
   * or was interrupted, before the event.
   */
  #skipTo(row: number, list: number, page: number): boolean {
    const state = this.#state
    const { belief } = state
    let clean = true
    for (let above = belief.lists.head(list); above !== page; above = belief.lists.below(above))
      if (!belief.mayBeTaken(above, list)) clean = false
    if (clean) {
      state.popUntraced(list, page)
      return true
    }
    state.miss('not-the-head')
    state.notePop(row, page)
    state.corrections++
    const head = belief.lists.head(list)
    belief.skip(list)
    if (belief.lists.where[head]! < 0) state.noteAhead(head)
    return belief.lists.where[page]! >= 0
  }

  /**
   * Whether a freed block went past the lists: it next comes from the buddy, and no drain brought it there. Another operation held the
   * pageset's lock: one that this free interrupted, or a drain of another CPU. Source: free_frozen_pages(), mm/page_alloc.c, v6.1 on.
   */
  #wentStraightToBuddy(row: number): boolean {
    const { fates, belief } = this.#state
    if (!belief.traits.remoteDrains || fates.ofRow[row] !== Fate.refill) return false
    this.#state.pastFrees++
    return true
  }

  #free(row: number): void {
    const state = this.#state
    const { script, belief, index, fates } = state
    const order = script.order[row]!
    const type = script.migratetype[row]!
    const zone = script.zone[row]!
    const cpu = script.cpu[row]!
    const pset = cpu * belief.zones + zone
    const rules = belief.rulesOf(pset)
    const page = index.at(script.pfn[row]!, zone)
    this.#ticks.uses(pset)
    belief.landed(page)
    this.#isNotHeld(page)
    if (type === BYPASS || !rules.allowed(order) || this.#wentStraightToBuddy(row)) {
      state.free.add(cpu, zone, 1 << order)
      this.#bulkFrees.strayDrains(row)
      return
    }
    const list = rules.listOf(order, type)
    state.cpus[cpu]!.operations++
    belief.lists.pushHead(pset * belief.perSet + list, page)
    belief.fate[page] = fates.ofRow[row]!
    belief.psets[pset]!.pcp.count += 1 << order
    state.history.freed(pset, row, order)
    this.#bulkFrees.freed(row, pset, list, order)
  }

  /** A page that is freed lies on no list: it was taken untraced, and so was all above it. */
  #isNotHeld(page: number): void {
    const state = this.#state
    const { belief } = state
    const on = belief.lists.where[page]!
    if (on < 0) return
    if (state.listRunsFree(belief.psetOf(on), on)) {
      belief.forgetIdentity(page)
      return
    }
    if (belief.mayBeTaken(page, on)) {
      state.popUntraced(on, page)
      state.noteBulk(on)
      belief.drop(page)
    } else {
      state.miss('held-twice')
      state.corrections++
      belief.dropAbsent(page)
    }
  }
}
