import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { EventBuilder, type Events, eachEvent, selectEvents, type TraceEvent } from '#events'
import { TraceError } from '#kernel/messages'
import { arrowWriter, csvWriter, ndjsonWriter, writtenOf } from '#writers'
import { kreplayArrow } from './arrow/index.ts'
import { formats } from './index.ts'
import { eventsOf, recordingOf } from './testing/any-events.ts'
import { traceDat } from './trace-dat/index.ts'

/** kreplay's own text formats come in pieces, and may have been damaged on their way. */
const file = join(import.meta.dirname, '../../traces/drain-6.12-s/trace.dat')
let events: Events
beforeAll(async () => {
  const read = await traceDat.read({ name: file, bytes: readFileSync(file) })
  events = selectEvents(read.events, (row) => row % 97 === 0 && row < 40_000)
})

/** Reads in pieces that end at those places; what is read, or the error by which it is refused. */
async function readIn(bytes: Uint8Array, ends: readonly number[] = [], rows = 100_000) {
  const head = bytes.subarray(0, 65_536)
  const batches: Events[] = []
  const builder = new EventBuilder({ rows, take: (batch) => batches.push(batch) })
  const reader = formats.find(({ sniff }) => sniff(head))!.open!({ name: 'a', head, builder })
  try {
    let from = 0
    for (const end of [...ends, bytes.length]) {
      await reader.push(bytes.slice(from, end))
      from = end
    }
    const read = await reader.end()
    builder.cut()
    return { ...read, zero: builder.zero, batches }
  } catch (error) {
    if (error instanceof TraceError) return error
    throw error
  }
}

type Outcome = Awaited<ReturnType<typeof readIn>>
const list = (outcome: Outcome): TraceEvent[] =>
  outcome instanceof TraceError ? [] : outcome.batches.flatMap((batch) => [...eachEvent(batch)])

describe.each([
  ['CSV', csvWriter],
  ['NDJSON', ndjsonWriter],
])('%s', (_, writer) => {
  async function textOf(of: Events): Promise<Buffer> {
    let text = ''
    for await (const piece of writer.write(writtenOf(recordingOf(of, { clock: 'a clock' })))) text += piece
    return Buffer.from(text)
  }

  test('in pieces, wherever they end, is the text as a whole', async () => {
    const bytes = await textOf(events)
    const whole = await readIn(bytes)
    expect(list(whole)).toEqual([...eachEvent(events)])
    const ends = fc.uniqueArray(fc.nat(bytes.length), { maxLength: 40 }).map((cuts) => cuts.sort((a, b) => a - b))
    await fc.assert(
      fc.asyncProperty(ends, fc.integer({ min: 1, max: 100 }), async (ends, rows) => {
        const read = await readIn(bytes, ends, rows)
        expect({ ...read, batches: list(read) }).toEqual({ ...whole, batches: list(whole) })
      }),
      { numRuns: 30 },
    )
  })

  test('cut anywhere: the events before the cut, or an error with its line', async () => {
    const bytes = await textOf(events)
    const all = [...eachEvent(events)]
    const results = { refused: 0, read: 0 }
    for (const length of fc.sample(fc.integer({ min: 60, max: bytes.length }), { numRuns: 200, seed: 7 })) {
      const cut = await readIn(bytes.subarray(0, length))
      if (cut instanceof TraceError) {
        expect(cut.complaint.place).toMatchObject({ file: 'a', line: expect.any(Number) })
        results.refused++
        continue
      }
      results.read++
      // Of the last one the last cell may be cut.
      const read = list(cut)
      expect(read.slice(0, -1)).toEqual(all.slice(0, Math.max(0, read.length - 1)))
    }
    expect(results.refused).toBeGreaterThan(0)
  })

  test('an error tells its line, in pieces and far into the text', async () => {
    const bytes = await textOf(events)
    const body = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1
    const many = Buffer.concat([bytes, ...Array.from({ length: 40 }, () => bytes.subarray(body))])
    const place = many.indexOf(10, many.length - 1000) + 2
    const damaged = Buffer.concat([many.subarray(0, place), Buffer.from('"\0\xff{,', 'latin1'), many.subarray(place)])
    const line = damaged.subarray(0, place).filter((byte) => byte === 10).length + 1
    for (const step of [65_537, 1_000_000, damaged.length]) {
      const ends = Array.from({ length: Math.floor(damaged.length / step) }, (_, at) => (at + 1) * step)
      const error = (await readIn(damaged, ends)) as TraceError
      expect(error).toBeInstanceOf(TraceError)
      expect(error.complaint.place).toMatchObject({ line })
    }
  })

  test('a line of 10 MB is refused before it is in memory', async () => {
    const bytes = await textOf(events)
    const end = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1
    const long = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(10_000_000, 0x78)])
    const ends = Array.from({ length: 100 }, (_, at) => end + (at + 1) * 100_000)
    expect(((await readIn(long, ends)) as TraceError).message).toMatch(/Max Record Size|longer than/)
  })

  test('batches keep the dictionary small, whatever the texts', async () => {
    const some = Array.from(
      { length: 140_000 },
      (_, at) => ({ event: 'other', time: at, cpu: 0, name: 'my_probe', fields: `arg=${at}` }) as const,
    )
    const bytes = await textOf(eventsOf(some))
    const ends = Array.from({ length: Math.floor(bytes.length / 500_000) }, (_, at) => (at + 1) * 500_000)
    const read = (await readIn(bytes, ends, 50_000)) as Exclude<Outcome, TraceError>
    expect(read.batches.reduce((sum, { length }) => sum + length, 0)).toBe(some.length)
    expect(Math.max(...read.batches.map(({ strings }) => strings.size))).toBeLessThan(90_000)
    expect(list(read).at(-1)).toMatchObject({ name: 'my_probe', fields: 'arg=139999' })
  })
})

test('time that runs backwards on a CPU is counted by every reader of rows, with the first place; the stamps stay', async () => {
  const free = (time: number, cpu: number) => ({ event: 'mm_page_free', time, cpu, pfn: 1, order: 0 }) as const
  // On each CPU in order: what other CPUs’ stamps are shows nothing, nor does a loss’s.
  const inOrder = eventsOf([free(50, 0), free(20, 1), { event: 'lost', time: 10, cpu: 1 }, free(20, 1), free(60, 0)])
  const backwards = eventsOf([free(-5, 0), free(50, 0), free(20, 1), free(40, 0), free(45, 0), free(10, 1)])
  const [line, row] = [' line 6', ' row 3']
  for (const [writer, first] of [
    [csvWriter, line],
    [ndjsonWriter, ' line 5'],
    [arrowWriter, row],
  ] as const) {
    const read = async (of: Events) => {
      const pieces: Uint8Array[] = []
      for await (const piece of writer.write(writtenOf(recordingOf(of)))) pieces.push(Buffer.from(piece))
      const bytes = Buffer.concat(pieces)
      if (writer !== arrowWriter) return (await readIn(bytes)) as Exclude<Outcome, TraceError>
      const { tally, events } = await kreplayArrow.read({ name: 'a', bytes })
      return { tally, batches: [events] }
    }
    expect((await read(inOrder)).tally).toEqual([])
    const { tally, batches } = await read(backwards)
    expect(tally).toMatchObject([{ cause: 'time-backwards', level: 'error', count: 2, first: `a,${first}` }])
    expect(batches.flatMap((batch) => [...batch.time])).toEqual([-5, 50, 20, 40, 45, 10])
  }
})
