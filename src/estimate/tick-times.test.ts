import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { phaseOf, silentTicksOf } from './tick-times.ts'

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
  const { row } = silentTicksOf(script, [], 0)
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

test('years without an event have as many ticks as can change anything', () => {
  const free = (at: number): TraceEvent => ({ event: 'mm_page_free', time: at * SECOND, cpu: 0, pfn: 64, order: 4 })
  const script = scriptOf(recordingOf([0.5, 1.5, 3e8 + 0.5, 3e8 + 2.5].map(free), { release: '7.2.12', cpus: 1 }))
  const { row } = silentTicksOf(script, [], 0)
  const ticksBefore = (at: number) => row.filter((tick) => Math.round(script.time[tick]! / SECOND - 0.5) === at).length
  expect([1, 3e8, 3e8 + 2].map(ticksBefore)).toEqual([1, 65, 2])
})

test('the whole seconds of a machine are the latest that ticks seen on all its CPUs allow for, a late one aside', () => {
  const skew = 0.012 * SECOND
  const seen = (...times: readonly (readonly [number, number])[]) =>
    times.map(([cpu, at]) => ({ cpu, time: at * SECOND }))
  expect(phaseOf([], skew)).toBeUndefined()
  expect(phaseOf(seen([0, 3.9]), skew)! / SECOND).toBeCloseTo(0.9)
  // CPU 1 is due 12 ms before CPU 0; what came sooner after it is nearer to it.
  expect(phaseOf(seen([0, 3.99], [1, 5.898], [0, 7.93]), skew)! / SECOND).toBeCloseTo(0.91)
  // Across the turn of a second, and with one that came more than a quarter of a second late.
  expect(phaseOf(seen([0, 3.95], [0, 5.1], [0, 6.6]), skew)! / SECOND).toBeCloseTo(0.95)
  // A tick that came half a second late leaves out the next, so that none ran for a while is no wonder.
  const none = { cpu: 1, from: 3.905 * SECOND, to: 4.7 * SECOND, ticks: 0 }
  expect(phaseOf(seen([1, 3.905], [1, 5.449]), skew, [none])! / SECOND).toBeCloseTo(0.46)
  // One that lowered `high` in a window was due before its end.
  const one = { cpu: 2, from: 4.41 * SECOND, to: 4.44 * SECOND, ticks: 1 }
  expect(phaseOf(seen([0, 3.99]), skew, [one])! / SECOND).toBeLessThanOrEqual(0.464)
})
