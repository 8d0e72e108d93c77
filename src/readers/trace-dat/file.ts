import type { Bytes } from '../format.ts'
import { ByteReader, latin1 } from './bytes.ts'
import { readTimeShift, readTsc } from './clock.ts'
import { findBuffer } from './find-buffer.ts'
import { type EventFormat, parseFormat } from './layout.ts'
import { type BufferData, checkCpuCount, type Facts, Option, REPAIR, type TraceDat } from './parts.ts'
import { unpack } from './unpack.ts'

/** How version 6 calls text in place of data. */
const LATENCY = 'latency  '
const MAGIC = Uint8Array.of(0x17, 0x08, 0x44, ...Buffer.from('tracing'))
export const isTraceDat = (head: Uint8Array): boolean => MAGIC.every((byte, at) => head[at] === byte)

interface OptionData {
  readonly id: number
  readonly data: ByteReader
}

export function parseTraceDat(file: string, bytes: Bytes): TraceDat {
  const reader = new ByteReader(file, bytes)
  reader.take(MAGIC.length, 'the magic')
  const versionAt = reader.at
  const version = reader.string('the version', 16)
  if (version !== '6' && version !== '7') {
    reader.fail(
      `trace.dat format version "${printable(version)}" is not known`,
      'kreplay reads versions 6 and 7: convert it with `trace-cmd convert --file-version 7 -i IN -o OUT`.',
      versionAt,
    )
  }
  const endian = reader.u8('the byte order')
  if (endian > 1) reader.fail(`byte order ${endian} is neither 0 (little) nor 1 (big)`, REPAIR, reader.at - 1)
  reader.little = endian === 0
  reader.u8('the size of long')
  const pageAt = reader.at
  const pageSize = reader.u32('the page size')
  checkPageSize(reader, pageSize, pageAt)
  return version === '6' ? parseV6(reader, pageSize) : parseV7(reader, pageSize)
}

/** The part of a trace.dat v6 that describes its events: a perf.data holds the same, under version 0.5 or 0.6. */
export type Descriptions = Pick<TraceDat, 'headerPage' | 'formats' | 'kallsyms' | 'printk' | 'comms'>

/** A perf.data's tracing data. Source: tools/perf/util/trace-event-info.c, `tracing_data_header()` and after it. */
export function parseTracingData(reader: ByteReader): Descriptions & { readonly little: boolean } {
  const { at } = reader
  if (reader.left < MAGIC.length || !isTraceDat(reader.take(MAGIC.length, 'the tracing data')))
    reader.fail('the tracing data does not begin as it must', REPAIR, at)
  const version = reader.string('the version of the tracing data', 16)
  const endian = reader.u8('the byte order')
  reader.little = endian !== 1
  reader.u8('the size of long')
  reader.u32('the page size')
  return { ...readDescriptions(reader, version !== '0.5'), little: reader.little }
}

function readDescriptions(reader: ByteReader, withComms: boolean): Descriptions {
  const headerPage = readHeaderPage(reader)
  const formats = new Map<number, EventFormat>()
  readFtraceFormats(reader, formats)
  readEventFormats(reader, formats)
  const kallsyms = reader.take(reader.u32('kallsyms'), 'kallsyms')
  const printk = reader.take(reader.u32('the printk formats'), 'the printk formats')
  const what = 'the saved command lines'
  const comms = withComms ? reader.take(reader.u64(what), what) : new Uint8Array(0)
  return {
    headerPage,
    formats,
    kallsyms: () => kallsyms,
    printk: () => latin1(printk),
    comms: () => Buffer.from(comms).toString('utf8'),
  }
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?')

function checkPageSize(reader: ByteReader, pageSize: number, at: number): void {
  if (pageSize < 512 || pageSize > 16 * 1024 * 1024) {
    reader.fail(`a ring-buffer page of ${pageSize} bytes is not possible`, REPAIR, at)
  }
}

function parseV6(reader: ByteReader, pageSize: number): TraceDat {
  const descriptions = readDescriptions(reader, true)
  const cpuCount = reader.u32('the number of CPUs')
  checkCpuCount(reader, cpuCount)

  const options: OptionData[] = []
  let kind = reader.string('the kind of data', 16)
  if (kind === 'options  ') {
    for (let id = reader.u16('an option'); id !== Option.DONE; id = reader.u16('an option')) {
      const size = reader.u32('an option')
      const at = reader.at
      reader.take(size, 'an option')
      options.push({ id, data: reader.from(at, at + size) })
    }
    kind = reader.string('the kind of data', 16)
  }
  if (kind !== 'flyrecord' && kind !== LATENCY) refuse(reader, kind)
  const facts = factsOf(options)
  const buffer = (from: ByteReader, name: string, cpus: number): BufferData => ({
    name,
    clock: facts.clock,
    pageSize,
    compressed: false,
    cpus: Array.from({ length: cpus }, (_, cpu) => ({
      cpu,
      offset: from.u64('the place of a CPU’s data'),
      size: from.u64('the size of a CPU’s data'),
    })),
  })
  const buffers = kind === LATENCY ? [] : [buffer(reader, '', cpuCount)]
  for (const { id, data } of options) {
    if (id !== Option.BUFFER) continue
    const at = data.u64('an instance’s place')
    const name = data.left > 0 ? data.string('an instance’s name', data.left) : ''
    const instance = reader.from(at, reader.bytes.length)
    const found = instance.string('an instance’s data', 16)
    if (found !== 'flyrecord') refuse(instance, found)
    buffers.push(buffer(instance, name, facts.cpuCount ?? cpuCount))
  }
  return {
    version: 6,
    compression: 'none',
    little: reader.little,
    ...descriptions,
    buffers,
    ...(kind === LATENCY ? { text: reader.take(reader.left, 'the text') } : {}),
    clock: facts.clock,
    uname: facts.uname,
    cpuStats: facts.cpuStats,
    tsc: facts.tsc,
    timeShift: facts.timeShift,
    index: 'recorded',
  }
}

function parseV7(reader: ByteReader, pageSize: number): TraceDat {
  const algorithmAt = reader.at
  const algorithm = reader.string('the compression', 64)
  reader.string('the compression’s version', 64)
  const compression = algorithm === '' ? 'none' : algorithm
  if (compression !== 'none' && compression !== 'zlib' && compression !== 'zstd') {
    reader.fail(
      `compression "${printable(algorithm)}" is not known`,
      'kreplay reads none, zlib and zstd: convert it with `trace-cmd convert --compression none -i IN -o OUT`.',
      algorithmAt,
    )
  }
  const first = reader.u64('the place of the options')
  const { options, end } = readOptions(reader, first, compression)

  const sectionOf = (wanted: number): ByteReader | undefined => {
    const option = options.find(({ id }) => id === wanted)
    if (option === undefined) return undefined
    return openSection(reader, option.data.from(option.data.at).u64('a section’s place'), wanted, compression).body
  }
  const header = sectionOf(Option.HEADER_INFO)
  if (header === undefined) reader.fail('the trace.dat has no page header', REPAIR, first)
  const headerPage = readHeaderPage(header)
  const formats = new Map<number, EventFormat>()
  const ftrace = sectionOf(Option.FTRACE_EVENTS)
  if (ftrace !== undefined) readFtraceFormats(ftrace, formats)
  const events = sectionOf(Option.EVENT_FORMATS)
  if (events === undefined) reader.fail('the trace.dat has no event formats', REPAIR, first)
  readEventFormats(events, formats)

  const text = (id: number, what: string) => () => {
    const body = sectionOf(id)
    if (body === undefined) return new Uint8Array(0)
    return body.take(id === Option.CMDLINES ? body.u64(what) : body.u32(what), what)
  }
  const facts = factsOf(options)
  let buffers = options
    .filter(({ id }) => id === Option.BUFFER)
    .map(({ data }) => readBuffer(reader, data, compression))
  let index: TraceDat['index'] = 'recorded'
  const latency = sectionOf(Option.BUFFER_TEXT)
  if (buffers.length === 0 && latency === undefined) {
    const found = findBuffer(reader, end, facts, pageSize, compression)
    if (found === undefined) {
      reader.fail('the trace.dat ends before the data of any CPU', REPAIR, Math.min(end, reader.bytes.length))
    }
    buffers = [found.buffer]
    index = found.certain ? 'found' : 'guessed'
  }
  const comms = text(Option.CMDLINES, 'the saved command lines')
  const printk = text(Option.PRINTK, 'the printk formats')
  return {
    version: 7,
    compression,
    little: reader.little,
    headerPage,
    formats,
    kallsyms: text(Option.KALLSYMS, 'kallsyms'),
    printk: () => latin1(printk()),
    comms: () => Buffer.from(comms()).toString('utf8'),
    buffers,
    ...(buffers.length > 0 || latency === undefined ? {} : { text: latency.take(latency.left, 'the text') }),
    clock: buffers[0]?.clock ?? facts.clock,
    uname: facts.uname,
    cpuStats: facts.cpuStats,
    tsc: facts.tsc,
    timeShift: facts.timeShift,
    index,
  }
}

/** All options of all option sections, and where the last of them ends. The chain's last link may lie beyond a cut file. */
function readOptions(reader: ByteReader, first: number, compression: TraceDat['compression']) {
  const options: OptionData[] = []
  const seen = new Set<number>()
  let end = first
  for (let at = first; at !== 0; ) {
    if (seen.has(at)) reader.fail('the option sections form a ring', REPAIR, at)
    if (seen.size > 0 && at + 16 > reader.bytes.length) break
    seen.add(at)
    const section = openSection(reader, at, Option.DONE, compression)
    const { body } = section
    end = section.end
    at = 0
    while (body.left >= 2) {
      const id = body.u16('an option')
      const size = body.u32('an option')
      const start = body.at
      body.take(size, 'an option')
      const data = body.from(start, start + size)
      if (id === Option.DONE) {
        at = data.left >= 8 ? data.u64('the next options') : 0
        break
      }
      options.push({ id, data })
    }
  }
  return { options, end }
}

/** A section's body, unpacked. */
function openSection(reader: ByteReader, at: number, wanted: number, compression: TraceDat['compression']) {
  const { flags, size, head } = sectionHead(reader, at, wanted)
  const start = head.at
  if ((flags & 1) === 0) {
    head.take(size, `section ${wanted}`)
    return { body: reader.from(start, start + size), end: start + size }
  }
  const packed = head.u32('a compressed section')
  const unpackedSize = head.u32('a compressed section')
  const bytes = head.take(packed, `section ${wanted}`)
  const unpacked = compression === 'none' ? undefined : unpack(compression, bytes, unpackedSize)
  if (unpacked === undefined) reader.fail(`section ${wanted} can't be unpacked by ${compression}`, REPAIR, start)
  const body = new ByteReader(reader.file, unpacked, 0, unpacked.length, undefined)
  body.little = reader.little
  return { body, end: head.at }
}

function sectionHead(reader: ByteReader, at: number, wanted: number) {
  const head = reader.from(at, reader.bytes.length)
  const id = head.u16(`the head of section ${wanted}`)
  if (id !== wanted) reader.fail(`section ${wanted} is wanted here, but this is ${id}`, REPAIR, at)
  const flags = head.u16('a section’s head')
  head.u32('a section’s head')
  const size = head.u64('a section’s head')
  return { flags, size, head }
}

function readBuffer(reader: ByteReader, data: ByteReader, compression: TraceDat['compression']): BufferData {
  const { flags } = sectionHead(reader, data.u64('a buffer'), Option.BUFFER)
  const name = data.string('a buffer’s name', data.left)
  const clock = data.string('a buffer’s clock', data.left)
  const pageSize = data.u32('a buffer’s page size')
  checkPageSize(data, pageSize, data.at - 4)
  const count = data.u32('a buffer’s number of CPUs')
  // `trace-cmd extract -B` says that the main buffer, which is empty then, has no CPUs.
  checkCpuCount(data, count, 0)
  const cpus = Array.from({ length: count }, () => ({
    cpu: data.u32('a CPU'),
    offset: data.u64('the place of a CPU’s data'),
    size: data.u64('the size of a CPU’s data'),
  }))
  for (const { cpu } of cpus) if (cpu >= 0xffff) data.fail(`CPU ${cpu} is not possible`, REPAIR)
  return { name, clock: clock || undefined, pageSize, compressed: (flags & 1) === 1 && compression !== 'none', cpus }
}

function factsOf(options: readonly OptionData[]): Facts {
  const text = (wanted: number): string | undefined => {
    const data = options.find(({ id }) => id === wanted)?.data
    return data === undefined ? undefined : textOf(data)
  }
  const [, clock] = /\[([^\]]+)\]/.exec(text(Option.TRACECLOCK) ?? '') ?? []
  const dataOf = (wanted: number) => options.find(({ id }) => id === wanted)?.data
  const count = dataOf(Option.CPUCOUNT)
  const tsc = dataOf(Option.TSC2NSEC)
  const shift = dataOf(Option.TIME_SHIFT)
  return {
    clock,
    uname: text(Option.UNAME),
    cpuCount: count === undefined || count.left < 4 ? undefined : count.from(count.at).u32('the number of CPUs'),
    cpuStats: options.filter(({ id }) => id === Option.CPUSTAT).map(({ data }) => textOf(data)),
    tsc: tsc === undefined ? undefined : readTsc(tsc.from(tsc.at)),
    timeShift: shift === undefined ? undefined : readTimeShift(shift.from(shift.at)),
  }
}

const textOf = ({ bytes, at, end }: ByteReader): string => latin1(bytes.subarray(at, end)).split('\0', 1)[0] ?? ''

function refuse(reader: ByteReader, kind: string): never {
  reader.fail(`"${printable(kind)}" is no kind of data`, REPAIR)
}

function readHeaderPage(reader: ByteReader): Uint8Array {
  const at = reader.at
  if (reader.string('the page header') !== 'header_page') reader.fail('the page header is missing', REPAIR, at)
  const headerPage = reader.take(reader.u64('the page header'), 'the page header')
  const eventAt = reader.at
  if (reader.string('the event header') !== 'header_event') reader.fail('the event header is missing', REPAIR, eventAt)
  reader.take(reader.u64('the event header'), 'the event header')
  return headerPage
}

function readFtraceFormats(reader: ByteReader, formats: Map<number, EventFormat>): void {
  for (let count = reader.u32('the ftrace formats'); count > 0; count--) readFormat(reader, 'ftrace', formats)
}

function readEventFormats(reader: ByteReader, formats: Map<number, EventFormat>): void {
  for (let systems = reader.u32('the event formats'); systems > 0; systems--) {
    const system = reader.string('an event system')
    for (let count = reader.u32('the event formats'); count > 0; count--) readFormat(reader, system, formats)
  }
}

function readFormat(reader: ByteReader, system: string, formats: Map<number, EventFormat>): void {
  const format = parseFormat(system, reader.take(reader.u64('an event format'), 'an event format'))
  if (format !== undefined) formats.set(format.id, format)
}
