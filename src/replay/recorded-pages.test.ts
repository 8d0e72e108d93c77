import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { infer } from './inferred.ts'
import { recordedPages } from './recorded-pages.ts'
import { scriptOf } from './script-of.ts'
import { recordingOf } from './testing/story.ts'

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

test('a free page that is freed was one of those that compaction filled, unless compaction itself gives it back', () => {
  const moved = { pgmigrate_success: 10, compact_isolated: 20 }
  expect(compacted(moved, freed(4, 1030, 'user'))).toBe(9)
  expect(compacted(moved, freed(4, 1030, 'kcompactd0'))).toBe(10)
})

test('who compacts by request gives back what it took in vain: what was isolated beyond two pages for each moved', () => {
  const [one, two] = [freed(4, 1030, 'sh'), freed(5, 1031, 'sh')]
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 22 }, one, two)).toBe(10)
  expect(compacted({ pgmigrate_success: 10, compact_isolated: 21 }, one, two)).toBe(9)
  // Not moved, so not filled.
  expect(compacted({ pgmigrate_success: 10, pgmigrate_fail: 1, compact_isolated: 22 }, one, two)).toBe(9)
  // kcompactd freed all that was moved: it alone compacted.
  const byDaemon = freed(4, 1029, 'kcompactd0')
  expect(compacted({ pgmigrate_success: 1, compact_isolated: 22 }, byDaemon)).toBe(1)
  expect(compacted({ pgmigrate_success: 1, compact_isolated: 22 }, byDaemon, two)).toBe(0)
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
