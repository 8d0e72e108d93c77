import { type Events, Kind } from '#events'
import { ABSENT } from '#events/columns'
import { largeHolds } from '../large-holds.ts'
import { Sums, spreadOf } from './sums.ts'

export type RunKind = 'refill' | 'drain'

/** A refill or a drain. */
export interface Run {
  readonly kind: RunKind
  readonly pages: number
  /** Its first event. */
  readonly row: number
}

/**
 * Each refill and each drain, in the order in which they end: a run of events on one CPU. What other CPUs do meanwhile ends no run, nor
 * does what the kernel may record within one: stacks, fallbacks (extfrag), calls of functions and events that kreplay does not know. Any
 * other event of the same CPU ends it, since the zone's lock is held and interrupts are off, and so does an event of another task or context.
 *
 * A single block that is allocated at once is no refill: it went past the lists.
 *
 * Leaves out: where nothing is recorded between them, the drains of several lists by one drain_all_pages() are one run.
 */
export function runsOf(events: Events): Run[] {
  const { kind: kinds, cpu: cpus, pid: pids, context: contexts, slot: slots, tables } = events
  const { mm_page_alloc_zone_locked: locked, mm_page_pcpu_drain: drain } = tables
  const runs: Run[] = []
  if (locked.length + drain.length === 0) return runs
  const lockedOrder = locked.column.order.data
  const refill = locked.column.percpuRefill.data
  const lockedPfn = locked.column.pfn.data
  const allocPfn = tables.mm_page_alloc.column.pfn.data
  const drainOrder = drain.column.order.data
  const running: Running[] = []
  const inOrder: Running[] = []
  for (let row = 0; row < events.length; row++) {
    // row < length, so every column has it
    const kind = kinds[row]!,
      cpu = cpus[row]!,
      slot = slots[row]!
    let run = running[cpu]
    if (run === undefined) {
      run = { kind: undefined, pages: 0, order: 0, row: 0, pfn: 0 }
      running[cpu] = run
      inOrder.push(run)
    }
    let next: RunKind | undefined
    let order = 0
    if (kind === Kind.mm_page_alloc_zone_locked) {
      order = lockedOrder[slot]!
      // 5.10 does not store it: order 0 is what its own text prints.
      if (refill[slot] === ABSENT.flag ? order === 0 : refill[slot] === 1) next = 'refill'
    } else if (kind === Kind.mm_page_pcpu_drain) {
      next = 'drain'
      order = drainOrder[slot]!
    } else if (run.kind === undefined) continue
    else if (isOfRun(run, kind)) continue
    else if (kind === Kind.other && pids[row] === pids[run.row] && contexts[row] === contexts[run.row]) continue
    if (kind === Kind.mm_page_alloc && wentPast(run, allocPfn[slot]!)) run.kind = undefined
    // A refill fetches blocks of one order; a drain gives back what it finds.
    if (run.kind !== undefined && (run.kind !== next || (next === 'refill' && run.order !== order))) {
      runs.push({ kind: run.kind, pages: run.pages, row: run.row })
      run.kind = undefined
    }
    if (next === undefined) continue
    if (run.kind === undefined) {
      run.kind = next
      run.pages = 0
      run.order = order
      run.row = row
      if (kind === Kind.mm_page_alloc_zone_locked) run.pfn = lockedPfn[slot]!
    }
    run.pages += 1 << order
  }
  for (const { kind, pages, row } of inOrder) if (kind !== undefined) runs.push({ kind, pages, row })
  return runs
}

/** What the kernel records within a run. */
const isOfRun = (run: Running, kind: number): boolean =>
  kind === Kind.kernel_stack || (kind === Kind.mm_page_alloc_extfrag && run.kind === 'refill')

/** A single block that is allocated at once went past the lists, as `recordedSums` has it. */
const wentPast = ({ kind, pages, order, pfn }: Running, allocated: number): boolean =>
  kind === 'refill' && pages === 1 << order && pfn === allocated

/** What is running on a CPU, how many pages it has, where it began. */
interface Running {
  kind: RunKind | undefined
  pages: number
  order: number
  row: number
  /** Of a refill: its first block. */
  pfn: number
}

/** How often, and how many pages at a time, did each CPU fetch from the buddy allocator and give back? */
export function surveyLists(events: Events, runs = runsOf(events)) {
  const { mm_page_alloc_zone_locked: locked, mm_page_pcpu_drain: drain } = events.tables
  if (locked.length + drain.length === 0) return undefined
  const sizes: Record<RunKind, number[]> = { refill: [], drain: [] }
  const perCpu = new Sums(['refills', 'refillPages', 'drains', 'drainedPages'])
  for (const { kind, pages, row } of runs) {
    sizes[kind].push(pages)
    const cpu = events.cpu[row]!
    perCpu.add(kind === 'refill' ? 'refills' : 'drains', cpu)
    perCpu.add(kind === 'refill' ? 'refillPages' : 'drainedPages', cpu, pages)
  }
  let lockedPages = 0
  const orders = locked.column.order.data
  for (let slot = 0; slot < orders.length; slot++) lockedPages += 1 << orders[slot]!
  const refills = spreadOf(sizes.refill)
  return {
    /** Runs; `total` and the rest are pages. */
    refills,
    drains: spreadOf(sizes.drain),
    /** Runs of more pages than each limit. */
    largeRuns: largeHolds(
      sizes.drain.map((pages) => [pages, 1] as const),
      sizes.refill.map((pages) => [pages, 1] as const),
    ),
    /** Pages that left the buddy allocator for one allocation, past the lists. */
    directPages: lockedPages - (refills?.total ?? 0),
    perCpu: perCpu.list((cpu) => ({ cpu: cpu })).sort((a, b) => a.cpu - b.cpu),
  }
}

export type ListSurvey = NonNullable<ReturnType<typeof surveyLists>>
