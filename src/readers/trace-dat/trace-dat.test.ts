import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countByName, type Events, eachEvent, type KindName, lossesOf, nameAt, type TraceEvent } from '#events'
import { TraceError } from '#kernel/messages'
import { readCapture } from '../index.ts'
import {
  formatText,
  type PageEntry,
  type PageOptions,
  page,
  record,
  type TraceDatParts,
  writeTraceDat,
} from '../testing/trace-dat-writer.ts'
import { readTraceDat } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')
const bytesOf = (path: string): Uint8Array => readFileSync(join(traces, path))
const read = (bytes: Uint8Array) => readTraceDat({ name: 'a.dat', bytes })
const list = (events: Events): TraceEvent[] => [...eachEvent(events)]
const errorOf = (bytes: Uint8Array): TraceError => {
  try {
    read(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(TraceError)
    return error as TraceError
  }
  throw new Error('it was read')
}

const expected = JSON.parse(readFileSync(join(traces, 'expected-counts.json'), 'utf8')) as Record<
  string,
  { kernel: string; cpus: number; events: Record<string, number> }
>

test.each(Object.entries(expected))('%s has the events that trace-cmd counts', (name, { events, kernel }) => {
  const capture = read(bytesOf(`${name}/trace.dat`))
  expect(countByName(capture.events)).toEqual(events)
  expect(capture.uname).toContain(kernel)
  expect(capture.clock).toBe('local')
  expect(capture.tally).toEqual([])
  const { time, length } = capture.events
  for (let row = 1; row < length; row++) if (time[row]! < time[row - 1]!) expect.fail(`row ${row} is out of order`)
  expect(time[0]).toBeGreaterThanOrEqual(0)
  expect(time[0]).toBeLessThan(1e9)
})

test('the first events of pages-6.1-s are as trace-cmd report prints them', () => {
  const { events } = read(bytesOf('pages-6.1-s/trace.dat'))
  expect(events.zero).toBe(4)
  expect(list(events).slice(0, 2)).toEqual(
    [
      { time: 483158766, pfn: 0x2d86 },
      { time: 483755722, pfn: 0x2d69 },
    ].map((own) => ({
      event: 'mm_page_alloc',
      cpu: 2,
      pid: 58,
      comm: 'sh',
      context: 0,
      order: 0,
      gfpFlags: 0x400dc0,
      migratetype: 0,
      ...own,
    })),
  )
})

test('work items carry the names of their functions', () => {
  const { events } = read(bytesOf('drain-5.10-s/trace.dat'))
  const queued = list(events).filter((event) => event.event === 'workqueue_queue_work')
  expect(queued[0]).toMatchObject({
    function: 'vmstat_update',
    work: 0xff110000129aa8e0n,
    workqueue: '0xff11000000165600',
    reqCpu: 3,
    poolCpu: 3,
    cpu: 3,
  })
  expect(queued.filter((event) => event.function === 'drain_local_pages_wq').length).toBeGreaterThan(10)
  const { tables } = read(bytesOf('drain-7.2-s/trace.dat')).events
  const { strings } = read(bytesOf('drain-7.2-s/trace.dat')).events
  expect(strings.get(tables.workqueue_queue_work.column.workqueue.data[0]!)).toBe('events_unbound')
  expect(tables.workqueue_queue_work.column.poolCpu.data[0]).toBe(-1)
})

test('events of no kind of ours keep their name and fields', () => {
  const bytes = Buffer.from(bytesOf('formats/trace-dat/v6.dat'))
  const at = bytes.indexOf('name: mm_page_free\n')
  bytes.write('name: our_own_free\n', at, 'latin1')
  const { events } = read(bytes)
  const others = list(events).flatMap((event) => (event.event === 'other' ? [`${event.name} ${event.fields}`] : []))
  expect(others.length).toBeGreaterThan(100)
  expect(others[0]).toMatch(/^our_own_free pfn=\d+ order=\d+$/)
  expect(
    nameAt(
      events,
      list(events).findIndex(({ event }) => event === 'other'),
    ),
  ).toBe('our_own_free')
})

test.each(['kvfree-5.10-s', 'kvfree-6.1-s', 'kvfree-6.12-s', 'kvfree-7.2-s'])(
  '%s: every event has a kind',
  (capture) => {
    const { events } = read(bytesOf(`${capture}/trace.dat`))
    expect(events.tables.other.length).toBe(0)
  },
)

test('RCU events come with strings, symbols, addresses and signed numbers', () => {
  const events = list(read(bytesOf('kvfree-5.10-s/trace.dat')).events)
  const first = (kind: KindName) => events.find(({ event }) => event === kind)
  expect(first('rcu_callback')).toMatchObject({
    rcuname: 'rcu_sched',
    rhp: 0xff110000024cc500n,
    func: 'file_free_rcu',
    qlen: 16,
  })
  expect(first('rcu_grace_period')).toMatchObject({ rcuname: 'rcu_sched', gpSeq: -824, gpevent: 'AccReadyCB' })
  expect(first('rcu_batch_end')).toMatchObject({ callbacksInvoked: 3, cb: false, nr: false, iit: false, risk: false })
  expect(first('rcu_invoke_kfree_bulk_callback')).toMatchObject({ nrRecords: 510, p: 0xff11000020702010n })
  expect(first('kvfree_call_rcu')).toMatchObject({ head: 0xff11000000886408n, arg: 8n })
})

test('older names, a failed kmalloc, arrays and strings by address', () => {
  const formats = [
    formatText('kmalloc_node', 30, [
      ['unsigned long call_site', 8, 8],
      ['const void * ptr', 16, 8],
      ['size_t bytes_req', 24, 8],
      ['size_t bytes_alloc', 32, 8],
      ['gfp_t gfp_flags', 40, 4],
      ['int node', 44, 4, true],
    ]),
    formatText('rcu_dyntick', 31, [
      ['const char * polarity', 8, 8],
      ['long oldnesting', 16, 8, true],
      ['long newnesting', 24, 8, true],
      ['int dynticks', 32, 4, true],
    ]),
    formatText('rcu_segcb_stats', 32, [
      ['const char * ctx', 8, 8],
      ['unsigned long gp_seq[4]', 16, 32],
      ['long seglen[4]', 48, 32, true],
    ]),
  ]
  const kmalloc = (ptr: bigint): PageEntry => ({
    kind: 'record',
    delta: 1,
    data: record({ id: 30, pid: 5, size: 48 }, [
      [0xffff_8000_0000_1010n, 8, 8],
      [ptr, 16, 8],
      [60, 24, 8],
      [64, 32, 8],
      [0xcc0, 40, 4],
      [2, 44, 4],
    ]),
  })
  const dyntick = record({ id: 31, pid: 0, size: 36 }, [
    [0xffff_8000_0000_9000n, 8, 8],
    [1n << 62n, 16, 8],
    [1, 24, 8],
    [7, 32, 4],
  ])
  const segments = record({ id: 32, pid: 0, size: 80 }, [
    [0xffff_8000_0000_9010n, 8, 8],
    ...[0n, 1196n, 1200n, -4n].map((value, index) => [BigInt.asUintN(64, value), 16 + 8 * index, 8] as const),
    ...[34, 11, 0, 7].map((value, index) => [value, 48 + 8 * index, 8] as const),
  ])
  const { events } = read(
    writeTraceDat({
      version: 6,
      formats: formats.map((text) => ({ system: 'any', text })),
      kallsyms: 'ffff800000001000 t f\t[mod]\nffff800000002000 t g\n',
      printk: '0xffff800000009000 : "Endirq"\n0xffff800000009010 : "SegCbPostAcc"\n',
      buffers: [
        {
          name: '',
          cpus: [
            {
              cpu: 0,
              data: page(1_000_000_000n, [
                kmalloc(0x10n),
                kmalloc(0n),
                { kind: 'record', delta: 1, data: dyntick },
                { kind: 'record', delta: 1, data: segments },
              ]),
            },
          ],
        },
      ],
    }),
  )
  const slab = { callSite: 'f+0x10 [mod]', bytesReq: 60, bytesAlloc: 64, gfpFlags: 0xcc0, node: 2 }
  expect(list(events)).toMatchObject([
    { event: 'kmalloc', ...slab, ptr: 16n, recordedAs: 'kmalloc_node' },
    { event: 'kmalloc_failed', ...slab, recordedAs: 'kmalloc_node' },
    { event: 'rcu_watching', polarity: 'Startirq', oldnesting: 1n << 62n, newnesting: 1n, counter: 7 },
    { ctx: 'SegCbPostAcc', seglenDone: 34, seglenNext: 7, gpSeqWait: 1196, gpSeqNext: -4 },
  ])
  expect(countByName(events)).toEqual({ kmalloc_node: 2, rcu_dyntick: 1, rcu_segcb_stats: 1 })
})

test('the same cut reads the same from every form of trace.dat', () => {
  const forms = ['v7-zstd', 'v6', 'v7-none', 'v7-zlib'].map((form) => read(bytesOf(`formats/trace-dat/${form}.dat`)))
  const [zstd, ...others] = forms.map(({ events }) => list(events))
  expect(zstd!.length).toBe(4198)
  for (const other of others) expect(other).toEqual(zstd)
  expect(forms.map(({ format }) => format)).toEqual([
    'trace.dat v7 (zstd)',
    'trace.dat v6 (not compressed)',
    'trace.dat v7 (not compressed)',
    'trace.dat v7 (zlib)',
  ])
  // The capture that it was cut from has them too, field by field: the cut took whole pages of each CPU.
  const onClock = (events: Events) => list(events).map((event) => ({ ...event, time: event.time + events.zero * 1e9 }))
  const cut = onClock(forms[0]!.events)
  const whole = onClock(read(bytesOf('drain-5.10-s/trace.dat')).events)
  for (const cpu of [0, 1, 2, 3]) {
    const own = cut.filter((event) => event.cpu === cpu)
    const all = whole.filter((event) => event.cpu === cpu)
    const from = all.findIndex(({ time }) => time === own[0]!.time)
    expect(own).toEqual(all.slice(from, from + own.length))
  }
})

// --- files made byte by byte

const FREE = 7
const ALLOC = 9
/** Offsets as no real kernel has them: only the recorded format tells. */
const formats = [
  {
    system: 'kmem',
    text: formatText('mm_page_free', FREE, [
      ['unsigned int order', 12, 4],
      ['unsigned long pfn', 16, 8],
    ]),
  },
  {
    system: 'kmem',
    text: formatText('mm_page_alloc', ALLOC, [
      ['gfp_t gfp_flags', 8, 4],
      ['unsigned long pfn', 16, 8],
      ['unsigned int order', 24, 4],
      ['int migratetype', 28, 4, true],
    ]),
  },
]

interface Variant extends PageOptions {
  readonly version?: 6 | 7
  readonly compression?: 'none' | 'zlib' | 'zstd'
}
const variants: readonly Variant[] = [
  { version: 6 },
  { version: 7 },
  { version: 7, compression: 'zlib' },
  { version: 7, compression: 'zstd' },
  { version: 6, little: false },
  { version: 7, compression: 'zstd', little: false },
  { version: 7, longSize: 4 },
  { version: 6, pageSize: 65536 },
]

const free = (delta: number, pfn: number | bigint, { little = true, pid = 5, flags = 0 } = {}): PageEntry => ({
  kind: 'record',
  delta,
  data: record({ id: FREE, pid, flags, size: 24, little }, [
    [0, 12],
    [pfn, 16, 8],
  ]),
})

function file(pages: readonly Uint8Array[][], variant: Variant = {}, more: Partial<TraceDatParts> = {}): Uint8Array {
  return writeTraceDat({
    version: 7,
    formats,
    comms: '5 a name with spaces\n',
    ...variant,
    buffers: [{ name: '', cpus: pages.map((own, cpu) => ({ cpu, data: Buffer.concat(own) })) }],
    ...more,
  })
}

const brief = (events: Events) =>
  list(events).map((event) => [
    event.event,
    event.time + events.zero * 1e9,
    event.cpu,
    ...('pfn' in event ? [event.pfn] : 'count' in event ? [event.count] : []),
  ])

test.each(variants)('time extends, absolute stamps, discarded events and padding: %o', (variant) => {
  const { little = true } = variant
  const stamp = 5_000_000_100n
  const bytes = file(
    [
      [
        page(
          stamp,
          [
            free(0, 100, { little }),
            { kind: 'extend', ns: 3_000_000_000 },
            free(7, 101, { little }),
            { kind: 'discarded', delta: 3, size: 24 },
            free(1, 102, { little }),
            { kind: 'absolute', stamp: stamp + 4_000_000_000n },
            free(2, 103, { little }),
            { kind: 'padding' },
          ],
          variant,
        ),
      ],
      [page(stamp + 50n, [free(0, 200, { little, pid: 0 })], variant)],
    ],
    variant,
  )
  const { events, tally } = read(bytes)
  expect(brief(events)).toEqual([
    ['mm_page_free', 5_000_000_100, 0, 100],
    ['mm_page_free', 5_000_000_150, 1, 200],
    ['mm_page_free', 8_000_000_107, 0, 101],
    ['mm_page_free', 8_000_000_111, 0, 102],
    ['mm_page_free', 9_000_000_102, 0, 103],
  ])
  expect(list(events).map(({ comm }) => comm)).toContain('<idle>')
  expect(list(events)[0]!.comm).toBe('a name with spaces')
  expect(tally).toEqual([])
})

test.each(variants)('missed events are losses, counted where the kernel kept the count: %o', (variant) => {
  const { little = true } = variant
  const own = (stamp: bigint, pfn: number, missed?: number | true) =>
    page(stamp, [free(0, pfn, { little })], { ...variant, ...(missed === undefined ? {} : { missed }) })
  const { events, tally } = read(file([[own(10n, 1), own(20n, 2, 33), own(30n, 3, true)]], variant))
  expect(brief(events)).toEqual([
    ['mm_page_free', 10, 0, 1],
    ['lost', 20, 0, 33],
    ['mm_page_free', 20, 0, 2],
    ['lost', 30, 0],
    ['mm_page_free', 30, 0, 3],
  ])
  expect(lossesOf(events)).toEqual({ gaps: 2, events: 33, uncounted: 1 })
  expect(tally).toMatchObject([{ cause: 'missed-events', count: 2 }])
})

test('an allocation that failed is a kind of its own, and a pfn that cannot be is counted', () => {
  const alloc = (pfn: bigint): PageEntry => ({
    kind: 'record',
    delta: 1,
    data: record({ id: ALLOC, pid: 5, flags: 16 | 1, size: 32 }, [
      [0xcc0, 8],
      [pfn, 16, 8],
      [3, 24],
      [1, 28],
    ]),
  })
  const { events, tally } = read(file([[page(1n, [alloc(0n), alloc(-1n), alloc(0xffff_ffffn), alloc(1n << 40n)])]]))
  expect(list(events)).toMatchObject([
    { event: 'mm_page_alloc', pfn: 0, order: 3, gfpFlags: 0xcc0, migratetype: 1, context: 9 },
    { event: 'mm_page_alloc_failed', order: 3, gfpFlags: 0xcc0, migratetype: 1 },
  ])
  expect(tally).toMatchObject([{ cause: 'value-out-of-range', count: 2 }])
  expect(countByName(events)).toEqual({ mm_page_alloc: 2 })
})

test('wall-clock stamps stay exact to the nanosecond', () => {
  const stamp = 1_795_000_000_123_456_789n
  const { events } = read(file([[page(stamp, [free(0, 1), free(1, 2)])]]))
  expect(events.zero).toBe(1_795_000_000)
  expect([...events.time]).toEqual([123_456_789, 123_456_790])
})

test('instances, long records, strings in the record and short records', () => {
  const wide = {
    system: 'x',
    text: formatText('wide', 20, [
      ['__data_loc char[] name', 8, 4],
      ['__rel_loc char[] other', 12, 4],
      ['char comm[8]', 16, 8],
      ['const char * where', 24, 8],
      ['u16 half', 32, 2],
    ]),
  }
  const data = record({ id: 20, pid: 9, size: 200 }, [
    [(6 << 16) | 40, 8],
    [(4 << 16) | (60 - 16), 12],
    ['abc', 16],
    [0xffffffff81000010n, 24, 8],
    [65535, 32, 2],
    ['hello', 40],
    ['a b', 60],
  ])
  const entries: PageEntry[] = [
    { kind: 'record', delta: 0, data },
    { kind: 'record', delta: 0, data: data.subarray(0, 16) },
    { kind: 'record', delta: 0, data: record({ id: 999, pid: 1, size: 12 }, []) },
  ]
  for (const version of [6, 7] as const) {
    const { events, tally } = read(
      writeTraceDat({
        version,
        formats: [...formats, wide],
        printk: '0xffffffff81000010 : "there"\n',
        buffers: [
          { name: '', cpus: [{ cpu: 0, data: page(5n, [free(0, 1)]) }] },
          { name: 'inst', cpus: [{ cpu: 0, data: page(6n, entries) }] },
        ],
      }),
    )
    expect(list(events).map(({ event }) => event)).toEqual(['mm_page_free', 'other'])
    expect(list(events)[1]).toMatchObject({
      name: 'wide',
      fields: 'name=hello other="a b" comm=abc where=there half=65535',
    })
    expect(tally.map(({ cause, count }) => [cause, count])).toEqual([
      ['short-record', 1],
      ['unknown-event', 1],
      ['several-buffers', 1],
    ])
  }
})

test('symbols and formats of an unknown event are known after the file is closed: its text is made when somebody asks', async () => {
  const text = formatText('print', 20, [
    ['u64 ip', 8, 8],
    ['const char * fmt', 16, 8],
  ])
  const marked = record({ id: 20, pid: 9, size: 24 }, [
    [0xffffffff81000010n, 8, 8],
    [0xffffffff82000000n, 16, 8],
  ])
  // More than one window of the file holds.
  const manySymbols = Array.from(
    { length: 60_000 },
    (_, at) => `ffffffff9${(at + 0x1000000).toString(16)} T f${at}\n`,
  ).join('')
  const file = join(mkdtempSync(join(tmpdir(), 'kreplay-')), 'late.dat')
  writeFileSync(
    file,
    writeTraceDat({
      version: 7,
      formats: [...formats, { system: 'ftrace', text }],
      kallsyms: `ffffffff81000000 T tracing_mark_write\n${manySymbols}`,
      printk: '0xffffffff82000000 : "marked"\n',
      buffers: [{ name: '', cpus: [{ cpu: 0, data: page(5n, [{ kind: 'record', delta: 0, data: marked }]) }] }],
    }),
  )
  const { events } = await readCapture(file)
  expect(list(events)).toMatchObject([{ name: 'print', fields: 'ip=tracing_mark_write+0x10 fmt=marked' }])
})

test('a string may be the last of a record, and no string lies beyond it', () => {
  const text = formatText('tail', 20, [['__data_loc char[] name', 8, 4]])
  const named = (location: number) =>
    record({ id: 20, pid: 9, size: 20 }, [
      [location, 8],
      ['abcdefg', 12],
    ])
  const entries = [(8 << 16) | 12, (8 << 16) | 16, (4 << 16) | 0].map(
    (location): PageEntry => ({ kind: 'record', delta: 0, data: named(location) }),
  )
  const { events } = read(
    writeTraceDat({
      version: 7,
      formats: [...formats, { system: 'x', text }],
      buffers: [{ name: '', cpus: [{ cpu: 0, data: page(5n, entries) }] }],
    }),
  )
  expect(list(events).map((event) => event.event === 'other' && event.fields)).toEqual([
    'name=abcdefg',
    'name=?',
    'name=',
  ])
})

test('trace-cmd extract -B: the main buffer is empty and says that it has no CPUs', () => {
  const { events, tally } = read(
    writeTraceDat({
      version: 7,
      formats,
      buffers: [
        { name: '', cpus: [] },
        { name: 'kreplay', cpus: [{ cpu: 0, data: page(5n, [free(0, 1)]) }] },
      ],
    }),
  )
  expect(list(events)).toMatchObject([{ event: 'mm_page_free', pfn: 1 }])
  expect(tally).toEqual([])
})

test('a known event in a layout that lacks a field is kept as other', () => {
  const old = { system: 'kmem', text: formatText('mm_page_free', FREE, [['struct page * page', 8, 8]]) }
  const data = record({ id: FREE, pid: 1, size: 16 }, [[0xff00n, 8, 8]])
  const { events } = read(file([[page(1n, [{ kind: 'record', delta: 0, data }])]], {}, { formats: [old] }))
  expect(list(events)).toMatchObject([{ event: 'other', name: 'mm_page_free', fields: 'page=0xff00' }])
})

test('what the kernel says it overwrote is told', () => {
  const cpuStats = ['CPU: 0\nentries: 0\noverrun: 12\ncommit overrun: 0\ndropped events: 3\nread events: 1\n']
  const { tally } = read(file([[page(1n, [free(0, 1)])]], {}, { cpuStats }))
  expect(tally).toMatchObject([{ cause: 'overrun', count: 15, level: 'data-loss' }])
})

// --- damage

test.each([0.7, 2.25, 9.5])('chunks of %d pages: what a chunk has of a page waits for the next', (pagesPerChunk) => {
  const pages = Array.from({ length: 30 }, (_, index) => page(BigInt(index * 100), [free(0, index), free(1, index)]))
  for (const compression of ['zstd', 'zlib'] as const) {
    const { events, tally } = read(file([pages, pages], { compression }, { pagesPerChunk }))
    expect(tally).toEqual([])
    expect(brief(events)).toEqual(brief(read(file([pages, pages])).events))
  }
})

test('a broken chunk and a broken page cost what they held, not more', () => {
  const pages = Array.from({ length: 30 }, (_, index) => page(BigInt(index * 100), [free(0, index), free(1, index)]))
  const bytes = Uint8Array.from(file([pages], { compression: 'zstd' }))
  const view = new DataView(bytes.buffer)
  // The first chunk stands at the first page's boundary after the metadata.
  const start = bytes.length - (bytes.length % 4096)
  const first = view.getUint32(start + 4, true)
  bytes.fill(0xff, start + 12 + first + 8, start + 12 + first + 16)
  const { events, tally } = read(bytes)
  expect(tally).toMatchObject([{ cause: 'broken-chunk', count: 1 }])
  expect(countByName(events)).toEqual({ mm_page_free: 40 })
  expect(lossesOf(events)).toEqual({ gaps: 1, events: 0, uncounted: 1 })

  const torn = page(1000n, [free(0, 1), free(1, 2)])
  new DataView(torn.buffer, torn.byteOffset).setUint32(16 + 28, (1 << 5) | 20, true)
  const result = read(file([[page(0n, [free(0, 0)]), torn, page(2000n, [free(0, 3)])]]))
  expect(brief(result.events)).toEqual([
    ['mm_page_free', 0, 0, 0],
    ['mm_page_free', 1000, 0, 1],
    ['lost', 1000, 0],
    ['mm_page_free', 2000, 0, 3],
  ])
  expect(result.tally).toMatchObject([{ cause: 'broken-page', count: 1 }])
})

test.each([
  ['drain-5.10-s/trace.dat', 575_000],
  ['formats/trace-dat/v6.dat', undefined],
  ['formats/trace-dat/v7-none.dat', undefined],
  ['formats/trace-dat/v7-zlib.dat', undefined],
])('%s cut short at 50 places: an error, or the events up to there and the loss', (path, dataAt) => {
  const whole = bytesOf(path)
  const { events: all } = read(whole)
  let errors = 0
  let last = -1
  for (let place = 0; place < 50; place++) {
    const length = Math.floor((whole.length * place) / 50)
    const cut = whole.subarray(0, length)
    let result: ReturnType<typeof read>
    try {
      result = read(cut)
    } catch (error) {
      expect(error).toBeInstanceOf(TraceError)
      expect((error as TraceError).complaint).toMatchObject({ place: { file: 'a.dat' }, hint: expect.any(String) })
      expect(last, `no events at ${length}, yet some before it`).toBe(-1)
      errors++
      continue
    }
    if (dataAt !== undefined) expect(length).toBeGreaterThan(dataAt)
    const count = result.events.length - lossesOf(result.events).gaps
    expect(count).toBeGreaterThanOrEqual(last)
    expect(count).toBeLessThanOrEqual(all.length)
    if (count < all.length) {
      expect(result.tally.some(({ cause }) => cause === 'cut-short')).toBe(true)
      expect(lossesOf(result.events).gaps).toBeGreaterThan(0)
    }
    expect(result.tally.length).toBeGreaterThan(0)
    last = count
  }
  expect(errors).toBeGreaterThan(0)
  expect(last).toBeGreaterThan(0)
})

test('what a cut file still holds is read as in the whole one', () => {
  const whole = bytesOf('formats/trace-dat/v7-none.dat')
  const cpu0 = (events: Events) => list(events).filter(({ cpu, event }) => cpu === 0 && event !== 'lost')
  const cut = read(whole.subarray(0, whole.length - 60_000)).events
  const all = cpu0(read(whole).events)
  const kept = cpu0(cut)
  expect(kept.length).toBeGreaterThan(100)
  expect(kept).toEqual(all.slice(0, kept.length))
})

test('a file without its list of CPUs says when their numbers are guessed', () => {
  const cpu = (number: number) => [page(BigInt(number), [free(0, number)])]
  const withIdle = (cpuStats: string[]) => {
    const bytes = writeTraceDat({
      version: 7,
      compression: 'zstd',
      formats,
      cpuStats,
      cpuCount: 3,
      buffers: [{ name: '', cpus: [0, 2].map((number) => ({ cpu: number, data: Buffer.concat(cpu(number)) })) }],
    })
    // The list stands last: 31 bytes of its section come before the clock's name.
    return bytes.subarray(0, Buffer.from(bytes).lastIndexOf('local') - 31)
  }
  const guessed = read(withIdle([]))
  expect(guessed.tally.map(({ cause }) => cause)).toContain('cpu-guessed')
  const stats = [0, 1, 2].map((number) => `CPU: ${number}\nentries: 0\nread events: ${number === 1 ? 0 : 1}\n`)
  const told = read(withIdle(stats))
  expect(told.tally.map(({ cause }) => cause)).toEqual(['index-lost'])
  expect(brief(told.events)).toEqual([
    ['mm_page_free', 0, 0, 0],
    ['mm_page_free', 2, 2, 2],
  ])
})

test('versions, compressions and clocks that are not known are refused by name', () => {
  const flip = (path: string, at: number, byte: number) => {
    const bytes = Uint8Array.from(bytesOf(path))
    bytes[at] = byte
    return bytes
  }
  expect(errorOf(flip('pages-7.2-s/trace.dat', 10, 0x39)).message).toMatch(
    /a\.dat, byte 10: .*version "9".*\n.*6 and 7/,
  )
  expect(errorOf(flip('pages-7.2-s/trace.dat', 18, 0x79)).message).toMatch(/compression "ystd" is not known/)
  expect(errorOf(file([[page(1n, [free(0, 1)])]], {}, { clock: 'counter' })).message).toMatch(/clock is "counter"/)
})

test('sizes that lie are refused before memory is spent on them', () => {
  const bytes = Uint8Array.from(file([[page(0n, [free(0, 1)])]], { compression: 'zstd' }))
  const start = bytes.length - (bytes.length % 4096)
  new DataView(bytes.buffer).setUint32(start + 8, 0xffff_0000, true)
  expect(errorOf(bytes).message).toMatch(/claims to unpack to more than/)
  const shared = { cpu: 0, data: page(0n, [free(0, 1)]) }
  const overlapping = Uint8Array.from(
    writeTraceDat({ version: 6, formats, buffers: [{ name: '', cpus: [shared] }], cpuCount: 3 }),
  )
  const table = Buffer.from(overlapping).indexOf('flyrecord') + 10
  for (const cpu of [1, 2]) overlapping.copyWithin(table + cpu * 16, table, table + 16)
  expect(errorOf(overlapping).message).toMatch(/the data of several CPUs overlaps/)
})

test('whatever byte is changed, it reads or refuses with a TraceError', () => {
  const source = bytesOf('formats/trace-dat/v7-zstd.dat')
  const v6 = file([[page(0n, [free(0, 1), { kind: 'discarded', delta: 1, size: 24 }, free(5, 2)], { missed: 4 })]], {
    version: 6,
  })
  for (const original of [source, v6]) {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = Uint8Array.from(original)
          for (const [at, byte] of changes) bytes[at] = byte
          try {
            const { events } = read(bytes)
            for (let row = 0; row < events.length; row++) {
              if (!(events.time[row]! >= (events.time[row - 1] ?? 0))) return false
            }
            return true
          } catch (error) {
            if (error instanceof TraceError) return true
            throw error
          }
        },
      ),
      { numRuns: 300, seed: 1 },
    )
  }
})
