import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { EventBuilder, type Events, eachEvent, type TraceEvent } from '#events'
import { Selection } from '#events/columns'
import { parseRelease } from '#kernel'
import { TraceError } from '#kernel/messages'
import { csvWriter, Spool } from '#writers'
import { formats, readBatches, readCapture } from './index.ts'
import { anyEvent, eventsOf } from './testing/any-events.ts'

const traces = join(import.meta.dirname, '../../traces')
const folder = mkdtempSync(join(tmpdir(), 'kreplay-pieces-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Every committed text that is not larger than this. */
const samples = readdirSync(traces, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.txt(\.gz)?$/.test(name) && /^(text|formats|perf)/.test(name))
  .sort()

const bytesOf = (name: string): Uint8Array => {
  const bytes = readFileSync(join(traces, name))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

const release = parseRelease('Linux x 6.1.192 #1')!

/** Reads a text in pieces that end at those places, and hands it over in batches of so many rows. */
function readIn(bytes: Uint8Array, ends: readonly number[], rows: number) {
  const head = bytes.subarray(0, 65536)
  const open = formats.find((format) => format.sniff(head))?.open
  if (open === undefined) return undefined
  const batches: Events[] = []
  const builder = new EventBuilder({ rows, take: (batch) => batches.push(batch) })
  try {
    const reader = open({ name: 'a.txt', head, release, builder })
    let from = 0
    for (const end of [...ends, bytes.length]) {
      reader.push(bytes.slice(from, end))
      from = end
    }
    const read = reader.end()
    builder.cut()
    return { ...read, zero: builder.zero, events: batches.flatMap((batch) => [...eachEvent(batch)]) }
  } catch (error) {
    return (error as Error).message
  }
}

const everyNth = (length: number, step: number): number[] =>
  Array.from({ length: Math.floor(length / step) }, (_, at) => (at + 1) * step)

describe('a text in pieces is the text as a whole', () => {
  test.each(samples)('%s', (name) => {
    const bytes = bytesOf(name).subarray(0, 40_000)
    const whole = readIn(bytes, [], Number.POSITIVE_INFINITY)
    expect(readIn(bytes, everyNth(bytes.length, 1), 7)).toEqual(whole)
    expect(readIn(bytes, everyNth(bytes.length, 61), 1)).toEqual(whole)
  })
})

test('a text as a mailer leaves it, cut anywhere', () => {
  const mail = readFileSync(join(traces, 'text/handmade/mail.txt'))
  const whole = readIn(mail, [], 10_000)
  expect(whole).toMatchObject({ format: expect.stringContaining('out of a mail') })
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(mail.length), { maxLength: 40 }), (cuts) => {
      expect(
        readIn(
          mail,
          [...cuts].sort((a, b) => a - b),
          3,
        ),
      ).toEqual(whole)
    }),
    { numRuns: 100 },
  )
})

const line = (us: number, rest = 'mm_page_free: page=(ptrval) pfn=0x7 order=0') =>
  `sh-1 [000] .... 1.${String(us).padStart(6, '0')}: ${rest}`

test('a line longer than the window is one line skipped, wherever it stands', () => {
  for (const length of [65_537, 600_000, 2_500_000]) {
    const long = line(2, 'x'.repeat(length))
    for (const text of [
      [line(1), long, line(3), ''],
      [line(1), line(3), long],
      [line(1), line(3), `${long}\0`, ''],
    ]) {
      const bytes = Buffer.from(text.join('\n'))
      const whole = readIn(bytes, [], 10_000)
      expect(whole).toMatchObject({
        lines: { total: 3, events: 2 },
        tally: [
          {
            cause: 'overlong-line',
            count: 1,
            first: `a.txt, line ${text.findIndex((one) => one.length > 65_536) + 1}`,
          },
        ],
      })
      expect(readIn(bytes, everyNth(bytes.length, 99_991), 1)).toEqual(whole)
    }
  }
})

test('batches keep the dictionary small, whatever the texts', () => {
  const lines = Array.from({ length: 140_000 }, (_, at) => line(at, `my_probe: (f+0x1) arg=${at}`))
  const dictionaries = new Set<unknown>()
  const tasks = new Set<string>()
  let largest = 0
  let rows = 0
  const take = ({ strings, length, comm }: Events) => {
    dictionaries.add(strings)
    for (const number of comm.subarray(0, length)) tasks.add(strings.get(number) ?? 'none')
    largest = Math.max(largest, strings.size)
    rows += length
  }
  const builder = new EventBuilder({ rows: 50_000, take })
  const bytes = Buffer.from(lines.join('\n'))
  const reader = formats.find(({ sniff }) => sniff(bytes.subarray(0, 65536)))!.open!({
    name: 'a',
    head: bytes,
    builder,
  })
  reader.push(bytes)
  reader.end()
  builder.cut()
  expect(rows).toBe(lines.length)
  expect(dictionaries.size).toBe(3)
  // Heads that are remembered name the same task in each dictionary.
  expect([...tasks]).toEqual(['sh'])
  expect(largest).toBeLessThan(66_000)
})

async function csvOf(batches: Iterable<Events>, zero: number): Promise<string> {
  let text = ''
  for await (const piece of csvWriter.write({ batches, zero, resolutionNs: 1 })) text += piece
  return text
}

test('what is spooled comes back as it went, from memory and from the file, as often as it is asked for', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 9 }), { maxLength: 6 }), async (lists) => {
      // Some batches share a dictionary with the one before.
      const batches: Events[] = []
      const builder = new EventBuilder({ rows: Number.POSITIVE_INFINITY, take: (batch) => batches.push(batch) })
      lists.forEach((list: TraceEvent[], at) => {
        for (const event of list) builder.addEvent(event)
        builder.cut()
        if (at % 3 === 2) builder.strings = eventsOf([]).strings
      })
      const plain = await csvOf(batches, 0)
      for (const keep of [0, 3000]) {
        const path = join(folder, `${runs++}.spool`)
        const spool = new Spool(path, keep)
        for (const batch of batches) spool.add(batch)
        expect(existsSync(path)).toBe(false)
        expect(spool.length).toBe(lists.flat().length)
        expect(await csvOf(spool, 0)).toBe(plain)
        expect(await csvOf(spool, 0)).toBe(plain)
        spool.close()
      }
    }),
    { numRuns: 60 },
  )
})

test('a spool in a folder that takes no file is a fault of use, not of kreplay', () => {
  const spool = new Spool('/sys/never.spool', 0)
  const events = eventsOf(fc.sample(anyEvent, 1))
  expect(() => spool.add(events)).toThrow("can't write /sys/never.spool: no permission")
})

test('filters hold while a text is read, and say what else there was', async () => {
  const path = join(traces, 'pages-6.1-s/trace.txt')
  const { events } = await readCapture(path)
  const all = [...eachEvent(events)]
  const from = events.zero + all[1000]!.time / 1e9
  const selection = new Selection({ from, cpus: [0, 2], names: ['mm_page_alloc'] })
  const kept: TraceEvent[] = []
  const read = await readBatches(path, { take: (batch) => kept.push(...eachEvent(batch)), selection })
  expect(kept).toEqual(
    all.filter(
      ({ time, cpu, event }) =>
        time >= (from - events.zero) * 1e9 &&
        (cpu === 0 || cpu === 2) &&
        (event === 'mm_page_alloc' || event === 'lost'),
    ),
  )
  expect(kept.length).toBeGreaterThan(100)
  expect(selection.read).toBe(all.length)
  expect(selection.cpus).toEqual([...new Set(all.map(({ cpu }) => cpu))].sort())
  expect(selection.names).toContain('mm_page_free_batched')
  expect(read.zero).toBe(events.zero)
})

/** Bytes that are fetched anew each time, as from a file. */
const fetched = (bytes: Uint8Array) => ({
  length: bytes.length,
  subarray: (from: number, to: number) => bytes.slice(from, to),
})

describe('a trace.dat read here and there in the file, in batches, is that read as a whole', () => {
  test.each([
    'formats/trace-dat/v6.dat',
    'formats/trace-dat/v7-none.dat',
    'formats/trace-dat/v7-zlib.dat',
    'kvfree-6.12-s/trace.dat',
  ])('%s', async (name) => {
    const all = bytesOf(name)
    for (const share of [1, 0.7, 0.31]) {
      const bytes = all.subarray(0, Math.floor(all.length * share))
      const { readFrom } = formats.find(({ sniff }) => sniff(bytes))!
      const read = async (rows: number) => {
        const batches: Events[] = []
        const builder = new EventBuilder({ rows, take: (batch) => batches.push(batch) })
        try {
          const { events, ...trace } = await readFrom!({ name, bytes: fetched(bytes) }, builder)
          return { ...trace, zero: events.zero, events: [...batches, events].flatMap((batch) => [...eachEvent(batch)]) }
        } catch (error) {
          return (error as Error).message
        }
      }
      const whole = await (async () => {
        try {
          const { events, ...trace } = await readFrom!({ name, bytes }, new EventBuilder())
          return { ...trace, zero: events.zero, events: [...eachEvent(events)] }
        } catch (error) {
          return (error as Error).message
        }
      })()
      expect(await read(999)).toEqual(whole)
    }
  })

  test('from a file itself, with filters', async () => {
    const path = join(traces, 'pages-7.2-s')
    const { events } = await readCapture(path)
    const selection = new Selection({ cpus: [1], names: ['mm_page_free'] })
    const kept: TraceEvent[] = []
    const read = await readBatches(path, { take: (batch) => kept.push(...eachEvent(batch)), selection })
    expect(kept).toEqual([...eachEvent(events)].filter(({ cpu, event }) => cpu === 1 && event === 'mm_page_free'))
    expect(read.zero).toBe(events.zero)
    expect(selection.read).toBe(events.length)
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('out of %s, of which nothing stays', async (wrapper, pack) => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kreplay-unpacked-'))
    const path = join(folder, `packed.${wrapper}`)
    writeFileSync(path, pack(readFileSync(join(traces, 'pages-7.2-s/trace.dat'))))
    const { events, format } = await readCapture(path)
    const kept: TraceEvent[] = []
    const read = await readBatches(path, {
      take: (batch) => kept.push(...eachEvent(batch)),
      selection: new Selection({}),
    })
    expect(kept).toEqual([...eachEvent(events)])
    expect([read.format, read.zero]).toEqual([format, events.zero])
    expect(format).toContain(`, in ${wrapper}`)
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('kreplay-unpacked-'))).toEqual(before)
    writeFileSync(path, readFileSync(path).subarray(0, 100_000))
    await expect(readBatches(path, { take: () => {}, selection: new Selection({}) })).rejects.toThrow(TraceError)
  })
})
