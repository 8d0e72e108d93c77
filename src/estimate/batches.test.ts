import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { machine, recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

const FREER = 7
const OTHER = 8
let time = 0
const at = (pid: number, cpu = 0) => ({ time: ++time * 1000, cpu, pid, comm: 'task', context: 0 })
const free = (pfn: number): TraceEvent => ({ event: 'mm_page_free', ...at(FREER), pfn, order: 0 })
const alloc = (pfn: number): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(OTHER),
  pfn,
  order: 0,
  migratetype: 1,
  gfpFlags: 0,
})
const drain = (pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...at(FREER),
  pfn,
  order: 0,
  migratetype: 1,
})
const each = (from: number, to: number, what: (pfn: number) => TraceEvent) =>
  Array.from({ length: to - from }, (_, page) => what(from + page))

/** 7.2 with lists of 20 pages, emptied four at a time. A first burst, of 16, proves the count; then pages come until the next. */
const toSecondBurst = () => [...each(600, 620, free), ...each(600, 616, drain), ...each(620, 636, free)]

function inferred(events: readonly TraceEvent[], cpus = 1) {
  const wish = { release: '7.2.12', cpus, batch: 4, high: 20 }
  const { zones, ...whole } = machine(wish)
  const fixed = zones.map((zone) => ({
    ...zone,
    pagesets: zone.pagesets.map((set) => ({ ...set, highMin: 20, highMax: 20 })),
  }))
  return infer(scriptOf({ ...recordingOf(events, wish), machine: { ...whole, zones: fixed } }))
}

function run(events: readonly TraceEvent[], cpus = 1) {
  const { misses, cpus: scores } = inferred(events, cpus).run
  return { misses: Object.fromEntries(misses), bursts: scores[0]!.bursts }
}
const oneExact = { recorded: 1, predicted: 1, exact: 1 }
const oneMissed = { recorded: 1, predicted: 1, exact: 0 }

test('a bulk free goes a batch at a time', () => {
  expect(run([...toSecondBurst(), ...each(616, 632, drain)])).toEqual({ misses: {}, bursts: oneExact })
})

test('one that stops at the end of a batch was given up: a miss of its own name; elsewhere it is just another size', () => {
  const given = run([...toSecondBurst(), ...each(616, 624, drain)])
  expect(given).toEqual({ misses: { 'burst-given-up': 1 }, bursts: oneMissed })
  const other = run([...toSecondBurst(), ...each(616, 623, drain)])
  expect(other).toEqual({ misses: { 'burst-pacing': 1 }, bursts: oneMissed })
})

test('one that was preempted goes on with what others have left on the lists', () => {
  const taken = (pages: number) => each(0, pages, (page) => alloc(635 - page))
  const halfway = (pages: number) => [...toSecondBurst(), ...each(616, 624, drain), ...taken(pages)]
  // Eight are still to go, of twelve, then of six.
  expect(run([...halfway(0), alloc(640), ...each(624, 632, drain)]).bursts).toEqual(oneExact)
  expect(run([...halfway(6), ...each(624, 630, drain)])).toEqual({ misses: {}, bursts: oneExact })
  expect(run([...halfway(6), ...each(624, 628, drain)])).toEqual({
    misses: { 'burst-preempted': 1 },
    bursts: oneMissed,
  })
  expect(run([...halfway(3), ...each(624, 631, drain)]).bursts).toEqual(oneMissed)
})

test('a pageset that is left to its rules gives back as many batches before others run, and the rest after them', () => {
  const taken = (pages: number) => each(0, pages, (page) => alloc(635 - page))
  const events = [...toSecondBurst(), ...each(616, 624, drain), ...taken(6), ...each(624, 630, drain)]
  const { run: followed, freeRun } = inferred([...events, free(650)])
  expect([...freeRun.misses]).toEqual([])
  expect([...freeRun.finalCounts]).toEqual([...followed.finalCounts])
  expect(freeRun.totals.bulkFreedPages).toEqual(followed.totals.bulkFreedPages)
})

test('it is preempted between two batches only: elsewhere it held the lists’ lock, and stopped short', () => {
  const inBatch = run([...toSecondBurst(), ...each(616, 623, drain), alloc(635), ...each(623, 632, drain)])
  expect(inBatch.bursts).toEqual(oneMissed)
  // Of the right number of pages, so no count that was off explains it.
  expect(inBatch.misses).toEqual({ 'burst-pacing': 1 })
})

test('a page announced on one CPU comes to the lists of the one that its task commits it on', () => {
  const batched = (pfn: number, cpu: number): TraceEvent => ({ event: 'mm_page_free_batched', ...at(FREER, cpu), pfn })
  const script = scriptOf(recordingOf([free(600), free(601), batched(600, 0), batched(601, 1)], { release: '7.2.12' }))
  const frees = [...script.op.slice(0, script.length)].flatMap((op, row) => (op === 2 ? [script.cpu[row]] : []))
  expect(frees).toEqual([0, 1])
})
