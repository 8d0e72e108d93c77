import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

let time = 0
const at = (pid: number, comm = 'task') => ({ time: ++time * 1000, cpu: 0, pid, comm, context: 0, order: 0 })
const free = (pfn: number): TraceEvent => ({ event: 'mm_page_free', ...at(7), pfn })
const drain = (pfn: number): TraceEvent => ({ event: 'mm_page_pcpu_drain', ...at(7), pfn, migratetype: 1 })
const ticked = (pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...at(20, 'kworker/0:0'),
  pfn,
  migratetype: 1,
})
const each = (from: number, pages: number, what: (pfn: number) => TraceEvent) =>
  Array.from({ length: pages }, (_, page) => what(from + page))

/**
 * Lists of a 7.2 with `high` at 48 and 30 pages: 18 frees lead to a bulk free of as many. After 16 more, a vmstat tick lowers `high` to its
 * bound of 42 and gives back four; the next free leads to a bulk free of 35. zoneinfo was read before refills raised both by `unseen` pages.
 */
function story(unseen: number) {
  const wish = { release: '7.2.12', cpus: 1, batch: 4, high: 48 - unseen, count: 30 - unseen }
  const { zones, ...whole } = machine(wish)
  const tuned = zones.map((zone) => ({
    ...zone,
    pagesets: zone.pagesets.map((set) => ({ ...set, highMin: 42, highMax: 200 })),
  }))
  const events = [
    ...each(600, 18, free),
    ...each(500, 18, drain),
    ...each(618, 16, free),
    ...each(518, 4, ticked),
    ...each(634, 1, free),
    ...each(522, 8, drain),
    ...each(600, 27, drain),
  ]
  return infer(scriptOf({ ...recordingOf(events, wish), machine: { ...whole, zones: tuned } })).run
}

test('a count that a guessed `high` proved is as far off as that, until a tick shows by how much', () => {
  for (const unseen of [0, 1, 4]) {
    const { misses, finalCounts, finalHighs } = story(unseen)
    expect([unseen, ...misses]).toEqual([unseen])
    expect([finalCounts[0], finalHighs[0]]).toEqual([8, 42])
  }
})
