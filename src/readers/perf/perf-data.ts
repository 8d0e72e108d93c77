import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, defaultProbes, EventBuilder, Kind } from '#events'
import { NS_PER_SECOND, type Place, Tally, TraceError } from '#kernel'
import type { ReadTrace, TraceFormat, TraceSource } from '../format.ts'
import { CallersByAddress, pushStack } from '../stacks.ts'
import { ByteReader, cString } from '../trace-dat/bytes.ts'
import { compileDecoder, type Decoder, type Window } from '../trace-dat/decoder.ts'
import { REPAIR } from '../trace-dat/file.ts'
import { contextOf } from '../trace-dat/records.ts'
import { parsePrintk, Symbols } from '../trace-dat/symbols.ts'
import { chainAt, layoutOf, type RecordLayout, rawAt } from './attrs.ts'
import { addAttr, addFeature, addTracingData, isPerfData, openPerfFile, type PerfFile } from './file.ts'
import { type DataCause, dataNotices } from './notices.ts'
import { RecordIndex } from './order.ts'
import { unpackChunks } from './unpack.ts'

/** What `perf record` writes, to a file or into a pipe. */
export const perfData: TraceFormat = { id: 'perf.data', sniff: isPerfData, read: readPerfData }

/** Source: include/uapi/linux/perf_event.h and, from 64 on, tools/lib/perf/include/perf/event.h */
const Type = {
  LOST: 2,
  COMM: 3,
  THROTTLE: 5,
  FORK: 7,
  SAMPLE: 9,
  LOST_SAMPLES: 13,
  HEADER_ATTR: 64,
  HEADER_TRACING_DATA: 66,
  ID_INDEX: 69,
  AUXTRACE: 71,
  HEADER_FEATURE: 80,
  COMPRESSED: 81,
  COMPRESSED2: 83,
} as const
/** PERF_RECORD_MMAP … PERF_RECORD_AUX_OUTPUT_HW_ID of the kernel's, and perf's own. */
const isKnown = (type: number): boolean => (type > 0 && type <= 21) || (type >= 64 && type <= 84)
/** Samples that a BPF program did not want, which is no loss. */
const LOST_TO_BPF = 1 << 15

/** perf's stream unpacks to 5 to 20 times its size. */
const MAX_RATIO = 1000
const MAX_UNPACKED = 4 * 1024 ** 3
const ALWAYS_ALLOWED = 64 * 1024 * 1024
const PROGRESS_STEP = 1 << 22
const MAX_CPU = 0xfffe

export async function readPerfData(source: TraceSource): Promise<ReadTrace> {
  return new PerfDataReader(source).read()
}

/** A stretch of records: the file's own, or what its compressed records hold. */
interface Segment {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** What is added to a place in it, so that places differ between segments. */
  readonly base: number
}

/**
 * Reads in two passes: the first notes time and place of every record that matters, the second takes them in order of time,
 * since a process's name holds from a record that may stand in another CPU's stretch of the file. perf itself sorts from one
 * PERF_RECORD_FINISHED_ROUND to the next but one, to need little memory; sorting all at once gives the same order.
 */
class PerfDataReader {
  readonly #source: TraceSource
  readonly #file: PerfFile
  readonly #tally = new Tally<DataCause>(dataNotices)
  readonly #builder = new EventBuilder()
  readonly #index = new RecordIndex()
  readonly #segments: Segment[] = []
  readonly #packed: Uint8Array[] = []
  #segment: Segment
  #layouts: RecordLayout[] = []
  #known = 0
  /** Where any sample has its event's id: all events of one file must agree on it. */
  #idAt = -1
  #idFromEnd = -1
  readonly #layoutById = new Map<number, RecordLayout>()
  readonly #layoutBySmallId: (RecordLayout | undefined)[] = new Array(4096).fill(undefined)
  readonly #cpuById = new Map<number, number>()
  /** The first stamp; times are counted from it until all are known. */
  #baseHigh = -1
  #baseLow = 0
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY
  #lastCpu = 0
  readonly #cpus = new Set<number>()
  #broken = false
  readonly #lostByCpu = new Map<number, number>()
  readonly #lostSamplesByCpu = new Map<number, number>()
  /** Process names as numbers of the dictionary. */
  readonly #comms = new Map<number, number>()
  #progress = 0

  constructor(source: TraceSource) {
    this.#source = source
    this.#file = openPerfFile(source.name, source.bytes)
    this.#segment = this.#addSegment(source.bytes)
  }

  async read(): Promise<ReadTrace> {
    const { bytes } = this.#source
    const file = this.#file
    this.#comms.set(0, this.#builder.strings.add('<idle>'))
    this.#indexRecords(file.dataFrom, file.dataTo)
    if (this.#packed.length > 0) await this.#indexPacked()
    this.#readInOrder()
    this.#source.onProgress?.(bytes.length, bytes.length)
    const traits = [...(file.pipe ? ['pipe mode'] : []), ...(this.#packed.length > 0 ? ['zstd'] : [])]
    return {
      format: traits.length === 0 ? 'perf.data' : `perf.data (${traits.join(', ')})`,
      events: this.#builder.finish(),
      tally: this.#tally.entries(),
      resolutionNs: 1,
      ...this.#clock(),
      ...(file.release === undefined
        ? {}
        : {
            uname: ['Linux', file.hostname ?? '', file.release, file.arch ?? '']
              .filter((part) => part !== '')
              .join(' '),
          }),
    }
  }

  #clock(): { clock?: string } {
    const clock = this.#file.recorded[0]?.attr.clock
    return clock === undefined ? {} : { clock }
  }

  #addSegment(bytes: Uint8Array): Segment {
    const before = this.#segments.at(-1)
    const segment = {
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      base: before === undefined ? 0 : before.base + before.bytes.length,
    }
    this.#segments.push(segment)
    return segment
  }

  // First pass: which records are there, and when.

  #indexRecords(from: number, to: number): void {
    const { view } = this.#segment
    const { little } = this.#file
    for (let at = from; at < to; ) {
      if (at + 8 > to) {
        this.#breakOff('cut-short', at)
        return
      }
      const type = view.getUint32(at, little)
      const size = view.getUint16(at + 6, little)
      if (size < 8) {
        this.#breakOff('broken-record', at)
        return
      }
      if (at + size > to) {
        this.#breakOff(to === this.#segment.bytes.length ? 'cut-short' : 'broken-record', at)
        return
      }
      if (type === Type.SAMPLE) {
        this.#indexSample(at, at + size)
        at += size
      } else {
        const next = this.#indexOther(type, at, at + size, to)
        if (next > to) {
          this.#breakOff('cut-short', at)
          return
        }
        at = next
      }
      if (at >= this.#progress) this.#tell(at, 0)
    }
  }

  /** Half of the way is the first pass. */
  #tell(at: number, pass: 0 | 1): void {
    const { onProgress, bytes } = this.#source
    this.#progress = at + PROGRESS_STEP
    onProgress?.(Math.floor((Math.min(at, bytes.length) + pass * bytes.length) / 2), bytes.length)
  }

  #breakOff(cause: DataCause, at: number): void {
    this.#tally.count(cause, this.#place(at))
    this.#broken = true
  }

  #indexSample(at: number, end: number): void {
    const layout = this.#layoutOf(at, end)
    if (layout === undefined) this.#tally.count('unknown-id', this.#place(at))
    else if (!layout.isTracepoint) this.#tally.count('other-sample', this.#place(at))
    else if (at + layout.fixedEnd > end) this.#tally.count('short-record', this.#place(at))
    else {
      const time = this.#timeAt(at + layout.timeAt)
      const cpu = this.#segment.view.getUint32(at + layout.cpuAt, this.#file.little)
      if (!Number.isSafeInteger(time) || cpu > MAX_CPU) {
        this.#tally.count('value-out-of-range', this.#place(at))
        return
      }
      this.#lastCpu = cpu
      this.#cpus.add(cpu)
      this.#add(time, at)
    }
  }

  #add(time: number, at: number): void {
    if (time < this.#first) this.#first = time
    if (time > this.#last) this.#last = time
    this.#index.add(time, at + this.#segment.base)
  }

  /** ns after the first stamp met. */
  #timeAt(at: number): number {
    const { view } = this.#segment
    const { little } = this.#file
    const high = view.getUint32(at + (little ? 4 : 0), little)
    const low = view.getUint32(at + (little ? 0 : 4), little)
    if (this.#baseHigh < 0) {
      this.#baseHigh = high
      this.#baseLow = low
    }
    return (high - this.#baseHigh) * 2 ** 32 + (low - this.#baseLow)
  }

  #u64(at: number): number {
    return Number(this.#segment.view.getBigUint64(at, this.#file.little))
  }

  /** The layout of a sample's event. As perf does, an id of 0 is taken for the first event. */
  #layoutOf(at: number, end: number): RecordLayout | undefined {
    if (this.#known !== this.#file.recorded.length) this.#prepareLayouts()
    const [first] = this.#layouts
    if (this.#layouts.length < 2 || this.#idAt < 0) return first
    if (at + this.#idAt + 8 > end) return undefined
    const id = this.#u64Fast(at + this.#idAt)
    return id === 0 ? first : id < 4096 ? this.#layoutBySmallId[id] : this.#layoutById.get(id)
  }

  #u64Fast(at: number): number {
    const { view } = this.#segment
    const { little } = this.#file
    return view.getUint32(at + (little ? 0 : 4), little) + view.getUint32(at + (little ? 4 : 0), little) * 2 ** 32
  }

  #prepareLayouts(): void {
    const { recorded } = this.#file
    const { name } = this.#source
    this.#layouts = recorded.map(({ attr }) => layoutOf(attr))
    this.#known = recorded.length
    const [first] = this.#layouts
    this.#idAt = first?.idAt ?? -1
    this.#idFromEnd = first?.fromEnd.id ?? -1
    recorded.forEach(({ ids }, event) => {
      for (const id of ids) {
        if (id < 4096) this.#layoutBySmallId[id] = this.#layouts[event]
        else this.#layoutById.set(id, this.#layouts[event]!)
      }
    })
    const tracepoints = this.#layouts.filter(({ isTracepoint }) => isTracepoint)
    if (tracepoints.some(({ hasTime, hasCpu }) => !hasTime || !hasCpu)) {
      throw new TraceError({
        place: { file: name },
        what: 'the samples do not tell their time and CPU',
        hint: 'Record with `perf record --timestamp --sample-cpu`.',
      })
    }
  }

  /** Handles a record that is no sample; gives where the next one starts. */
  #indexOther(type: number, at: number, end: number, to: number): number {
    const body = (from = at + 8): ByteReader => {
      const reader = new ByteReader(this.#source.name, this.#segment.bytes, from, end)
      reader.little = this.#file.little
      reader.format = 'perf.data'
      return reader
    }
    switch (type) {
      case Type.COMM:
      case Type.FORK:
        this.#indexTask(type, at, end)
        break
      case Type.LOST:
        if (at + 24 <= end) this.#indexLost(at, end)
        break
      case Type.LOST_SAMPLES:
        if (at + 16 <= end) this.#noteLostSamples(at, end)
        break
      case Type.THROTTLE:
        this.#tally.count('throttled', this.#place(at))
        break
      case Type.ID_INDEX:
        this.#noteIds(at, end)
        break
      case Type.HEADER_ATTR:
        addAttr(this.#file, body())
        break
      case Type.HEADER_TRACING_DATA: {
        if (at + 12 > end) return end
        // The data stands behind the record, which could not hold so much.
        const size = this.#segment.view.getUint32(at + 8, this.#file.little)
        if (end + size > to) return end + size
        const reader = new ByteReader(this.#source.name, this.#segment.bytes, end, end + size)
        reader.format = 'perf.data'
        this.#file.tracing = addTracingData(this.#file, reader)
        return end + size
      }
      case Type.HEADER_FEATURE:
        if (at + 16 <= end) addFeature(this.#file, this.#u64(at + 8), body(at + 16))
        break
      case Type.AUXTRACE:
        return at + 16 <= end ? end + this.#u64(at + 8) : end
      case Type.COMPRESSED:
        this.#packed.push(this.#segment.bytes.subarray(at + 8, end))
        break
      case Type.COMPRESSED2:
        if (at + 16 <= end) {
          this.#packed.push(this.#segment.bytes.subarray(at + 16, Math.min(end, at + 16 + this.#u64(at + 8))))
        }
        break
      default:
        if (!isKnown(type)) this.#tally.count('unknown-record', this.#place(at))
    }
    return end
  }

  /** What a record other than a sample says at its end. */
  #fromEnd(what: 'time' | 'cpu' | 'id', end: number, start: number): number | undefined {
    if (this.#known !== this.#file.recorded.length) this.#prepareLayouts()
    let fromEnd = this.#layouts[0]?.fromEnd
    if (this.#layouts.length > 1 && this.#idFromEnd > 0 && end - this.#idFromEnd >= start) {
      const id = this.#u64(end - this.#idFromEnd)
      fromEnd = (id < 4096 ? this.#layoutBySmallId[id] : this.#layoutById.get(id))?.fromEnd ?? fromEnd
    }
    const back = fromEnd?.[what] ?? -1
    if (fromEnd === undefined || back < 0 || end - fromEnd.size < start) return undefined
    const at = end - back
    if (what === 'cpu') return this.#segment.view.getUint32(at, this.#file.little)
    // What perf itself wrote to tell of earlier things has a time of 0 or of all ones.
    const value = this.#u64(at)
    if (what === 'id') return value
    return value === 0 || value >= 2 ** 64 - 2048 ? undefined : this.#timeAt(at)
  }

  #indexTask(type: number, at: number, end: number): void {
    const start = type === Type.COMM ? at + 17 : at + 32
    if (start > end) return
    const time = this.#fromEnd('time', end, start)
    if (time !== undefined && Number.isSafeInteger(time)) this.#index.add(time, at + this.#segment.base)
    else this.#nameTask(type, at, end)
  }

  #nameTask(type: number, at: number, end: number): void {
    const { view, bytes } = this.#segment
    const { little } = this.#file
    if (type === Type.COMM) {
      const comm = cString(bytes.subarray(at + 16, end))
      this.#comms.set(view.getUint32(at + 12, little), this.#builder.strings.add(comm))
      return
    }
    const [child, parent] = [view.getUint32(at + 16, little), view.getUint32(at + 20, little)]
    const comm = this.#comms.get(parent)
    if (child === parent) return
    if (comm === undefined) this.#comms.delete(child)
    else this.#comms.set(child, comm)
  }

  #indexLost(at: number, end: number): void {
    const count = this.#u64(at + 16)
    const time = this.#fromEnd('time', end, at + 24)
    const cpu = this.#lostCpu(at, end)
    this.#tally.count('lost-events', this.#place(at), count)
    add(this.#lostByCpu, cpu, count)
    // Without a time it stands where the file has it: after the record before.
    const { length } = this.#index
    const previous = length === 0 ? 0 : this.#index.time[length - 1]!
    this.#add(time !== undefined && Number.isSafeInteger(time) ? time : previous, at)
  }

  #lostCpu(at: number, end: number): number {
    const cpu = this.#cpuById.get(this.#u64(at + 8)) ?? this.#fromEnd('cpu', end, at + 24) ?? this.#lastCpu
    return cpu <= MAX_CPU ? cpu : this.#lastCpu
  }

  /**
   * From 6.1 on, perf asks each event at the end how many samples it lost in all, and tells the sum here without a time. The
   * losses that have a record of their own are among them.
   */
  #noteLostSamples(at: number, end: number): void {
    if ((this.#segment.view.getUint16(at + 4, this.#file.little) & LOST_TO_BPF) !== 0) return
    const cpu = this.#cpuById.get(this.#fromEnd('id', end, at + 16) ?? -1) ?? this.#fromEnd('cpu', end, at + 16) ?? 0
    add(this.#lostSamplesByCpu, cpu <= MAX_CPU ? cpu : 0, this.#u64(at + 8))
  }

  /** PERF_RECORD_ID_INDEX: which CPU each id is of. */
  #noteIds(at: number, end: number): void {
    for (let entry = at + 16; entry + 32 <= end; entry += 32) {
      const cpu = this.#u64(entry + 16)
      if (cpu <= MAX_CPU) this.#cpuById.set(this.#u64(entry), cpu)
    }
  }

  async #indexPacked(): Promise<void> {
    const size = this.#packed.reduce((sum, { length }) => sum + length, 0)
    const most = Math.min(MAX_UNPACKED, Math.max(ALWAYS_ALLOWED, size * MAX_RATIO))
    const { bytes, problem } = await unpackChunks(this.#packed, most)
    if (problem === 'too-large') {
      throw new TraceError({
        place: { file: this.#source.name },
        what: `the compressed records unpack to more than ${Math.floor(most / 1024 ** 2)} MiB`,
        hint: 'No real recording does; the file is damaged or made to do harm.',
      })
    }
    this.#segment = this.#addSegment(bytes)
    const chunks = this.#packed.length
    this.#indexRecords(0, bytes.length)
    if (this.#packed.length > chunks) this.#packed.length = chunks
    if (problem === 'broken') this.#breakOff('broken-chunk', bytes.length)
  }

  // Second pass: the records in order of time.

  #readInOrder(): void {
    const { tracing, recorded } = this.#file
    this.#checkThatEventsAreTold(tracing !== undefined)
    const index = this.#index
    const builder = this.#builder
    const shift = this.#takeZero()
    if (tracing === undefined || recorded.length === 0) return
    const window: Window = { view: this.#segment.view, bytes: this.#segment.bytes }
    const context = {
      little: this.#file.little,
      tables: builder.tables,
      strings: builder.strings,
      symbols: new Symbols(this.#source.kallsyms ?? tracing.kallsyms),
      printk: once(() => parsePrintk(tracing.printk())),
      probes: this.#source.probes ?? defaultProbes,
    }
    const callers = new CallersByAddress(context.symbols, builder.strings)
    const decoders: (Decoder | null | undefined)[] = new Array(0x10000).fill(undefined)
    const decoderOf = (id: number): Decoder | null => {
      const format = tracing.formats.get(id)
      const decoder = format === undefined ? null : (compileDecoder(format, context) ?? null)
      decoders[id] = decoder
      return decoder
    }
    const [file] = this.#segments
    const { little } = this.#file
    const order = index.order()
    this.#progress = PROGRESS_STEP
    this.#segment = file!
    for (let row = 0; row < order.length; row++) {
      const place = index.at[order[row]!]!
      const time = index.time[order[row]!]! + shift
      const segment = place < file!.bytes.length ? file! : this.#segments[1]!
      this.#segment = segment
      window.view = segment.view
      window.bytes = segment.bytes
      const at = place - segment.base
      if (place > this.#progress) this.#tell(place, 1)
      const { view } = segment
      const end = at + view.getUint16(at + 6, little)
      const type = view.getUint32(at, little)
      if (type !== Type.SAMPLE) {
        if (type === Type.LOST) this.#addLoss(time, this.#lostCpu(at, end), this.#u64(at + 16))
        else this.#nameTask(type, at, end)
        continue
      }
      // Descriptions that follow the samples, as only a damaged pipe has them, may have changed the layout.
      const layout = this.#layoutOf(at, end)
      const isWhole = layout?.isTracepoint === true && at + layout.fixedEnd <= end
      const sizeAt = isWhole ? rawAt(layout, view, little, at, end) : -1
      const size = sizeAt < 0 ? 0 : view.getUint32(sizeAt, little)
      const raw = sizeAt + 4
      if (layout === undefined || size < 2 || raw + size > end) {
        this.#tally.count('short-record', this.#place(at))
        continue
      }
      const id = view.getUint16(raw, little)
      let decoder = decoders[id]
      if (decoder === undefined) decoder = decoderOf(id)
      if (decoder === null) {
        this.#tally.count('unknown-event', this.#place(at))
        continue
      }
      if (size < decoder.need) {
        this.#tally.count('short-record', this.#place(at))
        continue
      }
      let slot = decoder.row(window, raw, size)
      if (slot < 0 && decoder.otherwise !== undefined) {
        decoder = decoder.otherwise
        slot = decoder.row(window, raw, size)
      }
      if (slot < 0) {
        this.#tally.count('value-out-of-range', this.#place(at))
        continue
      }
      const own = layout.tidAt < 0 ? -1 : view.getInt32(at + layout.tidAt + 4, little)
      // A task that is already on its way out has no number in perf's eyes.
      const pid = own === -1 ? view.getInt32(raw + decoder.pidAt, little) : own
      const comm = this.#comms.get(pid) ?? ABSENT_COMM
      const state = decoder.flagsAt < 0 ? ABSENT_CONTEXT : contextOf[view.getUint8(raw + decoder.flagsAt)]!
      const cpu = view.getUint32(at + layout.cpuAt, little)
      builder.add(time, cpu, pid, comm, state, decoder.kind, slot)
      if (!layout.callchain) continue
      const caller = callers.find(view, chainAt(layout, view, little, at, end) + 8, sizeAt, 8, little)
      if (caller < 0) this.#tally.count('nameless-stack', this.#place(at))
      else builder.add(time, cpu, pid, comm, state, Kind.kernel_stack, pushStack(builder.tables, caller))
    }
    this.#addLossesAtEnd()
  }

  #checkThatEventsAreTold(told: boolean): void {
    if (this.#known !== this.#file.recorded.length) this.#prepareLayouts()
    const hint = "Record tracepoints, as root: perf record -a -e 'kmem:*' -e 'rcu:*'."
    const place = { file: this.#source.name }
    if (this.#layouts.length > 0 && !this.#layouts.some(({ isTracepoint }) => isTracepoint)) {
      throw new TraceError({ place, what: 'the perf.data holds no tracepoints with their data', hint })
    }
    if (told && this.#layouts.length > 0) return
    // A pipe that was cut before it told what it holds.
    throw new TraceError({
      place,
      what: 'the perf.data does not describe its events',
      hint: this.#broken ? REPAIR : hint,
    })
  }

  /** Sets the trace's first whole second; gives what to add to times to count from it. */
  #takeZero(): number {
    if (this.#first === Number.POSITIVE_INFINITY) return 0
    const base = (BigInt(this.#baseHigh) << 32n) + BigInt(this.#baseLow)
    const zero = (base + BigInt(this.#first)) / BigInt(NS_PER_SECOND)
    this.#builder.zero = Number(zero)
    return Number(base - zero * BigInt(NS_PER_SECOND))
  }

  #addLoss(time: number, cpu: number, count: number | undefined): void {
    const event = { event: 'lost', time, cpu } as const
    this.#builder.addEvent(count === undefined ? event : { ...event, count: Math.min(count, ABSENT.u32 - 1) })
  }

  /** Losses of which only the sum is known, and the loss of all that would follow where the input breaks off. */
  #addLossesAtEnd(): void {
    const shift = this.#takeZero()
    const time = this.#last === Number.NEGATIVE_INFINITY ? 0 : this.#last + shift
    for (const [cpu, total] of this.#lostSamplesByCpu) {
      const rest = total - (this.#lostByCpu.get(cpu) ?? 0)
      if (rest <= 0) continue
      this.#tally.count('lost-at-unknown-time', { file: this.#source.name }, rest)
      this.#addLoss(time, cpu, rest)
    }
    if (!this.#broken) return
    for (const cpu of [...this.#cpus].sort((a, b) => a - b)) this.#addLoss(time, cpu, undefined)
  }

  /** Only places in the file itself can be told. */
  #place(at: number): Place {
    const { name } = this.#source
    return this.#segment === this.#segments[0] ? { file: name, byte: at } : { file: name }
  }
}

const add = (counts: Map<number, number>, key: number, count: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
