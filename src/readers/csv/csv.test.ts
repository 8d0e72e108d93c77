import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Events, eachEvent, eventAt, type Recording, type TraceEvent } from '#events'
import { exchangeColumns } from '#events/exchange'
import { TraceError } from '#kernel/messages'
import { csvWriter, writtenOf } from '#writers'
import type { ReadTrace } from '../format.ts'
import { anyEvent, eventsOf, recordingOf } from '../testing/any-events.ts'
import { differences } from '../text/testing/same-events.ts'
import { traceDat } from '../trace-dat/index.ts'
import { kreplayCsv } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')

async function csvOf(recording: Recording): Promise<string> {
  let text = ''
  for await (const piece of csvWriter.write(writtenOf(recording))) text += piece
  return text
}

const read = async (text: string, name = 'a.csv'): Promise<ReadTrace> =>
  kreplayCsv.read({ name, bytes: Buffer.from(text) })

function expectSame(read: Events, written: Events): void {
  expect(differences(read, written, { resolutionNs: 1, fields: [] }, true)).toEqual([])
  for (const column of ['time', 'cpu', 'pid', 'kind', 'context'] as const) expect(read[column]).toEqual(written[column])
  expect(read.zero).toBe(written.zero)
}

test('any events come back as they went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { maxLength: 20 }), fc.nat(2_000_000_000), async (list, zero) => {
      const events = eventsOf(list, zero)
      const back = await read(await csvOf(recordingOf(events, { resolutionNs: 1000, clock: 'a clock=ü' })))
      expectSame(back.events, events)
      expect(back.resolutionNs).toBe(1000)
      expect(back.clock).toBe('a clock=ü')
    }),
    { numRuns: 300 },
  )
})

test.each(['pages-7.2-s', 'drain-6.12-s', 'kvfree-7.2-s'])('%s: CSV holds all of trace.dat', async (capture) => {
  const { events, clock } = await traceDat.read({
    name: capture,
    bytes: readFileSync(join(traces, capture, 'trace.dat')),
  })
  const text = await csvOf(recordingOf(events, clock === undefined ? {} : { clock }))
  const back = await read(text)
  expectSame(back.events, events)
  expect(back.clock).toBe(clock)
  expect(back.tally).toEqual([])
})

test('a file cut within its last value says so', async () => {
  const whole = 'time,cpu,event,order,pfn\n0,0,mm_page_free,3,1234\n'
  expect((await read(whole)).tally).toEqual([])
  const { tally, events } = await read(whole.slice(0, -2))
  expect(eventAt(events, 0)).toMatchObject({ event: 'mm_page_free', pfn: 123 })
  expect(tally).toMatchObject([{ cause: 'unended-line', level: 'data-loss', count: 1 }])
})

test('the CPU of an event and of its workqueue pool have columns of their own', async () => {
  const queued = { event: 'workqueue_queue_work', time: 0, cpu: 3, work: 1n, function: 'f', workqueue: 'w' } as const
  const back = await read(await csvOf(recordingOf(eventsOf([{ ...queued, reqCpu: 64, poolCpu: -1 }]))))
  expect(eventAt(back.events, 0)).toMatchObject({ cpu: 3, poolCpu: -1 })
})

test('no text cell is a formula to a spreadsheet', async () => {
  const comms = ['=cmd()', '+1', '-1', '@a', '\ta', "'=a", 'a=b', '']
  const text = await csvOf(
    recordingOf(eventsOf(comms.map((comm, time): TraceEvent => ({ event: 'trace_start', time, cpu: 0, comm })))),
  )
  const cells = text
    .split('\n')
    .slice(2, -1)
    .map((line) => line.split(',')[3])
  expect(cells).toEqual(["'=cmd()", "'+1", "'-1", "'@a", "'\ta", "''=a", 'a=b', "'"])
  expect([...eachEvent((await read(text)).events)].map(({ comm }) => comm)).toEqual(comms)
})

test('CRLF, a byte-order mark, other orders and missing columns are fine', async () => {
  const free = { event: 'mm_page_free', time: 5, cpu: 1, pfn: 7, order: 2 }
  const rows = async (text: string) => [...eachEvent((await read(text)).events)]
  expect(await rows('\uFEFFtime,cpu,event,pfn,order\r\n5,1,mm_page_free,7,2\r\n')).toEqual([free])
  expect(await rows('order,pfn,event,cpu,time\n2,7,mm_page_free,1,5')).toEqual([free])
  expect(
    await rows('# kreplay-events/1 zero=9 resolutionNs=1\r\ntime,cpu,event,pfn,order\r\n5,1,mm_page_free,7,2\r\n'),
  ).toEqual([free])
  expect(await rows(`${exchangeColumns.join(',')}\n`)).toEqual([])
})

test('what spreadsheets and programs write for flags and addresses', async () => {
  const column = async (cell: string) => {
    const [event] = [...eachEvent((await read(`time,cpu,event,zone\n0,0,drain_all_pages,${cell}\n`)).events)]
    return (event as { zone?: bigint }).zone
  }
  expect(await column('0xFFFF888000000000')).toBe(0xffff888000000000n)
  expect(await column('18446612682070032384')).toBe(0xffff888000000000n)
  expect(await column('0')).toBe(0n)
  expect(await column('')).toBeUndefined()
})

const header = 'time,cpu,pid,comm,event,pfn,order,gfpFlags,percpuRefill,migratetype,work,function,name,fields'

describe('a bad file is refused with its place', () => {
  test.each([
    ['wrong header', 'time,cpu,pid,com,event\n', 'a.csv, line 1: wrong CSV header: column 4 is "com", expected "comm"'],
    ['foreign CSV', 'a,b,c\n1,2,3\n', 'column 1 is "a", expected "time"'],
    ['column twice', 'time,cpu,event,cpu\n', 'column "cpu" stands there twice'],
    ['no event column', 'time,cpu,pid\n', 'there is no column "event"'],
    ['other version', '# kreplay-events/2 zero=0\ntime,cpu,event\n', 'a.csv, line 1: the first line begins with'],
    ['no zero', '# kreplay-events/1 resolutionNs=1\ntime,cpu,event\n', 'zero=… is missing'],
    ['only a first line', '# kreplay-events/1 zero=0 resolutionNs=1\n', 'there is no header'],
    ['bad time', `${header}\nx,0,,,trace_end,,,,,,,,,\n`, 'a.csv, line 2, column time: "x" is not allowed'],
    ['no time', `${header}\n,0,,,trace_end,,,,,,,,,\n`, 'line 2, column time: the cell is empty'],
    ['half a ns', `${header}\n0.5,0,,,trace_end,,,,,,,,,\n`, 'column time: "0.5"'],
    ['exponent', `${header}\n1e3,0,,,trace_end,,,,,,,,,\n`, 'column time: "1e3"'],
    [
      'negative CPU',
      `${header}\n0,-1,,,trace_end,,,,,,,,,\n`,
      'column cpu: "-1" is not allowed\n  allowed: a whole number from 0 to 65534',
    ],
    [
      'pfn too large',
      `${header}\n0,0,,,mm_page_free,4294967295,0,,,,,,,\n`,
      'column pfn: "4294967295" is not allowed\n  allowed: a whole number from 0 to 4294967294',
    ],
    ['no pfn', `${header}\n0,0,,,mm_page_free,,0,,,,,,,\n`, 'line 2, column pfn: the cell is empty'],
    ['order too large', `${header}\n0,0,,,mm_page_free,1,255,,,,,,,\n`, 'a whole number from 0 to 254'],
    [
      'bad flag',
      `${header}\n0,0,,,mm_page_alloc_zone_locked,1,0,,2,1,,,,\n`,
      'column percpuRefill: "2" is not allowed\n  allowed: 0 or 1',
    ],
    [
      'bad address',
      `${header}\n0,0,,,workqueue_execute_start,,,,,,xyz,f,,\n`,
      'column work: "xyz" is not allowed\n  allowed: an address',
    ],
    [
      'address too large',
      `${header}\n0,0,,,workqueue_execute_start,,,,,,0xffffffffffffffff,f,,\n`,
      'column work: "0xffff',
    ],
    [
      'unknown event',
      `${header}\n0,0,,,mm_page_aloc,,,,,,,,,\n`,
      'line 2, column event: "mm_page_aloc" is no kind of event',
    ],
    ['foreign cell', `${header}\n0,0,,,mm_page_free,1,0,5,,,,,,\n`, 'column gfpFlags: mm_page_free has no such field'],
    ['needed column missing', 'time,cpu,event,pfn\n0,0,mm_page_free,1\n', 'column order: the cell is empty'],
    ['short row', `${header}\n0,0,,,trace_end\n`, 'line 2: the row has 5 cells, the header 14'],
    ['empty line', `${header}\n\n`, 'line 2: the row has 1 cells'],
    ['open quote', `${header}\n0,0,,"a,trace_end,,,,,,,,,\n`, 'line 2: not CSV: Quote Not Closed'],
    [
      'open quote, much later',
      `${header}\n0,0,,"a\n",trace_end,,,,,,,,,\n0,0,,"a,trace_end\n\n\n`,
      'line 4: not CSV: Quote Not Closed',
    ],
    ['stray quote', `${header}\n0,0,,a"b,trace_end,,,,,,,,,\n`, 'line 2: not CSV: Invalid Opening Quote'],
    [
      'after lines in a cell',
      `${header}\n0,0,,"a\nb\r\nc",trace_end,,,,,,,,,\nx,0,,,trace_end,,,,,,,,,\n`,
      'line 5, column time',
    ],
  ])('%s', async (_, text, message) => {
    const error = await read(text).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TraceError)
    expect((error as Error).message).toContain(message)
  })

  test('a record without end does not fill the memory', async () => {
    await expect(read(`${header}\n0,0,,"${'x'.repeat(3_000_000)}`)).rejects.toThrow(/not CSV: Max Record Size/)
  })
})

test('the reader takes headers of CSV, and nothing else', () => {
  const sniff = (text: string) => kreplayCsv.sniff(Buffer.from(text, 'latin1'))
  for (const text of ['# kreplay-events/1 zero=0\n', 'time,cpu,event\n', 'a,b\r\n1,2\r\n', '"time","cpu"\n'])
    expect(sniff(text)).toBe(true)
  for (const text of ['', 'hello\n', '# tracer: nop\n', '\x89PNG\r\n', 'cpus=4\n', '{"a":1,"b":2}\n'])
    expect(sniff(text)).toBe(false)
  const report = gunzipSync(readFileSync(join(traces, 'formats/drain-5.10-s.report.txt.gz'))).subarray(9, 4000)
  expect(kreplayCsv.sniff(report)).toBe(false)
})

test('whatever the damage, events are read or a TraceError says why not', async () => {
  const { events } = await traceDat.read({ name: 'a', bytes: readFileSync(join(traces, 'pages-7.2-s/trace.dat')) })
  const good = Buffer.from((await csvOf(recordingOf(events))).slice(0, 4000))
  const anyEdit = fc.record({ at: fc.nat(3999), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 10, 13, 34, 39, 44)) })
  await fc.assert(
    fc.asyncProperty(fc.array(anyEdit, { maxLength: 3 }), fc.nat(4000), async (edits, length) => {
      const bytes = Uint8Array.from(good.subarray(0, length))
      for (const { at, byte } of edits) if (at < length) bytes[at] = byte
      try {
        await kreplayCsv.read({ name: 'a.csv', bytes })
      } catch (error) {
        if (!(error instanceof TraceError)) throw error
      }
    }),
    { numRuns: 300 },
  )
})
