import { expect, test } from 'vitest'
import { EventBuilder, type TraceEvent } from '#events'
import { readCapture } from '#readers'
import { recordedDrainsOf } from './recorded-drains.ts'

type Line = [time: number, pid: number, what: 'asks' | 'queues' | 'ends', work?: bigint, other?: string]

function drainsOf(...lines: Line[]) {
  const builder = new EventBuilder()
  for (const [time, pid, what, work = 0n, name = 'drain_local_pages_wq'] of lines) {
    const head = { time, cpu: 0, pid }
    const item = { work, function: name }
    const event = {
      asks: { event: 'drain_all_pages', zone: 0n },
      queues: { event: 'workqueue_queue_work', ...item, workqueue: 'mm_percpu_wq', reqCpu: 0, poolCpu: 0 },
      ends: { event: 'workqueue_execute_end', ...item },
    }[what]
    builder.addEvent({ ...head, ...event } as TraceEvent)
  }
  return recordedDrainsOf(builder.finish())
}

test('a requester waits until the last of its work items ends; one that queues none waits for nothing', () => {
  const drains = drainsOf(
    [100, 7, 'asks'],
    [110, 7, 'queues', 1n],
    [120, 7, 'queues', 2n],
    [130, 8, 'asks'],
    [140, 9, 'queues', 3n, 'vmstat_update'],
    [200, 40, 'ends', 2n],
    [300, 41, 'ends', 1n],
    [400, 42, 'ends', 3n, 'vmstat_update'],
    [500, 8, 'asks'],
    [510, 8, 'queues', 1n],
    [550, 41, 'ends', 1n],
  )
  expect(drains).toEqual({ requests: 3, withWork: 2, waits: { count: 2, mean: 125, max: 200 } })
})

test('a wait that the trace does not see the end of is none', () => {
  expect(drainsOf([100, 7, 'asks'], [110, 7, 'queues', 1n])).toEqual({ requests: 1, withWork: 1 })
  const half = drainsOf([100, 7, 'asks'], [110, 7, 'queues', 1n], [120, 7, 'queues', 2n], [200, 40, 'ends', 1n])
  expect(half).toEqual({ requests: 1, withWork: 1 })
})

test('nothing is said where the trace shows no work items', async () => {
  expect(drainsOf([100, 7, 'asks'])).toBeUndefined()
  const { events } = await readCapture('traces/drain-6.1-s')
  expect(recordedDrainsOf(events)).toBeUndefined()
})

test('drain-5.10-s: what a script of its own found in the text of trace-cmd report', async () => {
  const { events } = await readCapture('traces/drain-5.10-s')
  expect(recordedDrainsOf(events)).toEqual({
    requests: 5,
    withWork: 5,
    waits: { count: 5, mean: 5_384_796, max: 12_130_486 },
  })
})
