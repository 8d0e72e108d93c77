import { expect, test } from 'vitest'
import { type Events, eachEvent } from '#events'
import { Bytes, formatText, page, record, type TraceDatParts, writeTraceDat } from '../testing/trace-dat-writer.ts'
import { readTraceDat } from './index.ts'

const FREE = 101
const formats = [
  {
    system: 'kmem',
    text: formatText('mm_page_free', FREE, [
      ['unsigned long pfn', 8, 8],
      ['unsigned int order', 16, 4],
    ]),
  },
]
const data = record({ id: FREE, pid: 1, size: 20 }, [
  [7, 8, 8],
  [0, 16, 4],
])
/** Five events, a µs of the clock between each and the next. */
const five = (stamp: bigint) =>
  page(
    stamp,
    [0, 1000, 1000, 1000, 1000].map((delta) => ({ kind: 'record', delta, data })),
  )
const read = (bytes: Uint8Array) => readTraceDat({ name: 'a.dat', bytes })
const file = (more: Partial<TraceDatParts>, stamp = 1_000_000_000n) =>
  writeTraceDat({ version: 7, formats, buffers: [{ name: '', cpus: [{ cpu: 0, data: five(stamp) }] }], ...more })
const timesOf = ({ time, zero }: Events): number[] => [...time].map((ns) => zero * 1e9 + ns)
const fill = (put: (bytes: Bytes) => void): Uint8Array => {
  const bytes = new Bytes()
  put(bytes)
  return bytes.bytes
}

test.each([6, 7] as const)('cycles become ns by the factor and shift in the file, version %d', (version) => {
  // trace-cmd report prints 1500.000000000 and 1500.000001501 for cycles 10¹² and 10¹² + 1001, whatever the offset.
  const options = [{ id: 14, data: fill((out) => out.u32(3).u32(1).u64(77)) }]
  const cpus = [
    {
      cpu: 0,
      data: page(
        1_000_000_000_000n,
        [0, 1001].map((delta) => ({ kind: 'record', delta, data })),
      ),
    },
  ]
  const { events, clock } = read(file({ version, clock: 'x86-tsc', options, buffers: [{ name: '', cpus }] }))
  expect(timesOf(events)).toEqual([1_500_000_000_000, 1_500_000_001_501])
  expect(clock).toBe('x86-tsc')
})

test('cycles without a factor are refused', () => {
  expect(() => read(file({ clock: 'x86-tsc' }))).toThrow(/clock is "x86-tsc", which does not count nanoseconds/)
})

type Sample = readonly [time: number, offset: number, scaling?: number]
const shiftOf = (flags: number, samples: readonly Sample[], fraction?: number) =>
  fill((out) => {
    out.u64(5).u32(flags).u32(1).u32(samples.length)
    for (const [time] of samples) out.u64(time)
    for (const [, offset] of samples) out.u64(offset)
    for (const [, , scaling = 1] of samples) out.u64(scaling)
    if (fraction !== undefined) for (const _ of samples) out.u64(fraction)
  })

const two: Sample[] = [
  [1e9, 500],
  [1e9 + 4000, 900],
]
const three: Sample[] = [
  [1e9 + 1000, 500],
  [1e9 + 2000, 900],
  [1e9 + 3000, 901],
]
// What trace-cmd report 3.1.6 prints for the same bytes, as ns after second 1 (or 2).
test.each<[string, Uint8Array, number[]]>([
  ['one offset', shiftOf(1, [[0, 500]]), [500, 1500, 2500, 3500, 4500]],
  ['not interpolated', shiftOf(0, two), [500, 1500, 2500, 3500, 4500]],
  ['interpolated', shiftOf(1, two), [500, 1600, 2700, 3800, 4900]],
  ['three, not interpolated', shiftOf(0, three), [500, 1500, 2900, 3900, 4900]],
  ['three, interpolated', shiftOf(1, three, 0), [101, 1500, 2900, 3901, 4902]],
  [
    'rounded',
    shiftOf(1, [
      [1e9, 500],
      [1e9 + 3000, 501],
    ]),
    [500, 1500, 2501, 3501, 4501],
  ],
  [
    'downwards',
    shiftOf(1, [
      [1e9, -500],
      [1e9 + 3000, -501],
    ]),
    [-500, 500, 1500, 2500, 3500],
  ],
  [
    'scaled',
    shiftOf(
      1,
      two.map(([time, offset]) => [time, offset, 4]),
      1,
    ),
    [1e9 + 500, 1e9 + 2600, 1e9 + 4700, 1e9 + 6800, 1e9 + 8900],
  ],
])('a guest’s stamps come to its host’s clock: %s', (_, shift, expected) => {
  for (const version of [6, 7] as const) {
    const { events } = read(file({ version, options: [{ id: 12, data: shift }] }))
    expect(timesOf(events).map((ns) => ns - 1e9)).toEqual(expected)
  }
})

test('options that are not known are skipped', () => {
  const options = [12345, 40, 13].map((id) => ({ id, data: fill((out) => out.u64(id)) }))
  for (const version of [6, 7] as const) expect(read(file({ version, options })).events.length).toBe(5)
})

test('instances by another clock are told', () => {
  const bytes = Buffer.from(
    file({ buffers: ['', 'rcu'].map((name, cpu) => ({ name, cpus: [{ cpu, data: five(1_000_000_000n) }] })) }),
  )
  const at = bytes.lastIndexOf('local\0')
  bytes.write('globa', at)
  expect(read(bytes).tally.map(({ cause }) => cause)).toEqual(['several-clocks', 'several-buffers'])
})

const text = `# tracer: nop
#
#              | |         |   |||||     |         |
            bash-8436    [001] .....  1389.104249: mm_page_free: page=0000000001 pfn=0x141 order=0
            bash-8436    [000] .....  1389.104250: mm_page_free: page=0000000001 pfn=0x142 order=1
`
const freed = [
  { event: 'mm_page_free', time: 104249000, cpu: 1, pfn: 0x141, order: 0 },
  { event: 'mm_page_free', time: 104250000, cpu: 0, pfn: 0x142, order: 1 },
]

test('a latency tracer’s file holds text, which is read as text', () => {
  const v6 = Buffer.from(file({ version: 6, uname: 'Linux 6.1.0' }))
  const latency = Buffer.concat([v6.subarray(0, v6.indexOf('flyrecord\0')), Buffer.from(`latency  \0${text}`)])
  // In version 7 the option says where the section of text stands: here behind all else.
  const v7 = (at: number) =>
    file({ buffers: [], cpuCount: 1, options: [{ id: 22, data: fill((out) => out.u64(at).z('').z('local')) }] })
  const section = fill((out) => out.u16(22).u16(0).u32(0).u64(text.length).add(text))
  for (const bytes of [latency, Buffer.concat([v7(v7(0).length), section])]) {
    const { events, format, tally } = read(bytes)
    expect([...eachEvent(events)]).toMatchObject(freed)
    expect(events.zero).toBe(1389)
    expect(format).toMatch(/^trace\.dat v[67] \(ftrace text\)$/)
    expect(tally).toEqual([])
  }
})
