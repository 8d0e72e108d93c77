import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { recordingOf } from '../replay/testing/story.ts'
import { Op } from './script.ts'
import { scriptOf } from './script-of.ts'

const drained = (seconds: number, pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  time: seconds * 1e9,
  cpu: 0,
  pid: 20,
  comm: 'kworker/0:1',
  context: 0,
  pfn,
  order: 0,
  migratetype: 1,
})
const other = (seconds: number): TraceEvent => ({
  event: 'mm_page_free',
  time: seconds * 1e9,
  cpu: 0,
  pid: 7,
  comm: 'task',
  context: 0,
  pfn: 900,
  order: 4,
})

/** Pages that ticks gave back, and rows at which a tick went on after it was preempted. */
function ticksOf(...events: TraceEvent[]) {
  const { op, length, drainStart, drainEnd } = scriptOf(recordingOf(events, { release: '6.12.50', cpus: 1 }))
  const rows = Array.from({ length }, (_, row) => row)
  const pagesOf = (row: number) => drainEnd[row]! - drainStart[row]!
  return {
    ticks: rows.filter((row) => op[row] === Op.tick).map(pagesOf),
    resumed: rows.filter((row) => op[row] === Op.bulkFreeResumed).map(pagesOf),
  }
}

test('what a worker drains soon after others ran is the rest of its tick; a second later it is the next tick', () => {
  const first = [other(0.5), drained(1, 600), drained(1, 601), other(1.1)]
  expect(ticksOf(...first, drained(1.2, 602))).toEqual({ ticks: [2], resumed: [1] })
  expect(ticksOf(...first, drained(2.05, 602))).toEqual({ ticks: [2, 1], resumed: [] })
})

test('it is so too where nothing else ran in between', () => {
  expect(ticksOf(other(0.5), drained(1, 600), drained(2.05, 601)).ticks).toEqual([1, 1])
})
