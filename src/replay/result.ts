import type { Ns } from '#kernel'
import type { LockPrices, Times } from '#sim'
import type { StepSums } from './step-sums.ts'

export interface ReplayOptions {
  readonly isolated?: readonly number[]
  /** Steps of the series over the trace's span: so many equal ones, or where each ends. */
  readonly steps?: number | readonly Ns[]
  /** Where the route of the choice sends the block of each row: see `waysOf`. */
  readonly ways?: Uint8Array | undefined
  /** What locks cost: without them everything happens at once. */
  readonly prices?: LockPrices
  /** Further price lists to tell the times of, where what happens is the same under them. */
  readonly morePrices?: readonly LockPrices[]
}

/** Counts of one run; pages are base pages. Each is explained in metrics' `workSchema`. */
export class WorkCounts {
  allocs = 0
  frees = 0
  allocsFromList = 0
  allocsAfterRefill = 0
  allocsFromBuddy = 0
  freesToBuddy = 0
  refills = 0
  refillPages = 0
  drainBursts = 0
  drainBurstPages = 0
  drainRequests = 0
  drainRequestsSkipped = 0
  requestedDrainPages = 0
  localDrainPages = 0
  remoteDrains = 0
  gracePeriodWaits = 0
  workItemWaits = 0
  interruptions = 0
  zoneLocks = 0
  zoneLockPages = 0
  pcpLocks = 0
  dereferences = 0
  strandedPagesAtEnd = 0
  irqSaves = 0
  pcpLocksContended = 0
  sleepsInAtomic = 0
  fallbacks = 0
  claims = 0
  borrowedPages = 0
  unseenAllocs = 0
  remoteListLocks = 0
  ownedPageblocks = 0
  strandedWithOwners = 0
  wholeBlocksAfterDrain = 0
}

export interface Burst {
  readonly time: number
  readonly cpu: number
  readonly pages: number
  readonly requested: boolean
}

/** What a run’s lists held, by pageset (cpu × zones + zone). */
export interface Held {
  /** Blocks that lay on the lists when the trace began: pageset × KINDS + order × 4 + migratetype. */
  readonly start: Int32Array
  /** The most pages that were on a pageset’s lists at once. */
  readonly peak: Int32Array
}

/** One run as plain data: a pure function of demand, choice and options. */
export interface ReplayResult {
  readonly work: WorkCounts
  readonly interruptions: Readonly<Record<string, number>>
  /** Ends of the steps, ns. */
  readonly stepEnds: Float64Array
  /** Pages on each CPU's lists at the end of each step. */
  readonly cached: readonly Int32Array[]
  readonly zoneLockPages: Float64Array
  /** Fetched by refills within each step. */
  readonly refillPages: Float64Array
  /** Free blocks at the end of each step, by order. */
  readonly freeBlocks: readonly Int32Array[]
  readonly bursts: readonly Burst[]
  /** Drain requests and how long each took, at most the first 2000. */
  readonly waits: { readonly time: readonly Ns[]; readonly ns: readonly Ns[] }
  readonly sums: StepSums
  /** How often a refill or a single zone-lock hold of so many pages happened. */
  readonly refillSizes: ReadonlyMap<number, number>
  readonly burstSizes: ReadonlyMap<number, number>
  /** How often a hold moved so many free blocks of any order, under lists that keep pageblocks: what a hold takes time for there. */
  readonly refillBlocks: ReadonlyMap<number, number>
  readonly burstBlocks: ReadonlyMap<number, number>
  readonly held: Held
  /** Pages on lists, and detached, at the end; and the balance: start + refills − bursts − allocations + frees. */
  readonly times?: Times
  /** Under `morePrices`: undefined where what happens is not the same, and the list needs a replay of its own. */
  readonly moreTimes: readonly (Times | undefined)[]
  readonly pagesAtEnd: number
  readonly pagesExpected: number
  /** Pages of the machine found in two places, and those missing or new at the end: 0, or the replay is wrong. */
  readonly pagesTwice: number
  readonly pagesLost: number
}
