import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { placeHidden } from './hidden-pages.ts'
import { infer } from './inferred.ts'
import { startListsOf } from './start-lists.ts'
import { whatIfOf } from './what-if.ts'

const orderOf = (list: number): number => (list < 3 ? 0 : 1)

describe('pages that lay on a pageset and never came to light', () => {
  test('lie on lists that never ran empty, as those lie that did come to light', () => {
    const blocks = placeHidden(100, {
      surfaced: Int32Array.of(50, 7, 0, 9),
      refilled: Uint8Array.of(0, 1, 0, 0),
      orderOf,
    })
    expect([...blocks]).toEqual([98, 0, 2, 0])
  })

  test('are blocks where only lists of blocks are left', () => {
    const blocks = placeHidden(11, { surfaced: new Int32Array(4), refilled: Uint8Array.of(1, 1, 1, 0), orderOf })
    expect([...blocks]).toEqual([0, 0, 0, 5])
  })

  test('were never there where every list ran empty: the count was wrong', () => {
    const blocks = placeHidden(11, { surfaced: new Int32Array(4), refilled: Uint8Array.of(1, 1, 1, 1), orderOf })
    expect([...blocks]).toEqual([0, 0, 0, 0])
  })
})

/** 6.1: zoneinfo counts 9 pages on the lists. The trace begins with a refill of the MOVABLE list, so they all lay elsewhere. */
const emptyMovable: TraceEvent[] = [
  ...[600, 601, 602, 603].map(
    (pfn): TraceEvent => ({ event: 'mm_page_alloc_zone_locked', time: pfn, cpu: 0, pfn, order: 0, migratetype: 1 }),
  ),
  { event: 'mm_page_alloc', time: 700, cpu: 0, pfn: 600, order: 0, migratetype: 1, gfpFlags: 0 },
]

test('a list that was refilled at first has nothing from before', () => {
  const inference = infer(
    scriptOf(recordingOf(emptyMovable, { release: '6.1.192', cpus: 1, batch: 4, high: 20, count: 9 })),
  )
  const { script, inferred } = inference
  const { blocks, types, orders } = startListsOf(script, inferred, whatIfOf(inference).demand)
  const movable = types.findIndex((type, list) => type === 1 && orders[list] === 0)
  expect(blocks[0]![movable]).toBe(0)
  expect(blocks[0]!.reduce((sum, count, list) => sum + (count << orders[list]!), 0)).toBe(9)
})

test('who makes a refill takes its first block at once, on that CPU, however late its event comes', () => {
  const task = { pid: 7, comm: 'slow' }
  const events: TraceEvent[] = [
    { event: 'mm_page_alloc_zone_locked', time: 1000, cpu: 0, pfn: 600, order: 0, migratetype: 1 },
    { event: 'mm_page_alloc_zone_locked', time: 1001, cpu: 0, pfn: 601, order: 0, migratetype: 1 },
    { event: 'mm_page_alloc', time: 2000, cpu: 0, pfn: 601, order: 0, migratetype: 1, gfpFlags: 0 },
    // The task that fetched them ran on another CPU by the time its page was cleared.
    { event: 'mm_page_alloc', time: 9000, cpu: 1, pfn: 600, order: 0, migratetype: 1, gfpFlags: 0, ...task },
  ]
  const { demand } = whatIfOf(infer(scriptOf(recordingOf(events, { release: '6.1.192', batch: 2, high: 20 }))))
  expect([...demand.cpu]).toEqual([0, 0])
  expect([...demand.block]).toEqual([1, 0])
})
