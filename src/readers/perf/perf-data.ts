import { EventBuilder } from '#events'
import { ABSENT } from '#events/columns'
import { NS_PER_SECOND } from '#kernel'
import { type Place, Tally, TraceError } from '#kernel/messages'
import type { FileSource, ReadTrace, TraceFormat } from '../format.ts'
import { ByteReader } from '../trace-dat/bytes.ts'
import { REPAIR } from '../trace-dat/parts.ts'
import { addAttr, addFeature, addTracingData, isPerfData, openPerfFile, type PerfFile } from './file.ts'
import { Layouts } from './layouts.ts'
import { Losses } from './losses.ts'
import { type DataCause, dataNotices } from './notices.ts'
import { Pending } from './pending.ts'
import { HEADER, isKnownType, MAX_CPU, Type, u64, type Window, windowOf } from './record-types.ts'
import { Samples } from './samples.ts'
import { Tasks } from './tasks.ts'
import { Unpacker } from './unpack.ts'

/** What `perf record` writes, to a file or into a pipe. */
export const perfData: TraceFormat = {
  id: 'perf.data',
  sniff: isPerfData,
  read: (source) => readPerfData(source),
  readFetched: (source) => readPerfData(source),
  readFrom: readPerfData,
}

/** Bytes of the file in memory at a time, beside those of records that wait for their order. */
const WINDOW = 1 << 20
/** perf's stream unpacks to 5 to 20 times its size. */
const MOST_OF_A_PAYLOAD = 64 * 1024 * 1024

/** Adds the events to `builder` in the order of time, so that it may hand them over as they come. */
export async function readPerfData(source: FileSource, builder = new EventBuilder()): Promise<ReadTrace> {
  return new PerfDataReader(source, builder).read()
}

/**
 * Walks the records and adds them in order of time, round by round. A file without rounds is sorted at its end.
 */
class PerfDataReader {
  readonly #source: FileSource
  readonly #file: PerfFile
  readonly #builder: EventBuilder
  readonly #tally = new Tally<DataCause>(dataNotices)
  readonly #layouts: Layouts
  readonly #tasks: Tasks
  readonly #losses: Losses
  readonly #pending = new Pending((window, at, time) => this.#take(window, at, time))
  readonly #unpacker = new Unpacker(MOST_OF_A_PAYLOAD)
  /** The begin of a record of which the rest is in the next payload. */
  #begun: Uint8Array = new Uint8Array(0)
  #samples: Samples | undefined
  #window: Window = windowOf(new Uint8Array(0), 0)
  /** The first stamp; times are counted from it. */
  #baseHigh = -1
  #baseLow = 0
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY
  /** What to add to times to count from the trace's first whole second; known when the first record is added. */
  #shift: number | undefined
  /** Time of the last event added. */
  #now = 0
  #lastCpu = 0
  readonly #cpus = new Set<number>()
  #broken = false

  constructor(source: FileSource, builder: EventBuilder) {
    this.#source = source
    this.#builder = builder
    this.#file = openPerfFile(source.name, source.bytes)
    this.#layouts = new Layouts(source.name, this.#file)
    this.#tasks = new Tasks(builder.strings)
    this.#losses = new Losses(this.#file.little)
  }

  async read(): Promise<ReadTrace> {
    const { bytes, onProgress } = this.#source
    const file = this.#file
    try {
      await this.#walkFile()
    } finally {
      this.#unpacker.close()
    }
    if (this.#begun.length > 0 && !this.#broken) this.#breakOff('cut-short', 0)
    this.#checkThatEventsAreTold()
    this.#pending.end()
    this.#addLossesAtEnd()
    onProgress?.(bytes.length, bytes.length)
    const traits = [...(file.pipe ? ['pipe mode'] : []), ...(this.#unpacker.taken > 0 ? ['zstd'] : [])]
    const clock = file.recorded[0]?.attr.clock
    return {
      format: traits.length === 0 ? 'perf.data' : `perf.data (${traits.join(', ')})`,
      events: this.#builder.finish(),
      tally: this.#tally.entries(),
      resolutionNs: 1,
      ...(clock === undefined ? {} : { clock }),
      ...(file.release === undefined
        ? {}
        : {
            uname: ['Linux', file.hostname ?? '', file.release, file.arch ?? '']
              .filter((part) => part !== '')
              .join(' '),
          }),
    }
  }

  // Which records are there, and when.

  async #walkFile(): Promise<void> {
    const { bytes, onProgress } = this.#source
    const { dataFrom, dataTo } = this.#file
    let at = dataFrom
    this.#builder.progress.share = () => Math.min(1, at / dataTo)
    while (at < dataTo && !this.#broken) {
      const to = Math.min(dataTo, at + WINDOW)
      this.#open(windowOf(bytes.subarray(at, to), at))
      const next = at + (await this.#walk(to === dataTo))
      if (next > dataTo) this.#breakOff('cut-short', 0)
      at = next
      onProgress?.(Math.min(at, bytes.length), bytes.length)
    }
  }

  #open(window: Window): void {
    this.#window = window
    this.#pending.open(window)
  }

  /** Takes the records of the window; says how many bytes those are, and what belongs to the last behind it. */
  async #walk(isLast: boolean): Promise<number> {
    const window = this.#window
    const { view, from } = window
    const { length } = window.bytes
    const { little } = this.#file
    let at = 0
    while (at < length && !this.#broken) {
      if (at + HEADER > length) return isLast ? this.#breakOff('cut-short', at) : at
      const type = view.getUint32(at, little)
      const size = view.getUint16(at + 6, little)
      const end = at + size
      if (size < HEADER) return this.#breakOff('broken-record', at)
      if (end > length) {
        const isCut = from === undefined || from + length === this.#source.bytes.length
        return isLast ? this.#breakOff(isCut ? 'cut-short' : 'broken-record', at) : at
      }
      if (type === Type.SAMPLE) this.#addSample(at, end)
      else if (type === Type.COMPRESSED || type === Type.COMPRESSED2) {
        await this.#unpack(type, at, end)
        this.#window = window
        this.#pending.open(window)
      } else this.#addOther(type, at, end)
      at = end + this.#behind(type, at, end)
    }
    return at
  }

  /** Bytes that belong to a record which could not hold so much. */
  #behind(type: number, at: number, end: number): number {
    const { view, from } = this.#window
    if (from === undefined) return 0
    if (type === Type.AUXTRACE) return at + 16 <= end ? this.#u64(at + 8) : 0
    if (type !== Type.HEADER_TRACING_DATA || at + 12 > end) return 0
    const size = view.getUint32(at + 8, this.#file.little)
    if (from + end + size > this.#file.dataTo) return size
    const reader = new ByteReader(this.#source.name, this.#source.bytes, from + end, from + end + size)
    reader.format = 'perf.data'
    this.#file.tracing = addTracingData(this.#file, reader)
    return size
  }

  async #unpack(type: number, at: number, end: number): Promise<void> {
    const { bytes } = this.#window
    const isNewer = type === Type.COMPRESSED2
    if (isNewer && at + 16 > end) return
    const payload = isNewer
      ? bytes.subarray(at + 16, Math.min(end, at + 16 + this.#u64(at + 8)))
      : bytes.subarray(at + HEADER, end)
    const { bytes: unpacked, problem } = await this.#unpacker.take(payload)
    if (problem === 'too-large') {
      throw new TraceError({
        place: { file: this.#source.name },
        what: `a compressed record unpacks to more than ${MOST_OF_A_PAYLOAD / 1024 ** 2} MiB`,
        hint: 'No real recording does; the file is damaged or made to do harm.',
      })
    }
    const all = this.#begun.length === 0 ? unpacked : Buffer.concat([this.#begun, unpacked])
    this.#open(windowOf(all, undefined))
    const taken = await this.#walk(false)
    this.#begun = all.subarray(Math.min(taken, all.length))
    if (problem === 'broken') this.#breakOff('broken-chunk', 0)
  }

  #breakOff(cause: DataCause, at: number): number {
    this.#tally.count(cause, this.#place(at))
    this.#broken = true
    return at
  }

  #addSample(at: number, end: number): void {
    const { view } = this.#window
    const layout = this.#layouts.of(view, at, end)
    if (layout === undefined) this.#tally.count('unknown-id', this.#place(at))
    else if (!layout.isTracepoint) this.#tally.count('other-sample', this.#place(at))
    else if (at + layout.fixedEnd > end) this.#tally.count('short-record', this.#place(at))
    else {
      const time = this.#timeAt(at + layout.timeAt)
      const cpu = view.getUint32(at + layout.cpuAt, this.#file.little)
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
    this.#pending.add(time, at)
  }

  /** ns after the first stamp met. */
  #timeAt(at: number): number {
    const { view } = this.#window
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
    return u64(this.#window.view, at, this.#file.little)
  }

  #addOther(type: number, at: number, end: number): void {
    switch (type) {
      case Type.COMM:
      case Type.FORK:
        this.#addTask(type, at, end)
        break
      case Type.LOST:
        if (at + 24 <= end) this.#addLost(at, end)
        break
      case Type.LOST_SAMPLES:
        if (at + 16 <= end)
          this.#losses.addSum(this.#window, at, this.#said('id', at + 16, end), this.#said('cpu', at + 16, end))
        break
      case Type.THROTTLE:
        this.#tally.count('throttled', this.#place(at))
        break
      case Type.ID_INDEX:
        this.#losses.noteIds(this.#window, at, end)
        break
      case Type.FINISHED_ROUND:
        this.#pending.round(this.#file.tracing !== undefined && this.#layouts.all.length > 0)
        break
      case Type.HEADER_ATTR:
        addAttr(this.#file, this.#body(at + HEADER, end))
        break
      case Type.HEADER_FEATURE:
        if (at + 16 <= end) addFeature(this.#file, this.#u64(at + HEADER), this.#body(at + 16, end))
        break
      default:
        if (!isKnownType(type)) this.#tally.count('unknown-record', this.#place(at))
    }
  }

  #body(from: number, end: number): ByteReader {
    const reader = new ByteReader(this.#source.name, this.#window.bytes, from, end, this.#window.from)
    reader.little = this.#file.little
    reader.format = 'perf.data'
    return reader
  }

  /** What a record other than a sample says at its end, of which the tail begins at `start`. */
  #said(what: 'time' | 'cpu' | 'id', start: number, end: number): number | undefined {
    const { view } = this.#window
    const at = this.#layouts.fromEnd(what, view, end, start)
    if (at === undefined) return undefined
    if (what === 'cpu') return view.getUint32(at, this.#file.little)
    const value = this.#u64(at)
    if (what === 'id') return value
    // What perf itself wrote to tell of earlier things has a time of 0 or of all ones.
    const time = value === 0 || value >= 2 ** 64 - 2048 ? undefined : this.#timeAt(at)
    return Number.isSafeInteger(time) ? time : undefined
  }

  #addTask(type: number, at: number, end: number): void {
    const start = type === Type.COMM ? at + 17 : at + 32
    if (start > end) return
    const time = this.#said('time', start, end)
    if (time !== undefined) this.#pending.add(time, at)
    else this.#tasks.take(this.#window, at, end, this.#file.little)
  }

  #addLost(at: number, end: number): void {
    const count = this.#u64(at + 16)
    this.#tally.count('lost-events', this.#place(at), count)
    this.#losses.add(this.#lostCpu(at, end), count)
    // Without a time it stands where the file has it: after the record before.
    this.#add(this.#said('time', at + 24, end) ?? this.#pending.previous, at)
  }

  #lostCpu(at: number, end: number): number {
    const cpu = this.#losses.cpuOf(this.#u64(at + 8)) ?? this.#said('cpu', at + 24, end) ?? this.#lastCpu
    return cpu <= MAX_CPU ? cpu : this.#lastCpu
  }

  // The records in the order of time.

  #take(window: Window, at: number, time: number): void {
    const { little } = this.#file
    this.#shift ??= this.#takeZero()
    const walked = this.#window
    this.#window = window
    const end = at + window.view.getUint16(at + 6, little)
    const type = window.view.getUint32(at, little)
    if (type === Type.COMM || type === Type.FORK) this.#tasks.take(window, at, end, little)
    else {
      const from = time + this.#shift
      if (from < this.#now) this.#tally.count('time-backwards', this.#place(at))
      else this.#now = from
      if (type === Type.SAMPLE) this.#samplesReader().add(window, at, end, this.#now)
      else this.#addLoss(this.#now, this.#lostCpu(at, end), this.#u64(at + 16))
    }
    this.#window = walked
  }

  #samplesReader(): Samples {
    const { tracing, little } = this.#file
    // Rounds are ended, and the file is, only where it is there.
    this.#samples ??= new Samples(
      this.#source,
      tracing!,
      this.#layouts,
      this.#tasks,
      this.#builder,
      little,
      this.#count,
    )
    return this.#samples
  }

  readonly #count = (cause: DataCause, at: number): void => this.#tally.count(cause, this.#place(at))

  #checkThatEventsAreTold(): void {
    const layouts = this.#layouts.all
    const hint = "Record tracepoints, as root: perf record -a -e 'kmem:*' -e 'rcu:*'."
    const place = { file: this.#source.name }
    if (layouts.length > 0 && !layouts.some(({ isTracepoint }) => isTracepoint)) {
      throw new TraceError({ place, what: 'the perf.data holds no tracepoints with their data', hint })
    }
    if (this.#file.tracing !== undefined && layouts.length > 0) return
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
    this.#shift ??= this.#takeZero()
    const time = this.#last === Number.NEGATIVE_INFINITY ? 0 : Math.max(this.#now, this.#last + this.#shift)
    for (const [cpu, rest] of this.#losses.unlocated()) {
      this.#tally.count('lost-at-unknown-time', { file: this.#source.name }, rest)
      this.#addLoss(time, cpu, rest)
    }
    if (!this.#broken) return
    for (const cpu of [...this.#cpus].sort((a, b) => a - b)) this.#addLoss(time, cpu, undefined)
  }

  /** Only places in the file itself can be named. */
  #place(at: number): Place {
    const { name } = this.#source
    const { from } = this.#window
    return from === undefined ? { file: name } : { file: name, byte: from + at }
  }
}
