import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { recordingOf } from '../../replay/testing/story.ts'
import { Op } from '../script.ts'
import { scriptOf } from '../script-of.ts'
import { Edge, reclaimEdges } from './reclaim.ts'

const KSWAPD = 5
const wake: TraceEvent = { event: 'mm_vmscan_kswapd_wake', time: 0, cpu: 0, pid: KSWAPD, nid: 0, order: 0 }
const sleep: TraceEvent = { event: 'mm_vmscan_kswapd_sleep', time: 0, cpu: 0, pid: KSWAPD, nid: 0 }
const free = (pid: number): TraceEvent => ({ event: 'mm_page_free', time: 0, cpu: 0, pid, pfn: 600, order: 0 })

const recording = (events: readonly TraceEvent[]) =>
  recordingOf(
    events.map((event, at) => ({ ...event, time: at * 1000 })),
    { release: '6.12.107' },
  )
const edges = (...events: TraceEvent[]) => [...reclaimEdges(recording(events).events)!.edges]

test('kswapd balances from its wake, at the latest from its first event, to its last before it sleeps', () => {
  expect(edges(free(1), wake, free(1), free(KSWAPD), free(KSWAPD), free(1), sleep, free(1))).toEqual([
    0,
    Edge.start,
    0,
    Edge.start,
    Edge.end,
    0,
    Edge.sleep,
    0,
  ])
})

test('a kswapd that finds nothing to do is done as soon as it woke: what it found boosted is taken back', () => {
  const events = [wake, wake, free(KSWAPD), sleep]
  expect(edges(...events)).toEqual([Edge.start | Edge.end, Edge.start, Edge.start | Edge.end, Edge.sleep])
  const { op, length } = scriptOf(recording(events))
  const ops: readonly number[] = [Op.reclaimStart, Op.reclaimEnd, Op.kswapdSleep]
  const [start, end, asleep] = ops
  const reclaim = [...op.subarray(0, length)].filter((each) => ops.includes(each))
  expect(reclaim).toEqual([start, end, start, start, end, asleep])
})

test('without a wake nothing is known', () => {
  expect(reclaimEdges(recording([free(1)]).events)).toBeUndefined()
})
