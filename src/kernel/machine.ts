import type { Release } from './release.ts'
import type { SlabCounters } from './slab/slab-counters.ts'
import type { Cpu, Order, Pages, Pfn } from './units.ts'

/** One CPU's page lists in one zone, as /proc/zoneinfo prints them. */
export interface Pageset {
  readonly cpu: Cpu
  /** Pages on the lists, not list entries. */
  readonly count: Pages
  readonly high: Pages
  readonly batch: Pages
  /** Printed by kernels whose `high` tunes itself, from 6.13 on. */
  readonly highMin?: Pages
  readonly highMax?: Pages
}

/** One zone of one node. Names repeat: node 0 and node 1 may both have a zone DMA32. */
export interface Zone {
  readonly node: number
  readonly name: string
  readonly startPfn: Pfn
  /** Page frames from the first to the last, holes included. */
  readonly spanned: Pages
  /** Page frames that exist. */
  readonly present: Pages
  /** Pages that the page allocator owns. */
  readonly managed: Pages
  readonly free: Pages
  /** Watermarks as printed: `boost` is in each of them. */
  readonly min: Pages
  readonly low: Pages
  readonly high: Pages
  readonly promo?: Pages
  /** watermark_boost: raised by fallbacks, given back by kswapd. Absent where not printed. */
  readonly boost?: Pages
  /** Pages of CMA areas, on machines that have some. */
  readonly cma?: Pages
  readonly pagesets: readonly Pageset[]
}

/** Free blocks per order of one zone, as /proc/buddyinfo prints them. */
export interface BuddyCounts {
  readonly node: number
  readonly zone: string
  readonly blocks: readonly number[]
}

/** A NUMA node. It may lack memory or CPUs, not both. */
export interface NumaNode {
  readonly node: number
  /** Online CPUs. Empty for memory without CPUs. */
  readonly cpus: readonly Cpu[]
}

/** Which tasks of the kernel may be preempted; `dynamic`: chosen at boot or later, and the capture does not say what. */
export type Preemption = 'none' | 'voluntary' | 'lazy' | 'full' | 'rt' | 'dynamic'

/** What the kernel said about itself beside a trace. Anything missing costs accuracy and is named in `missing`. */
export interface Machine {
  readonly release?: Release
  /** Online CPUs. */
  readonly cpus: readonly Cpu[]
  /** From `isolcpus=` and `nohz_full=` of the command line. */
  readonly isolated: readonly Cpu[]
  readonly nodes: readonly NumaNode[]
  /** Populated zones only. */
  readonly zones: readonly Zone[]
  /** The same zones after the recording; empty where not recorded. */
  readonly zonesAfter: readonly Zone[]
  readonly buddyBefore: readonly BuddyCounts[]
  readonly buddyAfter: readonly BuddyCounts[]
  /** How much each counter of /proc/vmstat rose over the recording; absent without both sidecars. */
  readonly vmstatRise?: Readonly<Record<string, number>>
  /** Kernel tick rate, 100 to 1000. */
  readonly hz: number
  readonly pageblockOrder: Order
  /** Bytes. */
  readonly pageSize: number
  /** The largest block of the page allocator: 10, or 11 and 13 with pages of 16 and 64 KiB. */
  readonly maxPageOrder: Order
  /** Order of a transparent huge page (HPAGE_PMD_ORDER); absent where the kernel has none. */
  readonly thpOrder?: Order
  /** CONFIG_CMA: migratetype 4 is CMA, whose pages lie on the MOVABLE lists. Absent where the capture does not say. */
  readonly cma?: boolean
  /** Absent where the capture has no uname. */
  readonly preemption?: Preemption
  /** Kernel settings by name (`vm.min_free_kbytes`), as far as the capture has them. */
  readonly sysctls: Readonly<Record<string, string>>
  readonly cmdline?: string
  /** What the slab allocator said of itself, where the capture has it. */
  readonly slabsBefore?: SlabCounters
  readonly slabsAfter?: SlabCounters
  /** Sidecars that the capture lacks. */
  readonly missing: readonly string[]
  /** Fields above that nothing in the capture shows: the usual value stands there. */
  readonly assumed: readonly AssumedField[]
}

export type AssumedField = 'hz' | 'pageblockOrder' | 'pageSize' | 'nodes'

/** The machine assumed where a capture says nothing: x86-64 with the usual configuration, no CPU yet. */
export const unknownMachine: Machine = {
  cpus: [],
  isolated: [],
  nodes: [],
  zones: [],
  zonesAfter: [],
  buddyBefore: [],
  buddyAfter: [],
  hz: 250,
  pageblockOrder: 9,
  pageSize: 4096,
  maxPageOrder: 10,
  thpOrder: 9,
  sysctls: {},
  missing: [],
  assumed: ['hz', 'pageblockOrder', 'pageSize'],
}

/** `node 0 DMA32`: how every output names a zone. JSON of older reports has no node. */
export const zoneLabel = (node: number | undefined, name: string): string =>
  node === undefined ? name : `node ${node} ${name}`

/** CPUs that share the page lists' limits of a zone: those of its node, or all where the node has none. Source: zone_highsize(). */
export function cpusOfZone({ cpus, nodes }: Pick<Machine, 'cpus' | 'nodes'>, zone: Pick<Zone, 'node'>): readonly Cpu[] {
  const own = nodes.find(({ node }) => node === zone.node)?.cpus ?? []
  return own.length > 0 ? own : cpus
}

/** A numeric kernel setting; undefined where the capture does not have it. */
export function sysctlOf({ sysctls }: Pick<Machine, 'sysctls'>, name: string): number | undefined {
  const text = sysctls[name]?.trim()
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
