import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ABSENT, type AnyColumn, Dictionary, KindTable, roomFor } from './columns/columns.ts'
import { countByName, EventBuilder, type Events, eachEvent, joined, lossesOf, nameAt, selectEvents } from './events.ts'
import { metaOf } from './exchange/fields.ts'
import { commonFields, fieldsOf, Kind, kindNames, type TraceEvent } from './kinds.ts'

const alloc = (time: number, pfn: number, comm = 'sh'): TraceEvent => ({
  event: 'mm_page_alloc',
  time,
  cpu: 0,
  pid: 1,
  comm,
  context: 0,
  pfn,
  order: 0,
  migratetype: 1,
})

const kmalloc = (time: number, callSite: string, recordedAs?: string): TraceEvent => ({
  event: 'kmalloc',
  time,
  cpu: 1,
  callSite,
  ptr: 0xffff_8881_0000_0000n,
  bytesReq: 10,
  bytesAlloc: 16,
  ...(recordedAs === undefined ? {} : { recordedAs }),
})

const lost = (time: number, count?: number): TraceEvent => ({
  event: 'lost',
  time,
  cpu: 0,
  ...(count === undefined ? {} : { count }),
})

function eventsOf(...list: readonly TraceEvent[]): Events {
  const builder = new EventBuilder()
  for (const event of list) builder.addEvent(event)
  return builder.finish()
}

/** The events as batches of `rows`, and what `keeps` leaves of them. */
function batchesOf(list: readonly TraceEvent[], rows: number, keeps?: (time: number) => boolean): Events[] {
  const batches: Events[] = []
  const builder = new EventBuilder({
    rows,
    take: (batch) => batches.push(batch),
    ...(keeps === undefined ? {} : { keeps: (_, time) => keeps(time) }),
  })
  for (const event of list) builder.addEvent(event)
  builder.cut()
  return batches
}

const anyList = fc.array(
  fc.oneof(
    fc.tuple(fc.nat(100), fc.nat(1000), fc.constantFrom('sh', 'cat', '')).map((args) => alloc(...args)),
    fc.tuple(fc.nat(100), fc.constantFrom('a+0x1', 'b+0x2')).map((args) => kmalloc(...args)),
    fc.tuple(fc.nat(100), fc.option(fc.nat(9), { nil: undefined })).map((args) => lost(...args)),
  ),
)

describe('kinds', () => {
  test('a kind is numbered by its place in the list of names', () => {
    kindNames.forEach((name, number) => {
      expect(Kind[name]).toBe(number)
    })
  })

  test('each field says how it is stored, and what it is', () => {
    for (const fields of [commonFields, ...kindNames.map(fieldsOf)])
      for (const schema of Object.values(fields)) expect(metaOf(schema).help).toMatch(/[.…]$/)
  })

  test('a table has a column for each field, of the array that the field asks for', () => {
    const { column } = new KindTable('mm_page_alloc')
    // These are types, not only values: no cast stands here.
    const pfns: Uint32Array = column.pfn.data
    const orders: Uint8Array = column.order.data
    const pointers: BigUint64Array = new KindTable('kfree').column.ptr.data
    expect([pfns, orders, pointers].map(({ length }) => length)).toEqual([0, 0, 0])
  })
})

describe('tables', () => {
  test('what is taken out of a table is a table of its own, and the rest begins at slot 0 again', () => {
    const table = new KindTable('mm_page_free')
    for (const pfn of [7, 8]) {
      const slot = table.push()
      table.column.pfn.data[slot] = pfn
      table.column.order.data[slot] = 3
    }
    const taken = table.take()
    expect(table.length).toBe(0)
    expect(table.push()).toBe(0)
    table.column.pfn.data[0] = 99
    expect([...taken.column.pfn.data]).toEqual([7, 8])
    expect(taken.length).toBe(2)
  })

  test('an empty table gives an empty one', () => {
    const taken = new KindTable('kfree').take()
    expect([taken.length, ...taken.list.map(({ data }) => data.length)]).toEqual([0, ...taken.list.map(() => 0)])
  })

  test('a 64-bit value is the same written whole, by halves, or as a number', () => {
    const table = new KindTable('kfree')
    const slots = [table.push(), table.push(), table.push()] as const
    const { ptr } = table.column
    ptr.set(slots[0], 0xffff_8881_0000_1234n)
    ptr.setHalves(slots[1], 0xffff_8881, 0x1234)
    ptr.set(slots[2], 5)
    expect([...ptr.data.subarray(0, 3)]).toEqual([0xffff_8881_0000_1234n, 0xffff_8881_0000_1234n, 5n])
  })

  test('rows survive however often a table grows', () => {
    const table = new KindTable('mm_page_free_batched')
    const length = 5000
    for (let pfn = 0; pfn < length; pfn++) {
      const slot = table.push()
      table.column.pfn.data[slot] = pfn
    }
    table.trim()
    expect([...table.column.pfn.data]).toEqual(Array.from({ length }, (_, pfn) => pfn))
  })

  test('room is made for what is to come where it is known how much was read, but never 64 times as much', () => {
    expect(roomFor(0, { share: () => 0 })).toBe(256)
    expect(roomFor(10_000, { share: () => 0 })).toBe(20_000)
    expect(roomFor(10_000, { share: () => 0.5 })).toBe(21_000)
    expect(roomFor(10_000, { share: () => 1e-9 })).toBe(640_000)
  })

  test('the absent value of each column is one that no field allows', () => {
    for (const kind of kindNames)
      for (const { type, schema } of new KindTable(kind).list as AnyColumn[])
        if (type !== 'text' && type !== 'flag') expect(schema.safeParse(ABSENT[type]).success).toBe(false)
  })
})

describe('dictionaries', () => {
  test('a string has one number', () => {
    const strings = new Dictionary()
    expect([strings.add('a'), strings.add('b'), strings.add('a'), strings.add('')]).toEqual([0, 1, 0, 2])
    expect([strings.get(1), strings.find('a'), strings.find('c'), strings.get(9)]).toEqual([
      'b',
      0,
      undefined,
      undefined,
    ])
  })

  test('a late text is made once, and only if someone asks', () => {
    const strings = new Dictionary()
    let made = 0
    const number = strings.addLate({ make: () => `made ${++made}` })
    expect(made).toBe(0)
    expect([strings.get(number), strings.get(number)]).toEqual(['made 1', 'made 1'])
  })
})

describe('batches', () => {
  test('batches joined are the events, whatever the size of a batch', () => {
    fc.assert(
      fc.property(anyList, fc.integer({ min: 1, max: 7 }), (list, rows) => {
        const batches = batchesOf(list, rows)
        expect(batches.slice(0, -1).every(({ length }) => length === rows)).toBe(true)
        expect([...eachEvent(joined(batches))]).toEqual([...eachEvent(eventsOf(...list))])
      }),
    )
  })

  test('batches with dictionaries of their own are joined by their strings, and the first says when second zero is', () => {
    const early = eventsOf(alloc(1, 1, 'cat'), kmalloc(2, 'x+0x1'))
    const late = eventsOf(kmalloc(3, 'y+0x1'), alloc(4, 2, 'sh'), alloc(5, 3, 'cat'))
    const all = joined([
      { ...early, zero: 1506 },
      { ...late, zero: 1506 },
    ])
    expect(all.zero).toBe(1506)
    expect([...eachEvent(all)]).toEqual([...eachEvent(early), ...eachEvent(late)])
  })

  test('nothing joined is no events; one batch is itself', () => {
    expect(joined([]).length).toBe(0)
    const one = eventsOf(alloc(1, 1))
    expect(joined([one])).toBe(one)
  })

  test('an event that is not wanted leaves no row behind', () => {
    const batches = batchesOf([alloc(1, 1), alloc(2, 2), alloc(3, 3)], 10, (time) => time !== 2)
    expect(batches.map((batch) => [...eachEvent(batch)])).toEqual([[...eachEvent(eventsOf(alloc(1, 1), alloc(3, 3)))]])
    expect(batches[0]!.tables.mm_page_alloc.length).toBe(2)
  })

  test('a dictionary is renewed only when it is large and batches are handed over; earlier batches keep theirs', () => {
    const batches: Events[] = []
    const builder = new EventBuilder({ rows: 1 << 20, take: (batch) => batches.push(batch) })
    builder.addEvent(alloc(1, 1, 'first'))
    expect(builder.renewStrings()).toBe(false)
    for (let text = 0; text < 1 << 16; text++) builder.strings.add(`text ${text}`)
    expect(builder.renewStrings()).toBe(true)
    expect(builder.strings.size).toBe(0)
    builder.addEvent(alloc(2, 2, 'second'))
    builder.cut()
    expect(batches.map((batch) => [...eachEvent(batch)].map(({ comm }) => comm))).toEqual([['first'], ['second']])
    const whole = new EventBuilder()
    for (let text = 0; text <= 1 << 16; text++) whole.strings.add(`text ${text}`)
    expect(whole.renewStrings()).toBe(false)
  })
})

describe('selecting', () => {
  test('rows are kept in order with their own payloads, and the original stays', () => {
    fc.assert(
      fc.property(anyList, fc.func(fc.boolean()), (list, keep) => {
        const events = eventsOf(...list)
        const before = [...eachEvent(events)]
        const selected = selectEvents(events, keep)
        expect([...eachEvent(selected)]).toEqual(before.filter((_, row) => keep(row)))
        expect([...eachEvent(events)]).toEqual(before)
      }),
    )
  })
})

describe('names and losses', () => {
  test('events are counted by the name they were recorded by; kreplay’s own kinds are none', () => {
    const events = eventsOf(kmalloc(1, 'a'), kmalloc(2, 'a', 'kmalloc_node'), lost(3), alloc(4, 1), {
      event: 'other',
      time: 5,
      cpu: 0,
      name: 'sched_switch',
      fields: '',
    })
    expect(countByName(events)).toEqual({ kmalloc: 1, kmalloc_node: 1, mm_page_alloc: 1, sched_switch: 1 })
    expect([0, 1, 2, 3, 4].map((row) => nameAt(events, row))).toEqual([
      'kmalloc',
      'kmalloc_node',
      undefined,
      'mm_page_alloc',
      'sched_switch',
    ])
  })

  test('a loss of 0 events differs from a loss without a count', () => {
    expect(lossesOf(eventsOf(lost(1, 17), lost(2), lost(3, 0)))).toEqual({ gaps: 3, events: 17, uncounted: 1 })
    expect(lossesOf(eventsOf(alloc(1, 1)))).toEqual({ gaps: 0, events: 0, uncounted: 0 })
  })
})
