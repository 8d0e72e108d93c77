import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from './script-of.ts'
import { recordingOf } from './testing/story.ts'
import { silentTicks } from './ticks.ts'

const SECOND = 1e9

/** Moments, in s, of the ticks of CPU 0 that no event shows, where those at `seen` gave pages back. */
function silent(...seen: number[]): number[] {
  const free = (at: number): TraceEvent => ({
    event: 'mm_page_free',
    time: at * SECOND,
    cpu: 0,
    pid: 7,
    comm: 'task',
    context: 0,
    pfn: 64,
    order: 4,
  })
  const drain = (at: number): TraceEvent => ({
    event: 'mm_page_pcpu_drain',
    time: at * SECOND,
    cpu: 0,
    pid: 20,
    comm: 'kworker/0:0',
    context: 0,
    pfn: 65,
    order: 0,
    migratetype: 1,
  })
  const steps = Array.from({ length: 43 }, (_, step) => 0.5 + step / 10)
  const events = [...steps.map(free), ...seen.map(drain)].sort((a, b) => a.time - b.time)
  const script = scriptOf(recordingOf(events, { release: '7.2.12', cpus: 1 }))
  const { row } = silentTicks(script, 0)
  // A tick stands before the first row at or after its moment.
  return row.map((at) => Math.round(script.time[at]! / SECOND))
}

test('a tick comes each second, unless it is seen', () => {
  expect(silent()).toEqual([1, 2, 3, 4])
  expect(silent(2.01)).toEqual([1, 3, 4])
})

test('one that comes late by less than a quarter of a second leaves the next where it was; a later one skips it', () => {
  expect(silent(2.2)).toEqual([1, 3, 4])
  expect(silent(2.4)).toEqual([1, 4])
})
