import { expect, test } from 'vitest'
import { EventBuilder } from '#events'
import { unknownMachine } from '#kernel'
import { infoOf } from './info.ts'

test('events by CPU add up to the events: a loss mark is counted under losses alone', () => {
  const builder = new EventBuilder()
  builder.addEvent({ event: 'mm_page_free', time: 0, cpu: 1, pid: 7, comm: 'cc', pfn: 5, order: 0 })
  builder.addEvent({ event: 'lost', time: 1, cpu: 2, count: 17 })
  const info = infoOf({
    name: 'story',
    format: 'test',
    resolutionNs: 1,
    events: builder.finish(),
    machine: { ...unknownMachine, cpus: [1, 2] },
    tally: [],
  })
  expect(info.eventsPerCpu).toEqual({ 1: 1 })
  expect(info.losses).toMatchObject({ gaps: 1, events: 17 })
})
