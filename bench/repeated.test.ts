import { join } from 'node:path'
import { expect, test } from 'vitest'
import { infer, whatIfOf } from '#estimate'
import { eventAt } from '#events'
import { choosePcp } from '#policies'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { runPolicy } from '#replay'
import { repeated, repeatedEvents } from './repeated.ts'

test('a script once is itself; three times over it is as much work three times, and no page is lost', async () => {
  const recording = await readCapture(join(import.meta.dirname, '../traces/pages-5.10-s'))
  const whatIf = whatIfOf(infer(scriptOf(recording)))
  const run = (times?: number) => {
    const long = times === undefined ? whatIf : repeated(whatIf, times)
    return runPolicy(long, choosePcp('pcp/linux-6.1', '5.10')).result
  }
  const [plain, once, thrice] = [run(), run(1), run(3)]
  expect(once.work).toMatchObject({ refills: plain.work.refills, zoneLockPages: plain.work.zoneLockPages })
  expect(thrice.work.allocs).toBe(3 * plain.work.allocs)
  expect(thrice.work.frees).toBe(3 * plain.work.frees)
  expect(Math.abs(thrice.work.zoneLockPages / (3 * plain.work.zoneLockPages) - 1)).toBeLessThan(0.05)
  for (const { pagesAtEnd, pagesExpected, pagesTwice, pagesLost } of [once, thrice])
    expect([pagesAtEnd, pagesTwice, pagesLost]).toEqual([pagesExpected, 0, 0])
})

test('events three times over are the same ones, each time later', async () => {
  const { events } = await readCapture(join(import.meta.dirname, '../traces/pages-7.2-s'))
  const thrice = repeatedEvents(events, 3)
  expect(thrice.length).toBe(3 * events.length)
  expect(thrice.time.every((time, row) => row === 0 || time >= thrice.time[row - 1]!)).toBe(true)
  for (const row of [0, 1000, events.length - 1]) {
    const { time, ...event } = eventAt(events, row)
    for (const copy of [1, 2]) {
      const { time: later, ...same } = eventAt(thrice, copy * events.length + row)
      expect(same).toEqual(event)
      expect(later).toBe(time + copy * (events.time.at(-1)! - events.time[0]! + 1))
    }
  }
})
