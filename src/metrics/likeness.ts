import { infer, ownPolicy, whatIfOf } from '#estimate'
import { type Events, Kind, type Recording } from '#events'
import { migratetypeName, NS_PER_SECOND } from '#kernel'
import { scriptOf } from '#record'
import { runPolicy, type WorkCounts } from '#replay'
import { surveyPages } from './survey/pages.ts'

/** One measure of a capture and of a trace made like it. */
export interface LikenessRow {
  readonly what: string
  readonly unit: string
  readonly capture: number
  readonly synthetic: number
  /** synthetic ÷ capture; undefined where the capture has none of it. */
  readonly ratio?: number
  /** Whether it is held against the bound; rare things are shown only. */
  readonly checked: boolean
}

export interface Likeness {
  readonly schema: 'kreplay.likeness/1'
  readonly capture: string
  /** How far a ratio may be from 1. */
  readonly bound: number
  readonly rows: readonly LikenessRow[]
  /** The checked measures that are outside it. */
  readonly outside: readonly string[]
}

/** Below this share of all allocations an order or a type is too rare to check. */
const COMMON = 0.01
/** How far a ratio may be from 1. */
const BOUND = 0.1
const QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9]

/** How like two traces are in what page lists react to; refills and drains under the recording kernel’s own policy. */
export const likenessOf = (capture: Recording, synthetic: Recording): Likeness => likenessTo(capture)(synthetic)

/** The same for many traces like one capture, which is measured once. */
export function likenessTo(capture: Recording): (synthetic: Recording) => Likeness {
  const before = measure(capture)
  return (synthetic) => compared(capture.name, before, measure(synthetic))
}

function compared(capture: string, before: Measures, after: Measures): Likeness {
  const rows = [...before].map(([what, { value, unit, common }]): LikenessRow => {
    const now = after.get(what)?.value ?? 0
    return {
      what,
      unit,
      capture: value,
      synthetic: now,
      checked: common,
      ...(value === 0 ? {} : { ratio: now / value }),
    }
  })
  const outside = rows
    .filter(({ checked, ratio }) => checked && ratio !== undefined && Math.abs(ratio - 1) > BOUND)
    .map(({ what }) => what)
  return { schema: 'kreplay.likeness/1', capture, bound: BOUND, rows, outside }
}

type Measures = ReadonlyMap<string, Measure>

interface Measure {
  readonly value: number
  readonly unit: string
  readonly common: boolean
}

function measure(recording: Recording): Measures {
  const { events, machine } = recording
  const found = new Map<string, Measure>()
  const pages = surveyPages(recording)
  if (pages === undefined || events.length === 0) return found
  const put = (what: string, unit: string, value: number, common = true) => found.set(what, { value, unit, common })
  const seconds = (events.time[events.length - 1]! - events.time[0]!) / NS_PER_SECOND
  put('allocations', '1/s', pages.allocs / seconds)
  put('frees', '1/s', pages.frees / seconds)
  put('frees as part of a list', 'share', pages.freesBatched / pages.frees)
  for (const { order, allocs } of pages.byOrder)
    put(`allocations of order ${order}`, 'share', allocs / pages.allocs, allocs / pages.allocs >= COMMON)
  for (const { migratetype, allocs } of pages.byMigratetype) {
    const share = allocs / pages.allocs
    put(`allocations of ${migratetypeName(migratetype, machine)}`, 'share', share, share >= COMMON)
  }
  put('pages freed on another CPU', 'share', pages.matching.crossCpu / pages.matching.matched)
  const lives = lifetimesOf(events)
  for (const p of QUANTILES)
    put(`lifetime, ${p * 100} % below`, 'µs', (lives[Math.floor(p * lives.length)] ?? 0) / 1000)
  const work = ownWork(recording)
  put('pages refilled', '1/s', work.refillPages / seconds)
  put('pages drained', '1/s', (work.drainBurstPages + work.requestedDrainPages + work.localDrainPages) / seconds)
  put('refills', '1/s', work.refills / seconds, false)
  put('drain bursts', '1/s', work.drainBursts / seconds, false)
  put('drain requests', '1/s', work.drainRequests / seconds, false)
  return found
}

function ownWork(recording: Recording): WorkCounts {
  const inference = infer(scriptOf(recording))
  return runPolicy(whatIfOf(inference), ownPolicy(inference.script)).result.work
}

/** How long each block lived that was seen allocated, and freed whole; ns, in order. */
function lifetimesOf(events: Events): Float64Array {
  const { kind, slot, time, tables, length } = events
  const { mm_page_alloc: alloc, mm_page_free: free } = events.tables
  const [allocPfn, allocOrder] = [alloc.column.pfn.data, alloc.column.order.data]
  const [freePfn, freeOrder] = [free.column.pfn.data, free.column.order.data]
  const bornAt = new Map<number, number>()
  const lives = new Float64Array(tables.mm_page_free.length)
  let lived = 0
  for (let row = 0; row < length; row++) {
    const at = slot[row]!
    if (kind[row] === Kind.mm_page_alloc)
      bornAt.set((allocPfn[at] as number) * 32 + (allocOrder[at] as number), time[row]!)
    else if (kind[row] === Kind.mm_page_free) {
      const key = (freePfn[at] as number) * 32 + (freeOrder[at] as number)
      const born = bornAt.get(key)
      if (born !== undefined) lives[lived++] = time[row]! - born
      bornAt.delete(key)
    }
  }
  return lives.subarray(0, lived).sort()
}
