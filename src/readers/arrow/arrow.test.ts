import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromArrays, tableFromIPC, tableToIPC } from '@uwdata/flechette'
import { fromArrow, op } from 'arquero'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Events, eachEvent, eventAt, type Recording, selectEvents } from '#events'
import { exchangeColumns } from '#events/exchange'
import { TraceError } from '#kernel/messages'
import { arrowWriter, writtenOf } from '#writers'
import type { ReadTrace } from '../format.ts'
import { anyEvent, eventsOf, recordingOf } from '../testing/any-events.ts'
import { differences } from '../text/testing/same-events.ts'
import { traceDat } from '../trace-dat/index.ts'
import { kreplayArrow } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')

async function arrowOf(recording: Recording): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of arrowWriter.write(writtenOf(recording))) pieces.push(piece as Uint8Array)
  return Buffer.concat(pieces)
}

const read = async (bytes: Uint8Array): Promise<ReadTrace> => kreplayArrow.read({ name: 'a.arrow', bytes })

/** The same from a file: what is not fetched of it is not seen. */
const readFetched = async (bytes: Uint8Array): Promise<ReadTrace> =>
  kreplayArrow.readFetched!({
    name: 'a.arrow',
    bytes: {
      length: bytes.length,
      subarray: (from, to) => bytes.slice(from, to),
      readInto(target, at) {
        const piece = bytes.subarray(at, at + target.length)
        target.set(piece)
        return piece.length
      },
    },
  })

const capture = async (name: string): Promise<ReadTrace> =>
  traceDat.read({ name, bytes: readFileSync(join(traces, name, 'trace.dat')) })

const list = (events: Events) => [...eachEvent(events)]

test('any events come back as they went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { maxLength: 20 }), fc.nat(2_000_000_000), async (some, zero) => {
      const events = eventsOf(some, zero)
      const back = await read(await arrowOf(recordingOf(events, { resolutionNs: 1000, clock: 'a clock=ü' })))
      expect(list(back.events)).toEqual(list(events))
      expect([back.events.zero, back.resolutionNs, back.clock]).toEqual([zero, 1000, 'a clock=ü'])
    }),
    { numRuns: 200 },
  )
})

test.each(['pages-7.2-s', 'drain-6.12-s', 'kvfree-7.2-s'])('%s: Arrow holds all of trace.dat', async (name) => {
  const { events, clock } = await capture(name)
  const back = await read(await arrowOf(recordingOf(events, clock === undefined ? {} : { clock })))
  expect(back.events.length).toBe(events.length)
  expect(differences(back.events, events, { resolutionNs: 1, fields: [] }, true)).toEqual([])
  expect([back.events.zero, back.clock]).toEqual([events.zero, clock])
})

test('many record batches are one trace', async () => {
  const frees = Array.from(
    { length: 300_000 },
    (_, row) => ({ event: 'mm_page_free', time: row, cpu: row & 3, pfn: row, order: 0 }) as const,
  )
  const back = await read(await arrowOf(recordingOf(eventsOf(frees))))
  expect(back.events.length).toBe(300_000)
  for (const row of [0, 131_071, 131_072, 299_999]) expect(eventAt(back.events, row)).toEqual(frees[row])
})

test('the columns of a batch are fetched one by one', async () => {
  const { events } = await capture('drain-6.12-s')
  const fetched = await readFetched(await arrowOf(recordingOf(events)))
  expect(fetched.events.length).toBe(events.length)
  expect(differences(fetched.events, events, { resolutionNs: 1, fields: [] }, true)).toEqual([])
})

test('what a filter left out is not in the file', async () => {
  const events = eventsOf([
    { event: 'mm_page_free', time: 0, cpu: 0, pfn: 1, order: 0, comm: 'secret' },
    { event: 'mm_page_free', time: 1, cpu: 1, pfn: 2, order: 0, comm: 'sh' },
    { event: 'other', time: 2, cpu: 0, name: 'x', fields: 'also=secret' },
  ])
  const bytes = await arrowOf(recordingOf(selectEvents(events, (row) => events.cpu[row] === 1)))
  expect(bytes.includes('secret')).toBe(false)
  expect(list((await read(bytes)).events)).toEqual([eventAt(events, 1)])
})

test('arquero opens it with typed columns', async () => {
  const { events } = await capture('drain-5.10-s')
  const bytes = await arrowOf(recordingOf(events))
  const types = Object.fromEntries(tableFromIPC(bytes).schema.fields.map(({ name, type }) => [name, type]))
  expect(types.time).toMatchObject({ typeId: 2, bitWidth: 64, signed: true })
  expect(types.pfn).toMatchObject({ typeId: 2, bitWidth: 32, signed: false })
  expect(types.percpuRefill ?? types.changeOwnership ?? { typeId: 6 }).toMatchObject({ typeId: 6 })
  for (const name of ['comm', 'event', 'function'])
    expect(types[name]).toMatchObject({ typeId: -1, dictionary: { typeId: 5 } })
  const table = fromArrow(bytes)
  const counts = table.groupby('event').count().objects() as { event: string; count: number }[]
  for (const { event, count } of counts) {
    let ours = 0
    for (const { event: name } of eachEvent(events)) if (name === event) ours++
    expect([event, count]).toEqual([event, ours])
  }
  const { last } = table.rollup({ last: op.max('time') }).object() as { last: number }
  expect(last).toBe(events.time.at(-1))
  const wide = fromArrow(bytes, { useBigInt: true } as object)
  const works = new Set((wide.array('work') as (bigint | null)[]).filter((work) => work !== null))
  expect(works).toEqual(
    new Set([
      ...events.tables.workqueue_queue_work.column.work.data,
      ...events.tables.workqueue_execute_start.column.work.data,
      ...events.tables.workqueue_execute_end.column.work.data,
      ...events.tables.workqueue_activate_work.column.work.data,
    ]),
  )
})

test('what other programs make of it is read too', async () => {
  const table = tableFromArrays({
    cpu: Float64Array.of(1, 2),
    order: [2, null],
    event: ['mm_page_free', 'mm_vmscan_kswapd_sleep'],
    time: [5, 6],
    pfn: [7, null],
    nid: [null, 0],
  })
  for (const format of ['file', 'stream'] as const) {
    const bytes = tableToIPC(table, { format }) as Uint8Array
    expect(kreplayArrow.sniff(bytes)).toBe(true)
    expect(list((await read(bytes)).events)).toEqual([
      { event: 'mm_page_free', time: 5, cpu: 1, pfn: 7, order: 2 },
      { event: 'mm_vmscan_kswapd_sleep', time: 6, cpu: 2, nid: 0 },
    ])
  }
})

async function errorOf(bytes: Uint8Array): Promise<TraceError> {
  const error: unknown = await read(bytes).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TraceError)
  return error as TraceError
}

describe('a bad file is refused', () => {
  const ipc = (columns: Record<string, unknown>) =>
    tableToIPC(tableFromArrays(columns as never), { format: 'file' }) as Uint8Array
  const good = { time: [5], cpu: [1], event: ['mm_page_free'], pfn: [7], order: [0] }
  test.each([
    ['foreign columns', { a: [1] }, /column a: kreplay has no such column\n.*time, cpu/],
    ['no event', { time: [1], cpu: [1] }, /there is no column "event"/],
    ['unknown event', { ...good, event: ['mm_page_fre'] }, /column event: row 0: "mm_page_fre" is no kind of event/],
    ['null where a value must be', { ...good, pfn: [null] }, /column pfn: row 0: the cell is null/],
    [
      'a column that is missing',
      { time: [5], cpu: [1], event: ['mm_page_free'], pfn: [1] },
      /column order: row 0: the column is missing/,
    ],
    ['too large', { ...good, pfn: [2 ** 32] }, /column pfn: row 0: 4294967296 is not allowed/],
    ['negative', { ...good, order: [-1] }, /column order: row 0: -1 is not allowed/],
    ['half a ns', { ...good, time: [0.5] }, /column time: row 0: 0.5 is not allowed/],
    ['text for a number', { ...good, cpu: ['one'] }, /column cpu: it holds text/],
    ['a number for text', { ...good, event: [1] }, /column event: it holds numbers/],
    ['a date', { ...good, time: [new Date()] }, /column time: the column’s Arrow type/],
    ['a value of another kind', { ...good, gfpFlags: [1] }, /column gfpFlags: .*kind/],
  ])('%s', async (_, columns, message) => {
    expect((await errorOf(ipc(columns))).message).toMatch(message)
  })

  test('at whatever byte it is cut', async () => {
    const { events } = await capture('pages-7.2-s')
    const bytes = await arrowOf(recordingOf(selectEvents(events, (row) => row < 50)))
    for (let length = 8; length < bytes.length; length += 97) await errorOf(bytes.subarray(0, length))
  })

  test('whatever the damage, events are read or a TraceError says why not', async () => {
    const { events } = await capture('pages-7.2-s')
    const bytes = await arrowOf(recordingOf(selectEvents(events, (row) => row < 50)))
    const anyEdit = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const damaged = Uint8Array.from(bytes)
        for (const { at, byte } of edits) damaged[at] = byte
        await read(damaged).catch((error: unknown) => {
          if (!(error instanceof TraceError)) throw error
        })
      }),
      { numRuns: 500 },
    )
  })

  test('from a file damage is told, and what is intact read, as from memory', async () => {
    const { events } = await capture('pages-7.2-s')
    const outcome = async (work: () => ReadTrace | Promise<ReadTrace>) => {
      try {
        return list((await work()).events)
      } catch (error) {
        return (error as Error).message
      }
    }
    const bytes = await arrowOf(recordingOf(selectEvents(events, (row) => row < 50)))
    const anyEdit = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { maxLength: 2 }), fc.boolean(), async (edits, isStream) => {
        // What the file format has around a stream.
        const damaged = Uint8Array.from(isStream ? bytes.subarray(8) : bytes)
        for (const { at, byte } of edits) damaged[Math.min(at, damaged.length - 1)] = byte
        expect(await outcome(() => readFetched(damaged))).toEqual(await outcome(() => read(damaged)))
      }),
      { numRuns: 300 },
    )
  })

  test('a file of another version', async () => {
    const bytes = await arrowOf(recordingOf(eventsOf([])))
    const other = Buffer.from(bytes.toString('latin1').replaceAll('kreplay-events/1', 'kreplay-events/9'), 'latin1')
    expect((await errorOf(other)).message).toMatch(/version is "kreplay-events\/9"/)
  })
})

test('columns of kinds that are not there are left out, the others stand in the order of CSV', async () => {
  const { events } = await capture('drain-6.12-s')
  const names = tableFromIPC(await arrowOf(recordingOf(events))).schema.fields.map(({ name }) => name)
  expect(names).toEqual(exchangeColumns.filter((name) => names.includes(name)))
  expect(names).not.toContain('ptr')
})
