import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { pagesets } from '../sim/pagesets.ts'
import { boostsOf } from './boosts.ts'
import { ownPolicy } from './inferred.ts'

const [UNMOVABLE, MOVABLE] = [0, 1]
const steal = (pfn: number, type: number, fallbackOrder: number, changeOwnership = false): TraceEvent => ({
  event: 'mm_page_alloc_extfrag',
  time: 0,
  cpu: 0,
  pfn,
  allocOrder: 0,
  fallbackOrder,
  allocMigratetype: type,
  fallbackMigratetype: 1 - type,
  changeOwnership,
})
const alloc = (pfn: number, migratetype: number): TraceEvent => ({
  event: 'mm_page_alloc',
  time: 0,
  cpu: 0,
  pfn,
  order: 0,
  migratetype,
  gfpFlags: 0,
})
const drained = (pfn: number, migratetype = MOVABLE): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  time: 0,
  cpu: 0,
  pfn,
  order: 0,
  migratetype,
})

/** `blocks`: free blocks by order when the trace began, MOVABLE where a last drain does not tell that the pageblock of pfn 512 is not. */
function boosts(blocks: readonly number[], events: readonly TraceEvent[], type = MOVABLE): number[] {
  const wish = { release: '6.12.107', managed: 8192 }
  const recording = recordingOf(
    [...events, drained(1000, type)].map((event, at) => ({ ...event, time: at * 1000 })),
    wish,
  )
  const all = [...blocks, ...Array<number>(11 - blocks.length).fill(0)]
  const script = scriptOf({
    ...recording,
    machine: { ...machine(wish), buddyBefore: [{ node: 0, zone: 'Normal', blocks: all }] },
  })
  return [...boostsOf(script, pagesets(script, ownPolicy(script)).rules)].slice(0, -1)
}

test('an UNMOVABLE fallback looks at a block of each order below a pageblock, from the largest down, and boosts each time', () => {
  // One block of each of the orders 0, 2 and 5; one of a pageblock would have been claimed at once.
  expect(boosts([1, 0, 1, 0, 0, 1], [steal(640, UNMOVABLE, 0), alloc(640, UNMOVABLE)])).toEqual([3])
})

test('what found nothing to claim does not look again while it holds the lock, but the next time', () => {
  const [first, second, third] = [steal(640, UNMOVABLE, 0), steal(700, UNMOVABLE, 0), steal(760, UNMOVABLE, 0)]
  expect(boosts([3, 0, 0, 0, 1], [first, second, alloc(640, UNMOVABLE), third, alloc(760, UNMOVABLE)])).toEqual([
    2, 0, 2,
  ])
})

test('a MOVABLE fallback looks at no block below half a pageblock’s order', () => {
  expect(boosts([1, 0, 1, 0, 0, 1], [steal(640, MOVABLE, 0), alloc(640, MOVABLE)], UNMOVABLE)).toEqual([0])
})

test('a claim looked down to the block that it claimed; a whole pageblock boosts nothing', () => {
  const claim = steal(640, UNMOVABLE, 4, true)
  expect(boosts([0, 0, 1, 0, 1, 0, 1], [claim, alloc(640, UNMOVABLE)])).toEqual([2])
  expect(boosts([0, 0, 1, 0, 0, 0, 0, 0, 0, 1], [steal(1024, UNMOVABLE, 9, true), alloc(1024, UNMOVABLE)])).toEqual([0])
})

test('a block that was drained since counts too', () => {
  const events = [steal(640, UNMOVABLE, 0), alloc(640, UNMOVABLE), steal(700, UNMOVABLE, 0), alloc(700, UNMOVABLE)]
  expect(boosts([2], events)).toEqual([1, 1])
  const [first, second, ...rest] = events
  // Two pages side by side are a block of order 1.
  expect(boosts([2], [first!, second!, drained(80), drained(81), ...rest])).toEqual([1, 0, 0, 2])
})

test('a block that was taken counts no more', () => {
  const events = [steal(640, UNMOVABLE, 0), alloc(640, UNMOVABLE), steal(768, UNMOVABLE, 4), alloc(768, UNMOVABLE)]
  expect(boosts([1, 0, 0, 0, 1], events)).toEqual([2, 1])
})

test('a claimed pageblock is the request’s own from then on, and after a claim the next fallback looks again', () => {
  const events = [steal(640, UNMOVABLE, 4, true), steal(700, UNMOVABLE, 0), alloc(640, UNMOVABLE)]
  // The other pageblocks have a block of order 2 and one of order 6.
  expect(boosts([1, 0, 1, 0, 1, 0, 1], events)).toEqual([2, 2])
})

test('what a requester drained from other CPUs’ lists is free as well', () => {
  const request: TraceEvent = { event: 'drain_all_pages', time: 0, cpu: 0, pid: 7, zone: 0n }
  const byRequester = (pfn: number): TraceEvent => ({ ...drained(pfn), pid: 7 })
  const events = [steal(640, UNMOVABLE, 0), alloc(640, UNMOVABLE), steal(700, UNMOVABLE, 0), alloc(700, UNMOVABLE)]
  const [first, second, ...rest] = events
  expect(boosts([2], [first!, second!, request, byRequester(80), byRequester(81), ...rest])).toEqual([1, 2])
})
