import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, defaultProbes, type EventBuilder, Kind } from '#events'
import { type Notice, NS_PER_SECOND, parseRelease, type Release, Tally, TraceError } from '#kernel'
import { ByteMemo } from '../byte-memo.ts'
import { CpuTimes } from '../cpu-times.ts'
import type { PieceEnd, SyncPieceReader, TraceStart } from '../format.ts'
import { StackReader } from '../stacks.ts'
import { contextOf, contextOfBits } from './context.ts'
import type { Decoder } from './decoding/index.ts'
import { Head, LONGEST_HEAD } from './head.ts'
import { Header } from './header.ts'
import type { Layout, OddLine, Skipped } from './layouts/layout.ts'
import { type LineSink, Lines, LONGEST_LINE, SCRATCH } from './lines.ts'
import { skippedLines, textNotices } from './notices.ts'
import { type PayloadReader, type Reading, readingsBy } from './payload.ts'
import { DUBIOUS_COMM, isPlanned, type Step, stepsOf } from './prefixes.ts'
import type { Recognised } from './recognise.ts'
import { Texts } from './texts.ts'
import { joined, type Pending, restOf, Stage } from './wraps.ts'

const HASH = 0x23
/** Beyond this, nanoseconds since the first event are no longer exact: such a stamp is damage. */
const LONGEST_TRACE_SECONDS = 9_000_000

/** In place of a comm's number. */
const DUBIOUS = -1

/** What no prose has: a stamp, two fields, bytes of no text. A line with it may be an event that could not be read. */
const LIKE_EVENT = /\d\.\d{6}(?:\d{3})?:|\d+us.? ?: |\w=\S+ +\w+=\S|[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]/

/** What only heads have, and where payloads have numbers in brackets too. */
const OWN_STAMP = /^\s*\[[\d:. -]*\.\d{9}\]|^\s*\d+\.\d{3,6} /
const OWN_HEAD = /\d\.\d{6}(?:\d{3})?[:\]]|\[\d{1,5}\](?: |$)/

/** Where a line says what it is of: in a log's prefix, in trace-cmd's, or in babeltrace2's own words. */
type Source = 'host' | 'file' | 'host of the record'

/** What a line is, and where it begins behind its prefix. */
type Place =
  | { readonly is: 'event'; readonly at: number; readonly step: Step | undefined }
  | { readonly is: 'odd'; readonly odd: OddLine; readonly at: number; readonly step: Step | undefined }
  | { readonly is: 'comment'; readonly at: number }
  | { readonly is: 'unknown'; readonly kind: Step['kind'] | undefined }

/** A word behind a stamp: how the event of that name is read, and the length of the name in it. */
interface Named {
  readonly reading: Reading
  readonly length: number
}

interface Loss {
  readonly cpu: number
  readonly count: number | undefined
}

/**
 * Reads texts of any layout. Events stay in the file's order.
 *
 * Law: lines = comments + lines that gave an event + the tally of skipped lines. A line that tells of a loss gives an event. The
 * header's `entries-written` above `entries-in-buffer` gives one more `lost` event, which is no line's.
 */
export class LineReader implements SyncPieceReader, LineSink {
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
  /** The machine and the file that lines say they are of. */
  readonly #sources = new Map<Source, string>()
  #idle = ABSENT_COMM
  /** DUBIOUS for names that may have taken a prefix in. */
  #comms!: ByteMemo<number>
  /** The same names as they stand. */
  #plainComms!: ByteMemo<number>
  /** Of the line in hand. */
  #comm = ABSENT_COMM
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
  #days = 0
  #lastOfDay = 0
  /** A line that may go on in the next. */
  #pending: Pending | undefined

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
    this.#remember()
  }

  /** Begins to keep in mind what texts mean: numbers of the builder's strings. */
  #remember(): void {
    const { strings } = this.#builder
    const layout = this.#layout
    this.#stack.end()
    if (layout.idle !== undefined) this.#idle = strings.add(layout.idle)
    const numberOf = (comm: string | undefined) => (comm === undefined ? ABSENT_COMM : strings.add(comm))
    this.#plainComms = new ByteMemo(this.#bytes, (text) => numberOf(layout.commOf(text)))
    this.#comms = new ByteMemo(this.#bytes, (text) => {
      const comm = layout.commOf(text)
      if ((comm !== undefined && DUBIOUS_COMM.test(comm)) || isPlanned(text, this.#recognised.plan)) return DUBIOUS
      this.#noteSource('file', layout.sourceOf(text))
      return numberOf(comm)
    })
    this.#payloads = new ByteMemo(this.#bytes, (text) => strings.add(text.trimEnd()))
    const { probes = defaultProbes } = this.#start
    const readingOf = readingsBy(new Texts(this.#bytes, this.#builder, this.#release), probes, this.#release)
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
    this.#flush()
    const joins = this.#decoder?.joins ?? 0
    this.#lineCount += joins
    if (joins > 0) this.#skipped.count('wrapped-line', this.#place(), joins)
    this.#addLosses(this.#lastTime)
    this.#checkThatSomethingWasRead()
    const { format, uname } = this.#layout
    return {
      format: this.#recognised.isMail ? `${format}, out of a mail` : format,
      tally: [...this.#skipped.entries(), ...this.#noticed.entries()],
      resolutionNs: this.#finest === 9 ? 1 : 1000,
      lines: { total: this.#lineCount, comments: this.#comments, events: this.#eventLines },
      ...(uname === undefined ? {} : { uname }),
    }
  }

  readLine(from: number, to: number, ended: boolean): void {
    this.#lineCount++
    if (this.#recognised.isWrapped) this.#takeWrapped(from, to, ended)
    else this.#readWhole(from, to, ended)
  }

  /** Reads a line that is not wrapped. */
  #readWhole(from: number, to: number, ended: boolean): void {
    if (from === to) this.#comments++
    else if (this.#bytes[from] !== HASH && this.#layout.readHead(from, to) && this.#isPlain())
      this.#readEvent(to, ended)
    else this.#readRareLine(from, to, ended)
    if (!ended && this.#skipped.of('truncated-line') === 0) this.#noticed.count('unended-line', this.#place())
    if (this.#builder.renewStrings()) this.#remember()
  }

  /** Whether the head has a name that is surely the process's own. */
  #isPlain(): boolean {
    const { commFrom, commTo, pid } = this.#head
    this.#comm = pid === 0 && this.#idle !== ABSENT_COMM ? this.#idle : this.#comms.get(commFrom, commTo)
    return this.#comm !== DUBIOUS
  }

  /** A line that is not an event from its first byte on. */
  #readRareLine(from: number, to: number, ended: boolean): void {
    const text = this.#text(from, to)
    const place = this.#placeIn(from, to)
    switch (place.is) {
      case 'event':
        this.#notePrefix(place.step, true)
        this.#readEvent(to, ended)
        break
      case 'comment':
        if (place.at > 0 || this.#bytes[from] !== HASH) this.#noticed.count('prefixed-line', this.#place())
        this.#readComment(this.#text(from + place.at, to).trimStart())
        break
      case 'odd':
        this.#notePrefix(place.step, false)
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

  /** Where a line begins behind its prefix: where the first step leaves something that can be read, with a likely name. */
  #placeIn(from: number, to: number): Place {
    const line = this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD))
    const { plan } = this.#recognised
    const layout = this.#layout
    let best: Place = { is: 'unknown', kind: undefined }
    let at = 0
    let step: Step | undefined
    const steps = stepsOf(line, plan)
    for (;;) {
      if (line[at] === '#' && !(plan.isCommented && at === 0)) return { is: 'comment', at }
      if (layout.readHead(from + at, to)) {
        if (this.#isPlain()) return { is: 'event', at, step }
        best = { is: 'event', at, step }
      } else if (best.is === 'unknown') {
        if (/^[ \t]+#/.test(line.slice(at))) return { is: 'comment', at }
        if (
          at > 0 &&
          line.slice(at).trim() === '' &&
          !line.includes('-') &&
          best.kind !== 'log' &&
          step?.kind !== 'log'
        )
          return { is: 'odd', odd: { is: 'comment' }, at, step: undefined }
        // A step may have taken the blanks that a line begins with.
        const odd = layout.odd(at === 0 ? this.#text(from, to) : ` ${this.#text(from + at, to)}`)
        // Behind one more step there may be an event.
        if (odd?.is === 'skipped') best = { is: 'odd', odd, at, step }
        else if (odd !== undefined) return { is: 'odd', odd, at, step }
        else best = { is: 'unknown', kind: best.kind === 'log' ? best.kind : step?.kind }
      }
      const next = steps.next()
      if (next.done === true) break
      step = next.value
      at = step.at
    }
    if (best.is !== 'event') return best
    // No name is likely: the shortest is taken as it stands.
    layout.readHead(from + best.at, to)
    const { commFrom, commTo } = this.#head
    this.#comm = this.#plainComms.get(commFrom, commTo)
    return best
  }

  /** Keeps a line in hand until the next says whether it goes on there. */
  #takeWrapped(from: number, to: number, ended: boolean): void {
    const pending = this.#pending
    const line = this.#buffer.toString('latin1', from, to)
    if (pending !== undefined && line.trim() !== '' && this.#joins(pending, line, from, to)) return
    const place = line.trim() === '' ? undefined : this.#placeIn(from, to)
    this.#flush()
    const rest = restOf(line, '')
    if (place?.is === 'event') {
      this.#notePrefix(place.step, true)
      const text = line.slice(place.at)
      const prefix = line.slice(0, place.at)
      this.#pending = { text, prefix, width: to - from, line: this.#lineCount, ended }
    } else if (place?.is === 'unknown' && this.#layout.mayBegin(rest)) {
      const prefix = line.slice(0, line.length - rest.length)
      this.#pending = { text: rest, prefix, width: to - from, line: this.#lineCount, ended }
    } else this.#readWhole(from, to, ended)
  }

  /** Joins a line to the one in hand, if it is the rest of it. */
  #joins(pending: Pending, line: string, from: number, to: number): boolean {
    const { width } = this.#recognised
    const stage = this.#stageOf(pending.text)
    const place = this.#placeIn(from, to)
    if (place.is === 'comment' || (place.is === 'event' && (stage > Stage.none || !this.#isTaskless(from, to))))
      return false
    if (place.is === 'odd' && place.odd.is !== 'frame' && place.odd.is !== 'skipped') return false
    const rest = restOf(line, pending.prefix)
    // A line with a stamp or a CPU of its own is no rest of an event that has them.
    if (rest.trim() === '' || (stage > Stage.none && (this.#layout.isBracketed ? OWN_STAMP : OWN_HEAD).test(rest)))
      return false
    const text = joined(pending.text, rest, {
      stageOf: (candidate) => this.#stageOf(candidate),
      isCutByWidth: pending.width === width && place.is === 'unknown',
      isBracketed: this.#layout.isBracketed,
    })
    if (text === undefined || text.length > LONGEST_LINE) return false
    this.#pending = { ...pending, text, width: to - from }
    this.#skip('wrapped-line')
    return true
  }

  /** Whether an event's head is only the rest of one. */
  #isTaskless(from: number, to: number): boolean {
    return this.#layout.readHead(from, to) && this.#head.pid === ABSENT_PID
  }

  #put(text: string): number {
    return SCRATCH + this.#buffer.write(text, SCRATCH, LONGEST_LINE, 'latin1')
  }

  /** How far a text reads as an event. */
  #stageOf(text: string): number {
    const to = this.#put(text)
    this.#bytes[to] = 0
    const isWhole = this.#layout.isWhole(text)
    if (!this.#layout.readHead(SCRATCH, to)) return Stage.none
    const reading = this.#readName(to)
    if (reading === undefined) return Stage.head
    if (!isWhole) return Stage.name
    const { payloadFrom, payloadTo } = this.#head
    return typeof reading === 'object' && !reading.read(payloadFrom, payloadTo) ? Stage.name : Stage.whole
  }

  /** Reads the line in hand. */
  #flush(): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    const count = this.#lineCount
    this.#lineCount = pending.line
    const to = this.#put(pending.text)
    this.#bytes[to] = 0
    this.#readWhole(SCRATCH, to, pending.ended)
    this.#lineCount = count
  }

  #notePrefix(step: Step | undefined, isEvent: boolean): void {
    if (step === undefined) return
    this.#noticed.count('prefixed-line', this.#place())
    if (isEvent) this.#noteSource('host', step.host)
  }

  skipLongLine(): void {
    this.#lineCount++
    this.#skip('overlong-line')
  }

  #readEvent(to: number, ended: boolean): void {
    const head = this.#head
    this.#stack.end()
    if (head.isOfDay) this.#countDays()
    const { seconds, digits } = head.stamp
    const zero = this.#zero ?? seconds
    if (digits === 0 || Math.abs(seconds - zero) > LONGEST_TRACE_SECONDS) {
      this.#refuseStamp()
      return
    }
    const reading = this.#readName(to)
    if (reading === undefined) {
      this.#readNameless(to, ended, zero)
      return
    }
    if (reading === 'sample') {
      this.#skip('other-sample')
      return
    }
    const isKnown = typeof reading !== 'number' && reading.read(head.payloadFrom, head.payloadTo)
    // A name of a flag that no table knows is, at the very end, a known one cut short.
    const isWhole = ended || typeof reading === 'number' || (isKnown && reading.unknownGfp === 0 && !reading.lacksGfp)
    if (isWhole) this.#addEvent(reading, isKnown, zero)
    else this.#skip('truncated-line')
  }

  /** Times of day begin again at midnight. */
  #countDays(): void {
    const { stamp } = this.#head
    if (stamp.seconds < this.#lastOfDay - 43_200) this.#days++
    this.#lastOfDay = stamp.seconds
    stamp.seconds += this.#days * 86_400
  }

  #readName(to: number): Reading | 'sample' | undefined {
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
      this.#noticed.count('unread-payload', this.#place())
      const { nameFrom, nameTo } = this.#head
      this.#addOther(time, this.#builder.strings.add(this.#text(nameFrom, nameTo)))
    }
    if (this.#layout.hasStackBehindEvent) this.#beginStack(time)
  }

  #timeSince(zero: number): number {
    const { seconds, nanoseconds } = this.#head.stamp
    return (seconds - zero) * NS_PER_SECOND + nanoseconds
  }

  #takeTime(zero: number): number {
    const { relative, stamp, cpu } = this.#head
    const time = this.#timeSince(zero)
    if (this.#times.goBack(cpu, time)) this.#noticed.count('time-backwards', this.#place())
    if (this.#zero === undefined) {
      this.#zero = zero
      this.#builder.zero = zero
    }
    this.#lastTime = time
    if (this.#layout.host !== undefined) this.#noteSource('host of the record', this.#layout.host)
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
    reading.store(this.#builder, time, cpu, pid, this.#comm, this.#context())
    if (reading.unknownGfp > 0) this.#noticed.count('unknown-gfp-flag', this.#place(), reading.unknownGfp)
    if (reading.assumedGfp) this.#noticed.count('assumed-gfp-bits', this.#place())
    if (reading.lacksGfp) this.#noticed.count('gfp-not-printed', this.#place())
  }

  #context(): number {
    const { flagsFrom, flagsTo, flagBits } = this.#head
    if (flagBits >= 0) return contextOfBits(flagBits)
    if (flagsFrom === flagsTo) return ABSENT_CONTEXT
    const column = Math.min(flagsFrom + this.#header.contextColumn, flagsTo - 1)
    return contextOf(this.#bytes[flagsFrom]!, this.#bytes[column]!)
  }

  /** Keeps an event that no kind describes, its payload as text. */
  #addOther(time: number, called: number): void {
    const { cpu, pid, payloadFrom, payloadTo } = this.#head
    const { other } = this.#builder.tables
    const slot = other.push()
    const { name, fields } = other.column
    name.data[slot] = called
    fields.data[slot] = this.#payloads.get(payloadFrom, payloadTo)
    this.#builder.add(time, cpu, pid, this.#comm, this.#context(), Kind.other, slot)
  }

  #readComment(text: string): void {
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
        if (this.#zero !== undefined) this.#beginStack(this.#timeSince(this.#zero))
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
    this.#stack.begin(time, cpu, pid, this.#comm, this.#context())
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

  /** Events of two machines have nothing to do with each other: neither pages nor CPUs nor times. */
  #noteSource(kind: Source, source: string | undefined): void {
    if (source === undefined) return
    const one = this.#sources.get(kind)
    if (one === undefined) this.#sources.set(kind, source)
    if (one === undefined || one === source) return
    throw new TraceError({
      place: this.#place(),
      what: `the text holds the traces of two machines or files, "${one}" and "${source}", which can't be read as one`,
      hint: `Read each by itself: \`trace-cmd report -i FILE\`, or keep the lines of one with \`grep ${one}\`.`,
    })
  }

  /** A stamp with no unit makes the whole file unusable, unless it is one damaged line among others. */
  #refuseStamp(): void {
    if (this.#zero !== undefined) {
      this.#skip('unparsed-line')
      return
    }
    throw new TraceError({
      place: this.#place(),
      what: 'the stamps are whole numbers without a unit, as the trace clocks "counter", "uptime" and "x86-tsc" make them',
      hint: 'record with a clock in seconds: `trace-cmd record -C mono …`, or `echo mono > trace_clock`; trace-cmd report: leave --raw-ts out',
    })
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
