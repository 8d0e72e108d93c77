import type { Machine, Zone } from '#kernel'
import type { TallyEntry } from '#kernel/messages'
import type { Flow } from './flow.ts'

/** What happens to a pageset, row by row. */
export const Op = {
  /** Nothing: a free that its batched event commits later. */
  none: 0,
  alloc: 1,
  /** A block reaches the lists (or the buddy, if its order is not kept). */
  free: 2,
  /** drain_all_pages(); `pfn` holds the zone's index + 1, or 0 for all. */
  drainRequest: 3,
  /** A `drain_local_pages_wq` work item begins on this CPU. Recorded kernel only. */
  drainWork: 4,
  /** kswapd begins or ends to balance a node, which `pfn` holds: ZONE_RECLAIM_ACTIVE of its zones. */
  reclaimStart: 5,
  reclaimEnd: 6,
  /** Events were lost on this CPU before this row. */
  lost: 7,
  /** As `drainRequest`, but the recording kernel’s pcpu_drain_mutex was held then. */
  requestSkipped: 8,
  /** One page that a requester drains, maybe from another CPU’s lists. Recorded kernel only. */
  remotePage: 10,
  /** vmstat_update() runs on this CPU. */
  tick: 11,
  /** Direct reclaim begins: an allocation of `order` found the zone below its min watermark. */
  shortage: 12,
  /** Compaction took a block of `order` from the buddy, which no event shows: it now frees one in its place. */
  compactionTook: 13,
  /** A bulk free that was preempted between two batches goes on; `pfn` holds the row that it began at. Recorded kernel only. */
  bulkFreeResumed: 14,
  /** kswapd goes to sleep, some time after it balanced last; `pfn` holds its node. */
  kswapdSleep: 15,
  /** As `drainRequest`, but the recording kernel looked for CPUs with pages later, when it had pcpu_drain_mutex: at `requestStarted`. */
  requestWaited: 16,
  /** A request that waited begins; `pfn` as of `drainRequest`. Recorded kernel only. */
  requestStarted: 17,
} as const

/**
 * The trace as what the lists see: who allocates and frees what, when, on which CPU; drain requests. Beside it what the kernel
 * itself recorded (refills and drains), attached to the rows they belong to, for scoring only.
 */
export interface Script {
  readonly length: number
  /** ns after the trace's first whole second */
  readonly time: Float64Array
  readonly op: Uint8Array
  readonly cpu: Uint16Array
  /** Index into `zones`. */
  readonly zone: Uint8Array
  readonly pfn: Uint32Array
  readonly order: Uint8Array
  /** alloc: requested type; free: type of the page's block. Below MIGRATE_PCPTYPES; 255: a block that bypasses the lists. */
  readonly migratetype: Uint8Array
  /** Recorded pages that came from the buddy on this CPU since its previous row: rows of `refill*`. */
  readonly refillStart: Uint32Array
  readonly refillEnd: Uint32Array
  /** Recorded pages drained on this CPU until its next row: rows of `drain*`. */
  readonly drainStart: Uint32Array
  readonly drainEnd: Uint32Array
  /** Of an allocation whose task was last seen before others ran on its CPU: the first row after that; else 0. */
  readonly preemptedAtRow: Uint32Array
  readonly refillPfn: Uint32Array
  readonly refillOrder: Uint8Array
  readonly refillMigratetype: Uint8Array
  readonly drainPfn: Uint32Array
  readonly drainOrder: Uint8Array
  readonly drainMigratetype: Uint8Array
  /** Number of each drained block in `flow`. */
  readonly drainFlow: Uint32Array
  /** All blocks that left the buddy or came to it from the lists, in order of time. */
  readonly flow: Flow
  /** Migratetypes of the pageblocks when the trace began, as far as it shows; 255 is not known. Zone by zone, as `BlockIndex` counts. */
  readonly blockTypes: Uint8Array
  readonly zones: readonly Zone[]
  readonly machine: Machine
  /** Highest CPU number + 1. */
  readonly cpus: number
  readonly from: number
  readonly to: number
  /** Rows of bulk frees whose task was seen next on another CPU. */
  readonly moved: readonly number[]
  readonly requestsInferred: boolean
  /** Whether events are missing: marked as lost, or found by pages that were allocated twice. */
  readonly isLossy: boolean
  /** Recorded grace periods, in order: when each began and ended, ns. */
  readonly gracePeriods: { readonly start: readonly number[]; readonly end: readonly number[] }
  /** By row of a free: its pageset as a probe fetched it, before what it gave back. Recorded kernel only. */
  readonly states: ReadonlyMap<number, PagesetState>
  /** Whether every vmstat_update() was traced. */
  readonly ticksRecorded: boolean
  /** `drain_local_pages_wq` items that ran: on which CPU, when they were queued, and how long until they ran; ns. */
  readonly drainWorks: {
    readonly cpu: readonly number[]
    readonly queued: readonly number[]
    readonly delay: readonly number[]
    /** When requests were made, and how long each held pcpu_drain_mutex at least; ns. */
    readonly holds: { readonly asked: readonly number[]; readonly held: readonly number[] }
  }
  /** `drain_local_pages_wq` items queued, by CPU. */
  readonly recordedInterruptions: Readonly<Record<string, number>>
  /** By row: the event that it stems from. Where it was asked for. */
  readonly source?: Uint32Array
  readonly tally: readonly TallyEntry[]
  /** Events read, of whatever kind: what speed is measured in. */
  readonly events: number
}

/** A pageset as a probe fetched it; what the kernel lacks, or the probe did not fetch, is absent. */
export interface PagesetState {
  readonly count: number
  readonly high: number
  readonly highMin: number | undefined
  readonly highMax: number | undefined
  readonly freeCount: number | undefined
  readonly freeFactor: number | undefined
  readonly allocFactor: number | undefined
}

export const BYPASS = 255
