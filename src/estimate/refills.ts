import type { Pcp } from '#policies/pcp'
import { Fate, Op } from '#record'
import type { BulkSizes } from './bulk-sizes.ts'
import { explainRefill } from './hypotheses/index.ts'
import type { EstimatorState } from './state.ts'

/** A run of recorded pages from the buddy for one list. */
interface RefillRun {
  readonly list: number
  readonly order: number
  readonly from: number
  readonly to: number
}

/** CMA pages fill the MOVABLE lists: no other page of type 4 leaves the buddy. */
const listTypeOf = (type: number): number => (type === 4 ? 1 : type)

/** Recorded refills, compared with when and how much the rule would have fetched. */
export class Refills {
  readonly #state: EstimatorState
  readonly #sizes: BulkSizes
  /** Recorded runs of this row for lists that run free, until a predicted refill matches them. */
  readonly #open: RefillRun[] = []

  constructor(state: EstimatorState, sizes: BulkSizes) {
    this.#state = state
    this.#sizes = sizes
  }

  /** The recorded pages from the buddy that precede this row on its CPU: refills by an allocation or by the bulk allocator. */
  recorded(row: number): void {
    const { script, belief, index } = this.#state
    const { refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype, cpu } = script
    const end = refillEnd[row]!
    for (let from = refillStart[row]!; from < end; ) {
      const order = refillOrder[from]!
      const type = listTypeOf(refillMigratetype[from]!)
      const zone = index.zone(refillPfn[from]!)
      let to = from + 1
      while (
        to < end &&
        refillOrder[to] === order &&
        listTypeOf(refillMigratetype[to]!) === type &&
        index.zone(refillPfn[to]!) === zone
      )
        to++
      if (zone >= 0) {
        const pset = cpu[row]! * belief.zones + zone
        const rules = belief.rulesOf(pset)
        if (type < 3 && rules.allowed(order)) {
          const list = pset * belief.perSet + rules.listOf(order, type)
          this.#run(row, pset, { list, order, from, to })
        } else if (type < 3) this.#leaveLists(from, zone)
      }
      from = to
    }
  }

  #run(row: number, pset: number, run: RefillRun): void {
    const { script, found, given, corrects } = this.#state
    const direct =
      run.to - run.from === 1 && script.op[row] === Op.alloc && script.pfn[row] === script.refillPfn[run.from]
    if (this.#state.listRunsFree(pset, run.list)) {
      if (!(direct && given.direct.has(row))) this.#open.push(run)
    } else if (direct && (corrects ? this.#cameStraightFromBuddy(pset, run) : given.direct.has(row))) {
      found.direct.add(row)
      this.#leaveLists(run.from, pset % this.#state.belief.zones)
    } else this.#refill(pset, run)
  }

  /**
   * Whether a single page, allocated at once, went past the lists: its list held pages, or would have been filled with more while another
   * operation may have held the pageset's lock. That is a drain by another CPU, or, with PREEMPT_RT, a task that was preempted here.
   */
  #cameStraightFromBuddy(pset: number, { list, order }: RefillRun): boolean {
    const { belief, free, draining, script } = this.#state
    if (belief.known[list] === 0) return true
    if (belief.lists.lens[list]! > 0) {
      this.#state.miss('past-the-list')
      return true
    }
    if (!belief.traits.remoteDrains) return false
    const { cpu } = belief.psets[pset]!
    if (script.machine.preemption !== 'rt' && !draining.some((drains, other) => drains === 1 && other !== cpu))
      return false
    const trial = belief.trial(belief.psets[pset]!.pcp)
    const past = belief.rulesOf(pset).nrAlloc(trial, order, free.atRefill(pset)) > 1
    if (past) this.#state.miss('past-the-list')
    return past
  }

  /** A page that came straight from the buddy can be on no list. */
  #leaveLists(item: number, zone: number): void {
    const { index, script } = this.#state
    this.#state.isElsewhere(index.at(script.refillPfn[item]!, zone))
  }

  /**
   * One run of recorded pages from the buddy for one list: a refill. As many as two refills bring is two, with the first taken
   * whole by the untraced bulk allocator (vmalloc() asks it for up to 100 pages at once).
   */
  #refill(pset: number, { list, order, from, to }: RefillRun): void {
    const state = this.#state
    const { belief, free } = state
    const set = belief.psets[pset]!
    const stats = state.cpuOf(pset)
    const flags = free.atRefill(pset)
    const rules = belief.rulesOf(pset)
    const proven = belief.known[list] === 1
    if (proven) this.#leaveInFlight(pset, list)
    const excused = proven && belief.lists.lens[list]! > 0 && belief.allMayBeTaken(list)
    const empty = belief.lists.lens[list] === 0 || excused
    const size = to - from
    const saved: Pcp = set.pcp.clone()
    const { outcome: want, unique } = belief.runs(set, (pcp) => rules.nrAlloc(pcp, order, flags))
    const taken = size > want && order === 0 && belief.traits.bulkAllocator ? this.#ofFirst(pset, want, size, order) : 0
    const fits = size === want || taken > 0
    const cause =
      empty && !fits ? explainRefill({ pset, list, order, size, saved, flags }, state, this.#sizes) : undefined
    // A refill that shows a count which nothing had proven is not scored.
    const doublings = order > 0 ? 0 : Math.max(0, Math.ceil(Math.log2(size / saved.batch)))
    state.limits?.moves(pset, saved.batch << doublings)
    // No multiple of a batch: `high` cut it, and lies a batch above what the lists hold then.
    if (proven && doublings > 0 && size !== saved.batch << doublings) state.limits?.reached(pset, size + saved.batch)
    const scored = proven && (unique || !empty) && cause !== 'refill-count'
    state.countRefill(size << order, size << order)
    if (scored) {
      stats.refills.recorded++
      if (empty) stats.refills.predicted++
      if (empty && fits) stats.refills.exact++
      if (excused) stats.excusedRefills++
      if (!empty) state.miss('refill-of-held-list')
    }
    if (scored && empty && !fits) state.miss(cause ?? 'refill-size')
    if (scored && !(empty && fits)) state.corrections++
    state.popUntraced(list, -1)
    belief.prove(list, pset)
    state.filledAt[list] = state.row
    state.history.refilled(pset, state.row, order, size << order)
    for (let item = from + taken; item < to; item++) this.#arrive(list, order, item)
    for (let item = 0; item < taken; item++) state.noteBulk(list)
    if (!this.#isAllocOf(pset, list)) this.#takenAtOnce(list)
  }

  /** A list is filled though it holds pages: a task that was preempted before its event took them before. */
  #leaveInFlight(pset: number, list: number): void {
    const { belief, row, index, found, history, preemptedPops } = this.#state
    const { cpu, zone } = belief.psets[pset]!
    const order = belief.orderOf(list)
    for (let page = belief.lists.head(list); page >= 0; page = belief.lists.head(list)) {
      if (page >= index.size || !preemptedPops.mayHold(cpu, index.pfn(page, zone), order, row)) return
      belief.popInFlight(page)
      history.popped(pset, row, order)
      this.#state.noteAhead(page)
      found.left.set(row, [...(found.left.get(row) ?? []), page])
      if (found.early.get(row)?.includes(page) !== true) found.early.set(row, [...(found.early.get(row) ?? []), page])
    }
  }

  /** Nothing fills a list but an allocation that takes its first block: one whose event is still to come, or of the bulk allocator. */
  #takenAtOnce(list: number): void {
    const { belief, found, row } = this.#state
    const head = belief.lists.head(list)
    if (head < 0) return
    if (belief.mayBeTaken(head, list)) {
      belief.drop(head)
      this.#state.noteBulk(list)
      return
    }
    const isAlloc = belief.fate[head] === Fate.alloc
    if (isAlloc) {
      belief.popInFlight(head)
      this.#state.noteAhead(head)
      this.#state.history.popped(belief.psetOf(list), row, belief.orderOf(list))
    }
    found.refillsAhead.push({ row, list, page: isAlloc ? head : -1 })
  }

  /** Whether this row’s allocation is what the list was filled for; else it was the untraced bulk allocator. */
  #isAllocOf(pset: number, list: number): boolean {
    const { script, row, belief, index } = this.#state
    const rules = belief.rulesOf(pset)
    return (
      script.op[row] === Op.alloc &&
      !belief.isInFlight(index.at(script.pfn[row]!, script.zone[row]!)) &&
      script.cpu[row]! * belief.zones + script.zone[row]! === pset &&
      rules.allowed(script.order[row]!) &&
      pset * belief.perSet + rules.listOf(script.order[row]!, script.migratetype[row]!) === list
    )
  }

  /** How many of `size` pages came with a first refill, if they are two; else 0, and the pacing stays as it is. */
  #ofFirst(pset: number, first: number, size: number, order: number): number {
    const { belief, free } = this.#state
    const set = belief.psets[pset]!
    const trial = set.pcp.clone()
    const last = belief.rulesOf(pset).nrAlloc(trial, order, free.atRefill(pset))
    if (first + last !== size) return 0
    set.pcp.assign(trial)
    return size - last
  }

  /** A page of a refill comes to its list. */
  #arrive(list: number, order: number, item: number): void {
    const { belief, fates } = this.#state
    const page = this.#identity(item)
    if (page < 0) return
    this.#state.isElsewhere(page)
    belief.lists.pushTail(list, page)
    belief.fate[page] = fates.ofRefill[item]!
    belief.psets[belief.psetOf(list)]!.pcp.count += 1 << order
  }

  #identity(item: number): number {
    const { index, script } = this.#state
    const zone = index.zone(script.refillPfn[item]!)
    return zone < 0 ? -1 : index.at(script.refillPfn[item]!, zone)
  }

  /**
   * An allocation finds a list that runs free empty: it is filled as the rule says, with recorded identities where there are some.
   * `byBulk`: it was the untraced bulk allocator, whose refills follow one another without an event between them.
   */
  predicted(pset: number, list: number, byBulk = false): void {
    const state = this.#state
    const { belief, free } = state
    const order = belief.orderOf(list)
    const rules = belief.rulesOf(pset)
    const { outcome: n } = belief.runs(belief.psets[pset]!, (pcp) => rules.nrAlloc(pcp, order, free.atRefill(pset)))
    const at = this.#open.findIndex((run) => run.list === list)
    const run = this.#open[at]
    const { refills, ranFree } = state.cpuOf(pset)
    if (run === undefined) {
      refills.predicted++
      state.miss('refill-not-recorded')
      state.countRefill(0, n << order)
    } else {
      const size = run.to - run.from
      const isPart = byBulk && size > n
      // Refills without an event between them are recorded as one run.
      if (isPart) this.#open[at] = { ...run, from: run.from + n }
      else {
        this.#open.splice(at, 1)
        refills.recorded++
        refills.predicted++
        ranFree.refills++
        if (size === n) refills.exact++
        else state.miss('refill-size')
      }
      state.countRefill((isPart ? n : size) << order, n << order)
    }
    for (let arrived = 0; arrived < n; arrived++)
      this.#fill(list, order, run !== undefined && arrived < run.to - run.from ? run.from + arrived : -1)
  }

  /** A block comes to a list that runs free; −1: without identity. */
  #fill(list: number, order: number, item: number): void {
    const { belief, fates } = this.#state
    const known = item < 0 ? -1 : this.#identity(item)
    if (known >= 0) this.#state.isElsewhere(known)
    const page = known >= 0 && belief.lists.where[known]! < 0 ? known : belief.anonymous()
    if (page < 0) return
    belief.lists.pushTail(list, page)
    belief.fate[page] = page === known ? fates.ofRefill[item]! : Fate.none
    belief.psets[belief.psetOf(list)]!.pcp.count += 1 << order
  }

  /** Recorded refills of this row that the lists, left to their rules, did not make. */
  notPredicted(): void {
    if (this.#open.length === 0) return
    for (const { list, order, from, to } of this.#open) {
      this.#state.cpuOf(this.#state.belief.psetOf(list)).refills.recorded++
      this.#state.miss('refill-of-held-list')
      this.#state.countRefill((to - from) << order, 0)
    }
    this.#open.length = 0
  }
}
