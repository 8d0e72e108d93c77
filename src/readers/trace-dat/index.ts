import { ABSENT_COMM, EventBuilder, type Events } from '#events'
import { NS_PER_SECOND, Tally, TraceError } from '#kernel'
import type { ReadTrace, TraceFormat, TraceSource } from '../format.ts'
import { compileDecoder, type Window } from './decoder.ts'
import { type CpuData, isTraceDat, MAX_UNPACKED, parseTraceDat, REPAIR, statOf, type TraceDat, unpack } from './file.ts'
import { pageLayout } from './layout.ts'
import { type Cause, notices, PageReader } from './pages.ts'
import { parseComms, parsePrintk, Symbols } from './symbols.ts'

/** trace-cmd's own file, versions 6 and 7. */
export const traceDat: TraceFormat = { id: 'trace.dat', sniff: isTraceDat, read: readTraceDat }

/** Packed ring-buffer pages are 3 to 20 times smaller; empty ones a few hundred. */
const MAX_RATIO = 1024

/** Clocks that count something other than time. */
const WITHOUT_UNIT = new Set(['counter', 'uptime', 'x86-tsc'])

export function readTraceDat(source: TraceSource): ReadTrace {
  const dat = parseTraceDat(source.name, source.bytes)
  if (dat.clock !== undefined && WITHOUT_UNIT.has(dat.clock)) {
    throw new TraceError({
      place: { file: source.name },
      what: `the trace clock is "${dat.clock}", which does not count nanoseconds`,
      hint: 'Record with `trace-cmd record -C mono`.',
    })
  }
  const tally = new Tally<Cause>(notices)
  if (dat.index !== 'recorded') tally.count('index-lost', { file: source.name })
  if (dat.index === 'guessed') tally.count('cpu-guessed', { file: source.name })
  for (const stats of dat.cpuStats) {
    const names = ['overrun', 'commit overrun', 'dropped events']
    const overrun = names.reduce((sum, name) => sum + (statOf(stats, name) ?? 0), 0)
    if (overrun > 0) tally.count('overrun', { file: source.name }, overrun)
  }
  const events = readBuffers(dat, source, tally)
  return {
    format: `trace.dat v${dat.version} (${dat.compression === 'none' ? 'not compressed' : dat.compression})`,
    events,
    tally: tally.entries(),
    resolutionNs: 1,
    ...(dat.clock === undefined ? {} : { clock: dat.clock }),
    ...(dat.uname === undefined ? {} : { uname: dat.uname }),
  }
}

function readBuffers(dat: TraceDat, source: TraceSource, tally: Tally<Cause>): Events {
  const builder = new EventBuilder()
  const window: Window = { view: new DataView(new ArrayBuffer(0)), bytes: new Uint8Array(0) }
  const context = {
    window,
    little: dat.little,
    tables: builder.tables,
    strings: builder.strings,
    symbols: new Symbols(dat.kallsyms),
    printk: once(() => parsePrintk(dat.printk())),
  }
  let at = 0
  const pages = new PageReader({
    builder,
    window,
    tally,
    decoderOf: (id) => {
      const format = dat.formats.get(id)
      return format === undefined ? undefined : compileDecoder(format, context)
    },
    commOf: commNumbers(dat, builder),
    place: () => ({ file: source.name, byte: at }),
  })
  const blocks: number[] = []
  checkOverlap(dat, source)
  for (const buffer of dat.buffers) {
    const layout = pageLayout(dat.headerPage, dat.little, buffer.pageSize)
    if (layout === undefined) {
      throw new TraceError({
        place: { file: source.name },
        what: 'the recorded page header has no usable `commit` and `data` fields',
        hint: REPAIR,
      })
    }
    for (const data of buffer.cpus) {
      at = data.offset
      pages.startCpu(data.cpu, layout)
      const stretches = buffer.compressed ? chunksOf(dat, data, source) : slicesOf(data, source, buffer.pageSize)
      for (const stretch of stretches) {
        at = stretch.at
        if (stretch.problem === undefined) pages.read(stretch.bytes, stretch.last)
        else if (stretch.problem === 'broken-chunk') pages.gap('broken-chunk')
        if (stretch.last && (stretch.problem === 'cut-short' || pages.torn)) pages.gap('cut-short')
        source.onProgress?.(Math.min(at + stretch.size, source.bytes.length), source.bytes.length)
      }
      blocks.push(builder.length)
    }
  }
  const filled = dat.buffers.filter(({ cpus }) => cpus.some(({ size }) => size > 0)).length
  if (filled > 1) tally.count('several-buffers', { file: source.name }, filled - 1)
  return fromFirstSecond(builder.finish(blocks))
}

/** A piece of one CPU's data as it comes out of the file. */
interface Stretch {
  /** In the file. */
  readonly at: number
  readonly size: number
  readonly bytes: Uint8Array
  /** Whether nothing of this CPU follows. */
  readonly last: boolean
  readonly problem?: 'cut-short' | 'broken-chunk'
}

const NOTHING = new Uint8Array(0)

/** Pages as they stand in the file, some at a time so that progress shows. */
function* slicesOf({ offset, size }: CpuData, { bytes }: TraceSource, pageSize: number): Generator<Stretch> {
  const end = offset + size
  const present = Math.min(end, bytes.length)
  const step = pageSize * Math.max(1, Math.floor((4 * 1024 * 1024) / pageSize))
  for (let at = offset; at < present; at += step) {
    const to = Math.min(present, at + step)
    yield { at, size: to - at, bytes: bytes.subarray(at, to), last: to === end || to === bytes.length }
  }
  if (end > present) yield { at: present, size: 0, bytes: NOTHING, last: true, problem: 'cut-short' }
}

/** Unpacks one CPU's chunks one after another. A broken one is left out; the next one's place is known all the same. */
function* chunksOf(dat: TraceDat, { offset, size }: CpuData, { name, bytes }: TraceSource): Generator<Stretch> {
  if (size === 0) return
  // `size` leaves out the number of chunks, which stands first.
  const end = Math.min(offset + 4 + size, bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cut = (at: number): Stretch => ({ at, size: 0, bytes: NOTHING, last: true, problem: 'cut-short' })
  if (offset + 4 > end) {
    yield cut(bytes.length)
    return
  }
  let unpacked = 0
  let at = offset + 4
  for (let left = view.getUint32(offset, dat.little); left > 0; left--) {
    if (at + 8 > end) {
      yield cut(at)
      return
    }
    const packedSize = view.getUint32(at, dat.little)
    const unpackedSize = view.getUint32(at + 4, dat.little)
    const start = at + 8
    if (start + packedSize > end) {
      yield cut(at)
      return
    }
    unpacked += unpackedSize
    if (unpacked > MAX_RATIO * size + MAX_UNPACKED) {
      throw new TraceError({
        place: { file: name, byte: at },
        what: `the data of one CPU claims to unpack to more than ${MAX_RATIO} times its size`,
        hint: 'No real trace does; the file is damaged or made to do harm.',
      })
    }
    const chunk = unpack(dat.compression, bytes.subarray(start, start + packedSize), unpackedSize)
    const last = left === 1
    if (chunk === undefined) yield { at, size: 8 + packedSize, bytes: NOTHING, last, problem: 'broken-chunk' }
    else yield { at, size: 8 + packedSize, bytes: chunk, last }
    at = start + packedSize
  }
}

/** Many CPUs pointing to the same bytes would make a small file large. */
function checkOverlap({ buffers }: TraceDat, { name, bytes }: TraceSource): void {
  let claimed = 0
  for (const { cpus } of buffers) {
    for (const { offset, size } of cpus) claimed += Math.max(0, Math.min(offset + size, bytes.length) - offset)
  }
  if (claimed <= bytes.length) return
  throw new TraceError({ place: { file: name }, what: 'the data of several CPUs overlaps', hint: REPAIR })
}

/** Process names as numbers of the dictionary; absent where the recording did not keep one (`<...>` in text). */
function commNumbers(dat: TraceDat, builder: EventBuilder): (pid: number) => number {
  const comms = parseComms(dat.comms())
  const numbers = new Map<number, number>()
  return (pid) => {
    let number = numbers.get(pid)
    if (number === undefined) {
      const comm = pid === 0 ? '<idle>' : comms.get(pid)
      number = comm === undefined ? ABSENT_COMM : builder.strings.add(comm)
      numbers.set(pid, number)
    }
    return number
  }
}

/** Until now `zero` was the second of the first page met; from now on it is that of the earliest event. */
function fromFirstSecond(events: Events): Events {
  const { time } = events
  const first = time.find(Number.isFinite)
  if (first === undefined) return { ...events, time: time.fill(0) }
  const seconds = Math.floor(first / NS_PER_SECOND)
  // A CPU of which nothing could be read has its gap at the start.
  for (let row = 0; row < time.length && time[row] === Number.NEGATIVE_INFINITY; row++) time[row] = first
  if (seconds !== 0) for (let row = 0; row < time.length; row++) time[row]! -= seconds * NS_PER_SECOND
  return { ...events, zero: events.zero + seconds }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
