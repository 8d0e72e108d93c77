import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, defaultProbes, type EventBuilder, Kind } from '#events'
import { NS_PER_SECOND, Tally, TraceError } from '#kernel'
import { CpuTimes } from '../cpu-times.ts'
import type { PieceEnd, SyncPieceReader, TraceStart } from '../format.ts'
import { StackReader } from '../stacks.ts'
import { plainPayload } from './babeltrace.ts'
import { ByteMemo } from './byte-memo.ts'
import { contextOf, contextOfBits } from './context.ts'
import { HeadReader } from './head.ts'
import { KnownHeads } from './known-heads.ts'
import { controlFrom, type LineSink, Lines, newlineAt } from './lines.ts'
import { isMail, MailUnwrapper } from './mail.ts'
import { skippedLines, textNotices } from './notices.ts'
import { BabeltraceHeads, type OtherHead, otherHead, PRINTK } from './other-heads.ts'
import { type PayloadReader, type Reading, readingsBy } from './payload.ts'
import { Texts } from './texts.ts'

const SPACE = 0x20
const HASH = 0x23
/** Beyond this, nanoseconds since the first event are no longer exact: such a stamp is damage. */
const LONGEST_TRACE_SECONDS = 9_000_000

const LOST = /^(?:\S+:\s+)?CPU:(\d{1,5}) \[(?:LOST (?:(\d{1,10}) )?EVENTS|(\d{1,10}) EVENTS DROPPED)\]\s*$/
const BUFFER_STARTED = /^##### CPU (\d{1,5}) buffer started ####\s*$/
const BUFFER_ENTRIES = /^# entries-in-buffer\/entries-written: (\d{1,15})\/(\d{1,15})/
/** Behind the stamp. trace-cmd prints the event's name too. */
const STACK_HEAD = /^\s*(?:kernel_stack:\s*)?<stack trace ?>/
const REPORT_HEADER = /^(?:\S+:\s+)?(?:version = \d+|cpus=\d+)\s*$/
/** As `HeadReader.readName` reads it. */
const NAME = /^[a-zA-Z0-9_.]+:$/
const STACK_LINE = /^\s*=> +(\S+)/
/** How the name `kernel_stack`, which trace-cmd prints, is read on. No string has this number. */
const STACK = -1

interface Loss {
  readonly cpu: number
  readonly count: number | undefined
}

/** What of a text the reader can't tell from its lines. */
interface Layout {
  readonly format: string
  /** Reads the heads that are not ftrace's usual ones. */
  readonly otherHead: (line: string) => OtherHead | undefined
  readonly isMail?: boolean
  /** Makes a line's payload into what ftrace writes, in place. */
  readonly prepare?: (bytes: Uint8Array, from: number, to: number) => void
}

/**
 * Reads `trace`, `trace_pipe` and `trace-cmd report` text, dumps on a console, and all of these out of a mail: they differ in
 * padding, in digits of the stamp, in flag columns and in how losses are written, and one reader takes them all. Events stay in
 * the file's order.
 *
 * Law: lines = comments + lines that gave an event + the tally of `skippedLines`. A line that tells of a loss gives an event.
 * The header's `entries-written` above `entries-in-buffer` gives one more `lost` event, which is no line's.
 */
export function openText(start: TraceStart, format: string): SyncPieceReader {
  return isMail(start.head)
    ? new TextReader(start, { format: `${format}, out of a mail`, otherHead, isMail: true })
    : new TextReader(start, { format, otherHead })
}

/** Reads what babeltrace2 prints of LTTng's and perf's CTF traces. */
export function openBabeltrace(start: TraceStart, format: string): SyncPieceReader {
  const heads = new BabeltraceHeads()
  return new TextReader(start, { format, otherHead: (line) => heads.read(line), prepare: plainPayload })
}

/** What a text without one readable event is, where ftrace can print so. */
function otherLayout(text: string): { what: string; hint: string } | undefined {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.some((line) => /^\w+: \w+/.test(line)))
    return {
      what: 'the events have no time and no CPU, so their order is all that is known',
      hint: 'record again after `echo 1 > options/context-info`',
    }
  if (lines.some((line) => /^\d+ \d+ \d+ type: \d+|^(?:[0-9a-f]{2,16} ){3}/.test(line)) || text.includes('\0'))
    return {
      what: 'the events are printed raw, as hex or as binary, without their fields',
      hint: 'record again after `echo 0 > options/raw`, and the same for `hex` and `bin`; or use trace-cmd',
    }
  return undefined
}

class TextReader implements SyncPieceReader, LineSink {
  readonly #start: TraceStart
  readonly #layout: Layout
  readonly #lines = new Lines()
  readonly #bytes = this.#lines.bytes
  readonly #buffer = Buffer.from(this.#bytes.buffer)
  readonly #builder: EventBuilder
  readonly #skipped = new Tally<keyof typeof skippedLines>(skippedLines)
  readonly #noticed = new Tally<keyof typeof textNotices>(textNotices)
  readonly #knownHeads = new KnownHeads(this.#bytes)
  readonly #head: HeadReader
  readonly #mail: MailUnwrapper | undefined
  readonly #stack: StackReader
  #comms!: ByteMemo<number>
  #readings!: ByteMemo<Reading>
  /** Of events that no kind describes. */
  #payloads!: ByteMemo<number>
  /** By the name with its colon; undefined for words that are not just that. */
  #names!: ByteMemo<Reading | undefined>
  #lineCount = 0
  #comments = 0
  #eventLines = 0
  /** Losses wait for the next event, which tells their time. */
  #losses: Loss[] = []
  #overwritten = 0
  /** Whether the first event is read. */
  #isUnderWay = false
  #zero: number | undefined
  #lastTime = 0
  readonly #times = new CpuTimes()
  #finest = 6
  /** Columns of the flags, as far as the header has named them. */
  #flagColumns = 0
  #contextColumn = 2

  constructor(start: TraceStart, layout: Layout) {
    this.#start = start
    this.#layout = layout
    this.#builder = start.builder
    this.#head = new HeadReader(this.#bytes, layout.otherHead, this.#knownHeads)
    this.#stack = new StackReader(start.builder)
    this.#mail = layout.isMail === true ? new MailUnwrapper(this.#bytes) : undefined
    this.#remember()
  }

  /** Begins to keep in mind what texts mean: numbers of the builder's strings. */
  #remember(): void {
    const { strings } = this.#builder
    this.#stack.end()
    this.#knownHeads.forgetComms()
    this.#comms = new ByteMemo(this.#bytes, (text) => {
      // trace-cmd puts the instance's or the file's name in front: `kmemrec:             bash-8436`.
      const comm = text.replace(/^\S+: {2,}/, '')
      return comm === '<...>' || comm === '' ? ABSENT_COMM : strings.add(comm)
    })
    this.#payloads = new ByteMemo(this.#bytes, (text) => strings.add(text.trimEnd()))
    const { release, probes = defaultProbes } = this.#start
    const known = readingsBy(new Texts(this.#bytes, this.#builder, release), probes)
    const readingOf = (name: string): Reading => (name === 'kernel_stack' ? STACK : known(name))
    this.#readings = new ByteMemo(this.#bytes, readingOf)
    this.#names = new ByteMemo(this.#bytes, (word) => (NAME.test(word) ? readingOf(word.slice(0, -1)) : undefined))
  }

  push(piece: Uint8Array): void {
    this.#lines.push(piece, this, false, this.#mail)
  }

  end(): PieceEnd {
    this.#lines.push(new Uint8Array(0), this, true, this.#mail)
    this.#addLosses(this.#lastTime)
    this.#checkThatSomethingWasRead()
    return {
      format: this.#layout.format,
      tally: [...this.#skipped.entries(), ...this.#noticed.entries()],
      resolutionNs: this.#finest === 9 ? 1 : 1000,
      lines: { total: this.#lineCount, comments: this.#comments, events: this.#eventLines },
    }
  }

  readLine(from: number, to: number, ended: boolean): void {
    this.#lineCount++
    this.#layout.prepare?.(this.#bytes, from, to)
    if (from === to) this.#comments++
    else if (this.#bytes[from] === HASH) this.#readComment(from, to)
    else if (!this.#head.read(from, to)) this.#readOddLine(from, to, ended)
    else this.#readEvent(to, ended)
    if (this.#mail !== undefined) this.#countJoins(this.#mail.takeJoins(to))
    if (!ended && this.#skipped.of('truncated-line') === 0) this.#noticed.count('unended-line', this.#place())
    if (this.#builder.renewStrings()) this.#remember()
  }

  readKnown(from: number): number {
    const head = this.#head
    const names = this.#names
    const zero = this.#zero
    if (zero === undefined || this.#layout.prepare !== undefined || !head.readKnown(from)) return -1
    const { seconds, digits } = head.stamp
    if (digits === 0 || Math.abs(seconds - zero) > LONGEST_TRACE_SECONDS) return -1
    const reading = names.upToBlank(head.wordFrom())
    if (reading === undefined || reading === STACK) return -1
    let at = names.end
    while (this.#bytes[at] === SPACE) at++
    const end = typeof reading === 'number' ? controlFrom(this.#bytes, at) : reading.readKnown(at)
    const newline = end < 0 ? -1 : newlineAt(this.#bytes, from, end)
    if (newline < 0) return -1
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

  #countJoins(joins: number): void {
    for (let join = 0; join < joins; join++) {
      this.#lineCount++
      this.#skip('wrapped-line')
    }
  }

  #readEvent(to: number, ended: boolean): void {
    const head = this.#head
    this.#stack.end()
    const { seconds, digits } = head.stamp
    const zero = this.#zero ?? seconds
    if (digits === 0 || Math.abs(seconds - zero) > LONGEST_TRACE_SECONDS) this.#refuseStamp()
    else {
      const reading = this.#readName(to)
      if (reading === undefined || reading === STACK) {
        this.#skipNameless(to, ended)
        return
      }
      const isKnown = typeof reading !== 'number' && reading.read(head.payloadFrom, to)
      // A name of a flag that no table knows is, at the very end, a known one cut short.
      const isWhole = ended || typeof reading === 'number' || (isKnown && reading.unknownGfp === 0 && !reading.lacksGfp)
      if (isWhole) this.#addEvent(reading, isKnown, zero, to)
      else this.#skip('truncated-line')
    }
  }

  #readName(to: number): Reading | undefined {
    const head = this.#head
    const names = this.#names
    const from = head.wordFrom()
    const reading = from < 0 ? undefined : names.upToBlank(from)
    if (reading === undefined || names.end > to)
      return head.readName(to) ? this.#readings.get(head.nameFrom, head.nameTo) : undefined
    head.takeName(from, names.end, to)
    return reading
  }

  #addEvent(reading: Reading, isKnown: boolean, zero: number, to: number): void {
    const time = this.#takeTime(zero)
    if (typeof reading === 'number') this.#addOther(time, reading, this.#head.payloadFrom, to)
    else if (isKnown) this.#addKnown(reading, time)
    else {
      this.#noticed.count('unread-payload', this.#place())
      const { nameFrom, nameTo, payloadFrom } = this.#head
      this.#addOther(time, this.#builder.strings.add(this.#text(nameFrom, nameTo)), payloadFrom, to)
    }
  }

  #takeTime(zero: number): number {
    const { relative, stamp, cpu } = this.#head
    const { seconds, nanoseconds, digits } = stamp
    const time = (seconds - zero) * NS_PER_SECOND + nanoseconds
    if (this.#times.goBack(cpu, time)) this.#noticed.count('time-backwards', this.#place())
    if (this.#zero === undefined) {
      this.#zero = zero
      this.#builder.zero = zero
    }
    this.#lastTime = time
    this.#stack.end()
    if (digits > this.#finest) this.#finest = digits
    if (relative && this.#noticed.of('relative-stamps') === 0) this.#noticed.count('relative-stamps', this.#place())
    if (!this.#isUnderWay || this.#losses.length > 0) this.#addLosses(time)
    this.#eventLines++
    return time
  }

  /** Adds the event of which that reader has read the payload. */
  #addKnown(reading: PayloadReader, time: number): void {
    const { cpu, pid } = this.#head
    reading.store(this.#builder, time, cpu, pid, this.#comm(), this.#context())
    if (reading.unknownGfp > 0) this.#noticed.count('unknown-gfp-flag', this.#place(), reading.unknownGfp)
    if (reading.assumedGfp) this.#noticed.count('assumed-gfp-bits', this.#place())
    if (reading.lacksGfp) this.#noticed.count('gfp-not-printed', this.#place())
  }

  #comm(): number {
    return this.#knownHeads.commOf(this.#head, this.#comms)
  }

  #context(): number {
    const { flagsFrom, flagsTo, flagBits } = this.#head
    if (flagBits >= 0) return contextOfBits(flagBits)
    if (flagsFrom === flagsTo) return ABSENT_CONTEXT
    return contextOf(this.#bytes[flagsFrom]!, this.#bytes[Math.min(flagsFrom + this.#contextColumn, flagsTo - 1)]!)
  }

  /** Keeps an event that no kind describes, its payload as text. */
  #addOther(time: number, called: number, from: number, to: number): void {
    const { cpu, pid } = this.#head
    const { other } = this.#builder.tables
    const slot = other.push()
    const { name, fields } = other.column
    name.data[slot] = called
    fields.data[slot] = this.#payloads.get(from, to)
    this.#builder.add(time, cpu, pid, this.#comm(), this.#context(), Kind.other, slot)
  }

  #readComment(from: number, to: number): void {
    const text = this.#text(from, to)
    const [, cpu] = BUFFER_STARTED.exec(text) ?? []
    if (cpu !== undefined) {
      this.#eventLines++
      this.#losses.push({ cpu: Number(cpu), count: undefined })
      return
    }
    this.#comments++
    const [, inBuffer, written] = BUFFER_ENTRIES.exec(text) ?? []
    const lost = Number(written) - Number(inBuffer)
    if (lost > 0) {
      this.#overwritten = lost
      this.#noticed.count('overwritten-events', this.#place(), lost)
    }
    // Each line of the header's drawing names one more column: `# / _---=> hardirq/softirq`.
    if (text.includes('=> ') && !text.includes('CPU#')) {
      if (text.includes('hardirq')) this.#contextColumn = this.#flagColumns
      this.#flagColumns++
    }
  }

  /** A line with no head of an event. */
  #readOddLine(from: number, to: number, ended: boolean): void {
    const text = this.#text(from, to)
    const printk = PRINTK.exec(text)?.[0] ?? ''
    const loss = LOST.exec(text.slice(printk.length))
    if (loss !== null) {
      const count = loss[2] ?? loss[3]
      this.#eventLines++
      this.#losses.push({ cpu: Number(loss[1]), count: count === undefined ? undefined : Number(count) })
    } else if (REPORT_HEADER.test(text) || text.trim() === '') this.#comments++
    else if (STACK_LINE.test(text)) this.#readFrame(STACK_LINE.exec(text)![1]!)
    else if (!ended) this.#skip('truncated-line')
    else this.#skip(this.#mail !== undefined ? 'mail-line' : printk !== '' ? 'console-line' : 'unparsed-line')
  }

  /** A head, but no event's name behind it: `<stack trace>` and the function tracer. */
  #skipNameless(to: number, ended: boolean): void {
    const isStack = STACK_HEAD.test(this.#text(this.#head.bodyFrom, to))
    this.#skip(isStack ? 'stack-line' : ended ? 'unparsed-line' : 'truncated-line')
    if (!isStack || this.#zero === undefined) return
    const { cpu, pid, stamp } = this.#head
    const time = (stamp.seconds - this.#zero) * NS_PER_SECOND + stamp.nanoseconds
    this.#stack.begin(time, cpu, pid, this.#comm(), this.#context())
  }

  /** A function of a stack. */
  #readFrame(symbol: string): void {
    if (this.#stack.take(symbol)) this.#eventLines++
    else this.#skip('stack-line')
  }

  #skip(cause: keyof typeof skippedLines): void {
    this.#skipped.count(cause, this.#place())
  }

  #addLosses(time: number): void {
    if (this.#overwritten > 0 && !this.#isUnderWay) {
      // The header counts over all CPUs; the loss is put before the first event, on its CPU.
      this.#addLoss(time, { cpu: this.#head.cpu, count: this.#overwritten })
    }
    this.#overwritten = 0
    this.#isUnderWay = true
    for (const loss of this.#losses) this.#addLoss(time, loss)
    this.#losses = []
  }

  #addLoss(time: number, { cpu, count }: Loss): void {
    const event = { event: 'lost', time, cpu: Math.min(cpu, 0xfffe) } as const
    this.#builder.addEvent(count === undefined ? event : { ...event, count: Math.min(count, ABSENT.u32 - 1) })
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
    const unread = this.#skipped.total
    if (unread === 0 || this.#eventLines > 0) return
    const { name, head } = this.#start
    const first = otherLayout(Buffer.from(head).toString('latin1'))
    throw new TraceError({
      place: { file: name },
      what: first?.what ?? `not one of ${this.#lineCount} lines is an event in a known layout`,
      hint: first?.hint ?? 'kreplay reads what ftrace and trace-cmd report print by default: see docs/events.md',
    })
  }

  #place() {
    return { file: this.#start.name, line: this.#lineCount }
  }

  #text(from: number, to: number): string {
    return this.#buffer.toString('utf8', from, to)
  }
}
