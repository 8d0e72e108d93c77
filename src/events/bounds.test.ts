import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BoundCause, MOST_CPUS, type ValueBounds, withinBounds } from './bounds.ts'
import { EventBuilder, type Events, eachEvent } from './events.ts'
import type { TraceEvent } from './kinds.ts'

const alloc = (values: Partial<Extract<TraceEvent, { event: 'mm_page_alloc' }>>): TraceEvent => ({
  event: 'mm_page_alloc',
  time: 0,
  cpu: 0,
  pfn: 0x1000,
  order: 0,
  migratetype: 1,
  gfpFlags: 0,
  ...values,
})

function eventsOf(...list: readonly TraceEvent[]): Events {
  const builder = new EventBuilder()
  for (const event of list) builder.addEvent(event)
  return builder.finish()
}

function bound(events: Events, bounds: Partial<ValueBounds> = {}) {
  const causes: (readonly [BoundCause, number])[] = []
  const kept = withinBounds(events, { maxPageOrder: 10, ...bounds }, (cause, row) => causes.push([cause, row]))
  return { kept, causes }
}

test.each([
  ['one above the largest', alloc({ order: 11 }), 'impossible-order'],
  ['order 24', alloc({ order: 24 }), 'impossible-order'],
  ['order 254', alloc({ order: 254 }), 'impossible-order'],
  ['order of a free', { event: 'mm_page_free', time: 0, cpu: 0, pfn: 0, order: 63 }, 'impossible-order'],
  [
    'order of a failed allocation',
    { event: 'mm_page_alloc_failed', time: 0, cpu: 0, order: 40, migratetype: 0 },
    'impossible-order',
  ],
  [
    'order of direct reclaim',
    { event: 'mm_vmscan_direct_reclaim_begin', time: 0, cpu: 0, order: 31 },
    'impossible-order',
  ],
  [
    'a fallback’s order',
    {
      event: 'mm_page_alloc_extfrag',
      time: 0,
      cpu: 0,
      pfn: 0,
      allocOrder: 0,
      fallbackOrder: 11,
      allocMigratetype: 0,
      fallbackMigratetype: 1,
      changeOwnership: false,
    },
    'impossible-order',
  ],
  ['a block beyond the last page frame', alloc({ pfn: 0xffff_fff0, order: 5 }), 'impossible-page'],
  ['the first CPU that no kernel has', alloc({ cpu: MOST_CPUS }), 'impossible-cpu'],
  ['the highest CPU that a column holds', alloc({ cpu: 0xfffe }), 'impossible-cpu'],
] as const)('%s is left out and counted', (_, bad, cause) => {
  const good = [alloc({ pfn: 1 }), alloc({ pfn: 2 }), alloc({ pfn: 3 })] as const
  const { kept, causes } = bound(eventsOf(good[0], bad as TraceEvent, good[1], good[2]))
  expect(causes).toEqual([[cause, 1]])
  expect([...eachEvent(kept)]).toEqual(good)
  // Surveys read whole columns.
  expect([...kept.tables.mm_page_alloc.column.pfn.data]).toEqual([1, 2, 3])
})

test.each([
  ['the largest order', alloc({ order: 10 })],
  ['the last page frame', alloc({ pfn: 0xffff_fffe })],
  ['page frame 0', alloc({ pfn: 0 })],
  ['the last CPU', alloc({ cpu: MOST_CPUS - 1 })],
] as const)('%s stays, and nothing is copied', (_, event) => {
  const events = eventsOf(alloc({}), event)
  const { kept, causes } = bound(events)
  expect(causes).toEqual([])
  expect(kept).toBe(events)
})

test('machines with larger pages have larger blocks', () => {
  const events = eventsOf(alloc({ order: 11 }), alloc({ order: 13 }), alloc({ order: 14 }))
  expect(bound(events, { maxPageOrder: 11 }).causes).toEqual([
    ['impossible-order', 1],
    ['impossible-order', 2],
  ])
  expect(bound(events, { maxPageOrder: 13 }).causes).toEqual([['impossible-order', 2]])
})

test('a page where the machine has no memory is left out', () => {
  const events = eventsOf(alloc({ pfn: 5 }), alloc({ pfn: 50 }), alloc({ pfn: 6, order: 30 }))
  const { kept, causes } = bound(events, { isMemory: (pfn) => pfn < 10 })
  expect(causes).toEqual([
    ['impossible-page', 1],
    ['impossible-order', 2],
  ])
  expect([...eachEvent(kept)].map((event) => event.event === 'mm_page_alloc' && event.pfn)).toEqual([5])
})

test('every event is kept or counted once, and what is kept stays as it was and in order', () => {
  const anyEvent = fc
    .record({
      pfn: fc.integer({ min: 0, max: 0xffff_fffe }),
      order: fc.integer({ min: 0, max: 20 }),
      cpu: fc.integer({ min: 0, max: 9000 }),
    })
    .map(alloc)
  fc.assert(
    fc.property(fc.array(anyEvent), (list) => {
      const { kept, causes } = bound(eventsOf(...list))
      const left = new Set(causes.map(([, row]) => row))
      expect(left.size).toBe(causes.length)
      expect([...eachEvent(kept)]).toEqual(list.filter((_, row) => !left.has(row)))
      expect(bound(kept).causes).toEqual([])
    }),
  )
})
