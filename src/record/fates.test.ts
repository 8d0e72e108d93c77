import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { infer } from '../estimate/inferred.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { Fate, fatesOf } from './fates.ts'
import { scriptOf } from './script-of.ts'

let time = 0
const at = () => ({ time: ++time * 1000, cpu: 0, pid: 7, comm: 'task', context: 0 })
const alloc = (pfn: number, order = 0): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(),
  pfn,
  order,
  migratetype: 1,
  gfpFlags: 0,
})
const free = (pfn: number, order = 0): TraceEvent => ({ event: 'mm_page_free', ...at(), pfn, order })
const fromBuddy = (pfn: number, order = 0): TraceEvent => ({
  event: 'mm_page_alloc_zone_locked',
  ...at(),
  pfn,
  order,
  migratetype: 1,
  percpuRefill: true,
})
const refill = (...pfns: number[]): TraceEvent[] => pfns.map((pfn) => fromBuddy(pfn))

const release = '6.1.192'

test('the fate of a page is told by a block that it is part of', () => {
  const script = scriptOf(recordingOf([alloc(65), free(65), fromBuddy(64, 1), alloc(64, 1)], { release }))
  expect([...fatesOf(script).ofRow.slice(0, 2)]).toEqual([Fate.free, Fate.refill])
})

/** A list of four is used up; page 64 is freed meanwhile and comes back with the next refill. */
const used = () => [
  ...refill(64, 65, 66, 67),
  alloc(64),
  alloc(65),
  free(64),
  alloc(66),
  alloc(67),
  ...refill(64, 68, 69, 70),
  alloc(64),
]

test('a freed page that next comes from the buddy undrained went past the lists, since their lock was held', () => {
  const { run } = infer(scriptOf(recordingOf(used(), { release })))
  expect(run.inferredPastFrees).toBe(1)
  expect([...run.misses]).toEqual([])
  expect(run.finalCounts[0]).toBe(3)
})

test('before 6.0 nothing could hold that lock: interrupts were off', () => {
  const { run } = infer(scriptOf(recordingOf(used())))
  expect(run.inferredPastFrees).toBe(0)
  expect([...run.misses.keys()]).not.toEqual([])
})

test('a refill that a remote drain meets before its first page is announced came before the drain', () => {
  const other = (event: TraceEvent): TraceEvent => ({ ...event, cpu: 1, pid: 8 })
  const drained = (pfn: number): TraceEvent =>
    other({ event: 'mm_page_pcpu_drain', ...at(), pfn, order: 0, migratetype: 1 })
  const events = [
    ...refill(64, 65, 66, 67),
    other({ event: 'drain_all_pages', ...at(), zone: 0n }),
    drained(67),
    drained(66),
    drained(65),
    alloc(64),
    ...refill(65, 66, 67, 68),
    alloc(65),
  ]
  const { run } = infer(scriptOf(recordingOf(events, { release })))
  expect([...run.misses]).toEqual([])
  expect(run.cpus[0]!.refills).toEqual({ recorded: 1, predicted: 1, exact: 1 })
  expect(run.finalCounts[0]).toBe(3)
})
