import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { Ask, DemandBuilder } from '#events/demand'
import { scriptOf } from '../record/script-of.ts'
import { record } from '../replay/recorder.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

let time = 0
const at = () => ({ time: ++time * 1000, cpu: 0, pid: 7, comm: 'task', context: 0 })
const alloc = (pfn: number): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(),
  pfn,
  order: 0,
  migratetype: 1,
  gfpFlags: 0,
})
const free = (pfn: number): TraceEvent => ({ event: 'mm_page_free', ...at(), pfn, order: 0 })

const warmupOf = (events: readonly TraceEvent[], { high, count }: { high: number; count: number }) => {
  const { run } = infer(scriptOf(recordingOf(events, { release: '6.1.192', batch: 4, high, count })))
  const { warmup, operations } = run.cpus[0]!
  return { warmup, operations }
}

test('an allocation is known by the page on top of its list, whatever lies below since before the trace', () => {
  const of = { high: 1000, count: 100 }
  const frees = warmupOf([free(64)], of).warmup
  expect(warmupOf([free(64), alloc(64)], of)).toEqual({ warmup: frees, operations: 2 })
  expect(warmupOf([free(64), alloc(64), alloc(65)], of)).toEqual({ warmup: frees + 1, operations: 3 })
})

test('a free is warm-up until the record proves the count: zoneinfo was read before the trace began', () => {
  expect(warmupOf([free(64), free(65)], { high: 1000, count: 100 }).warmup).toBe(2)
})

/** Pages of one type are freed to the limit while a fork’s stack is taken from the top of another type’s list, which no event shows. */
function forked(untraced: number) {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  let now = 0
  let blocks = 0
  const ask = (what: number, block: number, migratetype: number) =>
    builder.push({ time: now++, ask: what, cpu: 0, task, block, order: 0, migratetype })
  const movable = Array.from({ length: 200 }, () => blocks++)
  for (const block of movable) ask(Ask.alloc, block, 1)
  const kernel = Array.from({ length: 3 }, () => blocks++)
  for (const block of kernel) ask(Ask.alloc, block, 0)
  // A first burst proves the count.
  for (const block of movable.splice(0, 60)) ask(Ask.free, block, 1)
  for (let page = 0; page < untraced; page++) ask(Ask.bulkAlloc, blocks++, 0)
  for (const block of movable) ask(Ask.free, block, 1)
  // The page below those taken.
  ask(Ask.alloc, blocks++, 0)
  const { events, machine: of } = record(
    builder.finish(),
    machine({ release: '6.1.192', batch: 8, high: 40, managed: 8192 }),
  )
  return { run: infer(scriptOf({ events, machine: of })).run, count: of.zonesAfter[0]!.pagesets[0]!.count }
}

test('a burst that comes late by what the bulk allocator had taken is the one predicted', () => {
  for (const untraced of [0, 4]) {
    const { run, count } = forked(untraced)
    expect([...run.misses]).toEqual([])
    const { bursts, excusedBursts } = run.cpus[0]!
    expect(bursts.exact).toBe(bursts.recorded)
    expect(bursts.predicted).toBe(bursts.recorded)
    expect(excusedBursts).toBe(untraced)
    expect(run.inferredBulkPages).toBe(untraced)
    expect(run.finalCounts[0]).toBe(count)
  }
})
