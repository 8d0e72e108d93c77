import type { z } from 'zod'
import type { Machine, Ns, Order, Pages, Zone } from '#kernel'

/** MIGRATE_PCPTYPES: migratetypes that have per-CPU lists. */
export const MIGRATE_PCPTYPES = 3
/** The highest order kept on lists besides THP. */
export const PAGE_ALLOC_COSTLY_ORDER = 3

/** CONFIG_PCP_BATCH_SCALE_MAX: bulk frees, refills and remote drains move at most batch << this pages at once. */
export const PCP_BATCH_SCALE_MAX = 5

/** As the kernel’s: where the bounds cross, the upper one wins. */
export const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)

/** State of one pageset: one CPU’s lists of one zone. Which of its fields move depends on the kernel. */
export class Pcp {
  /** Pages on the lists, not entries: one order-3 free can cross `high` alone. */
  count = 0
  high: Pages
  batch: Pages
  /** 6.12 and later: bounds of `high`; equal where tuning is off. */
  highMin: Pages
  highMax: Pages
  /** 6.1 */
  freeFactor = 0
  /** 6.12 and later */
  freeCount = 0
  allocFactor = 0
  prevFreeHighOrder = false
  /** PCPF_FREE_HIGH_BATCH: the CPU’s share of the last-level cache is above 3 × batch pages. */
  freeHighBatch = true

  constructor({ high, batch, highMin, highMax }: Sizes) {
    this.high = high
    this.batch = batch
    this.highMin = highMin
    this.highMax = highMax
  }

  /** Takes over another’s state. */
  assign(other: Pcp): void {
    this.count = other.count
    this.high = other.high
    this.batch = other.batch
    this.highMin = other.highMin
    this.highMax = other.highMax
    this.freeFactor = other.freeFactor
    this.freeCount = other.freeCount
    this.allocFactor = other.allocFactor
    this.prevFreeHighOrder = other.prevFreeHighOrder
    this.freeHighBatch = other.freeHighBatch
  }

  clone(): Pcp {
    const copy = new Pcp(this)
    copy.assign(this)
    return copy
  }
}

export interface Sizes {
  readonly high: Pages
  readonly batch: Pages
  readonly highMin: Pages
  readonly highMax: Pages
}

/** What list rules may know of the zone at this moment. */
export interface ZoneFlags {
  /** ZONE_RECLAIM_ACTIVE: kswapd is balancing the node. */
  reclaimActive: boolean
  /** ZONE_BELOW_HIGH: an allocation found the zone not above its high watermark. */
  belowHigh: boolean
}

/** In which order a bulk free takes pages from the lists. `lens` are entries per list, read at `base`. */
export interface BulkOrder {
  /** A bulk free of `n` pages begins; `list` is the list just freed to, 0 for a drain. */
  begin(n: Pages, list: number): void
  /** The list of which the tail page goes next; at least one list must hold a page. `left`: pages still to free. */
  next(lens: Int32Array, base: number, left: Pages): number
  /** Whether it empties one list before it comes to the next in number. */
  readonly sweeps?: true
}

/** How lists keep pageblocks, which CPUs own. Lists are by order × 3 + migratetype, of orders 0 to `top`. */
interface BlockRules {
  /** The order of a pageblock. */
  readonly top: Order
  /** Whose lists a free goes to: those of the CPU that owns the pageblock, or of the CPU that frees, and nobody owns any. */
  readonly frees: 'owner' | 'local'
  /** Whether a refill may take a whole pageblock more, since it got `got` pages. */
  readonly claims: (pcp: Pcp, got: Pages) => boolean
  /** How much of a pageblock a refill takes where it takes none whole: no more than it still wants, or as much as it finds. */
  readonly parts: 'wanted' | 'largest'
  /** For what a refill takes pages of another migratetype: for the rest of what it wants, or to have anything at all. */
  readonly steals: 'rest' | 'nothing-else'
  /** What goes first when pages are given back: the largest blocks within what is to go, or the largest of all. */
  readonly givesBack: 'fitting' | 'largest'
}

/** How lists grow and shrink: decides, moves nothing. */
export interface ListRules {
  /** Number of lists of a pageset. */
  readonly lists: number
  /** Whether blocks of this order are kept on lists at all. */
  readonly allowed: (order: number) => boolean
  /** List of an allowed order and a migratetype below MIGRATE_PCPTYPES. */
  readonly listOf: (order: number, migratetype: number) => number
  readonly orderOf: (list: number) => number
  /** An allocation comes to this pageset, before it looks at the list. */
  readonly onAlloc: (pcp: Pcp) => void
  /** Entries to fetch from the buddy, since the list is empty. */
  readonly nrAlloc: (pcp: Pcp, order: number, zone: ZoneFlags) => number
  /** Pages to give back, since a block of `order` was just put on a list (`count` includes it). 0: none. */
  readonly nrFree: (pcp: Pcp, order: number, zone: ZoneFlags) => Pages
  /** Pages per hold of zone->lock when a full pageset gives pages back. Default: all at once. */
  readonly freeChunk?: (pcp: Pcp) => Pages
  /** vmstat_update() runs on this CPU: pages to give back. Most rules ignore it. */
  readonly onTick?: (pcp: Pcp) => Pages
  /** Pages per hold of zone->lock when a vmstat tick gives pages back. Default: all at once. */
  readonly tickChunk?: (pcp: Pcp) => Pages
  /** The same when lists are emptied on request or for compaction. Default: as the mechanism asks, and all at once. */
  readonly drainChunk?: (pcp: Pcp) => Pages
  /** Between chunks zone->lock is let go only where somebody waits. Default: always. */
  readonly letsGo?: 'contended'
  readonly bulkOrder: () => BulkOrder
  /** Which end of a list a bulk free takes from: every kernel takes the coldest page, the tail. */
  readonly drainsFrom: 'tail' | 'head'
  /** Lists keep pageblocks: `bulkOrder` and `drainsFrom` are not used, chunks count blocks. */
  readonly blocks?: BlockRules
}

export interface ZoneContext {
  readonly machine: Machine
  readonly zone: Zone
}

export interface PagesetContext extends ZoneContext {
  readonly cpu: number
}

type Params = Record<string, number | string | boolean | undefined>

export interface ListPolicy<P extends z.ZodObject = z.ZodObject> {
  readonly id: string
  /** One line for the catalogue. */
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  /** What no kernel could have: a line to measure others by. A report never calls it the best. */
  readonly isBound?: true
  /** CPUs put pages on each other’s lists, so only mechanisms with a lock for them fit: `pcpLock`, or none that drains. */
  readonly sharesLists?: true
  readonly params: P
  readonly sizes: (params: z.infer<P>, context: PagesetContext) => Sizes
  /** One set of rules serves all pagesets of a zone: their state is in `Pcp`. */
  readonly create: (params: z.infer<P>, context: ZoneContext) => ListRules
}

/** What a drain mechanism may do to the machine. Times are 0 in a run without prices. */
export interface DrainActions {
  readonly cpus: number
  readonly zones: number
  readonly isolated: readonly number[]
  readonly now: Ns
  readonly observer: DrainObserver
  count(cpu: number, zone: number): Pages
  batch(cpu: number, zone: number): Pages
  /** CPU `by` gives up to `pages` pages of a pageset back in one hold of zone->lock. Returns how long until that is done. */
  drainPages(cpu: number, zone: number, pages: Pages, by: number): Ns
  /** Moves all lists of a pageset aside; they still take memory until `freeDetached`. */
  detach(cpu: number, zone: number): void
  freeDetached(cpu: number, zone: number, by: number): Ns
  /** End of the first recorded grace period that begins from now on; undefined where the trace has none. */
  gracePeriodEnd(): Ns | undefined
  /** How long a drain work queued now would wait for `cpu`, as the trace recorded of one near; undefined where it has none of that CPU. */
  workDelay?(cpu: number): Ns | undefined
  /** How long a request made at `asked` holds the mutex at least, as recorded of one near: its task may wake late. */
  mutexHold?(asked: Ns): Ns | undefined
  /** Calls back at a later moment of the trace's time. */
  after(ns: Ns, then: () => void): void
}

/** What a drain mechanism reports, for those who count. */
export interface DrainObserver {
  /** A kworker or an IPI takes `cpu` away from what it did. */
  interrupt?(cpu: number): void
  /** What ran on `cpu` stands still for so long. */
  stolen?(cpu: number, ns: Ns): void
  workItemWait?(): void
  gracePeriodWait?(): void
  remoteDrain?(): void
  /** A request found another one at work, and left the drain to it. */
  skipped?(): void
  /** A lock that may sleep was taken with interrupts off: a bug. */
  sleptInAtomic?(): void
  /** The request made at `since` is answered. */
  answered?(since: Ns): void
}

/** How drain_all_pages() empties the lists of other CPUs. */
export interface DrainMechanism {
  /** A request by `cpu` for one zone, or all (undefined). */
  request(host: DrainActions, cpu: number, zone: number | undefined): void
  /** What each local list operation pays. */
  readonly pcpLock?: boolean
  readonly dereference?: boolean
  readonly irqSave?: boolean
  /** What a local operation does while a drain holds its pageset's lock. Default: no drain holds one. */
  readonly contended?: 'waits' | 'goes to the buddy'
  /** CPUs whose lists are off, so that each operation there takes zone->lock. Default: none. */
  readonly listsOff?: 'isolated' | 'all'
  /** Whether a hold of zone->lock by a drain has interrupts off. */
  readonly drainsIrqsOff?: boolean
}

/** An input that nobody measured on the recorded machine, and the range in which it is taken to lie. */
export interface Assumption {
  readonly param: string
  readonly low: number
  readonly high: number
}

export interface DrainPolicy<P extends z.ZodObject = z.ZodObject> {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  /** As of list rules. */
  readonly isBound?: true
  readonly params: P
  readonly create: (params: z.infer<P>) => DrainMechanism
  /** Inputs that the outcome may rest on; none where the trace records them. */
  readonly assumes?: (
    params: z.infer<P>,
    recorded: { readonly gracePeriods: boolean; readonly drainWorks?: boolean },
  ) => readonly Assumption[]
}

export type AnyListPolicy = ListPolicy<z.ZodObject>
export type AnyDrainPolicy = DrainPolicy<z.ZodObject>

/** A policy’s list rules, checked by their types: how a CPU’s lists grow and shrink. See docs/add-a-policy.md. */
export const defineListPolicy = <P extends z.ZodObject>(policy: ListPolicy<P>): ListPolicy<P> => policy
/** A drain mechanism, checked by its types: how `drain_all_pages()` empties the lists of other CPUs. */
export const defineDrainPolicy = <P extends z.ZodObject>(policy: DrainPolicy<P>): DrainPolicy<P> => policy
export type { Params }
