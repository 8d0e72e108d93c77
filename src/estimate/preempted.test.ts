import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

const [FREER, TAKER] = [7, 8]
const HIGH = 40
const BATCH = 4
let time = 0
const at = (pid: number) => ({ time: ++time * 1000, cpu: 0, pid, comm: 'task', context: 0 })
const free = (pfn: number): TraceEvent => ({ event: 'mm_page_free', ...at(FREER), pfn, order: 0 })
const alloc = (pfn: number, order: number): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(TAKER),
  pfn,
  order,
  migratetype: 0,
  gfpFlags: 0,
})
const refill = (pfn: number, order: number): TraceEvent => ({
  event: 'mm_page_alloc_zone_locked',
  ...at(TAKER),
  pfn,
  order,
  migratetype: 0,
  percpuRefill: true,
})
const drain = (pfn: number, order = 0): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...at(FREER),
  pfn,
  order,
  migratetype: 1,
})
const each = (from: number, to: number, what: (pfn: number) => TraceEvent) =>
  Array.from({ length: to - from }, (_, page) => what(from + page))

/** 6.1 with lists of 40 pages. A first bulk free proves the count; a task fills the list of order 2 and takes one of two blocks. */
const begun = () => [...each(600, 640, free), ...each(600, 604, drain), refill(800, 2), refill(804, 2), alloc(800, 2)]
const rulesOf = (events: readonly TraceEvent[], count = 0) =>
  infer(scriptOf(recordingOf(events, { release: '6.1.192', cpus: 1, batch: BATCH, high: HIGH, count })))

test('a block that a preempted task took is on no list, though its event comes after the bulk free that shows it', () => {
  // 36 pages and a block of 4 left: the next page makes 41 for whom still counts the block.
  const taken = [...begun(), ...each(640, 644, free), ...each(604, 608, drain), alloc(804, 2)]
  const { run, freeRun } = rulesOf(taken)
  expect([...run.misses]).toEqual([])
  expect([...freeRun.misses]).toEqual([])
  // What proved it is not scored.
  expect(run.cpus[0]!.bursts).toEqual({ recorded: 0, predicted: 0, exact: 0 })
  expect(run.finalCounts[0]).toBe(36)
})

test('what no preempted task explains is a miss', () => {
  const early = [...begun(), alloc(804, 2), free(640), free(641), ...each(604, 608, drain)]
  expect(rulesOf(early).run.misses.size).toBeGreaterThan(0)
})

test('pages from before the trace that left unseen are fewer on the lists by what the next bulk free shows', () => {
  // Two of the three pages below are taken by alloc_pages_bulk(), of which no event tells.
  const until = (frees: number) => [
    ...each(600, 637, free),
    ...each(600, 604, drain),
    ...each(637, 637 + frees, free),
    ...each(604, 608, drain),
  ]
  expect([...rulesOf(until(4), 3).run.misses]).toEqual([])
  const { run, freeRun } = rulesOf(until(6), 3)
  expect([...run.misses, ...freeRun.misses]).toEqual([])
  expect(run.inferences.unseen).toEqual([])
  expect(freeRun.finalCounts[0]).toBe(36)
})

test('a head that others are allocated past twice is in the hands of a preempted task: they are no misses any more', () => {
  const single = (pfn: number): TraceEvent => ({ ...alloc(pfn, 0), migratetype: 1 }) as TraceEvent
  // 619 is the head; ten pages below it come first, and its own event last.
  const passed = Array.from({ length: 10 }, (_, page) => single(618 - page))
  const { run, freeRun } = rulesOf([...each(600, 620, free), ...passed, single(619)])
  expect([...run.misses]).toEqual([['not-the-head', 2]])
  expect([...freeRun.misses]).toEqual([['not-the-head', 2]])
  expect(run.finalCounts[0]).toBe(9)
})
