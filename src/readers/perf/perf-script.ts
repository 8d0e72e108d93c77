import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, defaultProbes, type EventBuilder, Kind } from '#events'
import { NS_PER_SECOND, parseRelease, Tally, TraceError } from '#kernel'
import { CpuTimes } from '../cpu-times.ts'
import { inPieces, type PieceEnd, type SyncPieceReader, type TraceStart } from '../format.ts'
import { StackReader } from '../stacks.ts'
import { ByteMemo } from '../text/byte-memo.ts'
import { KnownHeads } from '../text/known-heads.ts'
import { controlFrom, type LineSink, Lines, newlineAt } from '../text/lines.ts'
import { skippedLines, textNotices } from '../text/notices.ts'
import { type PayloadReader, type Reading, readingsBy, Texts } from '../text/payload.ts'
import { scriptLines } from './notices.ts'
import { NO_PID, payloadEnd, ScriptHead } from './script-head.ts'

/** What `perf script` prints, best with `--ns` for whole nanoseconds. */
export const perfScript = inPieces('perf script', isPerfScript, (start) => new ScriptReader(start))

const NEWLINE = 0x0a
const SPACE = 0x20
const HASH = 0x23
const OPEN = 0x28
const CLOSE = 0x29
const LINES_SNIFFED = 200
const HEADER = 16 * 1024
/** Beyond this, nanoseconds since the first event are no longer exact: such a stamp is damage. */
const LONGEST_TRACE_SECONDS = 9_000_000

const LOST = /^PERF_RECORD_LOST(?:_SAMPLES)? lost (\d{1,16})\s*$/
/** A function of a call chain: its address, and its name where perf knows it. */
const STACK_LINE = /^\s+([0-9a-f]{6,16})(?: (\S+)|\s*$)/
/** Of the kernel's; those of user space are no callers of the allocator. */
const KERNEL_ADDRESS = /^(?:f[0-9a-f]{15}|[c-f][0-9a-f]{7})$/
/** Records, and what `perf script -D` prints below each. */
const RECORD_LINE = /PERF_RECORD_[A-Z]|^\s*\.+(?: |$)|^0x[0-9a-f]+(?:@.*)? \[0x[0-9a-f]+\]: /
/** An event without `[cpu]` or without its stamp, as some sets of fields make it. */
const BARE_EVENT = /^(?:.*?\s)?(?:(\d+\.(?:\d{6}|\d{9})):)?\s*(?:\d+\s+)?[a-z]\w*:[a-z_]\w+:(?:[a-zA-Z]+:)?\s/
/** As `ScriptHead.readName` reads it; with a name of the letters of modifiers only it is not one for sure. */
const TRACEPOINT = /^[a-zA-Z][\w.-]*:(?![ukhpPGHSDIebW]*:)([\w.-]+):$/
const FIELDS = 'perf script --ns -F comm,tid,cpu,time,event,trace'

function isPerfScript(head: Uint8Array): boolean {
  const reader = new ScriptHead(head)
  const text = Buffer.from(head.buffer, head.byteOffset, head.length)
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < head.length; line++) {
    const newline = head.indexOf(NEWLINE, from)
    const to = newline < 0 ? head.length : newline
    const start = text.toString('latin1', from, Math.min(to, from + 200))
    if (line === 0 && start.startsWith('# kreplay-events/')) return false
    if (reader.read(from, to) && (reader.readName(to) === 'tracepoint' || isRecordLine(text, reader.bodyFrom, to)))
      return true
    if (isBareEvent(start)) return true
    from = to + 1
  }
  return false
}

const isRecordLine = (text: Buffer, from: number, to: number): boolean =>
  text
    .toString('latin1', from, Math.min(to, from + 40))
    .trimStart()
    .startsWith('PERF_RECORD_')

/** Other text may hold `a:b: ` too, so where the line has no stamp it must begin with it. */
function isBareEvent(line: string): boolean {
  const match = BARE_EVENT.exec(line)
  if (match === null) return false
  return match[1] !== undefined
    ? !/\[\d+\]/.test(match[0])
    : /^(?:.{0,60}\[\d{3,5}\])?\s*(?:kmem|rcu|workqueue|vmscan|probe):\w+: /.test(line)
}

type Skipped = keyof typeof skippedLines | keyof typeof scriptLines

/** Law: lines = comments + lines that gave an event + the tally of skipped lines. A line that tells of a loss gives an event. */
class ScriptReader implements SyncPieceReader, LineSink {
  readonly #start: TraceStart
  readonly #lines = new Lines()
  readonly #bytes = this.#lines.bytes
  readonly #buffer = Buffer.from(this.#bytes.buffer)
  readonly #builder: EventBuilder
  readonly #skipped = new Tally<Skipped>({ ...skippedLines, ...scriptLines })
  readonly #times = new CpuTimes()
  readonly #noticed = new Tally<keyof typeof textNotices>(textNotices)
  readonly #knownHeads = new KnownHeads(this.#bytes)
  readonly #head = new ScriptHead(this.#bytes, this.#knownHeads)
  readonly #uname: string | undefined
  readonly #stack: StackReader
  #comms!: ByteMemo<number>
  #readings!: ByteMemo<Reading>
  /** Of events that no kind describes. */
  #payloads!: ByteMemo<number>
  /** By group and name with their colons; undefined for words that are not just that. */
  #names!: ByteMemo<{ readonly reading: Reading; readonly length: number } | undefined>
  #idle = ABSENT_COMM
  #lineCount = 0
  #comments = 0
  #eventLines = 0
  /** Lines that are events, but lack CPU or stamp. */
  #bare = 0
  #zero: number | undefined
  #finest = 6

  constructor(start: TraceStart) {
    this.#start = start
    this.#builder = start.builder
    this.#stack = new StackReader(start.builder)
    this.#uname = unameOf(Buffer.from(start.head.subarray(0, HEADER)).toString('latin1'))
    this.#remember()
  }

  /** Begins to keep in mind what texts mean: numbers of the builder's strings. */
  #remember(): void {
    const { strings } = this.#builder
    this.#stack.end()
    this.#knownHeads.forgetComms()
    this.#idle = strings.add('<idle>')
    // A process whose name perf does not know stands as `:505`.
    this.#comms = new ByteMemo(this.#bytes, (text) =>
      text === '' || /^:-?\d+$/.test(text) ? ABSENT_COMM : strings.add(text),
    )
    const release = this.#start.release ?? (this.#uname === undefined ? undefined : parseRelease(this.#uname))
    this.#payloads = new ByteMemo(this.#bytes, (text) => strings.add(text))
    const { probes = defaultProbes } = this.#start
    const readingOf = readingsBy(new Texts(this.#bytes, this.#builder, release), probes)
    this.#readings = new ByteMemo(this.#bytes, readingOf)
    this.#names = new ByteMemo(this.#bytes, (word) => {
      const [, name] = TRACEPOINT.exec(word) ?? []
      return name === undefined ? undefined : { reading: readingOf(name), length: name.length }
    })
  }

  push(piece: Uint8Array): void {
    this.#lines.push(piece, this)
  }

  end(): PieceEnd {
    this.#lines.push(new Uint8Array(0), this, true)
    this.#checkThatSomethingWasRead()
    return {
      format: 'perf script text',
      tally: [...this.#skipped.entries(), ...this.#noticed.entries()],
      resolutionNs: this.#finest === 9 ? 1 : 1000,
      lines: { total: this.#lineCount, comments: this.#comments, events: this.#eventLines },
      ...(this.#uname === undefined ? {} : { uname: this.#uname }),
    }
  }

  readLine(from: number, to: number, ended: boolean): void {
    this.#lineCount++
    if (from === to || this.#bytes[from] === HASH) this.#comments++
    else if (this.#head.read(from, to)) this.#readEvent(to, ended)
    else this.#readOddLine(this.#text(from, to), ended)
    if (!ended && this.#skipped.of('truncated-line') === 0) this.#noticed.count('unended-line', this.#place())
    if (this.#builder.renewStrings()) this.#remember()
  }

  readKnown(from: number): number {
    const head = this.#head
    const names = this.#names
    const zero = this.#zero
    if (zero === undefined || !head.readKnown(from)) return -1
    if (Math.abs(head.stamp.seconds - zero) > LONGEST_TRACE_SECONDS) return -1
    const reading = names.upToBlank(head.wordFrom())?.reading
    let at = names.end
    while (this.#bytes[at] === SPACE) at++
    if (reading === undefined || this.#bytes[at] === OPEN) return -1
    const end = typeof reading === 'number' ? controlFrom(this.#bytes, at) : reading.readKnown(at)
    const newline = end < 0 ? -1 : newlineAt(this.#bytes, from, end)
    if (newline < 0 || payloadEnd(this.#bytes, at, end) !== end) return -1
    this.#lineCount++
    const time = this.#takeTime(zero)
    if (typeof reading === 'number') this.#addOther(time, reading, at, end)
    else this.#addKnown(reading, time)
    if (this.#builder.renewStrings()) this.#remember()
    return newline
  }

  skipLongLine(): void {
    this.#lineCount++
    this.#skip('overlong-line')
  }

  #readEvent(to: number, ended: boolean): void {
    const head = this.#head
    this.#stack.end()
    const zero = this.#zero ?? head.stamp.seconds
    const named = this.#names.upToBlank(head.wordFrom())
    const isTracepoint = named !== undefined && this.#names.end <= to
    if (isTracepoint) head.takeName(this.#names.end, named.length, to)
    const name = isTracepoint ? 'tracepoint' : head.readName(to)
    if (Math.abs(head.stamp.seconds - zero) > LONGEST_TRACE_SECONDS) this.#skip('unparsed-line')
    else if (name === 'other') this.#skip('other-sample')
    else if (name === undefined) this.#readRecordLine(zero, to, ended)
    else {
      const from = this.#payloadFrom(to)
      const end = payloadEnd(this.#bytes, from, to)
      const reading = isTracepoint ? named.reading : this.#readings.get(head.nameFrom, head.nameTo)
      const isKnown = typeof reading !== 'number' && reading.read(from, end)
      // A name of a flag that no table knows is, at the very end, a known one cut short.
      const isWhole = ended || typeof reading === 'number' || (isKnown && reading.unknownGfp === 0 && !reading.lacksGfp)
      if (isWhole) this.#addEvent(reading, isKnown, zero, from, end)
      else this.#skip('truncated-line')
    }
  }

  /** Old perf puts `(function+0x12)` before the payload. */
  #payloadFrom(to: number): number {
    const bytes = this.#bytes
    const from = this.#head.payloadFrom
    if (bytes[from] !== OPEN) return from
    let at = from
    while (at < to && bytes[at] !== CLOSE && bytes[at] !== SPACE) at++
    if (bytes[at] !== CLOSE || !this.#text(from, at).includes('+0x')) return from
    at++
    while (at < to && bytes[at] === SPACE) at++
    return at
  }

  #addEvent(reading: Reading, isKnown: boolean, zero: number, from: number, end: number): void {
    const time = this.#takeTime(zero)
    if (typeof reading === 'number') this.#addOther(time, reading, from, end)
    else if (isKnown) this.#addKnown(reading, time)
    else {
      this.#noticed.count('unread-payload', this.#place())
      const { nameFrom, nameTo } = this.#head
      this.#addOther(time, this.#builder.strings.add(this.#text(nameFrom, nameTo)), from, end)
    }
  }

  /** Keeps an event that no kind describes, its payload as text. */
  #addOther(time: number, called: number, from: number, end: number): void {
    const { other } = this.#builder.tables
    const slot = other.push()
    const { name, fields } = other.column
    name.data[slot] = called
    fields.data[slot] = this.#payloads.get(from, end)
    const [cpu, pid, comm] = [this.#head.cpu, this.#pid(), this.#comm()]
    this.#builder.add(time, cpu, pid, comm, ABSENT_CONTEXT, Kind.other, slot)
    this.#stack.begin(time, cpu, pid, comm, ABSENT_CONTEXT)
  }

  /** Adds the event of which that reader has read the payload. */
  #addKnown(reading: PayloadReader, time: number): void {
    const { cpu } = this.#head
    const pid = this.#pid()
    const comm = this.#comm()
    reading.store(this.#builder, time, cpu, pid, comm, ABSENT_CONTEXT)
    this.#stack.begin(time, cpu, pid, comm, ABSENT_CONTEXT)
    if (reading.unknownGfp > 0) this.#noticed.count('unknown-gfp-flag', this.#place(), reading.unknownGfp)
    if (reading.assumedGfp) this.#noticed.count('assumed-gfp-bits', this.#place())
    if (reading.lacksGfp) this.#noticed.count('gfp-not-printed', this.#place())
  }

  #pid(): number {
    const { pid } = this.#head
    return pid === NO_PID ? ABSENT_PID : pid
  }

  #comm(): number {
    return this.#head.pid === 0 ? this.#idle : this.#knownHeads.commOf(this.#head, this.#comms)
  }

  #takeTime(zero: number): number {
    const { seconds, nanoseconds, digits } = this.#head.stamp
    if (this.#zero === undefined) {
      this.#zero = zero
      this.#builder.zero = zero
    }
    if (digits > this.#finest) this.#finest = digits
    this.#eventLines++
    const time = (seconds - zero) * NS_PER_SECOND + nanoseconds
    if (this.#times.goBack(this.#head.cpu, time)) this.#noticed.count('time-backwards', this.#place())
    return time
  }

  /** A stamp, but no event's name behind it: a record about a process, or a loss. */
  #readRecordLine(zero: number, to: number, ended: boolean): void {
    const text = this.#text(this.#head.bodyFrom, to).trimStart()
    const [, lost] = LOST.exec(text) ?? []
    if (lost !== undefined) {
      const time = this.#takeTime(zero)
      this.#builder.addEvent({
        event: 'lost',
        time,
        cpu: this.#head.cpu,
        count: Math.min(Number(lost), ABSENT.u32 - 1),
      })
    } else if (text.startsWith('PERF_RECORD_')) this.#skip('perf-record-line')
    else this.#skip(ended ? 'unparsed-line' : 'truncated-line')
  }

  /** A line with no head of an event. */
  #readOddLine(text: string, ended: boolean): void {
    if (text.trim() === '') this.#comments++
    else if (LOST_AT_LARGE.test(text)) this.#skip('lost-line')
    else if (STACK_LINE.test(text)) this.#readFrame(STACK_LINE.exec(text)!)
    else if (RECORD_LINE.test(text)) this.#skip('perf-record-line')
    else {
      if (isBareEvent(text.slice(0, 200))) this.#bare++
      this.#skip(ended ? 'unparsed-line' : 'truncated-line')
    }
  }

  #readFrame([, address = '', symbol]: RegExpExecArray): void {
    const isCaller = symbol !== undefined && symbol !== '[unknown]' && KERNEL_ADDRESS.test(address)
    if (isCaller && this.#stack.take(symbol)) this.#eventLines++
    else this.#skip('stack-line')
  }

  #skip(cause: Skipped): void {
    this.#skipped.count(cause, this.#place())
  }

  #checkThatSomethingWasRead(): void {
    if (this.#eventLines > 0 || this.#skipped.total === 0) return
    const bare = this.#bare > 0
    throw new TraceError({
      place: { file: this.#start.name },
      what: bare
        ? `the events have no CPU or no time: perf script printed other fields`
        : `not one of ${this.#lineCount} lines is a tracepoint in the layout of perf script`,
      hint: bare ? `Print them: ${FIELDS}.` : "Record tracepoints: perf record -a -e 'kmem:*' -e 'rcu:*'.",
    })
  }

  #place() {
    return { file: this.#start.name, line: this.#lineCount }
  }

  #text(from: number, to: number): string {
    return this.#buffer.toString('utf8', from, to)
  }
}

/** Losses of which neither time nor CPU is told: `perf script -D`, and what perf says on standard error. */
const LOST_AT_LARGE = /PERF_RECORD_LOST(?:_SAMPLES)? lost \d|\blost \d+ (?:chunks|samples)/

/** From `perf script --header`. */
function unameOf(head: string): string | undefined {
  const line = (name: string): string | undefined => new RegExp(`^# ${name} : (.*\\S)`, 'm').exec(head)?.[1]
  const release = line('os release')
  if (release === undefined) return undefined
  return ['Linux', line('hostname') ?? '', release, line('arch') ?? ''].filter((part) => part !== '').join(' ')
}
