import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { choosePcp } from '#policies'
import { readCapture } from '#readers'
import { infer } from '../estimate/inferred.ts'
import { whatIfOf } from '../estimate/what-if.ts'
import { scriptOf } from '../record/script-of.ts'
import type { LockPrices } from '../sim/clocks.ts'
import { runPolicy } from './run.ts'
import { recordingOf, story } from './testing/story.ts'

/** A bulk free of n pages takes 1000 + 10 n ns, a refill 2000 + 20 n. Moments of a story are 1000 ns apart. */
const prices: LockPrices = {
  id: 'plain',
  bulkFree: { baseNs: 1000, pageNs: 10 },
  refill: { baseNs: 2000, pageNs: 20 },
}

const runOf = (recording: ReturnType<typeof story>, id: string, isolated: readonly number[] = []) => {
  const script = scriptOf(recording)
  const choice = choosePcp(id, '5.10')
  return runPolicy(whatIfOf(infer(script)), choice, { prices: [prices], isolated }).result
}
const run = (text: string, id: string, isolated?: readonly number[]) => runOf(story(text, {}), id, isolated)

// Three pages of CPU 0 are drained from 4000 to 5030; CPU 0 frees one at 5000.
const collision = 'cpu0 free a free b free c\ncpu1 drain-all\ncpu0 free d'

describe('a local operation that meets a drain', () => {
  test('waits for a blocking lock, and keeps its page', () => {
    const { work, times } = run(collision, 'pcp/spinlock')
    expect(work).toMatchObject({ pcpLocksContended: 1, freesToBuddy: 0, requestedDrainPages: 3 })
    expect(times).toMatchObject({ listWait: { count: 1, max: 30 }, requester: { count: 1, max: 1030 } })
  })

  test('goes to the buddy where the lock is only tried, and waits there for the same drain', () => {
    const { work, times } = run(collision, 'pcp/trylock')
    expect(work).toMatchObject({ pcpLocksContended: 1, freesToBuddy: 1 })
    expect(times).toMatchObject({ listWait: { count: 0 }, zoneWait: { positive: 1, max: 30 } })
  })

  test('can’t meet it on one CPU, nor while lists are only swapped', () => {
    expect(run(collision, 'pcp/trylock{kernel=up}').work).toMatchObject({ pcpLocksContended: 0, irqSaves: 4 })
    expect(run(collision, 'pcp/rcu-swap{gracePeriodNs=0}').work).toMatchObject({
      pcpLocksContended: 0,
      freesToBuddy: 0,
    })
  })

  test('is late by the work that ran on its CPU', () => {
    const { times, work } = run(collision, 'pcp/work{workDelayNs=0}')
    expect(times).toMatchObject({ stolenNs: { 0: 1030, 1: 0 }, requester: { max: 1030 }, longestIrqsOffNs: 1030 })
    expect(work.interruptions).toBe(1)
  })
})

describe('what a requester waits', () => {
  const two = 'cpu0 free a\ncpu1 free b free c\ncpu1 drain-all'

  test('for the slowest CPU, or the sum of all', () => {
    // Both items begin at once and take zone->lock in turn.
    expect(run(two, 'pcp/work{workDelayNs=0}').times?.requester.max).toBe(1010 + 1020)
    expect(run(two, 'pcp/work{workDelayNs=0,busyCpus=1,busyDelayNs=5000}').times?.requester.max).toBe(5000 + 1010)
    expect(run(two, 'pcp/work{workDelayNs=0,isolatedDelayNs=700}', [1]).times?.requester.max).toBe(1010 + 1020)
    expect(run(two, 'pcp/trylock').times?.requester.max).toBe(1010 + 1020)
    expect(run(two, 'pcp/rcu-swap{gracePeriodNs=9000}').times?.requester.max).toBe(9000 + 1010 + 1020)
  })

  test('for the first recorded grace period that begins after it', () => {
    const gp = (time: number, gpevent: string): TraceEvent => ({
      event: 'rcu_grace_period',
      time,
      cpu: 0,
      rcuname: 'rcu_sched',
      gpSeq: 1,
      gpevent,
    })
    const events: TraceEvent[] = [
      { event: 'mm_page_free', time: 100, cpu: 0, pfn: 600, order: 0 },
      gp(150, 'start'),
      { event: 'drain_all_pages', time: 200, cpu: 1, zone: 0n },
      gp(250, 'end'),
      gp(400, 'start'),
      gp(900, 'end'),
    ]
    const recording = recordingOf(events)
    expect(runOf(recording, 'pcp/rcu-swap').times?.requester.max).toBe(700 + 1010)
    expect(runOf(recording, 'pcp/rcu-swap{gracePeriods=generated,gracePeriodNs=50}').times?.requester.max).toBe(
      50 + 1010,
    )
    // Expedited ones are another kind: the trace's normal ones, and their length, say nothing of them.
    expect(runOf(recording, 'pcp/rcu-swap{expedited=true,gracePeriodNs=50,expeditedNs=70}').times?.requester.max).toBe(
      70 + 1010,
    )
  })
})

test('chunks of 2016 pages let others in between; a whole count does not', () => {
  const frees = Array.from({ length: 70 }, (_, page) => `cpu0 free p${page}`).join('\n')
  const text = `${frees}\ncpu1 drain-all\ncpu0 free x`
  // x goes to the buddy between the first chunk and the second, which waits 10 ns for it.
  const holds = (id: string) => run(text, id).times?.longestIrqsOffNs
  expect(holds('pcp/linux-5.10+trylock{high=1000,batch=1}')).toBe(1000 + 32 * 10 + 10)
  expect(holds('pcp/linux-5.10+trylock{high=1000,batch=1,wholeCount=true}')).toBe(1000 + 70 * 10)
})

test('PREEMPT_RT: before the delta each drain took a lock that may sleep with interrupts off', () => {
  expect(run(collision, 'pcp/trylock{kernel=rt}')).toMatchObject({
    work: { sleepsInAtomic: 0 },
    times: { longestIrqsOffNs: 0 },
  })
  expect(run(collision, 'pcp/trylock{kernel=rt,corrected=false}')).toMatchObject({
    work: { sleepsInAtomic: 1 },
    times: { longestIrqsOffNs: 1030 },
  })
  expect(run(collision, 'pcp/trylock{kernel=rt-up,corrected=false}').work.irqSaves).toBe(3)
  expect(run(collision, 'pcp/trylock{kernel=up-bypass}').work).toMatchObject({
    freesToBuddy: 4,
    requestedDrainPages: 0,
  })
})

test('without lists on isolated CPUs nobody is interrupted there, and each operation takes zone->lock', () => {
  const text = 'cpu0 free a\ncpu1 free b free c\ncpu0 drain-all'
  const { work, interruptions } = run(text, 'pcp/no-isolated', [1])
  expect(interruptions).toEqual({ 0: 1 })
  expect(work).toMatchObject({ freesToBuddy: 2, strandedPagesAtEnd: 0 })
})

test('what compaction drains of its own CPU is asked for by nobody: where requests do nothing, it alone is left', async () => {
  const recording = await readCapture('traces/drain-5.10-s')
  const { work, pagesAtEnd, pagesExpected } = runOf(recording, 'pcp/linux-5.10+none')
  expect(work.requestedDrainPages).toBe(0)
  expect(work.localDrainPages).toBeGreaterThan(0)
  expect(pagesAtEnd).toBe(pagesExpected)
})

test('a request drains when it is made: that the recording kernel’s waited for the mutex binds no other', () => {
  const item = { work: 1n, function: 'drain_local_pages_wq' }
  const head = (time: number, cpu: number, pid: number) => ({ time, cpu, pid })
  const recording = recordingOf([
    { event: 'mm_page_free', ...head(100, 0, 5), pfn: 600, order: 0 },
    { event: 'drain_all_pages', ...head(200, 1, 7), zone: 0n },
    { event: 'mm_page_free', ...head(300, 0, 5), pfn: 601, order: 0 },
    { event: 'workqueue_queue_work', ...head(400, 1, 7), ...item, workqueue: 'mm_percpu_wq', reqCpu: 0, poolCpu: 0 },
    { event: 'workqueue_execute_start', ...head(500, 0, 9), ...item },
    { event: 'mm_page_pcpu_drain', ...head(510, 0, 9), pfn: 600, order: 0, migratetype: 1 },
    { event: 'mm_page_pcpu_drain', ...head(520, 0, 9), pfn: 601, order: 0, migratetype: 1 },
    { event: 'workqueue_execute_end', ...head(600, 0, 9), ...item },
    { event: 'mm_page_free', ...head(9000, 0, 5), pfn: 602, order: 0 },
  ])
  const { work } = runOf(recording, 'pcp/spinlock')
  expect(work).toMatchObject({ drainRequests: 1, requestedDrainPages: 1 })
})
