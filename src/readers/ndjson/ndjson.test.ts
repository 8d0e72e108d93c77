import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Events, eachEvent, type Recording } from '#events'
import { TraceError } from '#kernel/messages'
import { ndjsonWriter, writtenOf } from '#writers'
import type { ReadTrace } from '../format.ts'
import { anyEvent, eventsOf, recordingOf } from '../testing/any-events.ts'
import { differences } from '../text/testing/same-events.ts'
import { traceDat } from '../trace-dat/index.ts'
import { kreplayNdjson } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')

async function ndjsonOf(recording: Recording): Promise<string> {
  let text = ''
  for await (const piece of ndjsonWriter.write(writtenOf(recording))) text += piece
  return text
}

const read = async (text: string | Uint8Array): Promise<ReadTrace> =>
  kreplayNdjson.read({ name: 'a.ndjson', bytes: Buffer.from(text as string) })

const list = (events: Events) => [...eachEvent(events)]

test('any events come back as they went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { maxLength: 20 }), fc.nat(2_000_000_000), async (some, zero) => {
      const events = eventsOf(some, zero)
      const text = await ndjsonOf(recordingOf(events, { resolutionNs: 1000, clock: 'a clock=ü' }))
      expect(kreplayNdjson.sniff(Buffer.from(text))).toBe(true)
      const back = await read(text)
      expect(list(back.events)).toEqual(list(events))
      expect([back.events.zero, back.resolutionNs, back.clock]).toEqual([zero, 1000, 'a clock=ü'])
    }),
    { numRuns: 200 },
  )
})

test.each(['pages-7.2-s', 'drain-6.12-s'])('%s: NDJSON holds all of trace.dat', async (name) => {
  const { events } = await traceDat.read({ name, bytes: readFileSync(join(traces, name, 'trace.dat')) })
  const back = await read(await ndjsonOf(recordingOf(events)))
  expect(back.events.length).toBe(events.length)
  expect(differences(back.events, events, { resolutionNs: 1, fields: [] }, true)).toEqual([])
})

test('a line is the event as an object, its addresses as text', async () => {
  const text = await ndjsonOf(
    recordingOf(eventsOf([{ event: 'drain_all_pages', time: 5, cpu: 1, comm: 'a"b', zone: 0xffff888000000000n }], 9)),
  )
  expect(text).toBe(
    '{"kreplay":"kreplay-events/1","zero":9,"resolutionNs":1}\n' +
      '{"time":5,"cpu":1,"comm":"a\\"b","event":"drain_all_pages","zone":"0xffff888000000000"}\n',
  )
})

test('what other programs write is read too', async () => {
  const back = await read('\uFEFF{"event":"drain_all_pages", "cpu":0, "time":7, "zone":"18446612682070032384"}\r\n\n')
  expect(list(back.events)).toEqual([{ event: 'drain_all_pages', time: 7, cpu: 0, zone: 0xffff888000000000n }])
})

const free = '{"event":"mm_page_free","time":0,"cpu":0,"pfn":1,"order":0}'
test.each([
  ['no JSON', `${free}\nhello\n`, 'a.ndjson, line 2: no JSON object: hello'],
  ['a line cut short', free.slice(0, 30), 'line 1: no JSON object'],
  ['an array', '[1]', 'line 1, column event|no "event"'],
  ['other version', '{"kreplay":"kreplay-events/2"}', 'line 1: the version is "kreplay-events/2"'],
  ['no zero', '{"kreplay":"kreplay-events/1","resolutionNs":1}', 'line 1, column zero: it is missing'],
  ['no event', '{"time":1}', 'line 1: there is no "event"'],
  ['unknown event', '{"event":"x"}', 'column event: "x" is no kind of event'],
  ['missing field', free.replace(',"order":0', ''), 'column order: it is missing'],
  ['foreign field', free.replace('}', ',"gfpFlags":1}'), 'column gfpFlags: 1 is not allowed'],
  ['too large', free.replace('"pfn":1', '"pfn":4294967295'), 'column pfn: 4294967295 is not allowed'],
  ['half a page', free.replace('"pfn":1', '"pfn":1.5'), 'column pfn: 1.5 is not allowed'],
  ['text for a number', free.replace('"pfn":1', '"pfn":"1"'), 'column pfn: "1" is not allowed'],
  ['half a ns', free.replace('"time":0', '"time":0.5'), 'column time: 0.5'],
  ['a number for an address', '{"event":"drain_all_pages","time":0,"cpu":0,"zone":1}', 'column zone: 1 is not allowed'],
  [
    'an address too large',
    '{"event":"drain_all_pages","time":0,"cpu":0,"zone":"0xffffffffffffffff"}',
    'column zone: 0xff',
  ],
  ['a line without end', `{"a":"${'x'.repeat(2_000_000)}`, 'line 1: the line is longer than the 1048576 bytes allowed'],
])('%s is refused with its place', async (_, text, message) => {
  const error: unknown = await read(text).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TraceError)
  expect((error as Error).message).toMatch(new RegExp(message.replace(/[.[\]]/g, '\\$&')))
})

test('whatever the damage, events are read or a TraceError says why not', async () => {
  const { events } = await traceDat.read({ name: 'a', bytes: readFileSync(join(traces, 'pages-7.2-s/trace.dat')) })
  const good = Buffer.from((await ndjsonOf(recordingOf(events))).slice(0, 3000))
  const anyEdit = fc.record({ at: fc.nat(2999), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 10, 13, 34, 92, 123)) })
  await fc.assert(
    fc.asyncProperty(fc.array(anyEdit, { maxLength: 3 }), fc.nat(3000), async (edits, length) => {
      const bytes = Uint8Array.from(good.subarray(0, length))
      for (const { at, byte } of edits) if (at < length) bytes[at] = byte
      await read(bytes).catch((error: unknown) => {
        if (!(error instanceof TraceError)) throw error
      })
    }),
    { numRuns: 300 },
  )
})
