import { defaultProbes, type EventBuilder, Kind } from '#events'
import { ABSENT } from '#events/columns'
import { parseRelease, type Release } from '#kernel'
import { type Notice, Tally, TraceError } from '#kernel/messages'
import { ByteMemo } from '../byte-memo.ts'
import { CpuTimes } from '../cpu-times.ts'
import type { PieceEnd, SyncPieceReader, TraceStart } from '../format.ts'
import { StackReader } from '../stacks.ts'
import type { Decoder } from './decoding/index.ts'
import { Head } from './head.ts'
import { Header, type Loss } from './header.ts'
import type { Layout, OddLine, Skipped } from './layouts/layout.ts'
import { type LineSink, Lines, SCRATCH } from './lines.ts'
import { NewFlags } from './new-flags.ts'
import { LIKE_EVENT, skippedLines, textNotices } from './notices.ts'
import { type Named, type PayloadReader, type Reading, readingsBy } from './payload.ts'
import { Places } from './places.ts'
import type { Step } from './prefixes.ts'
import type { Recognised } from './recognise.ts'
import { Repeats } from './repeats.ts'
import { Sources } from './sources.ts'
import { Days, unitlessStamps } from './stamp.ts'
import { Texts } from './texts.ts'
import { type WholeReader, WrappedLines } from './wrapped-lines.ts'
import type { Pending } from './wraps.ts'

const HASH = 0x23
/** Beyond this, nanoseconds since the first event are no longer exact: such a stamp is damage. */
const LONGEST_TRACE_SECONDS = 9_000_000

/**
 * Reads texts of any layout. Events stay in the file's order.
 *
 * Law: lines = comments + lines that gave an event + the tally of skipped lines. A line that tells of a loss gives an event. The
 * header's `entries-written` above `entries-in-buffer` gives one more `lost` event, which is no line's.
 */
export class LineReader implements SyncPieceReader, LineSink, WholeReader {
  readonly #start: TraceStart
  readonly #layout: Layout
  readonly #lines = new Lines()
  readonly #bytes = this.#lines.bytes
  readonly #buffer = Buffer.from(this.#bytes.buffer)
  readonly #head = new Head(this.#bytes)
  readonly #builder: EventBuilder
  readonly #skipped: Tally<Skipped>
  readonly #noticed = new Tally<keyof typeof textNotices>(textNotices)
  readonly #recognised: Recognised
  readonly #decoder: Decoder | undefined
  readonly #stack: StackReader
  readonly #release: Release | undefined
  readonly #header = new Header()
  readonly #sources: Sources
  readonly places: Places
  /** Of mails. */
  readonly #repeats: Repeats | undefined
  /** What stood before a line that was put together. */
  #prefix = ''
  /** Of texts that are wrapped. */
  readonly #wrapped: WrappedLines | undefined
  #readings!: ByteMemo<Reading>
  /** Of events that no kind describes. */
  #payloads!: ByteMemo<number>
  /** Undefined for words that are not just a name. */
  #names!: ByteMemo<Named | undefined>
  #lineCount = 0
  #comments = 0
  #eventLines = 0
  /** Losses wait for the next event, which tells their time. */
  #losses: Loss[] = []
  /** Whether the first event is read. */
  #isUnderWay = false
  #zero: number | undefined
  #lastTime = 0
  readonly #times = new CpuTimes()
  #finest = 6
  readonly #days = new Days()
  readonly #flags: NewFlags

  constructor(start: TraceStart, layoutOf: (head: Head) => Layout, recognised: Recognised) {
    this.#start = start
    this.#recognised = recognised
    this.#decoder = recognised.decoding.open()
    const layout = layoutOf(this.#head)
    this.#layout = layout
    this.#builder = start.builder
    this.#stack = new StackReader(start.builder)
    this.#skipped = new Tally<Skipped>({ ...skippedLines, ...layout.notices } as Record<Skipped, Notice>)
    this.#release = start.release ?? (layout.uname === undefined ? undefined : parseRelease(layout.uname))
    this.#sources = new Sources(() => this.#place(), recognised.isMail)
    this.places = new Places(layout, recognised, (file) => this.#sources.note('file', file))
    this.#wrapped = recognised.isWrapped ? new WrappedLines(layout, recognised.width, this) : undefined
    this.#repeats = recognised.isMail || recognised.isWrapped ? new Repeats() : undefined
    this.#flags = new NewFlags(this.#release)
    this.#remember()
  }

  /** Begins to keep in mind what texts mean: numbers of the builder's strings. */
  #remember(): void {
    const { strings } = this.#builder
    const layout = this.#layout
    this.#stack.end()
    this.places.remember(strings)
    this.#payloads = new ByteMemo(this.#bytes, (text) => strings.add(text.trimEnd()))
    const { probes = defaultProbes } = this.#start
    const readingOf = readingsBy(
      new Texts(this.#bytes, this.#builder, this.#release, this.#flags),
      probes,
      this.#release,
    )
    this.#readings = new ByteMemo(this.#bytes, readingOf)
    this.#names = new ByteMemo(this.#bytes, (word) => {
      const name = layout.nameIn(word)
      return name === undefined ? undefined : { reading: readingOf(name), length: name.length }
    })
  }

  push(piece: Uint8Array): void {
    const decoder = this.#decoder
    this.#lines.push(decoder === undefined ? piece : decoder.push(piece), this)
  }

  end(): PieceEnd {
    this.#lines.push(this.#decoder?.end() ?? new Uint8Array(0), this, true)
    this.#wrapped?.flush()
    const joins = this.#decoder?.joins ?? 0
    this.#lineCount += joins
    if (joins > 0) this.#skipped.count('wrapped-line', this.#place(), joins)
    this.#addLosses(this.#lastTime)
    this.#checkThatSomethingWasRead()
    const { format, uname } = this.#layout
    const gfpNames = this.#flags.names
    return {
      format: this.#repeats === undefined ? format : `${format}, out of a mail`,
      tally: [...this.#skipped.entries(), ...this.#noticed.entries()],
      resolutionNs: this.#finest === 9 ? 1 : 1000,
      lines: { total: this.#lineCount, comments: this.#comments, events: this.#eventLines },
      ...(uname === undefined ? {} : { uname }),
      ...(gfpNames === undefined ? {} : { gfpNames }),
    }
  }

  readLine(from: number, to: number, ended: boolean): void {
    this.#lineCount++
    if (this.#wrapped !== undefined) this.#wrapped.take(from, to, this.#lineCount, ended)
    else this.readWhole(from, to, ended)
  }

  /** Reads a line that is not wrapped. */
  readWhole(from: number, to: number, ended: boolean): void {
    if (from === to) this.#comments++
    else if (this.#bytes[from] !== HASH && this.#layout.readHead(from, to) && this.places.isPlain())
      this.#readEvent(from, from, to, ended)
    else this.#readRareLine(from, to, ended)
    if (!ended && this.#skipped.of('truncated-line') === 0) this.#noticed.count('unended-line', this.#place())
    if (this.#builder.renewStrings()) this.#remember()
  }

  /** A line that is not an event from its first byte on. */
  #readRareLine(from: number, to: number, ended: boolean): void {
    const text = this.#text(from, to)
    const place = this.places.find(from, to)
    switch (place.is) {
      case 'event':
        this.notePrefix(place.step, true)
        this.#readEvent(from, from + place.at, to, ended)
        break
      case 'comment':
        if (place.at > 0 || this.#bytes[from] !== HASH) this.#noticed.count('prefixed-line', this.#place())
        this.#readComment(this.#text(from + place.at, to).trimStart())
        break
      case 'odd':
        this.notePrefix(place.step, false)
        if (ended || place.odd.is !== 'skipped') this.#takeOdd(place.odd)
        else this.#skip('truncated-line')
        break
      default:
        if (text.trim() === '') this.#comments++
        else if (!ended) this.#skip('truncated-line')
        else if (LIKE_EVENT.test(text)) this.#skip('unparsed-line')
        else this.#skip(place.kind === 'log' ? 'console-line' : 'mail-line')
    }
  }

  /** Reads a line that was put together of several. */
  readJoined(to: number, { line, ended, prefix }: Pending): void {
    const count = this.#lineCount
    this.#lineCount = line
    this.#prefix = prefix
    this.readWhole(SCRATCH, to, ended)
    this.#prefix = ''
    this.#lineCount = count
  }

  notePrefix(step: Step | undefined, isEvent: boolean): void {
    if (step === undefined) return
    this.#noticed.count('prefixed-line', this.#place())
    if (isEvent) this.#sources.note('host', step.host)
  }

  countJoin = (): void => this.#skip('wrapped-line')

  skipLongLine(): void {
    this.#lineCount++
    this.#skip('overlong-line')
  }

  /** `at`: where the event begins behind the line's prefix. */
  #readEvent(from: number, at: number, to: number, ended: boolean): void {
    const head = this.#head
    this.#stack.end()
    if (this.#repeats?.has(this.#text(at, to), this.#prefix + this.#text(from, at)) === true) {
      this.#skipRepeated()
      return
    }
    if (head.isOfDay) this.#days.addTo(head.stamp)
    const { seconds, digits } = head.stamp
    const zero = this.#zero ?? seconds
    if (digits === 0 || Math.abs(seconds - zero) > LONGEST_TRACE_SECONDS) {
      // Without a unit: one damaged line among others, or none can be used.
      if (this.#zero === undefined) throw unitlessStamps(this.#place())
      this.#skip('unparsed-line')
      return
    }
    const reading = this.readName(to)
    if (reading === undefined) {
      this.#readNameless(to, ended, zero)
      return
    }
    if (reading === 'sample') {
      this.#skip('other-sample')
      return
    }
    const isKnown =
      typeof reading !== 'number' && reading.read(head.payloadFrom, head.payloadTo, this.#layout.hidesZeros === true)
    // A name of a flag that no table knows is, at the very end, a known one cut short.
    const isWhole = ended || typeof reading === 'number' || (isKnown && reading.unknownGfp === 0 && !reading.lacksGfp)
    if (isWhole) this.#addEvent(reading, isKnown, zero)
    else this.#skip('truncated-line')
  }

  #skipRepeated(): void {
    // Losses before it are repeated too.
    this.#eventLines -= this.#losses.length
    this.#skipped.count('repeated-line', this.#place(), 1 + this.#losses.length)
    this.#losses = []
  }

  readName(to: number): Reading | 'sample' | undefined {
    const layout = this.#layout
    const head = this.#head
    const names = this.#names
    const from = layout.wordFrom()
    const named = from < 0 ? undefined : names.upToBlank(from)
    if (named !== undefined && names.end <= to) {
      layout.takeName(names.end, named.length, to)
      return named.reading
    }
    const name = layout.readName(to)
    return name === 'event' ? this.#readings.get(head.nameFrom, head.nameTo) : name
  }

  #addEvent(reading: Reading, isKnown: boolean, zero: number): void {
    const time = this.#takeTime(zero)
    if (typeof reading === 'number') this.#addOther(time, reading)
    else if (isKnown) this.#addKnown(reading, time)
    else {
      this.#noticed.count(reading.isCounted ? 'unread-payload' : 'unread-other-payload', this.#place())
      const { nameFrom, nameTo } = this.#head
      this.#addOther(time, this.#builder.strings.add(this.#text(nameFrom, nameTo)))
    }
    if (this.#layout.hasStackBehindEvent) this.#beginStack(time)
  }

  #takeTime(zero: number): number {
    const { relative, stamp, cpu } = this.#head
    const time = this.#head.stamp.since(zero)
    this.#sources.noteTime(time)
    if (this.#times.goBack(cpu, time)) this.#noticed.count('time-backwards', this.#place())
    if (this.#zero === undefined) {
      this.#zero = zero
      this.#builder.zero = zero
    }
    this.#lastTime = time
    if (this.#layout.host !== undefined) this.#sources.note('host of the record', this.#layout.host)
    if (this.#layout.hasNoCpu === true) this.#noticed.count('cpu-not-printed', this.#place())
    if (stamp.digits > this.#finest) this.#finest = stamp.digits
    if (relative && this.#noticed.of('relative-stamps') === 0) this.#noticed.count('relative-stamps', this.#place())
    if (!this.#isUnderWay || this.#losses.length > 0) this.#addLosses(time)
    this.#eventLines++
    return time
  }

  /** Adds the event of which that reader has read the payload. */
  #addKnown(reading: PayloadReader, time: number): void {
    const { cpu, pid } = this.#head
    reading.store(this.#builder, time, cpu, pid, this.places.comm, this.#head.context(this.#header.contextColumn))
    if (reading.unknownGfp > 0) this.#noticed.count('unknown-gfp-flag', this.#place(), reading.unknownGfp)
    if (reading.assumedGfp) this.#noticed.count('assumed-gfp-bits', this.#place())
    if (reading.lacksGfp) this.#noticed.count('gfp-not-printed', this.#place())
  }

  /** Keeps an event that no kind describes, its payload as text. */
  #addOther(time: number, called: number): void {
    const { cpu, pid, payloadFrom, payloadTo } = this.#head
    const { other } = this.#builder.tables
    const slot = other.push()
    const { name, fields } = other.column
    name.data[slot] = called
    fields.data[slot] = this.#payloads.get(payloadFrom, payloadTo)
    this.#builder.add(
      time,
      cpu,
      pid,
      this.places.comm,
      this.#head.context(this.#header.contextColumn),
      Kind.other,
      slot,
    )
  }

  #readComment(text: string): void {
    if (this.#isUnderWay) this.#sources.noteHeader(text)
    const { startedCpu, overwritten } = this.#header.read(text)
    if (startedCpu !== undefined) {
      this.#eventLines++
      this.#losses.push({ cpu: startedCpu, count: undefined })
      return
    }
    this.#comments++
    if (overwritten > 0) this.#noticed.count('overwritten-events', this.#place(), overwritten)
  }

  /** A head, but no event's name behind it. */
  #readNameless(to: number, ended: boolean, zero: number): void {
    const odd = this.#layout.nameless(this.#text(this.#head.bodyFrom, to))
    if (odd === undefined) this.#skip(ended ? 'unparsed-line' : 'truncated-line')
    else if (odd.is === 'loss' && odd.now === true) this.#addLoss(this.#takeTime(zero), odd)
    else this.#takeOdd(odd)
  }

  #takeOdd(odd: OddLine): void {
    switch (odd.is) {
      case 'comment':
        this.#comments++
        break
      case 'loss':
        this.#eventLines++
        this.#losses.push(odd)
        break
      case 'stack':
        this.#skip('stack-line')
        if (this.#zero !== undefined) this.#beginStack(this.#head.stamp.since(this.#zero))
        break
      case 'frame':
        if (odd.symbol !== undefined && this.#stack.take(odd.symbol)) this.#eventLines++
        else this.#skip('stack-line')
        break
      case 'skipped':
        this.#skip(odd.cause)
    }
  }

  #beginStack(time: number): void {
    const { cpu, pid } = this.#head
    this.#stack.begin(time, cpu, pid, this.places.comm, this.#head.context(this.#header.contextColumn))
  }

  #skip(cause: Skipped): void {
    this.#skipped.count(cause, this.#place())
  }

  #addLosses(time: number): void {
    const { overwritten } = this.#header
    // The header counts over all CPUs; the loss is put before the first event, on its CPU.
    if (overwritten > 0 && !this.#isUnderWay) this.#addLoss(time, { cpu: this.#head.cpu, count: overwritten })
    this.#isUnderWay = true
    for (const loss of this.#losses) this.#addLoss(time, loss)
    this.#losses = []
  }

  #addLoss(time: number, { cpu, count }: Loss): void {
    const event = { event: 'lost', time, cpu: Math.min(cpu, 0xfffe) } as const
    this.#builder.addEvent(count === undefined ? event : { ...event, count: Math.min(count, ABSENT.u32 - 1) })
  }

  #checkThatSomethingWasRead(): void {
    if (this.#skipped.total === 0 || this.#eventLines > 0) return
    const head = Buffer.from(this.#recognised.decoding.head).toString('latin1')
    throw new TraceError({ place: { file: this.#start.name }, ...this.#layout.refusal(head, this.#lineCount) })
  }

  #place() {
    return { file: this.#start.name, line: this.#lineCount }
  }

  #text(from: number, to: number): string {
    return this.#buffer.toString('utf8', from, to)
  }
}
