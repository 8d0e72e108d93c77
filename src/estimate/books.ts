import type { PcpChoice, ZoneFlags } from '#policies'
import type { Fates, PageIndex, Script, SilentTicks } from '#record'
import { boostsOf } from './boosts.ts'
import { FreePages } from './free-pages.ts'
import { KnownLists } from './known-lists.ts'
import type { CpuFidelity, FidelityRun, Miss, Score } from './scores.ts'

const newScore = (): Score => ({ recorded: 0, predicted: 0, exact: 0 })

/** What a replay that follows a recording works on and writes down. */
export class Books {
  readonly script: Script
  readonly fates: Fates
  readonly index: PageIndex
  /** Whether the replay is put right from the record after each miss. */
  readonly resync: boolean
  readonly held: KnownLists
  readonly free: FreePages
  readonly cpus: CpuFidelity[]
  readonly misses = new Map<Miss, number>()
  readonly early = new Map<number, number[]>()
  readonly bulk = { row: [] as number[], pset: [] as number[], list: [] as number[] }
  readonly localDrains = { row: [] as number[], pset: [] as number[] }
  readonly interruptions: Record<string, number> = {}
  /** The row of the script that is followed now. */
  row = 0
  resyncs = 0
  /** Frees that went to the buddy, since another operation held the pageset's lock. */
  pastFrees = 0
  readonly #boosts: Uint8Array
  /** By CPU: 1 where it was last seen draining the lists of others. */
  readonly draining: Uint8Array
  /** By pageset: the row of its last free, if nothing was given back then; else −1. */
  readonly quiet: Int32Array

  constructor(script: Script, choice: PcpChoice, resync: boolean, index: PageIndex, fates: Fates, boosts?: Uint8Array) {
    this.script = script
    this.resync = resync
    this.index = index
    this.fates = fates
    this.held = new KnownLists(script, choice, index)
    const { traits, rules } = this.held
    this.#boosts = boosts ?? boostsOf(script, rules)
    this.free = new FreePages(script, traits.decay, this.#boosts)
    this.draining = new Uint8Array(script.cpus)
    this.quiet = new Int32Array(this.held.pcps.length).fill(-1)
    this.cpus = Array.from({ length: script.cpus }, (_, cpu) => ({
      cpu,
      warmup: 0,
      operations: 0,
      excusedRefills: 0,
      excusedBursts: 0,
      refills: newScore(),
      bursts: newScore(),
      requested: newScore(),
      ticks: newScore(),
      pages: { recorded: 0, exact: 0, unknownStart: 0, wrong: 0 },
    }))
  }

  /** This row’s allocation took a page that was no head by then: its task took it before others ran, if they did. */
  notePop(row: number, page: number): void {
    const left = this.script.preemptedAtRow[row]!
    if (left === 0) return
    const pages = this.early.get(left)
    if (pages === undefined) this.early.set(left, [page])
    else pages.push(page)
  }

  /** Takes pages off a list from its head until (and without) `end`; −1: all. They were popped untraced. */
  takeUntil(list: number, end: number): boolean {
    let clean = true
    for (let page = this.held.lists.head(list); page !== end && page >= 0; page = this.held.lists.head(list)) {
      if (!this.held.mayBeTaken(page, list)) clean = false
      this.held.drop(page)
      this.noteBulk(list)
    }
    return clean
  }

  noteBulk(list: number): void {
    this.bulk.row.push(this.row)
    this.bulk.pset.push(Math.trunc(list / this.held.perSet))
    this.bulk.list.push(list % this.held.perSet)
  }

  /** Without resync: the policy hands out its own head, which takes the recorded page's part from here on. */
  swapForHead(list: number, page: number): void {
    const head = this.held.lists.head(list)
    if (head < 0) return
    const pset = Math.trunc(list / this.held.perSet)
    this.held.lists.remove(head)
    this.held.pcps[pset]!.count -= 1 << this.held.rulesOf(pset).orderOf(list % this.held.perSet)
    if (this.held.lists.where[page]! >= 0) {
      this.held.fate[head] = this.held.fate[page]!
      this.held.lists.replace(page, head)
    }
  }

  sizeOf(from: number, to: number): number {
    let pages = 0
    for (let item = from; item < to; item++) pages += 1 << this.script.drainOrder[item]!
    return pages
  }

  /** Flags of a pageset's zone, as its list rules see them. */
  flagsOf(pset: number): ZoneFlags {
    return this.free.flags[pset % this.held.zones]!
  }

  miss(cause: Miss): void {
    this.misses.set(cause, (this.misses.get(cause) ?? 0) + 1)
  }

  close(ticks: SilentTicks): FidelityRun {
    const { cpus, resyncs, misses, early, bulk, localDrains, interruptions, held } = this
    const finalCounts = Int32Array.from(held.pcps, ({ count }) => count)
    const finalHighs = Int32Array.from(held.pcps, ({ high }) => high)
    const finalLists = held.lists.lens.slice()
    return {
      cpus,
      resyncs,
      misses,
      early,
      inferredBulkPages: bulk.row.length,
      inferredPastFrees: this.pastFrees,
      interruptions,
      initial: { entries: held.initial, hidden: held.unknown.slice() },
      bulk,
      localDrains,
      ticks,
      boosts: this.#boosts,
      highMax: held.highMax,
      finalCounts,
      finalHighs,
      finalLists,
      nextTick: this.#nextTick(),
    }
  }

  #nextTick(): FidelityRun['nextTick'] {
    const { held, index } = this
    const blocks = Array.from({ length: held.zones }, () => ({ pfn: [] as number[], order: [] as number[] }))
    held.pcps.forEach((_, pset) => {
      const zone = pset % held.zones
      held.popTails(pset, 0, held.tick(pset), (page, order) => {
        blocks[zone]!.pfn.push(index.pfn(page, zone))
        blocks[zone]!.order.push(order)
      })
    })
    return blocks
  }
}
