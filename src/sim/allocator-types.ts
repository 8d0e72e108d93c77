import type { Cpu, Machine, Ns, Order, Pages, Pfn, Zone } from '#kernel'
import type { DrainObserver } from '#policies/pcp'
import type { Buddy } from './buddy.ts'
import type { RecordedWorks } from './recorded-waits.ts'

/** From here on page numbers name no page of the machine: see `PageAllocator.shortage`. */
export const BORROWED = 2 ** 31

/** Why a pageset gives pages back. */
export type BulkFreeCause = 'free' | 'tick' | 'request' | 'local'

/** How pages were given back in one hold of zone->lock. */
export interface BulkHold {
  /** The CPU that did it. */
  readonly by: Cpu
  /** Free blocks of any order that it gave back; absent: one for each entry of a list. */
  readonly blocks?: number | undefined
  /** It lets the lock go after so many, where somebody waits; absent: never. */
  readonly chunk?: number | undefined
}

/** Hears of what the allocator does. `cpu`: whose lists; `pages` of one hold of zone->lock. */
export interface AllocatorObserver extends DrainObserver {
  /** `blocks`: free blocks of any order that it fetched; absent: one for each entry of the list. */
  refilled?(cpu: Cpu, zone: number, pages: Pages, blocks?: number): void
  /** A block left the buddy. `listed`: for a list, else for its user. */
  taken?(zone: number, page: Pfn, order: Order, migratetype: number, listed: boolean): void
  /** A block left a list for the buddy; called before the buddy has it. */
  drained?(zone: number, page: Pfn, order: Order): void
  /** `begins`: the first hold of a bulk free. */
  bulkFreed?(cpu: Cpu, zone: number, pages: Pages, cause: BulkFreeCause, begins: boolean, how?: BulkHold): void
  /** A drain on request begins on lists of `cpu`. */
  requestDrains?(cpu: Cpu): void
  /** CPU `how.by` drained pages on request. Returns how long it takes from now on until that is done. */
  requestDrained?(cpu: Cpu, zone: number, pages: Pages, how: BulkHold): Ns
  /** A timer of a drain mechanism runs. */
  timer?(now: Ns): void
}

export interface AllocatorMachine {
  readonly machine: Machine
  readonly zones: readonly Zone[]
  readonly cpus: number
}

export interface AllocatorOptions {
  readonly isolated: readonly Cpu[]
  /** By zone, with what is free of it. */
  readonly buddies: readonly Buddy[]
  readonly observer: AllocatorObserver
  /** What an allocation gets where nothing is free in any zone: a page that the machine does not have, or −1. */
  readonly shortage: 'borrow' | 'fail'
  /** By pageset: 1 where the zone is of another node than the CPU. Default: none is. */
  readonly remote?: Uint8Array
  readonly drainWorks?: RecordedWorks | undefined
  readonly gracePeriods?: { readonly start: readonly Ns[]; readonly end: readonly Ns[] }
}
