import { expect, test } from 'vitest'
import { EventBuilder, type TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { story } from '../replay/testing/story.ts'
import { progressOf, recordedStages, stagesOf } from './stages.ts'

const at = (time: number, comm: string, pid: number): TraceEvent => ({
  event: 'mm_page_free',
  time,
  cpu: 0,
  comm,
  pid,
  pfn: 1,
  order: 0,
})

function stages(...events: TraceEvent[]): number[] {
  const builder = new EventBuilder()
  for (const event of events) builder.addEvent(event)
  return stagesOf(builder.finish())
}

test('a stage ends where all tasks of the busiest program are gone before the next one starts', () => {
  expect(
    stages(
      at(10, 'churn', 1),
      at(15, 'churn', 2),
      at(20, 'churn', 1),
      // The shell between them is not the workload.
      at(25, 'sh', 9),
      at(30, 'churn', 3),
      at(90, 'churn', 3),
      at(95, 'sh', 9),
    ),
  ).toEqual([25, 95])
})

test('tasks that overlap are of one stage; a trace without any events has one, of no length', () => {
  expect(stages(at(1, 'a', 1), at(2, 'a', 2), at(3, 'a', 1), at(4, 'a', 2))).toEqual([4])
  expect(stages()).toEqual([0])
})

test('a stage is looked at only as far as it has allocated so many pages', () => {
  const script = scriptOf(
    story(`
      cpu0 alloc a  alloc b order 1  alloc c
      cpu0 alloc d  alloc e
    `),
  )
  const ends = [3000, 5000]
  const until = progressOf(script, ends, [2, 9])
  // The block of two crosses the mark; the second stage never comes so far.
  expect(until).toEqual([2000, 5000])
  expect(recordedStages(script, ends).allocated).toEqual([4, 2])
  expect(recordedStages(script, ends, until).allocated).toEqual([3, 2])
})
