import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countByName, type Events, eachEvent, lossesOf, type TraceEvent } from '#events'
import { TraceError } from '#kernel/messages'
import type { ReadTrace } from '../format.ts'
import { formats, readCapture } from '../index.ts'
import { formatText, record } from '../testing/trace-dat-writer.ts'
import { perfScript } from '../text/index.ts'
import { Sample } from './attrs.ts'
import { RecordIndex } from './order.ts'
import { readPerfData } from './perf-data.ts'
import { PerfWriter, USUAL } from './testing/perf-data-writer.ts'

const folder = join(import.meta.dirname, '../../../traces/perf-6.1-s')
const list = (events: Events): TraceEvent[] => [...eachEvent(events)]
const causes = ({ tally }: ReadTrace) => Object.fromEntries(tally.map(({ cause, count }) => [cause, count]))
const read = (bytes: Uint8Array) => readPerfData({ name: 'perf.data', bytes })

const errorOf = async (bytes: Uint8Array): Promise<TraceError> => {
  const error: unknown = await read(bytes).then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(TraceError)
  return error as TraceError
}

const inOrder = ({ time }: Events): boolean => time.every((at, row) => row === 0 || at >= time[row - 1]!)

// What a real kernel recorded.

test('a real perf.data has the events that perf script counts', async () => {
  const capture = await readCapture(folder)
  expect(capture).toMatchObject({ format: 'perf.data, in zstd', clock: 'perf', resolutionNs: 1, tally: [] })
  expect(capture.machine.release?.text).toBe('6.1.192')
  const counts = readFileSync(join(folder, 'counts.txt'), 'utf8').matchAll(/^\w+:(\w+) (\d+)$/gm)
  expect(countByName(capture.events)).toEqual(
    Object.fromEntries([...counts].map(([, name, count]) => [name, Number(count)])),
  )
  expect(inOrder(capture.events)).toBe(true)
})

test.each([
  ['perf-script-head.txt', 2000],
  ['perf-script-ns-head.txt', 300],
])('%s has the first events of the perf.data, field by field', async (name, count) => {
  const { events, machine } = await readCapture(folder)
  // The release says what GFP_ATOMIC is; only the binary tells it.
  const { release } = machine
  const bytes = readFileSync(join(folder, name))
  const text = await perfScript.read({ name, bytes, ...(release === undefined ? {} : { release }) })
  expect(text.format).toBe('perf script text')
  expect(text.lines).toEqual({ total: count, comments: 0, events: count })
  expect(text.events.zero).toBe(events.zero)
  const step = text.resolutionNs
  const shown = list(text.events)
  const recorded = list(events).slice(0, count)
  const known = (event: TraceEvent) => {
    const { context, time, ...rest } = event
    const whole = { ...rest, time: time - (time % step) } as Record<string, unknown>
    // Fields of events that are kept as text stand there as the recording's format prints them.
    if (event.event === 'other') delete whole.fields
    // The text works it out of the gfp flags; this kernel does not record it.
    delete whole.accounted
    return whole
  }
  expect(shown.map(known)).toEqual(recorded.map(known))
})

// What the writer makes: two events on two CPUs.

const FREE = 301
const ALLOC = 302
const WAKE = 303
const formatsOf = [
  {
    system: 'kmem',
    text: formatText('mm_page_free', FREE, [
      ['unsigned long pfn', 8, 8],
      ['unsigned int order', 16, 4],
    ]),
  },
  {
    system: 'kmem',
    text: formatText('mm_page_alloc', ALLOC, [
      ['unsigned long pfn', 8, 8],
      ['unsigned int order', 16, 4],
      ['unsigned long gfp_flags', 24, 8],
      ['int migratetype', 32, 4, true],
    ]),
  },
  { system: 'sched', text: formatText('sched_wakeup', WAKE, [['char comm[8]', 8, 8]]) },
]
const ids = { free: [10, 11], alloc: [12, 5000] } as const
const attrs = (sampleType = USUAL) => [
  { config: FREE, sampleType, ids: ids.free },
  { config: ALLOC, sampleType, ids: ids.alloc },
  // perf's own event for names of processes.
  { type: 1, sampleType: sampleType & ~Sample.RAW, ids: [13, 14] },
]
const SECOND = 1_000_000_000n

const writerOf = (little: boolean, sampleType = USUAL) => {
  const writer = new PerfWriter(little)
  const at = (time: number, cpu: number) => ({ time: 50n * SECOND + BigInt(time), cpu, id: ids.free[cpu]! })
  const extra = {
    ...((sampleType & Sample.READ) === 0 ? {} : { read: [1, 2, 3] }),
    ...((sampleType & Sample.CALLCHAIN) === 0 ? {} : { callchain: [0xffff_ffff_ffff_ff80n, 0xffff_ffff_8100_1000n] }),
  }
  const sample = (time: number, cpu: number, tid: number, id: number, raw: Uint8Array) =>
    writer.sample(sampleType, { ...at(time, cpu), id, tid, raw, ...extra })
  return {
    writer,
    at,
    free: (time: number, cpu: number, tid: number, pfn: number, flags = 0) => {
      const raw = record({ id: FREE, pid: tid, flags, size: 20, little }, [
        [pfn, 8, 8],
        [0, 16],
      ])
      return sample(time, cpu, tid, ids.free[cpu]!, raw)
    },
    alloc: (time: number, cpu: number, tid: number, pfn: number | bigint) => {
      const raw = record({ id: ALLOC, pid: tid, size: 36, little }, [
        [pfn, 8, 8],
        [1, 16],
        [0xcc0, 24, 8],
        [1, 32],
      ])
      return sample(time, cpu, tid, ids.alloc[cpu]!, raw)
    },
    features: [
      [1, writer.tracingData(formatsOf)],
      [3, writer.text('guest')],
      [4, writer.text('6.1.192')],
      [6, writer.text('x86_64')],
    ] as const,
  }
}

/** Two CPUs, one after another in each round, so that only sorting puts them in order. */
const story = (little = true, sampleType = USUAL) => {
  const made = writerOf(little, sampleType)
  const { writer, at, free, alloc } = made
  const comm = (time: number, cpu: number, tid: number, name: string) =>
    writer.comm(sampleType, tid, name, at(time, cpu))
  const data = [
    writer.comm(sampleType, 7, 'sh', { time: 0n, cpu: 0 }),
    free(100, 0, 7, 1),
    free(300, 0, 7, 2, 16),
    alloc(900, 0, 8, 3),
    alloc(200, 1, 7, 4),
    writer.fork(sampleType, 8, 7, at(250, 1)),
    comm(600, 1, 8, 'churn one'),
    free(600, 1, 8, 5),
    writer.finishedRound(),
    free(900, 0, 0, 6),
    free(500, 1, 8, 7),
    free(900, 1, 9, 0),
    alloc(950, 1, 8, 0xffff_ffff_ffff_ffffn),
    writer.finishedRound(),
  ]
  return { ...made, data }
}

const expected = [
  { event: 'mm_page_free', time: 100, cpu: 0, pid: 7, comm: 'sh', context: 0, pfn: 1, order: 0 },
  { event: 'mm_page_alloc', time: 200, cpu: 1, pid: 7, comm: 'sh', pfn: 4, order: 1, migratetype: 1, gfpFlags: 0xcc0 },
  { event: 'mm_page_free', time: 300, cpu: 0, pid: 7, comm: 'sh', context: 1, pfn: 2 },
  // Its name comes from its parent, until it takes its own.
  { event: 'mm_page_free', time: 500, cpu: 1, pid: 8, comm: 'sh', pfn: 7 },
  { event: 'mm_page_free', time: 600, cpu: 1, pid: 8, comm: 'churn one', pfn: 5 },
  // Three at one time stay in the order of the file.
  { event: 'mm_page_alloc', time: 900, cpu: 0, pid: 8, comm: 'churn one', pfn: 3 },
  { event: 'mm_page_free', time: 900, cpu: 0, pid: 0, comm: '<idle>', pfn: 6 },
  { event: 'mm_page_free', time: 900, cpu: 1, pid: 9, pfn: 0 },
  { event: 'mm_page_alloc_failed', time: 950, cpu: 1, pid: 8, order: 1, migratetype: 1, gfpFlags: 0xcc0 },
]

test('a file, a pipe and compressed records say the same', async () => {
  const { writer, data, features } = story()
  const packed = await writer.compressed(data, 150)
  const packedNewer = await writer.compressed(data, 1000, 83)
  for (const [bytes, format] of [
    [writer.file(attrs(), data, features), 'perf.data'],
    [writer.pipe(attrs(), data, features), 'perf.data (pipe mode)'],
    [writer.file(attrs(), packed, features), 'perf.data (zstd)'],
    [writer.pipe(attrs(), [...packedNewer, writer.finishedRound()], features), 'perf.data (pipe mode, zstd)'],
  ] as const) {
    const trace = await read(bytes)
    expect(trace).toMatchObject({ format, uname: 'Linux guest 6.1.192 x86_64', tally: [], clock: 'perf' })
    expect(trace.events.zero).toBe(50)
    expect(list(trace.events)).toMatchObject(expected)
    expect(list(trace.events)[7]!.comm).toBeUndefined()
  }
})

test('big-endian files are read', async () => {
  const { writer, data, features } = story(false)
  for (const bytes of [writer.file(attrs(), data, features), writer.pipe(attrs(), data, features)]) {
    expect(formats.find(({ sniff }) => sniff(bytes))?.id).toBe('perf.data')
    expect(list((await read(bytes)).events)).toMatchObject(expected)
  }
})

test.each([
  ['old', Sample.IP | Sample.TID | Sample.TIME | Sample.ID | Sample.CPU | Sample.PERIOD | Sample.RAW],
  ['address and stream', USUAL | Sample.ADDR | Sample.STREAM_ID],
  ['call chains', USUAL | Sample.CALLCHAIN],
  ['counts', USUAL | Sample.READ],
  ['counts and call chains', USUAL | Sample.READ | Sample.CALLCHAIN],
  ['no thread', USUAL & ~Sample.TID],
])('samples of another make: %s', async (_, sampleType) => {
  const { writer, data, features } = story(true, sampleType)
  // Value, id, lost
  const all = attrs(sampleType).map((attr) => ({ ...attr, readFormat: 4 | 16 }))
  const { events, tally } = await read(writer.file(all, data, features))
  // Without symbols nobody can say who called.
  expect(tally.map(({ cause }) => cause)).toEqual((sampleType & Sample.CALLCHAIN) === 0 ? [] : ['nameless-stack'])
  expect(list(events)).toMatchObject(expected)
})

test('the caller of a call chain, where the capture has symbols', async () => {
  const sampleType = USUAL | Sample.CALLCHAIN
  const { writer, data, features } = story(true, sampleType)
  const symbols = ['__alloc_pages', 'alloc_pages', 'free_unref_page', '__free_pages', 'pipe_read', 'vfs_read']
  const text = symbols.map((name, at) => `${(0xffff_ffff_8100_0000n + BigInt(at * 0x1000)).toString(16)} T ${name}\n`)
  const bytes = writer.file(attrs(sampleType), data, features)
  const kallsyms = () => Buffer.from(text.join(''))
  // The chain of each is PERF_CONTEXT_KERNEL, then an address in alloc_pages().
  const none = await readPerfData({ name: 'perf.data', bytes, kallsyms })
  expect(causes(none)).toEqual({ 'nameless-stack': 9 })
  const at = (place: number) => 0xffff_ffff_8100_0000n + BigInt(place * 0x1000 + 0x10)
  const [kernel, user] = [0xffff_ffff_ffff_ff80n, 0xffff_ffff_ffff_fe00n]
  const chains = [
    [kernel, at(0), at(1), at(4), at(5), user, 0x55n],
    [kernel, at(2), at(3), at(5)],
    // What a program does is not the kernel's caller.
    [kernel, at(0), user, at(4)],
    [],
  ]
  const raw = record({ id: FREE, pid: 1, size: 20 }, [[77, 8, 8]])
  const samples = chains.map((callchain, time) =>
    writer.sample(sampleType, { id: 10, tid: 1, time: 50n * SECOND + BigInt(time), cpu: 0, raw, callchain }),
  )
  const named = await readPerfData({
    name: 'perf.data',
    bytes: writer.file(attrs(sampleType), samples, features),
    kallsyms,
  })
  expect(list(named.events).map((event) => (event.event === 'kernel_stack' ? event.caller : event.time))).toEqual([
    ...[0, 'pipe_read'],
    ...[1, 'vfs_read'],
    ...[2, 3],
  ])
  expect(causes(named)).toEqual({ 'nameless-stack': 2 })
})

test('groups of counts are stepped over', async () => {
  const sampleType = USUAL | Sample.READ
  const { writer, at, features } = writerOf(true)
  const raw = record({ id: FREE, pid: 1, size: 20 }, [[77, 8, 8]])
  // Number of members, time enabled, two members of value, id and lost
  const sample = writer.sample(sampleType, { ...at(5, 0), tid: 1, raw, read: [2, 50, 1, 10, 0, 2, 11, 0] })
  const one = [{ sampleType, readFormat: 1 | 4 | 8 | 16, ids: [10] }]
  const { events } = await read(writer.file(one, [sample], features))
  expect(list(events)).toMatchObject([{ event: 'mm_page_free', pfn: 77 }])
})

test('the clock is the one asked for', async () => {
  const { writer, data, features } = story()
  const clockOf = async (clockId: number) => {
    const own = attrs().map((attr) => ({ ...attr, clockId }))
    return (await read(writer.file(own, data, features))).clock
  }
  expect(await clockOf(1)).toBe('mono')
  expect(await clockOf(7)).toBe('boot')
  expect(await clockOf(3)).toBe('clock 3')
})

test('losses become events on their CPU', async () => {
  const { writer, at, free, features } = writerOf(true)
  const data = [
    writer.idIndex([
      { id: 10, cpu: 0 },
      { id: 11, cpu: 1 },
    ]),
    free(100, 0, 7, 1),
    writer.lost(USUAL, 40, at(400, 1)),
    free(400, 1, 7, 2),
    free(200, 0, 7, 3),
    // Neither time nor CPU: after the record before, on the CPU of its id.
    writer.lost(0, 2, undefined),
  ]
  const trace = await read(writer.file(attrs(), data, features))
  expect(list(trace.events)).toMatchObject([
    { event: 'mm_page_free', time: 100 },
    { event: 'mm_page_free', time: 200 },
    { event: 'lost', time: 200, cpu: 0, count: 2 },
    { event: 'lost', time: 400, cpu: 1, count: 40 },
    { event: 'mm_page_free', time: 400 },
  ])
  expect(causes(trace)).toEqual({ 'lost-events': 42 })
})

test('the kernel’s own sum of losses adds only what no record told', async () => {
  const { writer, at, free, features } = writerOf(true)
  const none = { time: 0n, cpu: 0 }
  const data = [
    writer.idIndex([10, 11, 12].map((id, index) => ({ id, cpu: index % 2 }))),
    free(100, 0, 7, 1),
    writer.lost(USUAL, 40, at(400, 1)),
    free(900, 0, 7, 2),
    writer.lostSamples(USUAL, 30, { ...none, id: 11 }),
    writer.lostSamples(USUAL, 15, { ...none, id: 11 }),
    writer.lostSamples(USUAL, 3, { ...none, id: 12 }),
    // What a BPF filter took out is no loss.
    writer.lostSamples(USUAL, 999, { ...none, id: 10 }, 1 << 15),
  ]
  const trace = await read(writer.file(attrs(), data, features))
  expect(list(trace.events).filter(({ event }) => event === 'lost')).toMatchObject([
    { time: 400, cpu: 1, count: 40 },
    { time: 900, cpu: 1, count: 5 },
    { time: 900, cpu: 0, count: 3 },
  ])
  expect(causes(trace)).toEqual({ 'lost-events': 40, 'lost-at-unknown-time': 8 })
  expect(lossesOf(trace.events)).toEqual({ gaps: 3, events: 48, uncounted: 0 })
})

test('what can’t be used is counted', async () => {
  const { writer, at, free, features } = writerOf(true)
  const sample = (id: number, raw: Uint8Array) => writer.sample(USUAL, { ...at(100, 0), id, tid: 1, raw })
  const data = [
    free(50, 0, 1, 1),
    free(60, 0, 1, 2 ** 33),
    sample(4242, record({ id: FREE, pid: 1, size: 20 }, [])),
    sample(10, record({ id: 999, pid: 1, size: 20 }, [])),
    sample(10, record({ id: FREE, pid: 1, size: 8 }, [])),
    writer.sample(USUAL & ~Sample.RAW, { ...at(100, 0), id: 13, tid: 1, raw: new Uint8Array(0) }),
    writer.record(9, new Uint8Array(16)),
    writer.record(0, new Uint8Array(8)),
    writer.record(5, new Uint8Array(24)),
    writer.record(9999, new Uint8Array(8)),
    sample(10, record({ id: WAKE, pid: 1, size: 16 }, [['sh', 8]])),
  ]
  const trace = await read(writer.file(attrs(), data, features))
  expect(causes(trace)).toEqual({
    'value-out-of-range': 1,
    'unknown-id': 1,
    'unknown-event': 1,
    'short-record': 2,
    'other-sample': 1,
    'unknown-record': 2,
    throttled: 1,
  })
  expect(list(trace.events)).toMatchObject([
    { event: 'mm_page_free', pfn: 1 },
    { event: 'other', name: 'sched_wakeup', fields: 'comm=sh' },
  ])
})

test.each([
  ['no tracepoints', [{ type: 0, sampleType: USUAL & ~Sample.RAW, ids: [] }], /holds no tracepoints/],
  ['no time', attrs(USUAL & ~Sample.TIME), /do not tell their time and CPU/],
  ['no CPU', attrs(USUAL & ~Sample.CPU), /do not tell their time and CPU/],
  ['nothing at all', [], /does not describe its events/],
] as const)('a recording with %s is refused', async (_, own, message) => {
  const { writer, data, features } = story()
  for (const bytes of [writer.file(own, data, features), writer.pipe(own, data, features)]) {
    const error = await errorOf(bytes)
    expect(error.message).toMatch(message)
    expect(error.complaint.hint).toBeDefined()
  }
})

test('files that were not finished are refused with what to do', async () => {
  const { writer, data, features } = story()
  const whole = writer.file(attrs(), data, features)
  expect((await errorOf(writer.file(attrs(), data, []))).message).toMatch(/does not describe its events/)
  const unfinished = Uint8Array.from(whole)
  unfinished.fill(0, 48, 56)
  expect((await errorOf(unfinished)).message).toMatch(/never finished/)
  expect((await errorOf(whole.subarray(0, 1000))).message).toMatch(/cut short, and what describes its events/)
  const folders = writer.file(attrs(), data, [...features, [24, new Uint8Array(8)]])
  expect((await errorOf(folders)).message).toMatch(/--threads/)
  for (const size of [8, 12, 16, 60, 103]) await errorOf(whole.subarray(0, size))
})

// Damage.

test('a pipe cut short gives the events up to there, and the loss', async () => {
  const { writer, data, features } = story()
  const whole = writer.pipe(attrs(), data, features)
  const all = list((await read(whole)).events)
  let cut = 0
  for (let size = 16; size < whole.length; size += 13) {
    const trace = await read(whole.subarray(0, size)).catch((error: unknown) => {
      expect(error).toBeInstanceOf(TraceError)
      return undefined
    })
    if (trace === undefined) continue
    cut++
    const events = list(trace.events).filter(({ event }) => event !== 'lost')
    expect(events.length).toBeLessThanOrEqual(all.length)
    const isBorder = trace.tally.length === 0
    if (!isBorder && events.length > 0) {
      expect(causes(trace)).toEqual({ 'cut-short': 1 })
      expect(lossesOf(trace.events).uncounted).toBeGreaterThan(0)
    }
  }
  expect(cut).toBeGreaterThan(20)
})

test('damaged compressed data gives what came before it', async () => {
  const { writer, data, features } = story()
  const packed = await writer.compressed(data, 150)
  const half = packed.slice(0, 4).map((part) => Uint8Array.from(part))
  const trace = await read(
    writer.file(attrs(), [...half, writer.record(81, Buffer.alloc(100, 0xff)), ...packed.slice(5)], features),
  )
  expect(causes(trace)).toMatchObject({ 'broken-chunk': 1 })
  const { length } = list(trace.events).filter(({ event }) => event !== 'lost')
  expect(length).toBeGreaterThan(1)
  expect(length).toBeLessThan(expected.length)
  expect(lossesOf(trace.events).uncounted).toBeGreaterThan(0)
})

test('a small file can’t unpack to a large one', async () => {
  const { writer, features } = story()
  const bomb = await writer.compressed([Buffer.alloc(100_000_000)], 100_000_000)
  expect((await errorOf(writer.file(attrs(), bomb, features))).message).toMatch(/unpacks to more than 64 MiB/)
  // Nor in parts: each is looked at before the next.
  const parts = await writer.compressed([Buffer.alloc(100_000_000)], 20_000_000)
  expect(causes(await read(writer.file(attrs(), parts, features)))).toEqual({ 'broken-record': 1 })
})

test('whatever byte is changed, it reads in order or refuses with a TraceError', async () => {
  const { writer, data, features } = story()
  const packed = await writer.compressed(data, 150)
  let seed = 1
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  for (const whole of [
    writer.file(attrs(), data, features),
    writer.pipe(attrs(), data, features),
    writer.pipe(attrs(), packed, features),
  ]) {
    for (let round = 0; round < 700; round++) {
      const bytes = Uint8Array.from(whole)
      for (let flips = 1 + random(3); flips > 0; flips--) bytes[random(bytes.length)]! ^= 1 << random(8)
      const trace = await read(bytes).catch((error: unknown) => {
        if (!(error instanceof TraceError)) throw error
        return undefined
      })
      if (trace !== undefined) expect(inOrder(trace.events)).toBe(true)
    }
  }
})

test('records are sorted by time, those of one time as they came', () => {
  const index = new RecordIndex()
  const times = Array.from({ length: 5000 }, (_, row) => Math.imul(row, 2654435761) >>> 20)
  for (const [row, time] of times.entries()) index.add(time, row)
  const sorted = times.map((_, row) => row).sort((a, b) => times[a]! - times[b]! || a - b)
  expect([...index.order()]).toEqual(sorted)
})
