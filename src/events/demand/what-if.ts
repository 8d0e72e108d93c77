import type { Cpu, Machine, Ns, Pages, Pfn, Zone } from '#kernel'
import type { Demand } from './demand.ts'

/** Where the pages of a machine were before the first row of a demand. */
export interface StartState {
  /** By zone: free blocks, in the order in which they stand on their lists, hottest first. */
  readonly free: readonly {
    readonly pfn: Uint32Array
    readonly order: Uint8Array
    /** Of the list that each block stands on. Absent: its pageblock’s. */
    readonly migratetype?: Uint8Array
  }[]
  /** By zone: migratetype by pageblock, from the block of the zone’s first page on. */
  readonly blockTypes: readonly Uint8Array[]
  /** How the kernel takes pages of another type. `steal`: up to 6.9; `claim`: from 6.10 on. */
  readonly fallback: 'steal' | 'claim'
  /** Blocks of the demand that somebody has from before its first row, in order of pfn. */
  readonly inUse: {
    readonly block: Uint32Array
    readonly zone: Uint8Array
    readonly pfn: Uint32Array
    readonly order: Uint8Array
  }
  /** Blocks on lists: of each list the head first. */
  readonly listed: {
    /** cpu × zones + zone */
    readonly pset: Uint32Array
    readonly order: Uint8Array
    readonly migratetype: Uint8Array
    /** `NO_PFN`: a page that was there, but no place is left for it. */
    readonly pfn: Uint32Array
  }
  /** By pageset: what its first refills and bulk frees prove of how its rules were paced; absent: nothing is known. */
  readonly pacing?: readonly Partial<Pacing>[]
  /** How things stood at a start within a recording; absent where the start is the recording’s own. */
  readonly carried?: Carried
}

/** What a replay of the recording kernel’s own policy had come to at a moment of the recording. */
export interface Carried {
  /** By zone: ZONE_RECLAIM_ACTIVE and ZONE_BELOW_HIGH. */
  readonly reclaimActive: Uint8Array
  readonly belowHigh: Uint8Array
  /** The list rules that ran, by id and parameters: how they paced themselves says nothing of others. */
  readonly lists: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  /** By pageset (cpu × zones + zone). */
  readonly pacing: readonly Pacing[]
}

/** The fields of a pageset by which list rules tune themselves. */
export interface Pacing {
  readonly high: Pages
  readonly freeFactor: number
  readonly freeCount: number
  readonly allocFactor: number
  readonly prevFreeHighOrder: boolean
}

/** `StartState.listed.pfn` of a page that has no place. */
export const NO_PFN: Pfn = 0xffff_ffff

/**
 * All that a what-if replay may know: what tasks asked for, on which machine, and how it began. What the recording kernel answered, its
 * refills and drains, cannot be reached from here.
 */
export interface WhatIf {
  readonly demand: Demand
  readonly start: StartState
  readonly machine: Machine
  /** Those of the machine, or one guessed where it names none. */
  readonly zones: readonly Zone[]
  /** Highest CPU number + 1. */
  readonly cpus: number
  /** By pageset (cpu × zones + zone): 1 where the zone is of another node than the CPU. */
  readonly remote: Uint8Array
  readonly from: Ns
  readonly to: Ns
  /** Recorded grace periods, in order: when each began and ended. */
  readonly gracePeriods: { readonly start: readonly Ns[]; readonly end: readonly Ns[] }
  /**
   * Recorded work items that drained a CPU’s lists: when each was queued, and how long until it ran; and of requests, when each was made, and
   * how long it held the mutex at least. Absent: none was recorded.
   */
  readonly drainWorks?: {
    readonly cpu: readonly Cpu[]
    readonly queued: readonly Ns[]
    readonly delay: readonly Ns[]
    readonly holds: { readonly asked: readonly Ns[]; readonly held: readonly Ns[] }
  }
}

/** `Touches.does` of a row. */
export const Touch = {
  /** Its moves alone count. */
  none: 0,
  alloc: 1,
  /** A free of a block that the lists do not keep. */
  freeToBuddy: 2,
} as const

/**
 * Which page frames a recording shows, and when they left the buddy or came back to it: what decides which memory must be accepted. A
 * replay of ways to accept memory keeps the recorded page lists.
 */
export interface Touches {
  readonly length: number
  readonly time: Float64Array
  readonly does: Uint8Array
  /** Whether the row frees a block, to a list or past it. */
  readonly frees: Uint8Array
  readonly cpu: Uint16Array
  readonly pfn: Uint32Array
  readonly order: Uint8Array
  /** By row: which of `taken` left the buddy before it, and which of `given` came back after it. */
  readonly takenStart: Uint32Array
  readonly takenEnd: Uint32Array
  readonly givenStart: Uint32Array
  readonly givenEnd: Uint32Array
  readonly taken: { readonly pfn: Uint32Array; readonly order: Uint8Array }
  readonly given: { readonly pfn: Uint32Array; readonly order: Uint8Array }
  readonly zones: readonly Zone[]
  readonly cpus: number
  readonly from: Ns
  readonly to: Ns
}
