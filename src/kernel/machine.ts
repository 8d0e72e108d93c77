import type { Release } from './release.ts'
import type { Cpu, Order, Pages, Pfn } from './units.ts'

/** One CPU's page lists in one zone, as /proc/zoneinfo prints them. */
export interface Pageset {
  readonly cpu: Cpu
  /** Pages on the lists, not list entries. */
  readonly count: Pages
  readonly high: Pages
  readonly batch: Pages
  /** From 7.2 on. */
  readonly highMin?: Pages
  readonly highMax?: Pages
}

export interface Zone {
  readonly node: number
  readonly name: string
  readonly startPfn: Pfn
  readonly spanned: Pages
  readonly present: Pages
  readonly managed: Pages
  readonly free: Pages
  readonly min: Pages
  readonly low: Pages
  readonly high: Pages
  readonly promo?: Pages
  readonly pagesets: readonly Pageset[]
}

/** Free blocks per order of one zone, as /proc/buddyinfo prints them. */
export interface BuddyCounts {
  readonly node: number
  readonly zone: string
  readonly blocks: readonly number[]
}

/** What the kernel said about itself beside a trace. Whatever is missing costs accuracy and is named in `missing`. */
export interface Machine {
  readonly release?: Release
  readonly cpus: readonly Cpu[]
  /** From `isolcpus=` and `nohz_full=` of the command line. */
  readonly isolated: readonly Cpu[]
  /** Populated zones only. */
  readonly zones: readonly Zone[]
  /** The same zones after the recording; empty where not recorded. */
  readonly zonesAfter: readonly Zone[]
  readonly buddyBefore: readonly BuddyCounts[]
  readonly buddyAfter: readonly BuddyCounts[]
  /** How much each counter of /proc/vmstat rose over the recording; absent without both sidecars. */
  readonly vmstatRise?: Readonly<Record<string, number>>
  /** Kernel tick rate; 250 where the capture does not say. */
  readonly hz: number
  /** 9 on x86-64 with hugetlb. */
  readonly pageblockOrder: Order
  readonly cmdline?: string
  /** Sidecars that the capture lacks. */
  readonly missing: readonly string[]
}

/** The zone a page lies in, as an index into `zones`; undefined for a page outside every zone. */
export function zoneOf(zones: readonly Zone[], pfn: Pfn): number | undefined {
  const at = zones.findIndex((zone) => pfn >= zone.startPfn && pfn < zone.startPfn + zone.spanned)
  return at < 0 ? undefined : at
}
