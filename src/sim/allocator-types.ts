import type { Cpu, Machine, Ns, Order, Pages, Pfn, Zone } from '#kernel'
import type { DrainObserver } from '#policies/pcp'
import type { Buddy } from './buddy.ts'

/** From here on page numbers name no page of the machine: see `PageAllocator.shortage`. */
export const BORROWED = 2 ** 31

/** Why a pageset gives pages back. */
export type BulkFreeCause = 'free' | 'tick' | 'request' | 'local'

/** Hears of what the allocator does. `cpu`: whose lists; `pages` of one hold of zone->lock. */
export interface AllocatorObserver extends DrainObserver {
  /** `blocks`: free blocks of any order that it fetched; absent: one for each entry of the list. */
  refilled?(cpu: Cpu, zone: number, pages: Pages, blocks?: number): void
  /** A block left the buddy. `listed`: for a list, else for its user. */
  taken?(zone: number, page: Pfn, order: Order, migratetype: number, listed: boolean): void
  /** A block left a list for the buddy; called before the buddy has it. */
  drained?(zone: number, page: Pfn, order: Order): void
  /** `begins`: the first hold of a bulk free. `by`: the CPU that does it, `blocks`: how many it gives back, where these differ. */
  bulkFreed?(
    cpu: Cpu,
    zone: number,
    pages: Pages,
    cause: BulkFreeCause,
    begins: boolean,
    by?: Cpu,
    blocks?: number,
  ): void
  /** A drain on request begins on lists of `cpu`. */
  requestDrains?(cpu: Cpu): void
  /** CPU `by` drained pages on request, `blocks` of them if that is not one by one. Returns how long that took. */
  requestDrained?(cpu: Cpu, zone: number, pages: Pages, by: Cpu, blocks?: number): Ns
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
  readonly gracePeriods?: { readonly start: readonly Ns[]; readonly end: readonly Ns[] }
}
