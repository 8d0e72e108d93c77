import { describe, expect, test } from 'vitest'
import { Ask, DemandBuilder, EventBuilder, eachEvent, type TraceEvent } from '#events'
import { infer } from '../estimate/inferred.ts'
import { record } from '../replay/recorder.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { scriptOf } from './script-of.ts'
import { fitTicks, silentTicks, type TickTiming } from './ticks.ts'

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
  const { row } = silentTicks(script, { phase: 0, behind: new Set() })
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
  const { row } = silentTicks(script, { phase: 0, behind: new Set() })
  const ticksBefore = (at: number) => row.filter((tick) => Math.round(script.time[tick]! / SECOND - 0.5) === at).length
  expect([1, 3e8, 3e8 + 2].map(ticksBefore)).toEqual([1, 258, 2])
})

describe('the timing of ticks that no event shows', () => {
  const distance = (one: number, other: number) => {
    const apart = Math.abs(one - other) % SECOND
    return Math.min(apart, SECOND - apart)
  }

  test('the phase is found to 4 ms', () => {
    for (const phase of [0, 0.123, 0.4567, 0.999].map((part) => part * SECOND)) {
      const found = fitTicks(({ phase: tried }) => [distance(tried, phase), 0])
      expect(distance(found.phase, phase)).toBeLessThanOrEqual(0.002 * SECOND)
      expect(found.behind.size).toBe(0)
    }
  })

  test('a CPU is behind only if that leaves fewer misses, whatever the others are', () => {
    const wrong = ({ behind }: TickTiming, cpu: number, is: boolean) => Number(behind.has(cpu) !== is)
    const found = fitTicks((timing) => [wrong(timing, 0, false), wrong(timing, 1, true), 0])
    expect([...found.behind]).toEqual([1])
  })

  test('no misses, no search', () => {
    let tries = 0
    fitTicks(() => {
      tries++
      return [0, 0]
    })
    expect(tries).toBe(1)
  })
})

/** By second: how long before and after a tick its lists are filled, in ms. */
const WINDOWS = [200, 150, 100, 60, 30, 15, 6]
const PAGES = 260

/**
 * Lists are filled, so that bursts show what the ticks have made of `high`, then used up, so that refills raise it again. Ticks fall due at
 * .437 s, on CPU 1 twelve milliseconds earlier; `first` is the second of each CPU’s first.
 */
function ticking(first: readonly [number, number]) {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  let blocks = 0
  for (const cpu of [0, 1]) {
    const allocAll = (time: number) => {
      for (let at = 0; at < PAGES; at++)
        builder.push({ time: time + at, ask: Ask.alloc, cpu, task, block: blocks++, order: 0, migratetype: 1 })
      const mine = blocks - PAGES
      return (when: number) => {
        for (let at = 0; at < PAGES; at++)
          builder.push({ time: when + at, ask: Ask.free, cpu, task, block: mine + at, order: 0, migratetype: 1 })
      }
    }
    let freeAll = allocAll(0)
    WINDOWS.forEach((window, second) => {
      const due = Math.round((second + 0.437 - 0.012 * cpu) * SECOND)
      if (second >= first[cpu]!) builder.push({ time: due, ask: Ask.tick, cpu, task: 0 })
      for (const moment of [due - window * 1e6, due + window * 1e6]) {
        freeAll(moment)
        freeAll = allocAll(moment + PAGES)
      }
    })
  }
  const whole = machine({ release: '7.2.12', batch: 4, high: 16, managed: 8192 })
  const zones = whole.zones.map((zone) => ({
    ...zone,
    pagesets: zone.pagesets.map((set) => ({ ...set, high: 200, highMin: 16, highMax: 200 })),
  }))
  const { events, machine: of } = record(builder.finish(), { ...whole, zones })
  const silentEvents = new EventBuilder()
  for (const event of eachEvent(events)) if (!event.event.startsWith('workqueue_')) silentEvents.addEvent(event)
  return { events: silentEvents.finish(), machine: of }
}

test('ticks of which no event tells are found by what they leave behind, on each CPU from its own first on', () => {
  for (const first of [
    [0, 0],
    [1, 0],
    [0, 1],
  ] as const) {
    const { run } = infer(scriptOf(ticking(first)))
    expect([...run.misses]).toEqual([])
    for (const cpu of [0, 1]) {
      expect(run.cpus[cpu]!.bursts.exact).toBeGreaterThanOrEqual(2 * WINDOWS.length)
      expect(run.ticks.cpu.filter((at) => at === cpu).length + run.cpus[cpu]!.ticks.recorded).toBe(
        WINDOWS.length - first[cpu]!,
      )
    }
  }
})
