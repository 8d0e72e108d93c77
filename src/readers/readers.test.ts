import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { countByName } from '#events'
import { TraceError } from '#kernel/messages'
import { readCapture } from './index.ts'
import { parseBuddyinfo } from './machine/buddyinfo.ts'
import { parseIsolated } from './machine/cmdline.ts'
import { parseVmstat } from './machine/vmstat.ts'
import { parseZoneinfo } from './machine/zoneinfo.ts'

const traces = join(import.meta.dirname, '../../traces')
const scratch = mkdtempSync(join(tmpdir(), 'kreplay-readers-'))
afterAll(() => rmSync(scratch, { recursive: true }))

let folders = 0
/** A capture folder of its own: files by name, their content or a path to copy. */
function folder(files: Readonly<Record<string, string | Uint8Array | { from: string }>>): string {
  const path = join(scratch, `capture-${folders++}`)
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'object' && 'from' in content) copyFileSync(join(traces, content.from), join(path, name))
    else writeFileSync(join(path, name), content)
  }
  return path
}

async function errorOf(path: string): Promise<TraceError> {
  const error: unknown = await readCapture(path).then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(TraceError)
  return error as TraceError
}

const small = { from: 'formats/trace-dat/v7-zstd.dat' }
const text = (path: string) => readFileSync(join(traces, path), 'latin1')

test('a capture folder gives the trace and the machine', async () => {
  const progress: number[] = []
  const capture = await readCapture(join(traces, 'drain-5.10-s'), { onProgress: (done) => progress.push(done) })
  expect(capture).toMatchObject({
    name: 'drain-5.10-s',
    format: 'trace.dat v7 (zstd)',
    clock: 'local',
    resolutionNs: 1,
    tally: [],
  })
  const { machine } = capture
  expect(machine).toMatchObject({
    release: { text: '5.10.223', rules: '5.10', exact: true },
    cpus: [0, 1, 2, 3],
    isolated: [3],
    hz: 250,
    pageblockOrder: 9,
    missing: [],
  })
  expect(machine.zones.map(({ name }) => name)).toEqual(['DMA32'])
  expect(machine.zonesAfter).toHaveLength(1)
  expect(machine.buddyBefore).toEqual([{ node: 0, zone: 'DMA32', blocks: [3, 3, 1, 5, 6, 6, 5, 5, 5, 1, 4] }])
  expect(capture.vmstatBefore?.nr_free_pages).toBe(7174)
  expect(progress.length).toBeGreaterThan(10)
  expect([...progress].sort((a, b) => a - b)).toEqual(progress)
})

test('zones of 5.10 and of 7.2 are read with their page lists', () => {
  const [old] = parseZoneinfo(text('pages-5.10-s/zoneinfo.before'), 'zoneinfo.before')
  expect(old).toMatchObject({ node: 0, name: 'DMA32', startPfn: 1 })
  expect(old!.pagesets).toEqual([
    { cpu: 0, count: 370, high: 378, batch: 63 },
    { cpu: 1, count: 219, high: 378, batch: 63 },
    { cpu: 2, count: 324, high: 378, batch: 63 },
    { cpu: 3, count: 379, high: 378, batch: 63 },
  ])
  const [newer] = parseZoneinfo(text('drain-7.2-s/zoneinfo.before'), 'zoneinfo.before')
  expect(newer).toMatchObject({
    free: 6979,
    min: 545,
    low: 681,
    high: 817,
    promo: 953,
    spanned: 81887,
    present: 81790,
    managed: 76152,
  })
  expect(newer!.pagesets[2]).toEqual({ cpu: 2, count: 2755, high: 2320, batch: 15, highMin: 170, highMax: 2320 })
})

test('isolated CPUs are read in every notation of the kernel’s', () => {
  const isolated = (cmdline: string) => parseIsolated(cmdline, [0, 1, 2, 3, 4, 5, 6, 7], 'cmdline')
  expect(isolated('quiet nohz_full=3 isolcpus=3')).toEqual([3])
  expect(isolated('isolcpus=nohz,domain,managed_irq,1-2,5')).toEqual([1, 2, 5])
  expect(isolated('isolcpus=0-6:2/4 nohz_full=6-N')).toEqual([0, 1, 4, 5, 6, 7])
  expect(isolated('xisolcpus=1 quiet')).toEqual([])
  expect(() => isolated('isolcpus=most')).toThrow(/cmdline, line 1: isolcpus=most is not a list of CPUs/)
})

test('a bare file has no machine but what the trace itself tells', async () => {
  const { machine, name } = await readCapture(join(traces, small.from))
  expect(name).toBe('v7-zstd.dat')
  expect(machine).toMatchObject({ release: { text: '5.10.223' }, cpus: [0, 1, 2, 3], zones: [], isolated: [] })
  expect(machine.missing).toEqual([
    'zoneinfo.before',
    'zoneinfo.after',
    'buddyinfo.before',
    'buddyinfo.after',
    'vmstat.before',
    'vmstat.after',
    'cmdline',
  ])
})

test('a file named trace.* takes the sidecars beside it, any other does not', async () => {
  const path = folder({ 'trace.dat': small, 'other.dat': small, cmdline: 'isolcpus=2\n' })
  expect((await readCapture(join(path, 'trace.dat'))).machine.isolated).toEqual([2])
  expect((await readCapture(join(path, 'other.dat'))).machine.isolated).toEqual([])
})

test('gzip and zstd are taken off, whatever the name', async () => {
  const bytes = readFileSync(join(traces, small.from))
  const plain = await readCapture(join(traces, small.from))
  for (const [packed, wrapper] of [
    [gzipSync(bytes), 'gzip'],
    [zstdCompressSync(bytes), 'zstd'],
    [gzipSync(zstdCompressSync(gzipSync(bytes))), 'gzip'],
    // As pzstd and `cat a.zst b.zst` make it.
    [Buffer.concat([bytes.subarray(0, 9999), bytes.subarray(9999)].map((part) => zstdCompressSync(part))), 'zstd'],
  ] as const) {
    const capture = await readCapture(folder({ anything: packed, uname: 'Linux x 5.10.223 #1' }).concat('/anything'))
    expect(capture.format).toBe(`trace.dat v7 (zstd), in ${wrapper}`)
    expect(countByName(capture.events)).toEqual(countByName(plain.events))
  }
  expect((await errorOf(folder({ 'trace.dat.gz': gzipSync(bytes).subarray(0, 9000) }))).message).toMatch(
    /gzip file can't be unpacked/,
  )
  const trailing = Buffer.concat([zstdCompressSync(bytes), Buffer.from('and more')])
  expect((await errorOf(folder({ 'trace.dat.zst': trailing }))).message).toMatch(/zstd file can't be unpacked/)
})

test('a bomb is told before it fills the memory, whatever it holds', async () => {
  const head = readFileSync(join(traces, 'pages-7.2-s/trace.txt')).subarray(0, 5000)
  for (const [pack, begin, fill] of [
    [gzipSync, head, 'x'],
    [zstdCompressSync, head, 'x'],
    [zstdCompressSync, readFileSync(join(traces, small.from)), '\0'],
  ] as const) {
    const bomb = pack(Buffer.concat([begin, Buffer.alloc(100_000_000, fill)]))
    expect((await errorOf(folder({ 'trace.txt.zst': bomb }))).message).toMatch(/unpacks to more than/)
  }
  const zeros = zstdCompressSync(Buffer.alloc(200_000_000))
  expect((await errorOf(folder({ 'trace.txt.zst': zeros }))).message).toMatch(/looks like binary data/)
})

test('a folder’s single trace is found whatever its name', async () => {
  const capture = await readCapture(
    folder({ 'my.recording': small, uname: 'Linux x 6.1.5 #1', notes: 'bought milk\n' }),
  )
  expect(capture.machine.release?.text).toBe('6.1.5')
  expect(capture.events.length).toBe(4198)
})

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

test.each([
  ['a missing file', () => join(scratch, 'nowhere.dat'), /nowhere\.dat: there is no such file or folder\n/],
  ['an empty folder', () => folder({}), /the folder holds no trace, it is empty/],
  [
    'a folder without a trace',
    () => folder({ uname: 'Linux x 6.1.5', 'notes.md': 'x' }),
    /no trace \(only notes\.md, uname\)/,
  ],
  ['a folder with two traces', () => folder({ a: small, b: small }), /several traces: a, b\n.*Name one/],
  ['an empty file', () => folder({ 'trace.dat': '' }), /trace\.dat: the file is empty/],
  ['a PNG', () => folder({ 'trace.dat': png }), /looks like a PNG image\n.*trace\.dat, ftrace text/],
  ['prose', () => folder({ 'trace.txt': 'Dear all\n' }), /looks like text that begins with "Dear all"/],
  ['zeroes', () => folder({ 'trace.dat': new Uint8Array(5000) }), /looks like binary data/],
])('%s is refused with one clear message', async (_, path, message) => {
  const error = await errorOf(path())
  expect(error.message).toMatch(message)
  expect(error.complaint.hint).toBeDefined()
})

test.each([
  ['zoneinfo.before', 'not a zoneinfo\n', /zoneinfo\.before, line 1: a zoneinfo begins with/],
  ['zoneinfo.before', '', /zoneinfo\.before, line 1: the zoneinfo has no zone/],
  ['zoneinfo.after', 'Node 0, zone DMA32\n  pages free x\n', /zoneinfo\.after, line 2: pages free is "x"/],
  [
    'zoneinfo.before',
    'Node 0, zone DMA32\n  pages free 1\n  managed 7\n',
    /line 1: node 0, zone DMA32 has no "start_pfn"/,
  ],
  ['buddyinfo.before', 'Node 0, zone DMA32 1 2\nNode 0 zone x\n', /buddyinfo\.before, line 2/],
  ['vmstat.after', 'nr_free_pages 5\nnr_free_pages\n', /vmstat\.after, line 2/],
  ['uname', 'hello\n', /uname, line 1: the uname names no kernel release/],
])('a malformed %s names its line', async (name, content, message) => {
  expect((await errorOf(folder({ 'trace.dat': small, [name]: content }))).message).toMatch(message)
})

test('sidecars of another machine are noticed', async () => {
  const zoneinfo = text('drain-5.10-s/zoneinfo.before')
  const capture = await readCapture(folder({ 'trace.dat': small, 'zoneinfo.before': zoneinfo }))
  expect(capture.machine.zones).toHaveLength(1)
  const elsewhere = zoneinfo.replace(/start_pfn: +\d+/, 'start_pfn:           1048576')
  expect((await errorOf(folder({ 'trace.dat': small, 'zoneinfo.before': elsewhere }))).message).toMatch(
    /trace\.dat: page frame \d+ lies outside every zone of zoneinfo \(node 0 DMA32 1048576–\d+\); \d+ events are so\n.*another machine/,
  )
  const fewer = zoneinfo.replace(/ {4}cpu: 3\n(.*\n){4}/, '')
  expect(fewer).not.toBe(zoneinfo)
  expect((await errorOf(folder({ 'trace.dat': small, 'zoneinfo.before': fewer }))).message).toMatch(
    /CPU 3 recorded events, but zoneinfo knows only CPU 0, 1, 2\n/,
  )
})

test('buddyinfo and vmstat are tables of counts', () => {
  expect(parseBuddyinfo('Node 1, zone   Normal      0     12\n', 'b')).toEqual([
    { node: 1, zone: 'Normal', blocks: [0, 12] },
  ])
  expect(parseVmstat('nr_free_pages 7174\nnr_x 0\n', 'v')).toEqual({ nr_free_pages: 7174, nr_x: 0 })
})
