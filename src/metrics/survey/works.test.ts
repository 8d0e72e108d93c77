import { expect, test } from 'vitest'
import { EventBuilder, type TraceEvent } from '#events'
import { readCapture } from '#readers'
import { surveyWorks } from './works.ts'

/** Each line a µs: `cpu task queue WORK FUNCTION on CPU`, `cpu task start WORK FUNCTION`, `cpu task end WORK`, `cpu task seen`. */
function worksOf(story: string, isolated: readonly number[] = [1]) {
  const builder = new EventBuilder()
  const tasks = new Map([['idle', 0]])
  for (const [at, line] of story.trim().split('\n').entries()) {
    const [cpu, comm, verb, work, name, , target] = line.trim().split(/\s+/)
    if (!tasks.has(comm!)) tasks.set(comm!, 100 + tasks.size)
    const context = comm === 'timer' ? 1 : 0
    const common = { time: at * 1000, cpu: Number(cpu), pid: tasks.get(comm!)!, comm: comm!, context }
    const item = { work: BigInt(work ?? 0) }
    const events: Record<string, TraceEvent> = {
      queue: {
        event: 'workqueue_queue_work',
        ...common,
        ...item,
        function: name!,
        workqueue: 'mm_percpu_wq',
        reqCpu: Number(target),
        poolCpu: Number(target),
      },
      start: { event: 'workqueue_execute_start', ...common, ...item, function: name! },
      end: { event: 'workqueue_execute_end', ...common, ...item },
      seen: { event: 'mm_page_free', ...common, pfn: 1, order: 0 },
    }
    builder.addEvent(events[verb!]!)
  }
  return surveyWorks(builder.finish(), { isolated })
}

test('who asked for an item, where it ran and for how long', () => {
  const works = worksOf(`
    0 dd queue 1 lru_add_drain_per_cpu on 1
    1 kworker/1:0 start 1 lru_add_drain_per_cpu
    1 kworker/1:0 end 1
    0 timer queue 2 vmstat_update on 0
    0 kworker/0:0 start 2 vmstat_update
    0 kworker/0:0 end 2
    0 kworker/0:0 start 3 free_work`)!
  expect(works.cells).toEqual([
    { function: 'lru_add_drain_per_cpu', cpu: 1, requester: 'dd', runs: 1, ns: 1000, longestNs: 1000 },
    { function: 'vmstat_update', cpu: 0, requester: '(interrupt)', runs: 1, ns: 1000, longestNs: 1000 },
    { function: 'free_work', cpu: 0, requester: '(unknown)', runs: 1, ns: 0, longestNs: 0 },
  ])
  expect(works.byFunction[0]).toEqual({
    function: 'lru_add_drain_per_cpu',
    queued: 1,
    runs: 1,
    onIsolated: 1,
    ns: 1000,
  })
})

test('a lock from afar spares the CPU, deferred work waits until a task of it is in the kernel', () => {
  const { drains } = worksOf(`
    0 dd queue 1 lru_add_drain_per_cpu on 1
    1 kworker/1:0 start 1 lru_add_drain_per_cpu
    1 kworker/1:0 end 1
    1 idle seen
    0 dd queue 1 lru_add_drain_per_cpu on 1
    1 timer seen
    1 app seen
    0 dd queue 4 lru_add_drain_per_cpu on 0
    0 kworker/0:0 start 4 lru_add_drain_per_cpu
    1 app queue 5 flush_cpu_slab on 1`)!
  expect(drains).toEqual([
    {
      subject: 'LRU batches',
      functions: ['lru_add_drain_per_cpu'],
      work: { runs: 2, onIsolated: 1, ns: 1000 },
      remoteLock: { locks: 1, own: 1 },
      deferred: {
        runs: 1,
        onIsolated: 1,
        saved: 1,
        pending: 1,
        waitNs: { count: 1, total: 6000, min: 6000, max: 6000 },
      },
    },
    {
      subject: 'SLUB',
      functions: ['flush_cpu_slab'],
      work: { runs: 0, onIsolated: 0, ns: 0 },
      remoteLock: { locks: 0, own: 0 },
      deferred: { runs: 0, onIsolated: 0, saved: 0, pending: 1 },
    },
  ])
})

test('nothing is said where no work item was recorded; functions are no properties', () => {
  expect(worksOf('0 dd seen')).toBeUndefined()
  expect(worksOf('0 dd queue 1 toString on 1')!.drains).toEqual([])
})

test('drain-5.10-s: who interrupted the isolated CPU', async () => {
  const { events, machine } = await readCapture('traces/drain-5.10-s')
  const works = surveyWorks(events, machine)!
  expect(works.byFunction.filter(({ onIsolated }) => onIsolated > 0)).toMatchObject([
    { function: 'drain_local_pages_wq', onIsolated: 5 },
    { function: 'wq_barrier_func', onIsolated: 3 },
    { function: 'vmstat_update', onIsolated: 2 },
  ])
  expect(works.byFunction.reduce((sum, { runs }) => sum + runs, 0)).toBe(events.tables.workqueue_execute_start.length)
})
