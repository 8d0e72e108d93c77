import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'
import { recordedPages } from './recorded-pages.ts'

const MOVABLE = 1
const page = (pfn: number) => ({ cpu: 0, pfn, order: 0 })
const freed = (time: number, pfn: number, comm: string): TraceEvent => ({
  event: 'mm_page_free',
  time,
  pid: 9,
  comm,
  context: 0,
  ...page(pfn),
})

/** Pages come from the buddy to a user and go back there. Of how many, then, is known that compaction filled them? */
function compacted(vmstatRise: Readonly<Record<string, number>>, ...last: readonly TraceEvent[]): number {
  const pfns = Array.from({ length: 20 }, (_, n) => 1024 + n)
  const listed = (pfn: number) => ({ ...page(pfn), migratetype: MOVABLE })
  const recording = recordingOf(
    [
      ...pfns.map((pfn): TraceEvent => ({ event: 'mm_page_alloc_zone_locked', time: 0, ...listed(pfn) })),
      ...pfns.map((pfn): TraceEvent => ({ event: 'mm_page_alloc', time: 1, ...listed(pfn), gfpFlags: 0 })),
      ...pfns.map((pfn) => freed(2, pfn, 'user')),
      ...pfns.map((pfn): TraceEvent => ({ event: 'mm_page_pcpu_drain', time: 3, ...listed(pfn) })),
      ...last,
    ],
    { release: '6.1.192' },
  )
  const script = scriptOf({ ...recording, machine: { ...recording.machine, vmstatRise } })
  return recordedPages(script, infer(script).inferred.start).zones[0]!.compacted
}

test('each page that compaction moved fills a free one; what it isolated in vain is free again', () => {
  expect(compacted({})).toBe(0)
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 90 })).toBe(10)
})

test('a free page that is freed was one of those that compaction took', () => {
  const moved = { pgmigrate_success: 10, compact_isolated: 20 }
  expect(compacted(moved, freed(4, 1030, 'user'))).toBe(9)
})

test('kcompactd is known by name: each page that it frees was moved into a free one, or is one that it took in vain', () => {
  const moved = (...pfns: number[]) =>
    pfns.flatMap((pfn): TraceEvent[] => [
      freed(4, pfn, 'kcompactd0'),
      { event: 'mm_page_pcpu_drain', time: 5, ...page(pfn), migratetype: MOVABLE },
    ])
  expect(compacted({}, ...moved(2000, 2001, 2002))).toBe(3)
  // 1030 is free already: it comes back.
  expect(compacted({}, ...moved(2000, 2001, 1030))).toBe(2)
  expect(compacted({ pgmigrate_success: 2, compact_isolated: 90 }, ...moved(2000, 2001, 1030))).toBe(2)
})

test('who compacts by request gives back what it took in vain: what was isolated beyond two pages for each moved', () => {
  const [one, two] = [freed(4, 1030, 'sh'), freed(5, 1031, 'sh')]
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 22 }, one, two)).toBe(10)
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 21 }, one, two)).toBe(9)
  // Not moved, so not filled.
  expect(compacted({ pgmigrate_success: 10, pgmigrate_fail: 1, compact_isolated: 22 }, one, two)).toBe(9)
  // No more are in use than were moved.
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 40 }, one, two)).toBe(10)
})

test('of a block that is freed, those pages were filled by compaction that were free', () => {
  const moved = { pgmigrate_success: 10 }
  const block: TraceEvent = {
    event: 'mm_page_free',
    time: 6,
    pid: 9,
    comm: 'user',
    context: 0,
    cpu: 0,
    pfn: 1032,
    order: 3,
  }
  const one = { ...page(1033), migratetype: MOVABLE }
  expect(compacted(moved, block)).toBe(2)
  expect(
    compacted(
      moved,
      { event: 'mm_page_alloc_zone_locked', time: 4, ...one },
      { event: 'mm_page_alloc', time: 5, ...one, gfpFlags: 0 },
      block,
    ),
  ).toBe(3)
})

const listed = (time: number, pfn: number) => ({ time, ...page(pfn), migratetype: MOVABLE })
const taken = (time: number, pfn: number): TraceEvent[] => [
  { event: 'mm_page_alloc_zone_locked', ...listed(time, pfn) },
  { event: 'mm_page_alloc', ...listed(time, pfn), gfpFlags: 0 },
]
const given = (time: number, pfn: number, comm = 'user'): TraceEvent[] => [
  freed(time, pfn, comm),
  { event: 'mm_page_pcpu_drain', ...listed(time, pfn) },
]

/** What is free at the end, where buddyinfo counted these blocks before. */
function endOf(events: readonly TraceEvent[], buddyinfo: readonly number[]) {
  const recording = recordingOf(events, { release: '6.1.192' })
  const machine = { ...recording.machine, buddyBefore: [{ node: 0, zone: 'Normal', blocks: buddyinfo }] }
  const script = scriptOf({ ...recording, machine })
  const { blocks, ...rest } = recordedPages(script, infer(script).inferred.start).zones[0]!
  return { ...rest, blocks: blocks.slice(0, 5) }
}

describe('which pages compaction took', () => {
  const pfns = Array.from({ length: 16 }, (_, n) => 1024 + n)
  const moved = (time: number) => given(time, 2000, 'kcompactd0')
  const start = [
    ...pfns.flatMap((pfn) => taken(0, pfn)),
    ...pfns.slice(0, 8).flatMap((pfn) => given(1, pfn)),
    ...moved(2),
  ]

  test('those that were free by then', () => {
    const end = endOf([...start, ...pfns.slice(8).flatMap((pfn) => given(3, pfn))], [0, 0, 0, 0, 1])
    // Of the lower half 1024 went; 2000 lies alone.
    expect(end).toMatchObject({ blocks: [2, 1, 1, 1, 0], compacted: 1, contradictions: 0 })
  })

  test('none that leaves the buddy after', () => {
    const end = endOf([...start, ...pfns.slice(0, 5).flatMap((pfn) => taken(3, pfn))], [0, 0, 0, 0, 1])
    expect(end).toMatchObject({ blocks: [1, 1, 0, 0, 0], compacted: 1, contradictions: 0 })
  })

  test('later ones, where none was free that it can have taken', () => {
    const end = endOf(
      [
        ...start,
        ...pfns.slice(0, 8).flatMap((pfn) => taken(3, pfn)),
        ...given(4, 1030),
        ...moved(5),
        ...given(6, 1039),
      ],
      [0, 0, 0, 0, 1],
    )
    // 2000 came twice, so its first place was taken: by the second move.
    expect(end).toMatchObject({ compacted: 1, contradictions: 0 })
  })

  test('at the end at the latest', () => {
    const before = pfns.flatMap((pfn) => taken(0, pfn))
    const end = endOf([...before, ...moved(1), ...given(2, 1030)], [0, 0, 0, 0, 1])
    // 2000, which was moved, lies alone.
    expect(end).toMatchObject({ blocks: [1, 0, 0, 0, 0], compacted: 1 })
  })
})

describe('of several zones', () => {
  /** Eight pages of each zone come from the buddy and go back. What compaction took then, by zone. */
  function takenByZone(last: readonly TraceEvent[], vmstatRise: Readonly<Record<string, number>> = {}): number[] {
    const pfns = [512, 16384 + 512].flatMap((head) => Array.from({ length: 8 }, (_, n) => head + n))
    const events = [...pfns.flatMap((pfn) => taken(0, pfn)), ...pfns.flatMap((pfn) => given(1, pfn)), ...last]
    const recording = recordingOf(events, { release: '6.1.192' })
    const [low] = recording.machine.zones
    const zones = [
      { ...low!, name: 'DMA32' },
      { ...low!, startPfn: 16384 },
    ]
    const script = scriptOf({ ...recording, machine: { ...recording.machine, zones, vmstatRise } })
    return recordedPages(script, infer(script).inferred.start).zones.map(({ compacted }) => compacted)
  }
  const moved = (pfn: number) => given(2, pfn, 'kcompactd0')

  test('kcompactd moves a page within its zone', () => {
    expect(takenByZone([...moved(20_000), ...moved(20_001), ...moved(3000)])).toEqual([1, 2])
    // One came back in the other zone: it was moved by another task, since kcompactd moved none there.
    expect(takenByZone([...moved(20_000), freed(3, 513, 'user')])).toEqual([0, 1])
  })

  test('where nothing shows the zone, it is the last that has a page to fill', () => {
    expect(takenByZone([], { pgmigrate_success: 10 })).toEqual([2, 8])
  })
})

describe('what was free when the trace began', () => {
  test('a block of which most was seen free was free as a whole, if buddyinfo counts it', () => {
    const whole = Array.from({ length: 16 }, (_, n) => 1024 + n)
    const seen = whole.filter((pfn) => ![1029, 1036, 1037, 1038, 1039].includes(pfn)).flatMap((pfn) => taken(0, pfn))
    expect(endOf(seen, [0, 0, 0, 0, 1]).blocks).toEqual([1, 0, 1, 0, 0])
    // 1028 finds 1029 free.
    expect(endOf([...seen, ...given(1, 1028)], [0, 0, 0, 0, 1]).blocks).toEqual([0, 1, 1, 0, 0])
    // 1029 is first seen in use: compaction had taken it.
    expect(endOf([...seen, ...given(1, 1029)], [0, 0, 0, 0, 1]).blocks).toEqual([1, 0, 1, 0, 0])
    // Not if buddyinfo counts its parts.
    expect(endOf([...seen, ...given(1, 1028)], [1, 1, 2, 0, 1]).blocks).toEqual([1, 0, 0, 0, 1])
  })

  test('a page of the block that came from a list was not free', () => {
    const fromList: TraceEvent = { event: 'mm_page_alloc', ...listed(0, 1029), gfpFlags: 0 }
    const seen = [1024, 1025, 1026, 1027, 1028, 1030, 1031].flatMap((pfn) => taken(1, pfn))
    // What buddyinfo counts then lay elsewhere: its pages less those that were seen.
    expect(endOf([fromList, ...seen], [0, 0, 0, 1]).blocks).toEqual([1, 0, 0, 0, 0])
  })
})
