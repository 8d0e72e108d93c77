import { ABSENT_PID } from '#events/columns'
import { type Head, LONGEST_HEAD, take } from '../head.ts'
import { isDigit, isOfName, isSpace, placeOf, SPACE, skipSpaces } from './bytes.ts'
import { GRAPH_LINE } from './graph.ts'
import { latencyHeadOf } from './latency.ts'
import type { Layout, OddLine, Refusal } from './layout.ts'

const NEWLINE = 0x0a
const DASH = 0x2d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN = 0x28
const CLOSE = 0x29
const COLON = 0x3a
const PLUS = 0x2b

const LOST = /^\s*(?:\S+:\s+)?CPU:(\d{1,5}) \[(?:LOST (?:(\d{1,10}) )?EVENTS|(?:(\d{1,10}) )?EVENTS DROPPED)\]\s*$/
const REPORT_HEADER = /^\s*(?:(\S+):\s+)?(?:version = \d+|cpus=\d+|CPU \d+ is empty)\s*$/
/** Behind the stamp. trace-cmd prints the event's name too. */
const STACK_HEAD = /^\s*(?:kernel_stack:\s*)?<stack trace ?>/
const USER_STACK = /^\s*(?:user_stack:\s*)?<user stack trace ?>/
const STACK_LINE = /^\s*=> +(\S+)/
/** `rmqueue_bulk <-get_page_from_freelist`, as the function tracer prints behind the stamp. */
const FUNCTION = /^\s*[\w.$]+(?:\+0x\S+)?(?: \[\w+\])? *<- *[\w.$]+/
/** As `readName` reads it. trace-cmd prints stacks by their event's name. */
const NAME = /^(?!kernel_stack:)[a-zA-Z0-9_.]+:$/
/** A head that breaks off: behind the pid, within `[cpu]`, the flags or the stamp. */
const MAY_BEGIN =
  /\S-\d+\s*(?:\([\s\d-]+\)\s*)?(?:(?:\[\d{0,5}\]?|\d{1,5}[.a-zA-Z][.a-zA-Z0-9]{2,8})(?:\s+[.a-zA-Z0-9]{0,9})?(?:\s+[\d.]*(?:us.?)?)?)?\s*$/
/** trace-cmd puts the instance's or the file's name in front: `kmemrec:             bash-8436`. */
const LABEL = /^([A-Za-z_][\w.@+-]*):( +)/
/** Names of files, and of machines; instances have others. */
const FILE = /[./]|^(?:host|guest|vm)/i
const KERNEL_STACK = Buffer.from('kernel_stack')

/**
 * `trace`, `trace_pipe`, `trace-cmd report` and dumps on a console: they differ in padding, in digits of the stamp, in flag columns
 * and in how losses are written.
 *
 *     comm-pid [(tgid)] [cpu] [flags] seconds.fraction: [(+delta)] name: payload
 *
 * A comm may hold anything, so a line is read from its `[cpu]` to both sides.
 */
export class FtraceLayout implements Layout {
  readonly format: string
  readonly head: Head
  readonly notices = {}
  readonly isBracketed = false
  readonly hasStackBehindEvent = false
  /** Names that stood before a padded process name. */
  readonly #labels = new Set<string>()
  /** Names that a `cpus=` line stands for: each is a file's. */
  readonly #files = new Set<string>()
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #buffer: Buffer

  readonly #isLenient: boolean

  /** `isLenient`: whether heads may lack the pid, or the task as a whole. */
  constructor(head: Head, format: string, isLenient = false) {
    this.head = head
    this.#isLenient = isLenient
    this.format = format
    this.#bytes = head.bytes
    this.#view = new DataView(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
    this.#buffer = Buffer.from(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
  }

  readHead(from: number, to: number): boolean {
    const bytes = this.#bytes
    const view = this.#view
    for (
      let bracket = placeOf(view, OPEN_BRACKET, from, to);
      bracket < to;
      bracket = placeOf(view, OPEN_BRACKET, bracket + 1, to)
    ) {
      let at = bracket + 1
      let cpu = 0
      while (at < to && isDigit(bytes[at]!)) cpu = cpu * 10 + bytes[at++]! - 0x30
      if (at === bracket + 1 || at >= to || bytes[at] !== CLOSE_BRACKET || cpu > 0xfffe) continue
      if (!this.#readTask(from, bracket) && !(this.#isLenient && this.#readComm(from, bracket, at + 1, to))) continue
      this.head.cpu = cpu
      this.head.flagBits = -1
      this.head.relative = false
      return this.#readStamp(at + 1, to)
    }
    const rare = latencyHeadOf(this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD)))
    return rare !== undefined && take(this.head, from, rare)
  }

  /** `  comm-pid  (tgid) ` in front of `[cpu]`, from its end. */
  #readTask(from: number, bracket: number): boolean {
    const bytes = this.#bytes
    let at = bracket - 1
    while (at >= from && bytes[at] === SPACE) at--
    if (at >= from && bytes[at] === CLOSE) {
      while (at >= from && bytes[at] !== OPEN) at--
      at--
      while (at >= from && bytes[at] === SPACE) at--
    }
    let pid = 0
    let place = 1
    const end = at
    while (at >= from && isDigit(bytes[at]!)) {
      pid += (bytes[at--]! - 0x30) * place
      place *= 10
    }
    if (at === end || at < from || bytes[at] !== DASH || pid > 0x7fffffff) return false
    const { head } = this
    head.commTo = at
    head.commFrom = skipSpaces(bytes, from, at)
    head.pid = pid
    return true
  }

  /** `  comm  ` or nothing in front of `[cpu]`, where a stamp follows. */
  #readComm(from: number, bracket: number, behind: number, to: number): boolean {
    const bytes = this.#bytes
    const { head } = this
    head.pid = ABSENT_PID
    head.commFrom = skipSpaces(bytes, from, bracket)
    head.commTo = bracket
    while (head.commTo > head.commFrom && isSpace(bytes[head.commTo - 1]!)) head.commTo--
    return this.#readStamp(behind, to) && head.flagsTo - head.flagsFrom <= 9
  }

  #readStamp(from: number, to: number): boolean {
    const bytes = this.#bytes
    const { head } = this
    let at = from
    while (at < to && bytes[at] === SPACE) at++
    head.flagsFrom = at
    if (at < to && !isDigit(bytes[at]!)) while (at < to && bytes[at] !== SPACE && bytes[at] !== NEWLINE) at++
    head.flagsTo = at
    while (at < to && bytes[at] === SPACE) at++
    head.bodyFrom = head.stamp.read(at, to)
    return head.bodyFrom >= 0
  }

  wordFrom(): number {
    let at = this.head.bodyFrom
    while (this.#bytes[at] === SPACE) at++
    return at
  }

  nameIn(word: string): string | undefined {
    return NAME.test(word) ? word.slice(0, -1) : undefined
  }

  takeName(end: number, length: number, to: number): void {
    const { head } = this
    head.nameTo = end - 1
    head.nameFrom = head.nameTo - length
    head.payloadFrom = skipSpaces(this.#bytes, end, to)
    head.payloadTo = to
  }

  readName(to: number): 'event' | undefined {
    const bytes = this.#bytes
    let at = skipSpaces(bytes, this.head.bodyFrom, to)
    if (bytes[at] === OPEN && bytes[at + 1] === PLUS) {
      while (at < to && bytes[at] !== CLOSE) at++
      at = skipSpaces(bytes, at + 1, to)
    }
    const from = at
    while (at < to && isOfName(bytes[at]!)) at++
    if (at === from || at >= to || bytes[at] !== COLON || KERNEL_STACK.equals(bytes.subarray(from, at)))
      return undefined
    this.takeName(at + 1, at - from, to)
    return 'event'
  }

  mayBegin(line: string): boolean {
    return MAY_BEGIN.test(line)
  }

  isWhole(line: string): boolean {
    return !/[=|]\s*$|rcu_utilization:\s+(?:Start|End)\s*$/.test(line)
  }

  commOf(text: string): string | undefined {
    const [label, name, blanks = ''] = LABEL.exec(text) ?? ['']
    // With one blank, it is rather a part of the process's name, as in `Web: Content`.
    const isLabel = name !== undefined && (blanks.length > 1 || this.#labels.has(name))
    if (isLabel) this.#labels.add(name)
    const comm = isLabel ? text.slice(label.length) : text
    return comm === '<...>' || comm === '' ? undefined : comm
  }

  sourceOf(text: string): string | undefined {
    const [, name] = LABEL.exec(text) ?? []
    return name !== undefined && this.#labels.has(name) && (FILE.test(name) || this.#files.has(name)) ? name : undefined
  }

  nameless(body: string): OddLine | undefined {
    if (STACK_HEAD.test(body)) return { is: 'stack' }
    if (USER_STACK.test(body)) return { is: 'skipped', cause: 'stack-line' }
    return FUNCTION.test(body) ? { is: 'skipped', cause: 'function-line' } : undefined
  }

  odd(line: string): OddLine | undefined {
    const [, cpu, lost, dropped] = LOST.exec(line) ?? []
    if (cpu !== undefined) {
      const count = lost ?? dropped
      return { is: 'loss', cpu: Number(cpu), count: count === undefined ? undefined : Number(count) }
    }
    const header = REPORT_HEADER.exec(line)
    if (header !== null) {
      if (header[1] !== undefined) this.#files.add(header[1])
      return { is: 'comment' }
    }
    const [, symbol] = STACK_LINE.exec(line) ?? []
    if (symbol !== undefined) return { is: 'frame', symbol }
    return GRAPH_LINE.test(line) ? { is: 'skipped', cause: 'function-line' } : undefined
  }

  refusal(text: string, count: number): Refusal {
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
    return {
      what: `not one of ${count} lines is an event in a known layout`,
      hint: 'kreplay reads what ftrace and trace-cmd report print by default: see docs/events.md',
    }
  }
}
