import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { infer } from '../../estimate/inferred.ts'
import { recordingOf } from '../../replay/testing/story.ts'
import { scriptOf } from '../script-of.ts'

let time = 0
const at = (pid: number) => ({ time: ++time * 1000, cpu: 0, pid, comm: 'task', context: 0 })
const alloc = (pid: number, pfn: number): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(pid),
  pfn,
  order: 0,
  migratetype: 1,
  gfpFlags: 0,
})
const free = (pid: number, pfn: number): TraceEvent => ({ event: 'mm_page_free', ...at(pid), pfn, order: 0 })
const drain = (pid: number, pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...at(pid),
  pfn,
  order: 0,
  migratetype: 1,
})
const refill = (pid: number, ...pfns: number[]): TraceEvent[] =>
  pfns.map((pfn) => ({
    event: 'mm_page_alloc_zone_locked',
    ...at(pid),
    pfn,
    order: 0,
    migratetype: 1,
    percpuRefill: true,
  }))
const run = (events: readonly TraceEvent[]) =>
  infer(scriptOf(recordingOf(events, { release: '6.1.192', batch: 4, high: 20 }))).run

const PREEMPTED = 7
const OTHER = 8

/** A task’s last event, what another task does then, and the event of the page that the first had taken before. */
const during = (...others: TraceEvent[]) => [
  ...refill(PREEMPTED, 64, 65, 66, 67),
  alloc(PREEMPTED, 64),
  ...others,
  alloc(PREEMPTED, 65),
]

test('a page that others buried or went past had left its list before they came', () => {
  for (const events of [
    [...during(free(OTHER, 600), free(OTHER, 601)), alloc(OTHER, 601), alloc(OTHER, 600)],
    during(alloc(OTHER, 66), alloc(OTHER, 67)),
    [...during(alloc(OTHER, 66), free(OTHER, 600)), alloc(OTHER, 600)],
    // So the list was empty one allocation earlier.
    during(alloc(OTHER, 66), alloc(OTHER, 67), ...refill(OTHER, 68, 69, 70, 71), alloc(OTHER, 68)),
  ]) {
    const { misses, resyncs } = run(events)
    expect([...misses]).toEqual([])
    expect(resyncs).toBe(0)
  }
})

test('two tasks preempted one on top of the other both had taken theirs', () => {
  const third = 9
  const { misses } = run([
    ...refill(PREEMPTED, 64, 65, 66, 67, 68),
    alloc(PREEMPTED, 64),
    // What this task does is no row of the lists: its page, 66, and the other’s, 65, are taken before the same row.
    { event: 'mm_vmscan_kswapd_sleep', ...at(OTHER), nid: 0 },
    alloc(third, 67),
    alloc(OTHER, 66),
    alloc(PREEMPTED, 65),
  ])
  expect([...misses]).toEqual([])
})

test('it does not count at a limit either', () => {
  // 17 pages with 66 and 67, then those of the others, make 20; 65 would make the burst come one free too early.
  const others = Array.from({ length: 18 }, (_, page) => free(OTHER, 600 + page))
  const { misses, cpus } = run(during(...others, ...[67, 66, 600, 601].map((pfn) => drain(OTHER, pfn))))
  expect([...misses]).toEqual([])
  expect(cpus[0]!.pages.wrong).toBe(0)
})

test('a page that was still the head was taken when its event says', () => {
  const { early } = run(during(free(OTHER, 600), alloc(OTHER, 600)))
  expect([...early]).toEqual([])
})

test('a task that was seen since had not taken it yet', () => {
  const events = [
    ...refill(PREEMPTED, 64, 65, 66, 67),
    alloc(PREEMPTED, 64),
    free(OTHER, 600),
    free(PREEMPTED, 601),
    alloc(PREEMPTED, 65),
    alloc(OTHER, 601),
    alloc(OTHER, 600),
  ]
  const { misses } = run(events)
  expect(new Map(misses).get('not-the-head')).toBe(1)
})
