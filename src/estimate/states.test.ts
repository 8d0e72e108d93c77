import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

const HIGH = 20

/** Frees that fill lists of 20 pages twice. A probe at each bulk free shows `count`; zoneinfo counts none of the pages from before. */
function probed(counts: readonly number[]) {
  let time = 0
  const at = () => ({ time: ++time * 1000, cpu: 0, pid: 7, comm: 'task', context: 0 })
  const events: TraceEvent[] = []
  let pfn = 600
  let [first, before] = [600, 5]
  for (const count of counts) {
    for (; pfn - first + before < HIGH; pfn++) events.push({ event: 'mm_page_free', ...at(), pfn, order: 0 })
    events.push({
      event: 'pcp_state',
      ...at(),
      count,
      high: HIGH,
      asked: 4,
      freeFactor: 0,
      recordedAs: 'free_pcppages_bulk',
    })
    for (let page = 0; page < 4; page++, before === 0 ? first++ : before--)
      events.push({
        event: 'mm_page_pcpu_drain',
        ...at(),
        pfn: before > 0 ? 700 + before : first,
        order: 0,
        migratetype: 1,
      })
  }
  return infer(scriptOf(recordingOf(events, { release: '6.1.192', cpus: 1, batch: 4, high: HIGH })))
}

test('what a probe shows of a pageset is believed, and compared once the count is proven', () => {
  const { run, freeRun } = probed([HIGH, HIGH, HIGH])
  expect(run.states.recorded).toBe(2)
  expect(freeRun.states.recorded).toBe(2)
  expect(run.finalCounts[0]).toBe(HIGH - 4)
})

test('a state other than predicted is no exact one', () => {
  const { freeRun } = probed([HIGH, HIGH, HIGH + 7])
  expect(freeRun.states.exact).toBeLessThan(freeRun.states.recorded)
})
