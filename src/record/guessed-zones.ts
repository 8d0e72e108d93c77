import { type Events, Kind } from '#events'
import type { Machine, NumaNode, Pages, Pfn, Zone } from '#kernel'

/** Zones end at 16 MiB and at 4 GiB. Source: zone_sizes_init(), arch/x86/mm/init.c, and arch/arm64/mm/init.c, v5.10 to v7.2. */
const DMA_BYTES = 2 ** 24
const DMA32_BYTES = 2 ** 32

/** A refill takes pages of one zone. So large a share of those near a bound may go over it where a drop of the fallback explains it. */
const MAY_CROSS = 0.01

const pfnsOf = ({ tables }: Events): Uint32Array[] =>
  [tables.mm_page_alloc, tables.mm_page_free, tables.mm_page_pcpu_drain].map(({ column, length }) =>
    (column.pfn.data as Uint32Array).subarray(0, length),
  )

/** Sizes of refills of order 0, by their zone: runs of such pages on one CPU with nothing between. */
function refillSizes({ tables, kind, slot, cpu, length }: Events, zoneOf: (pfn: Pfn) => number): Map<number, number[]> {
  const { pfn, order, migratetype } = tables.mm_page_alloc_zone_locked.column
  const sizes = new Map<number, number[]>()
  /** By CPU: the run that may go on. */
  const open = new Map<number, { readonly zone: number; readonly type: number; size: number }>()
  const close = (of: number): void => {
    const run = open.get(of)
    open.delete(of)
    if (run === undefined) return
    const all = sizes.get(run.zone)
    if (all === undefined) sizes.set(run.zone, [run.size])
    else all.push(run.size)
  }
  for (let row = 0; row < length; row++) {
    const of = cpu[row]!
    const at = slot[row]!
    if (kind[row] !== Kind.mm_page_alloc_zone_locked || order.data[at] !== 0) {
      close(of)
      continue
    }
    const [zone, type] = [zoneOf(pfn.data[at]!), migratetype.data[at]!]
    const run = open.get(of)
    if (run?.zone === zone && run.type === type) run.size++
    else {
      close(of)
      open.set(of, { zone, type, size: 1 })
    }
  }
  return sizes
}

/** Of fewer refills nothing is learnt. */
const LEAST_REFILLS = 8

/** `batch`, as refills show it: the most common size among the smallest. Single pages come straight from the buddy. */
function batchShown(sizes: readonly number[]): Pages | undefined {
  const runs = sizes.filter((size) => size > 1).sort((a, b) => a - b)
  if (runs.length < LEAST_REFILLS) return undefined
  const least = runs[Math.trunc(runs.length / 10)]!
  const counts = new Map<number, number>()
  for (const size of runs) if (size >= least && size < 2 * least) counts.set(size, (counts.get(size) ?? 0) + 1)
  return [...counts].sort(([a, many], [b, more]) => more - many || a - b)[0]?.[0]
}

/** The largest batch, of zones from 1 GiB on. */
const MOST_BATCH = 63

/**
 * How many pages a zone of this batch manages: at least, and fewer than. Batches are one less than a power of two; others were set by hand
 * and tell nothing. Source: zone_batchsize(), mm/page_alloc.c, v5.10 to v7.2.
 */
function managedFor(batch: Pages, pageSize: number): { readonly least: Pages; readonly below: Pages } | undefined {
  const power = batch + 1
  if (batch < 1 || !Number.isInteger(Math.log2(power))) return undefined
  const leastFor = (of: number): Pages => 4096 * Math.ceil((2 * of) / 3)
  const most = pageSize === 4096 ? MOST_BATCH : Number.POSITIVE_INFINITY
  return { least: leastFor(power), below: batch >= most ? Number.POSITIVE_INFINITY : leastFor(2 * power) }
}

/** By bound: how many refilled pages lie below it, and how many follow or precede, in one refill, a page beyond it. */
function crossings({ tables, kind, slot, cpu, length }: Events, bounds: readonly Pfn[]) {
  const { pfn, order, migratetype } = tables.mm_page_alloc_zone_locked.column
  const below = bounds.map(() => 0)
  const over = bounds.map(() => 0)
  /** By CPU: the refilled page before. */
  const last = new Map<number, number>()
  for (let row = 0; row < length; row++) {
    if (kind[row] !== Kind.mm_page_alloc_zone_locked) {
      last.delete(cpu[row]!)
      continue
    }
    const at = slot[row]!
    const before = last.get(cpu[row]!)
    last.set(cpu[row]!, at)
    const page = pfn.data[at]!
    const joined =
      before !== undefined && order.data[before] === order.data[at] && migratetype.data[before] === migratetype.data[at]
    bounds.forEach((bound, index) => {
      if (page < bound) below[index]!++
      if (joined && page < bound !== pfn.data[before]! < bound) over[index]!++
    })
  }
  return bounds.map((bound, index) => ({ bound, below: below[index]!, over: over[index]! }))
}

/** Where zones of this architecture end, as page frames, lowest first. */
function boundsOf({ release, pageSize }: Machine): Pfn[] {
  const uname = release?.uname ?? ''
  if (/\b(aarch64|arm64|riscv64)\b/.test(uname)) return [DMA32_BYTES / pageSize]
  if (/\b(ppc64|ppc64le|s390x|i[3-6]86|armv\dl|loongarch64|mips64)\b/.test(uname)) return []
  return [DMA_BYTES / pageSize, DMA32_BYTES / pageSize]
}

/** A CPU takes so large a share of its pages from its own node, while that has enough. */
const OWN = 0.9
/** Of fewer allocations nothing is learnt. */
const LEAST_ALLOCS = 1000

/**
 * CPUs of two nodes, where some take their pages from the highest zone and others from the one below it: on one node all begin with the
 * highest. Source: build_zonelists(), mm/page_alloc.c, v5.10 to v7.2.
 */
function nodesOf({ tables, kind, slot, cpu, length }: Events, bound: Pfn | undefined): NumaNode[] {
  if (bound === undefined) return []
  const { data: pfns } = tables.mm_page_alloc.column.pfn
  const all: number[] = []
  const above: number[] = []
  for (let row = 0; row < length; row++) {
    if (kind[row] !== Kind.mm_page_alloc) continue
    const of = cpu[row]!
    all[of] = (all[of] ?? 0) + 1
    if (pfns[slot[row]!]! >= bound) above[of] = (above[of] ?? 0) + 1
  }
  const busy = [...all.keys()].filter((of) => (all[of] ?? 0) >= LEAST_ALLOCS)
  const shareOf = (of: number): number => (above[of] ?? 0) / all[of]!
  const high = busy.filter((of) => shareOf(of) >= OWN)
  const low = busy.filter((of) => shareOf(of) <= 1 - OWN)
  if (high.length === 0 || low.length === 0) return []
  const isHigh = (of: number): boolean => (above[of] ?? 0) * 2 > (all[of] ?? 0)
  const cpus = [...all.keys()].filter((of) => all[of] !== undefined)
  return [
    { node: 0, cpus: cpus.filter((of) => !isHigh(of)) },
    { node: 1, cpus: cpus.filter(isHigh) },
  ]
}

/** What of a zone the page allocator owns: struct page takes 1/64, the kernel and what it keeps from boot on about as much. */
const managedOf = (spanned: Pages): Pages => spanned - (spanned >> 5)

/** Memory ends at a multiple of so many bytes, less what the firmware keeps at its top. */
const MEMORY_STEP = 2 ** 26
const KEPT_AT_TOP = 2 ** 22

/** Where memory goes on beyond the pages seen, there is taken to be so many times as much. Too large a bound of `high` matters only at it. */
const UNSEEN = 4

const isEndSeen = (end: Pfn, pageSize: number): boolean => {
  const beyond = (MEMORY_STEP - ((end * pageSize) % MEMORY_STEP)) % MEMORY_STEP
  return beyond <= KEPT_AT_TOP
}

/** Of the first 16 MiB on x86-64 so many pages are managed: the rest is the firmware’s. */
const DMA_MANAGED = 3840

/**
 * min_free_kbytes in pages: by its own formula, or as khugepaged raises it, which needs two pageblocks a zone and one for each pair of
 * migratetypes. Source: calculate_min_free_kbytes(), mm/page_alloc.c; set_recommended_min_free_kbytes(), mm/khugepaged.c, v5.10 to v7.2.
 */
function minFreeOf({ pageSize, thpOrder, pageblockOrder }: Machine, managed: Pages, zones: number): Pages {
  const own = Math.trunc((Math.sqrt(((managed * pageSize) / 1024) * 16) * 1024) / pageSize)
  return thpOrder === undefined ? own : Math.max(own, (zones * (2 + 3 * 3)) << pageblockOrder)
}

/**
 * Zones of a capture without zoneinfo: up to the last page seen, parted where zones of this architecture end and no refill went over it;
 * watermarks by the kernel’s formulas. What free pages and lists there were is left at none.
 */
export function guessZones(events: Events, machine: Machine): { zones: Zone[]; nodes: NumaNode[] } {
  let [low, high] = [Number.MAX_SAFE_INTEGER, 0]
  for (const pfns of pfnsOf(events))
    for (const pfn of pfns) {
      if (pfn < low) low = pfn
      if (pfn > high) high = pfn
    }
  if (low > high) low = high
  const end = high + 1
  const isPressed = events.tables.mm_vmscan_kswapd_wake.length > 0
  const bounds = crossings(events, boundsOf(machine))
    .filter(({ bound, below, over }) => bound < end && over <= below * MAY_CROSS)
    .map(({ bound }) => bound)
    // Nothing is taken of the first 16 MiB while other zones have enough: who takes from there has no such zone.
    .filter((bound) => bound * machine.pageSize > DMA_BYTES || low >= bound || isPressed)
  const [dma = 0] = bounds
  const isDma = dma * machine.pageSize === DMA_BYTES
  // Nothing is taken of the lower zones as long as the highest has enough.
  const first = isDma || low >= (bounds.at(-1) ?? 0) ? Math.min(low, 1) : low
  const edges = [first, ...bounds.filter((bound) => bound > first), end]
  const spans = edges.slice(1).map((to, at) => ({ startPfn: edges[at]!, spanned: to - edges[at]! }))
  const names = isDma ? ['DMA', 'DMA32', 'Normal'] : bounds.length > 0 ? ['DMA32', 'Normal'] : ['DMA32']
  const sizes = refillSizes(events, (pfn) => bounds.filter((bound) => pfn >= bound).length)
  const managed = spans.map(({ spanned }, at) => {
    if (isDma && at === 0) return Math.min(DMA_MANAGED, spanned)
    const shown = managedFor(batchShown(sizes.get(at) ?? []) ?? 0, machine.pageSize)
    const least = managedOf(at === spans.length - 1 && !isEndSeen(end, machine.pageSize) ? UNSEEN * spanned : spanned)
    return Math.min(Math.max(least, shown?.least ?? 0), (shown?.below ?? Number.POSITIVE_INFINITY) - 1)
  })
  const all = managed.reduce((sum, pages) => sum + pages, 0)
  const minFree = minFreeOf(machine, all, spans.length)
  const nodes = nodesOf(
    events,
    bounds.find((bound) => bound * machine.pageSize === DMA32_BYTES),
  )
  const zones = spans.map((span, at) => {
    const min = Math.trunc((minFree * managed[at]!) / Math.max(1, all))
    const gap = Math.max(min >> 2, Math.trunc(managed[at]! / 1000))
    return {
      ...span,
      node: nodes.length > 1 && at === spans.length - 1 ? 1 : 0,
      name: names[at]!,
      present: span.spanned,
      managed: managed[at]!,
      free: 0,
      min,
      low: min + gap,
      high: min + 2 * gap,
      pagesets: [],
    }
  })
  return { zones, nodes: nodes.length > 1 ? nodes : [...machine.nodes] }
}
