import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { Ask } from '#events/demand'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'
import { whatIfOf } from './what-if.ts'

const page = { pfn: 1024, order: 0 }
const at = (time: number, cpu: number) => ({ time: time * 1000, cpu })
const alloc = (time: number, cpu: number, of = page): TraceEvent => ({
  event: 'mm_page_alloc',
  ...at(time, cpu),
  ...of,
  migratetype: 1,
  gfpFlags: 0,
})
const free = (time: number, cpu: number, of = page): TraceEvent => ({ event: 'mm_page_free', ...at(time, cpu), ...of })
const drained = (time: number, cpu: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...at(time, cpu),
  ...page,
  migratetype: 1,
})
const refilled = (time: number, cpu: number, pfn = page.pfn): TraceEvent => ({
  event: 'mm_page_alloc_zone_locked',
  ...at(time, cpu),
  pfn,
  order: 0,
  migratetype: 1,
})

const scripted = (events: TraceEvent[]) => scriptOf(recordingOf(events, { release: '6.1.192' }))
/** "alloc 0": what tasks ask for, and on which CPU. */
function asked(events: TraceEvent[]): string[] {
  const { demand } = whatIfOf(infer(scripted(events)))
  const names = Object.fromEntries(Object.entries(Ask).map(([name, ask]) => [ask, name]))
  return Array.from(demand.ask, (ask, row) => `${names[ask]} ${demand.cpu[row]}`)
    .slice(0, demand.length)
    .filter((one) => !/^(tick|localDrain)/.test(one))
}

test('a page that is allocated twice was freed between, onto the list that it is taken from', () => {
  expect(asked([alloc(1, 0), alloc(5, 1)])).toEqual(['alloc 0', 'free 1', 'alloc 1'])
})

test('where a drain shows whose list it was on, it was freed there', () => {
  expect(asked([alloc(1, 0), free(2, 1, { pfn: 2000, order: 0 }), drained(3, 1), refilled(4, 0), alloc(5, 0)])).toEqual(
    ['alloc 0', 'free 1', 'free 1', 'alloc 0'],
  )
})

test('a block that is still whole was freed as one', () => {
  const large = { pfn: 1024, order: 3 }
  const { demand } = whatIfOf(infer(scripted([alloc(1, 0, large), alloc(5, 0), alloc(6, 0, { pfn: 1025, order: 0 })])))
  expect(Array.from(demand.ask.subarray(0, demand.length), (ask, row) => [ask, demand.order[row]])).toEqual([
    [Ask.alloc, 3],
    [Ask.free, 3],
    [Ask.alloc, 0],
    [Ask.alloc, 0],
  ])
})

test('a page that lay on a list and is freed was allocated between, if events are missing at all', () => {
  const twice = [alloc(1, 0), free(2, 0), free(4, 1)]
  expect(asked([...twice, { event: 'lost', ...at(5, 0), count: 1 }])).toEqual([
    'alloc 0',
    'free 0',
    'alloc 0',
    'free 1',
  ])
})

test('pages that are refilled before and after a gap are of one refill, since the gap says nothing of the list', () => {
  const script = scripted([
    refilled(1, 0),
    { event: 'lost', ...at(2, 0), count: 3 },
    refilled(2, 0, 1025),
    alloc(3, 0, { pfn: 1025, order: 0 }),
  ])
  const rows = [...script.refillEnd].map((end, row) => end - script.refillStart[row]!)
  expect(rows.filter((pages) => pages > 0)).toEqual([2])
})

test('a gap changes nothing of what tasks are taken to have asked for', () => {
  const events = [alloc(1, 0), free(2, 0), alloc(3, 1), free(4, 1)]
  const marked = events.toSpliced(2, 0, { event: 'lost', ...at(2, 0), count: 7 })
  expect(asked(marked)).toEqual(asked(events))
})

test('a whole trace lacks nothing', () => {
  expect(scripted([alloc(1, 0), free(2, 0), alloc(3, 1)]).isLossy).toBe(false)
  const twice = scripted([alloc(1, 0), alloc(3, 1)])
  expect(twice.isLossy).toBe(true)
  expect(twice.tally.find(({ cause }) => cause === 'missing-frees')).toMatchObject({ count: 1, level: 'data-loss' })
})
