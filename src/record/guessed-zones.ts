import { type Events, Kind } from '#events'
import type { Machine, NumaNode, Pages, Pfn, Zone } from '#kernel'

/** Zones end at 16 MiB and at 4 GiB. Source: zone_sizes_init(), arch/x86/mm/init.c, and arch/arm64/mm/init.c, v5.10 to v7.2. */
const DMA_BYTES = 2 ** 24
const DMA32_BYTES = 2 ** 32

/**
 * Assumption: pages on both sides of a zone bound do not stand in one refill, but for this share of the pages below it: two refills of
 * neighbouring zones may follow each other without an event between.
 */
const MAY_CROSS = 0.01

const pfnsOf = ({ tables }: Events): Uint32Array[] =>
  [tables.mm_page_alloc, tables.mm_page_free, tables.mm_page_pcpu_drain].map(({ column, length }) =>
    (column.pfn.data as Uint32Array).subarray(0, length),
  )

/** Pages per refill of order 0, by zone. A refill is a run of such pages of one migratetype on one CPU, with no other event of the CPU between. */
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

/** Fewer refills than this (an assumption) show no batch. */
const LEAST_REFILLS = 8

/**
 * `batch`, from the sizes of refills: self-tuned ones are multiples of it, so it is the most common size below twice the smallest tenth. Single pages
 * are left out: they came straight from the buddy allocator. Undefined with too few refills.
 */
function batchShown(sizes: readonly number[]): Pages | undefined {
  const runs = sizes.filter((size) => size > 1).sort((a, b) => a - b)
  if (runs.length < LEAST_REFILLS) return undefined
  const least = runs[Math.trunc(runs.length / 10)]!
  const counts = new Map<number, number>()
  for (const size of runs) if (size >= least && size < 2 * least) counts.set(size, (counts.get(size) ?? 0) + 1)
  return [...counts].sort(([a, many], [b, more]) => more - many || a - b)[0]?.[0]
}

/** The largest batch with pages of 4 KiB: of zones of 1 GiB and more. Source: zone_batchsize(), mm/page_alloc.c, v5.10 to v7.2. */
const MOST_BATCH = 63

/**
 * How many pages a zone with this batch manages: `least` or more, fewer than `below`. Undefined if the batch is not one less than a power of two:
 * then it was set by hand. Source: zone_batchsize(), mm/page_alloc.c, v5.10 to v7.2.
 */
function managedFor(batch: Pages, pageSize: number): { readonly least: Pages; readonly below: Pages } | undefined {
  const power = batch + 1
  if (batch < 1 || !Number.isInteger(Math.log2(power))) return undefined
  const leastFor = (of: number): Pages => 4096 * Math.ceil((2 * of) / 3)
  const most = pageSize === 4096 ? MOST_BATCH : Number.POSITIVE_INFINITY
  return { least: leastFor(power), below: batch >= most ? Number.POSITIVE_INFINITY : leastFor(2 * power) }
}

/** By bound: how many refilled pages lie below it, and how often two neighbours of one refill lie on both sides of it. */
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

/** Where zones of this architecture end, as page frames, lowest first; none where that depends on the machine. */
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

/** Managed pages of a zone (an estimate): struct page takes 64 bytes of 4096, and the kernel’s image and boot-time allocations are assumed to take as much again. */
const managedOf = (spanned: Pages): Pages => spanned - (spanned >> 5)

/** Assumption: memory ends at a multiple of 64 MiB, less up to 4 MiB at its top that the firmware keeps. */
const MEMORY_STEP = 2 ** 26
const KEPT_AT_TOP = 2 ** 22

/**
 * Assumption: if the last page seen is not at such an end, memory goes on to four times the span seen. Too large a zone raises the upper bound of
 * `high`, which matters only where `high` reaches it.
 */
const UNSEEN = 4

const isEndSeen = (end: Pfn, pageSize: number): boolean => {
  const beyond = (MEMORY_STEP - ((end * pageSize) % MEMORY_STEP)) % MEMORY_STEP
  return beyond <= KEPT_AT_TOP
}

/** Managed pages of ZONE_DMA on x86-64, as in zoneinfo of the bundled captures: the rest of its 4096 pages is the firmware’s and the kernel’s. */
const DMA_MANAGED = 3840

/**
 * min_free_kbytes in pages: by its own formula, or as khugepaged raises it, to two pageblocks a zone and one for each pair of the three
 * migratetypes on per-CPU lists. Source: calculate_min_free_kbytes(), mm/page_alloc.c; set_recommended_min_free_kbytes(), mm/khugepaged.c, v5.10 to v7.2.
 */
function minFreeOf({ pageSize, thpOrder, pageblockOrder }: Machine, managed: Pages, zones: number): Pages {
  const own = Math.trunc((Math.sqrt(((managed * pageSize) / 1024) * 16) * 1024) / pageSize)
  return thpOrder === undefined ? own : Math.max(own, (zones * (2 + 3 * 3)) << pageblockOrder)
}

/**
 * Guesses the zones of a capture without zoneinfo, on one node. They span all pages up to the last one seen and are split where zones of this
 * architecture end, unless refills cross that bound. Watermarks follow from the kernel’s formulas; free pages are 0 and pagesets empty.
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
    // While other zones have enough, nothing is allocated in ZONE_DMA: allocations there show that the machine has none.
    .filter((bound) => bound * machine.pageSize > DMA_BYTES || low >= bound || isPressed)
  const [dma = 0] = bounds
  const isDma = dma * machine.pageSize === DMA_BYTES
  // Lower zones are not allocated from while the highest has enough, so they may exist unseen.
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
