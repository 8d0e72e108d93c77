import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { tableFromIPC, tableToIPC } from '@uwdata/flechette'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Events, eachEvent, lossesOf, selectEvents } from '#events'
import { Selection } from '#events/columns'
import { type TallyEntry, TraceError } from '#kernel/messages'
import { arrowWriter, csvWriter, ndjsonWriter, type Writer, writtenOf } from '#writers'
import type { ReadTrace } from './format.ts'
import { formats, readBatches } from './index.ts'
import { perfSamples } from './perf/testing/perf-data-writer.ts'
import { recordingOf } from './testing/any-events.ts'
import { timesByCpu } from './testing/times-by-cpu.ts'
import { skippedLines } from './text/index.ts'
import { scriptLines } from './text/layouts/perf-notices.ts'
import { traceDat } from './trace-dat/index.ts'

/** What a crash, a full disk, a bad cable or a mailer do to a file: the same of every format. trace.dat has more of its own. */
const traces = join(import.meta.dirname, '../../traces')
const scratch = mkdtempSync(join(tmpdir(), 'kreplay-damage-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const PAGE = 4096
const lineCauses = { ...skippedLines, ...scriptLines }

interface Sample {
  readonly bytes: Uint8Array
  /** Whether it ends where its bytes end, and nothing says where that should be. */
  readonly isOpen: boolean
}
const read = (path: string, length = 40_000): Sample => {
  const bytes = readFileSync(join(traces, path))
  return { bytes: (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).subarray(0, length), isOpen: true }
}
const inCsvOr = async (writer: Writer, events: Events): Promise<Buffer> => {
  const pieces: Uint8Array[] = []
  for await (const piece of writer.write(writtenOf(recordingOf(events)))) pieces.push(Buffer.from(piece as string))
  return Buffer.concat(pieces)
}

const names = [
  ...['ftrace', 'trace_pipe', 'stacks', 'trace-cmd report', 'report -l', 'babeltrace2', 'console', 'perf script'],
  ...[
    'trace.dat v6',
    'trace.dat v7',
    'perf.data',
    'perf.data by pipe',
    'perf.data in zstd',
    'perf.data by pipe in zstd',
  ],
  ...['CSV', 'NDJSON', 'Arrow', 'Arrow stream', 'workload'],
] as const
const samples = {} as Record<(typeof names)[number], Sample>
beforeAll(async () => {
  const { events } = await traceDat.read({ name: 'a', bytes: readFileSync(join(traces, 'drain-6.12-s/trace.dat')) })
  const some = selectEvents(events, (row) => row % 97 === 0 && row < 40_000)
  const arrow = await inCsvOr(arrowWriter, some)
  const perf = await perfSamples()
  const binary = (bytes: Uint8Array) => ({ bytes, isOpen: false })
  const lines = (text: string | Uint8Array) => ({ bytes: Buffer.from(text as string), isOpen: true })
  Object.assign(samples, {
    ftrace: read('text/6.1/default.txt'),
    trace_pipe: read('text/6.1/trace_pipe-lost.txt'),
    stacks: read('text/6.1/stacktrace.txt'),
    'trace-cmd report': read('formats/pages-6.1-s.report.txt.gz'),
    'report -l': read('text/trace-cmd/drain-6.1-l.txt'),
    babeltrace2: read('text/handmade/babeltrace2-seconds.txt'),
    console: read('text/handmade/dump.txt'),
    'perf script': read('perf-6.1-s/perf-script-ns-head.txt'),
    'trace.dat v6': binary(read('formats/trace-dat/v6.dat', 1e9).bytes),
    'trace.dat v7': binary(read('formats/trace-dat/v7-zstd.dat').bytes),
    'perf.data': binary(perf.file),
    'perf.data by pipe': { bytes: perf.pipe, isOpen: true },
    'perf.data in zstd': binary(perf.packedFile),
    'perf.data by pipe in zstd': { bytes: perf.packedPipe, isOpen: true },
    CSV: lines(await inCsvOr(csvWriter, some)),
    NDJSON: lines(await inCsvOr(ndjsonWriter, some)),
    Arrow: binary(arrow),
    'Arrow stream': binary(tableToIPC(tableFromIPC(arrow), { format: 'stream' }) as Uint8Array),
    workload: lines('{"schema":"kreplay.workload/1","workload":"unaccepted-boot","params":{"seconds":1},"seed":1}\n'),
  } satisfies Record<string, Sample>)
})

type Outcome = ReadTrace | TraceError
/** What is read of bytes, or the error by which they are refused; anything else fails the test. */
async function outcome(bytes: Uint8Array): Promise<Outcome> {
  const format = formats.find(({ sniff }) => sniff(bytes.subarray(0, 65_536)))
  const place = { file: 'a' }
  if (format === undefined) return new TraceError({ place, what: 'this is no trace that kreplay knows' })
  return refusal(async () => format.read({ name: 'a', bytes }))
}

async function refusal<T>(work: () => Promise<T>): Promise<T | TraceError> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    expect(error.message).toMatch(/^[^\n]*\S[^\n]*(\n {2}[^\n]+)?$/)
    return error
  }
}

const countOf = ({ events }: Exclude<Outcome, TraceError>): number =>
  [...timesByCpu(events).values()].reduce((sum, { length }) => sum + length, 0)
const isTold = ({ events, tally }: Exclude<Outcome, TraceError>): boolean =>
  lossesOf(events).gaps > 0 || tally.some(({ level }: TallyEntry) => level !== 'note')

describe.each(names)('%s', (name) => {
  test('whole, it is read', async () => {
    const whole = await outcome(samples[name].bytes)
    expect(whole).not.toBeInstanceOf(TraceError)
    if (name !== 'workload') expect(countOf(whole as ReadTrace)).toBeGreaterThan(3)
  })

  test('cut at every page’s border and at 200 other bytes: an error, or a part of the events and the loss', async () => {
    const { bytes, isOpen } = samples[name]
    const whole = (await outcome(bytes)) as ReadTrace
    const all = timesByCpu(whole.events)
    const borders = Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, page) => page * PAGE)
    const others = fc.sample(fc.nat(bytes.length - 1), { numRuns: 200, seed: 7 })
    for (const length of [...borders, ...others]) {
      const cut = await outcome(bytes.subarray(0, length))
      if (cut instanceof TraceError) continue
      const isGuessed = cut.tally.some(({ cause }) => cause === 'cpu-guessed')
      const known = [...all.values()]
      for (const [cpu, times] of timesByCpu(cut.events)) {
        const same = isGuessed ? known.find(([first]) => first === times[0]) : all.get(cpu)
        expect(same?.slice(0, times.length), `cut at ${length}`).toEqual(times)
      }
      if (countOf(cut) === countOf(whole) || isTold(cut)) continue
      // Behind a whole line or record of a stream nothing shows that more was to come; one byte of it does.
      expect(isOpen, `cut at ${length}`).toBe(true)
      const further = await outcome(bytes.subarray(0, length + 1))
      if (bytes[length] !== 0x0a && !(further instanceof TraceError))
        expect(isTold(further), `cut at ${length}`).toBe(true)
    }
  })

  test('holes, pages in each other’s place, bytes that are no text: an error, or events that can be', async () => {
    const { bytes } = samples[name]
    const place = fc.nat(bytes.length - 1)
    const size = fc.constantFrom(1, 7, 64, 512, PAGE)
    const filling = fc.constantFrom(0, 0x0a, 0x20, 0x22, 0x7f, 0x80, 0xff)
    const damage = fc.oneof(
      fc.record({ at: place, size, filling }),
      fc.record({ at: place, size, from: place }),
      fc.record({ at: place, other: place, size }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
        const damaged = Uint8Array.from(bytes)
        for (const { at, size, ...how } of damages) {
          if ('filling' in how) damaged.fill(how.filling, at, at + size)
          else if ('from' in how) damaged.copyWithin(at, how.from, how.from + size)
          else swap(damaged, at, how.other, size)
        }
        const read = await outcome(damaged)
        if (read instanceof TraceError) return
        for (const { time, cpu } of eachEvent(read.events))
          if (!Number.isSafeInteger(time) || !(cpu <= 0xfffe)) expect({ time, cpu }).toBe('a time and a CPU')
        if (read.lines === undefined) return
        const skipped = read.tally.filter(({ cause }) => cause in lineCauses).reduce((sum, { count }) => sum + count, 0)
        expect(read.lines.comments + read.lines.events + skipped).toBe(read.lines.total)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('in %s: as it is, cut, damaged, and with a bomb behind it', async (wrapper, pack) => {
    const { bytes } = samples[name]
    const isText = bytes.every((byte) => byte !== 0)
    const path = join(scratch, `packed.${wrapper}`)
    const packed = pack(bytes)
    const through = async (content: Uint8Array) => {
      writeFileSync(path, content)
      let count = 0
      const read = await refusal(() =>
        readBatches(path, { take: ({ length }) => (count += length), selection: new Selection({}) }),
      )
      return read instanceof TraceError ? read : { ...read, count }
    }
    expect(await through(packed)).toMatchObject({ count: ((await outcome(bytes)) as ReadTrace).events.length })
    const half = await through(packed.subarray(0, packed.length >> 1))
    expect(half).toBeInstanceOf(TraceError)
    const flipped = Uint8Array.from(packed)
    flipped[flipped.length >> 1]! ^= 0x10
    // The formats' own checks see it where the wrapper's come too late.
    await through(flipped)
    if (wrapper === 'gzip') return
    const before = process.resourceUsage().maxRSS
    const bomb = pack(Buffer.concat([bytes, Buffer.alloc(80_000_000, isText ? 'x' : 0)]))
    expect(bomb.length).toBeLessThan(200_000)
    expect(await through(bomb)).toBeInstanceOf(TraceError)
    // Kilobytes
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(300_000)
    expect(readdirSync(tmpdir()).filter((left) => left.startsWith('kreplay-unpacked-'))).toEqual([])
  })
})

function swap(bytes: Uint8Array, one: number, other: number, size: number): void {
  const kept = bytes.slice(one, one + size)
  bytes.copyWithin(one, other, other + size)
  bytes.set(kept.subarray(0, bytes.length - other), other)
}

/** CPU time of reading `lines` lines of 60,000 characters, in µs. Quadratic work on such a line takes minutes. */
async function costOf(head: string, part: string, lines: number): Promise<number> {
  const text = `${head}${`${part.repeat(60_000 / part.length)}\n`.repeat(lines)}`
  const before = process.cpuUsage()
  const read = await outcome(Buffer.from(text))
  const { user, system } = process.cpuUsage(before)
  // Nothing vanishes: each line is counted, unless the whole is refused.
  if (!(read instanceof TraceError) && read.lines !== undefined) expect(read.lines.total).toBeGreaterThanOrEqual(lines)
  return user + system
}

test('lines of blanks, marks and digits cost no more than lines of letters', async () => {
  const ftrace = '# tracer: nop\n'
  const script = 'sh 5 [001] 1.000001: kmem:mm_page_free: page=0x1 pfn=0x1 order=0\n'
  const quoted = `> ${ftrace}> sh-1 [000] .... 1.000001: mm_page_free: pfn=0x7 order=0\n`
  const dear: { head: string; part: string; ratio: number }[] = []
  for (const head of [ftrace, quoted, 'cpus=2\n', script]) {
    await costOf(head, 'x', 5)
    // As much as is lost in the clock's own coarseness, at the least.
    const letters = Math.max(await costOf(head, 'x', 5), 20_000)
    for (const part of [
      ' ',
      '1',
      '>',
      ' >',
      '[',
      '[0] ',
      'a-1 ',
      ' 0d..1',
      '=> ',
      '(',
      ':',
      'a:b: ',
      'a=',
      'a=b',
      '1us ',
    ]) {
      const ratio = (await costOf(head, part, 5)) / letters
      if (ratio > 25) dear.push({ head, part, ratio })
    }
  }
  expect(dear).toEqual([])
})
