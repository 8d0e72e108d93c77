import type { Pages } from '#kernel'
import type { SilentTicks } from '#record'
import type { Inferences } from './inferences.ts'
import type { HighBegun, HighShown } from './limit-evidence.ts'

export interface Score {
  recorded: number
  predicted: number
  exact: number
}

export interface PageScore {
  recorded: number
  exact: number
  unknownStart: number
  wrong: number
}

export interface CpuFidelity {
  readonly cpu: number
  /**
   * List operations whose outcome was unknown, and all. An allocation that finds no known page on a list which may hold
   * others; a free at a count that the record has not proven yet, and that may be at the limit.
   */
  warmup: number
  operations: number
  /** Exact refills whose list still held pages that only the untraced bulk allocator can have taken. */
  excusedRefills: number
  /** Frees at the limit that led to nothing, since the untraced bulk allocator had taken a page that the replay still held. */
  excusedBursts: number
  /** Of those scored: after everything hidden of their lists was proven, so that the rules alone answered. */
  readonly ranFree: { refills: number; bursts: number }
  readonly refills: Score
  readonly bursts: Score
  readonly requested: Score
  /** Pages given back at vmstat ticks. */
  readonly ticks: Score
  readonly pages: PageScore
}

/** What missed. */
export type MissWhat = 'refill' | 'bulk-free' | 'tick' | 'request' | 'allocation' | 'page'

interface MissCause {
  readonly what: MissWhat
  /** Which unknown explains it: the id of a hypothesis, or `unexplained`. */
  readonly hypothesis: string
  readonly help: string
}

const miss = (what: MissWhat, hypothesis: string, help: string): MissCause => ({ what, hypothesis, help })

/** Why a prediction missed, by cause. */
export const missCauses = {
  'refill-of-held-list': miss(
    'refill',
    'unexplained',
    'A refill was recorded while the replay’s list still held pages.',
  ),
  'refill-size': miss('refill', 'unexplained', 'A refill was recorded with another size than predicted.'),
  'refill-zone-flags': miss(
    'refill',
    'zone-flags',
    'A refill was recorded with the size that the rule gives under other zone flags (ZONE_BELOW_HIGH, ZONE_RECLAIM_ACTIVE) than free pages and kswapd’s events tell; no event shows them.',
  ),
  'refill-high': miss(
    'refill',
    'tuned-high',
    'A refill was recorded with the size that the rule gives with a self-tuned `high` elsewhere than the replay’s: each refill and burst under other zone flags than thought moves it otherwise.',
  ),
  'refill-count': miss(
    'refill',
    'count',
    'A refill was recorded with the size that the rule gives at another count: pages from before the trace were more or fewer than believed.',
  ),
  'refill-pacing': miss(
    'refill',
    'pacing',
    'A refill was recorded with the size that the rule gives with another `alloc_factor` than the replay’s.',
  ),
  'past-the-list': miss(
    'refill',
    'lock-held',
    'An allocation took one page straight from the buddy, past a list that held pages, or that the rule would have filled with more: another operation may have held the lists’ lock. Not scored.',
  ),
  'refill-not-recorded': miss(
    'refill',
    'unexplained',
    'The replay’s list was empty, but no refill was recorded before the allocation.',
  ),
  'burst-not-predicted': miss(
    'bulk-free',
    'unexplained',
    'The kernel gave pages back where the replay’s count was below the limit.',
  ),
  'burst-not-recorded': miss(
    'bulk-free',
    'unexplained',
    'The replay’s count reached the limit, but the kernel gave nothing back.',
  ),
  'burst-size': miss('bulk-free', 'unexplained', 'The kernel gave back another number of pages than predicted.'),
  'burst-given-up': miss(
    'bulk-free',
    'lock-lost',
    'The kernel gave pages back batch by batch, as from 7.2 on, and stopped at the end of one short of what was predicted: another had taken the lists’ lock meanwhile.',
  ),
  'burst-preempted': miss(
    'bulk-free',
    'preempted',
    'A bulk free that was preempted between two batches gave back another number of pages, once it went on, than was left to give or lay on the lists by then.',
  ),
  'burst-zone-flags': miss(
    'bulk-free',
    'zone-flags',
    'What the kernel gave back, or that it gave nothing, is what the rule gives under other zone flags (ZONE_BELOW_HIGH, ZONE_RECLAIM_ACTIVE) than free pages and kswapd’s events tell; no event shows them.',
  ),
  'burst-high': miss(
    'bulk-free',
    'tuned-high',
    'Pages went, or did not go, at a known count beside the replay’s `high`: self-tuning had moved it otherwise, as vmstat ticks do at moments that no event shows.',
  ),
  'burst-count': miss(
    'bulk-free',
    'count',
    'Pages went, or did not go, where the replay’s count was beside the limit: pages from before the trace were more or fewer than believed.',
  ),
  'burst-pacing': miss(
    'bulk-free',
    'pacing',
    'The kernel gave back what the rule gives with another `free_factor` or `free_count` than the replay’s.',
  ),
  'tick-size': miss('tick', 'unexplained', 'A vmstat tick gave back another number of pages than predicted.'),
  'tick-high': miss(
    'tick',
    'tuned-high',
    'A vmstat tick gave back what the rule gives with another `high` than the replay’s.',
  ),
  'tick-expiry': miss(
    'tick',
    'expiry',
    'Pages of another node’s zone were given back at a tick at which they were not thought to expire, or not at one at which they were.',
  ),
  'request-size': miss(
    'request',
    'unexplained',
    'A requested drain gave back another number of pages than the replay held.',
  ),
  'not-the-head': miss(
    'allocation',
    'preempted',
    'An allocation returned a page that was not the head of the replay’s list.',
  ),
  'on-another-list': miss(
    'allocation',
    'block-type',
    'An allocated page lay on another list in the replay: its block’s type was not known.',
  ),
  'page-not-held': miss(
    'page',
    'unexplained',
    'A page was drained or allocated that the replay did not hold on that CPU.',
  ),
  'not-the-tail': miss('page', 'unexplained', 'A drained page was not the next one by the rule.'),
  'page-not-predicted': miss('page', 'unexplained', 'A page was drained beyond the number that the rule gives back.'),
  'page-zone-flags': miss(
    'page',
    'zone-flags',
    'A page was drained beyond the number predicted, in a burst that other zone flags explain.',
  ),
  'page-high': miss('page', 'tuned-high', 'A page was drained in a bulk free that another `high` explains.'),
  'page-count': miss('page', 'count', 'A page was drained in a bulk free that another count explains.'),
  'page-pacing': miss(
    'page',
    'pacing',
    'A page was drained in a bulk free that another `free_factor` or `free_count` explains.',
  ),
  'drain-unexplained': miss(
    'page',
    'unexplained',
    'A page was drained where no free, no request and no compaction of this CPU explains it.',
  ),
  'held-twice': miss(
    'page',
    'unexplained',
    'A page was freed, or taken from the buddy, while the replay still held it on a list.',
  ),
} as const satisfies Record<string, MissCause>
export type Miss = keyof typeof missCauses

/** Predicted and recorded over the whole record, scored or not. */
export interface Total {
  recorded: number
  predicted: number
}

export interface Totals {
  readonly refills: Total
  readonly refilledPages: Total
  /** At frees, at ticks, by requests and by compaction. */
  readonly bulkFrees: Total
  readonly bulkFreedPages: Total
  readonly interruptions: Total
  readonly requestedDrains: Total
}

export interface InitialLists {
  /** Entries on each list when the trace began: as far as they surfaced later; [cpu × zones + zone][list]. */
  readonly entries: readonly Int32Array[]
  /** Pages that never surfaced. */
  readonly hidden: Int32Array
}

/** By row: pages that left their lists there, though the event of their allocation came later. */
export type EarlyPops = ReadonlyMap<number, readonly number[]>

/** What a pass counts, of all rows or of those of a window. */
export interface RunCounts {
  readonly cpus: readonly CpuFidelity[]
  readonly resyncs: number
  readonly misses: ReadonlyMap<Miss, number>
  readonly totals: Totals
  /** Pagesets that a probe showed, and how many of them were as believed in every field. */
  readonly states: { readonly recorded: number; readonly exact: number }
  readonly inferredBulkPages: number
  /** Frees that found the pageset's lock held, so the block went to the buddy. */
  readonly inferredPastFrees: number
  /** CPUs that would be interrupted by each request, summed. */
  readonly interruptions: Readonly<Record<string, number>>
}

export interface FidelityRun extends RunCounts {
  /** The same of the rows that were to be scored apart. */
  readonly within?: RunCounts
  readonly inferences: Inferences
  /** What the record shows of `high`, where no file does. */
  readonly limits: readonly HighShown[]
  readonly highBegun: readonly (HighBegun | undefined)[]
  /** By zone: its counter of free pages when kswapd first woke; NaN: it never did. */
  readonly atFirstWake: Float64Array
  /** By pageset: pages that lay there before the trace, as far as they came to light. */
  readonly surfaced: readonly Pages[]
  readonly early: EarlyPops
  readonly initial: InitialLists
  /** Untraced bulk allocations: row at which each was inferred, and the list entry they took. */
  readonly bulk: { readonly row: readonly number[]; readonly pset: readonly number[]; readonly list: readonly number[] }
  /** Moments at which compaction emptied its own CPU's lists, inferred from the recorded drains. */
  readonly localDrains: { readonly row: readonly number[]; readonly pset: readonly number[] }
  /** vmstat ticks that no event shows, as this run took them. */
  readonly ticks: SilentTicks
  /** By number in the flow: how often the watermarks were boosted with it. */
  readonly boosts: Uint8Array
  readonly finalCounts: Int32Array
  /** `high` of each pageset at the end. */
  readonly finalHighs: Int32Array
  /** Entries of each list (pageset × lists of a pageset + list) at the end, as far as known. */
  readonly finalLists: Int32Array
  /** What the next vmstat tick of every CPU would give back, by zone: blocks, in the order in which they go. */
  readonly nextTick: readonly { readonly pfn: number[]; readonly order: number[] }[]
}
