import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Events, lossesOf } from '#events'
import { TraceError } from '#kernel/messages'
import { timesByCpu } from '../testing/times-by-cpu.ts'
import { formatText, page, record, writeTraceDat } from '../testing/trace-dat-writer.ts'
import { readTraceDat } from './index.ts'

const samples = join(import.meta.dirname, '../../../traces/formats/trace-dat')
const names = ['v6.dat', 'v7-none.dat', 'v7-zlib.dat', 'v7-zstd.dat'] as const
const sample = (name: (typeof names)[number]): Uint8Array => readFileSync(join(samples, name))
const PAGE = 4096

type Read = ReturnType<typeof readTraceDat>
/** What is read, or the error by which it is refused; anything else fails the test. */
function outcome(bytes: Uint8Array): Read | TraceError {
  try {
    return readTraceDat({ name: 'a.dat', bytes })
  } catch (error) {
    if (error instanceof TraceError) return error
    throw error
  }
}

function isInOrder({ time, length }: Events): boolean {
  for (let row = 1; row < length; row++) if (time[row]! < time[row - 1]!) return false
  return length === 0 || time[0]! >= 0
}

test.each(names)(
  '%s cut at every page’s border and at 200 other bytes: an error, or a part of the events and the loss',
  (name) => {
    const bytes = sample(name)
    const whole = outcome(bytes) as Read
    const all = timesByCpu(whole.events)
    const borders = Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, page) => page * PAGE)
    const others = fc.sample(fc.nat(bytes.length - 1), { numRuns: 200, seed: 7 })
    const results = { refused: 0, read: 0 }
    for (const length of [...borders, ...others]) {
      const cut = outcome(bytes.subarray(0, length))
      if (cut instanceof TraceError) {
        expect(cut.complaint).toMatchObject({ place: { file: 'a.dat' }, hint: expect.any(String) })
        results.refused++
        continue
      }
      results.read++
      expect(isInOrder(cut.events)).toBe(true)
      // Where the numbers of the CPUs were guessed, only their order is known.
      const isGuessed = cut.tally.some(({ cause }) => cause === 'cpu-guessed')
      const known = [...all.values()]
      for (const [cpu, times] of timesByCpu(cut.events)) {
        const same = isGuessed ? known.find(([first]) => first === times[0]) : all.get(cpu)
        expect(same?.slice(0, times.length)).toEqual(times)
      }
      const missing = whole.events.length - (cut.events.length - lossesOf(cut.events).gaps)
      if (missing > 0) expect([lossesOf(cut.events).gaps, cut.tally.length]).not.toContain(0)
    }
    expect(results.refused).toBeGreaterThan(0)
    if (name !== 'v6.dat') expect(results.read).toBeGreaterThan(0)
  },
)

const FREE = 101
const text = formatText('mm_page_free', FREE, [
  ['unsigned long pfn', 8, 8],
  ['unsigned int order', 16, 4],
])
const free = (pfn: number) => ({
  kind: 'record' as const,
  delta: 10,
  data: record({ id: FREE, pid: 1, size: 20 }, [
    [pfn, 8, 8],
    [0, 16, 4],
  ]),
})
/** Ten pages of twenty events on each of two CPUs. */
const pages = (from: number) =>
  Array.from({ length: 10 }, (_, at) =>
    page(
      BigInt(from + at * 1000),
      Array.from({ length: 20 }, (_, event) => free(at * 20 + event)),
    ),
  )
const built = (version: 6 | 7, compression: 'none' | 'zlib' | 'zstd' = 'none') =>
  writeTraceDat({
    version,
    compression,
    formats: [{ system: 'kmem', text }],
    comms: '1 init\n',
    kallsyms: 'ffffffff81000000 T f\n',
    buffers: [{ name: '', cpus: [0, 1].map((cpu) => ({ cpu, data: Buffer.concat(pages(cpu)) })) }],
  })

test('a flipped commit word costs at most its page, and what it costs is told', () => {
  const bytes = built(6)
  const start = bytes.length - 20 * PAGE
  fc.assert(
    fc.property(fc.nat(19), fc.nat(31), (at, bit) => {
      const flipped = Uint8Array.from(bytes)
      flipped[start + at * PAGE + 8 + (bit >>> 3)]! ^= 1 << (bit & 7)
      const { events, tally } = outcome(flipped) as Read
      const times = timesByCpu(events)
      const own = Math.floor(at / 10)
      expect(times.get(1 - own)?.length).toBe(200)
      const left = times.get(own)!.length
      expect(left).toBeGreaterThanOrEqual(180)
      expect(left).toBeLessThanOrEqual(200)
      // A word that is smaller by whole records looks like a page that was not full.
      const isWhole = left === 200 || (bit < 10 && bit >= 2)
      if (!isWhole) expect(tally.length).toBeGreaterThan(0)
      return isInOrder(events)
    }),
    { numRuns: 200, seed: 3 },
  )
})

test('sections that stand in each other’s place are refused by their numbers', () => {
  const bytes = Buffer.from(built(7))
  // Options of the sections: u16 id, u32 8, u64 place.
  const option = (id: number) => {
    const head = Buffer.from([id, 0, 8, 0, 0, 0])
    return bytes.indexOf(head) + head.length
  }
  for (const [one, other] of [
    [16, 18],
    [17, 18],
    [19, 21],
  ] as const) {
    const swapped = Buffer.from(bytes)
    bytes.copy(swapped, option(one), option(other), option(other) + 8)
    bytes.copy(swapped, option(other), option(one), option(one) + 8)
    const refused = outcome(swapped)
    // Symbols are looked up by events that name code; these do not.
    if (one === 19) expect((refused as TraceError).message).toMatch(/section 21 is wanted here, but this is 19/)
    else expect((refused as TraceError).message).toMatch(/section \d+ is wanted here, but this is \d+/)
  }
})

test.each([
  ['zlib', deflateSync],
  ['zstd', zstdCompressSync],
] as const)('a %s bomb in a section or in the data is refused before it fills the memory', (compression, pack) => {
  const bomb = pack(Buffer.alloc(256 << 20))
  expect(bomb.length).toBeLessThan(1 << 20)
  const bytes = Buffer.from(built(7, compression))
  const formats = bytes.indexOf(Buffer.from([18, 0, 1, 0]))
  const section = (unpacked: number) => {
    const head = Buffer.from(bytes.subarray(formats, formats + 24))
    head.writeBigUInt64LE(BigInt(bomb.length + 8), 8)
    head.writeUInt32LE(bomb.length, 16)
    head.writeUInt32LE(unpacked, 20)
    return head
  }
  // The option that says where the formats stand is pointed to a section at the end.
  const place = bytes.indexOf(Buffer.from([18, 0, 8, 0, 0, 0])) + 6
  bytes.writeBigUInt64LE(BigInt(bytes.length), place)
  const before = process.memoryUsage().arrayBuffers
  for (const unpacked of [256 << 20, 1000, 0xffff_ffff]) {
    const refused = outcome(Buffer.concat([bytes, section(unpacked), bomb]))
    expect((refused as TraceError).message).toMatch(/section 18 can't be unpacked/)
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 << 20)
})

test('counts beyond all bounds are refused where they stand', () => {
  const v6 = Buffer.from(built(6))
  const cpus = v6.indexOf('options  \0') - 4
  const systems = v6.indexOf('kmem\0') - 4
  for (const [at, message] of [
    [cpus, /4294967295 CPUs are not possible/],
    [systems, /ends inside/],
    [systems + 9, /ends inside/],
  ] as const) {
    const absurd = Buffer.from(v6)
    absurd.writeUInt32LE(0xffff_ffff, at)
    expect((outcome(absurd) as TraceError).message).toMatch(message)
  }
})
