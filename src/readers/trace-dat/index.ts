import { defaultProbes, EventBuilder, type Events } from '#events'
import { ABSENT_COMM } from '#events/columns'
import { parseRelease } from '#kernel'
import { Tally, TraceError } from '#kernel/messages'
import { type FileSource, HEAD, type ReadTrace, type TraceFormat } from '../format.ts'
import { ftraceText } from '../text/index.ts'
import { toNsOf } from './clock.ts'
import { compileDecoder } from './decoder.ts'
import type { Decoder } from './decoder-types.ts'
import { isTraceDat, parseTraceDat } from './file.ts'
import { pageLayout } from './layout.ts'
import { mergeCpus } from './merge.ts'
import { type Cause, notices } from './notices.ts'
import { type BufferData, REPAIR, statOf, type TraceDat } from './parts.ts'
import { type Base, CpuRecords, type Sink } from './records.ts'
import { stretchesOf } from './stretches.ts'
import { parseComms, parsePrintk, Symbols } from './symbols.ts'
import { Unpacker } from './unpack.ts'

/** trace-cmd's own file, versions 6 and 7. */
export const traceDat: TraceFormat = {
  id: 'trace.dat',
  sniff: isTraceDat,
  read: readTraceDat,
  readFetched: readTraceDat,
  readFrom: readTraceDat,
}

/** Clocks that count something other than time. */
const WITHOUT_UNIT = new Set(['counter', 'uptime', 'x86-tsc'])

/** Adds the events to `builder` in the order of time, so that it may hand them over as they come. */
export function readTraceDat(source: FileSource, builder = new EventBuilder()): ReadTrace {
  const dat = parseTraceDat(source.name, source.bytes)
  if (dat.text !== undefined) return readText(dat, dat.text, source, builder)
  const clocks = new Set(filledOf(dat).map(({ clock }) => clock ?? dat.clock))
  for (const clock of clocks) {
    if (clock === undefined || !WITHOUT_UNIT.has(clock) || dat.tsc !== undefined) continue
    throw new TraceError({
      place: { file: source.name },
      what: `the trace clock is "${clock}", which does not count nanoseconds`,
      hint: 'Record with `trace-cmd record -C mono`.',
    })
  }
  const tally = new Tally<Cause>(notices)
  if (dat.index !== 'recorded') tally.count('index-lost', { file: source.name })
  if (clocks.size > 1) tally.count('several-clocks', { file: source.name }, clocks.size - 1)
  if (dat.index === 'guessed') tally.count('cpu-guessed', { file: source.name })
  for (const stats of dat.cpuStats) {
    const names = ['overrun', 'commit overrun', 'dropped events']
    const overrun = names.reduce((sum, name) => sum + (statOf(stats, name) ?? 0), 0)
    if (overrun > 0) tally.count('overrun', { file: source.name }, overrun)
  }
  const events = readBuffers(dat, source, tally, builder)
  return {
    format: `trace.dat v${dat.version} (${dat.compression === 'none' ? 'not compressed' : dat.compression})`,
    events,
    tally: tally.entries(),
    resolutionNs: 1,
    described: [...dat.formats.values()].map(({ name }) => name),
    ...(dat.clock === undefined ? {} : { clock: dat.clock }),
    ...(dat.uname === undefined ? {} : { uname: dat.uname }),
  }
}

const filledOf = ({ buffers }: TraceDat): readonly BufferData[] =>
  buffers.filter(({ cpus }) => cpus.some(({ size }) => size > 0))

/** A latency tracer's file holds the events as text. */
function readText(
  { version, clock, uname }: TraceDat,
  bytes: Uint8Array,
  source: FileSource,
  builder: EventBuilder,
): ReadTrace {
  const release = source.release ?? (uname === undefined ? undefined : parseRelease(uname))
  const head = bytes.subarray(0, HEAD)
  const reader = ftraceText.open({ ...source, head, builder, ...(release === undefined ? {} : { release }) })
  reader.push(bytes)
  const read = reader.end()
  return {
    ...read,
    events: builder.finish(),
    format: `trace.dat v${version} (${read.format})`,
    ...(clock === undefined ? {} : { clock }),
    ...(uname === undefined ? {} : { uname }),
  }
}

function readBuffers(dat: TraceDat, source: FileSource, tally: Tally<Cause>, builder: EventBuilder): Events {
  const context = {
    little: dat.little,
    tables: builder.tables,
    strings: builder.strings,
    symbols: new Symbols(dat.kallsyms),
    printk: once(() => parsePrintk(dat.printk())),
    probes: source.probes ?? defaultProbes,
  }
  checkOverlap(dat, source)
  const decoders: (Decoder | null | undefined)[] = new Array(0x10000).fill(undefined)
  const total = dat.buffers.flatMap(({ cpus }) => cpus).reduce((sum, { size }) => sum + size, 0)
  let done = 0
  const sink: Sink = {
    builder,
    tally,
    decoderOf: (id) => {
      let decoder = decoders[id]
      if (decoder === undefined) {
        const format = dat.formats.get(id)
        decoder = (format && compileDecoder(format, context)) ?? null
        decoders[id] = decoder
      }
      return decoder
    },
    commOf: commNumbers(dat, builder),
    onStretch: ({ size }) => {
      done += size
      source.onProgress?.(Math.min(done, source.bytes.length), source.bytes.length)
    },
  }
  // Chunks are packed only where it says by what.
  const unpacker = new Unpacker(dat.compression === 'none' ? 'zlib' : dat.compression)
  const base: Base = { ns: undefined }
  const cpus = dat.buffers.flatMap((buffer) => {
    const layout = pageLayout(dat.headerPage, dat.little, buffer.pageSize)
    if (layout === undefined) {
      throw new TraceError({
        place: { file: source.name },
        what: 'the recorded page header has no usable `commit` and `data` fields',
        hint: REPAIR,
      })
    }
    return buffer.cpus.map(
      (data) =>
        new CpuRecords(
          {
            cpu: data.cpu,
            file: source.name,
            layout,
            base,
            stretches: stretchesOf(dat, buffer, data, { name: source.name, bytes: source.bytes, unpacker }),
            toNs: toNsOf(dat, data.cpu),
          },
          sink,
        ),
    )
  })
  builder.progress.share = () => Math.min(1, cpus.reduce((sum, cpu) => sum + cpu.done, 0) / total)
  try {
    mergeCpus(cpus, base, sink)
  } finally {
    unpacker.close()
  }
  const filled = filledOf(dat).length
  if (filled > 1) tally.count('several-buffers', { file: source.name }, filled - 1)
  return builder.finish()
}

/** Many CPUs pointing to the same bytes would make a small file large. */
function checkOverlap({ buffers }: TraceDat, { name, bytes }: FileSource): void {
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

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
