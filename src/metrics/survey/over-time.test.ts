import { expect, test } from 'vitest'
import { readCapture } from '#readers'
import { infoOf } from './info.ts'
import { eventsOverTime } from './over-time.ts'

test('events over time add up to all events, by kind and by CPU', async () => {
  const recording = await readCapture('traces/drain-6.12-s')
  const { events, eventsPerCpu } = infoOf(recording)
  const found = eventsOverTime(recording.events)!
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
  const totals = (of: Record<string, readonly number[]>) =>
    Object.fromEntries(Object.entries(of).map(([name, counts]) => [name, sum(counts)]))
  expect(totals(found.events)).toEqual(events)
  expect(totals(found.cpus)).toEqual(eventsPerCpu)
  expect(found.t.every((t, at) => at === 0 || t > found.t[at - 1]!)).toBe(true)
})
