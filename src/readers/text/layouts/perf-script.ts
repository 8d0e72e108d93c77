import { ABSENT_PID } from '#events/columns'
import type { Head } from '../head.ts'
import { isDigit, isSpace, placeOf, SPACE, skipSpaces } from './bytes.ts'
import type { Layout, OddLine, Refusal } from './layout.ts'
import { scriptLines } from './perf-notices.ts'

const OPEN = 0x28
const CLOSE = 0x29
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SLASH = 0x2f
const DASH = 0x2d
const COLON = 0x3a

const bytesOf = (letters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(letters)) table[byte] = 1
  return table
}
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const NAME = bytesOf(`${LETTERS}${LETTERS.toUpperCase()}0123456789_-.`)
/** `cycles:ppp`, `kmem:kmalloc:k`: what a user may put behind an event's name. */
const MODIFIER = bytesOf('ukhpPGHSDIebW')
const HEX = bytesOf('0123456789abcdef')

/** Records, and what `perf script -D` prints below each. */
const RECORD_LINE = /PERF_RECORD_[A-Z]|^\s*\.+(?: |$)|^\s*0x[0-9a-f]+(?:@.*)? \[0x[0-9a-f]+\]: /
const LOST = /^PERF_RECORD_LOST(?:_SAMPLES)? lost (\d{1,16})\s*$/
/** Losses without time or CPU: `perf script -D`, and what perf says on standard error. */
const LOST_AT_LARGE = /PERF_RECORD_LOST(?:_SAMPLES)? lost \d|\blost \d+ (?:chunks|samples)/
/** A function of a call chain: its address, and its name where perf knows it. */
const STACK_LINE = /^\s+([0-9a-f]{6,16}|[0-9a-f]{1,5}(?= \S+ \())(?: (\S+)|\s*$)/
/** The same without its address, as `-F sym` prints it. */
const SYMBOL_LINE = /^\s+([\w.$]+(?:\+0x[0-9a-f]+)?) \(([^()\s]+)\)\s*$/
const KERNEL_OBJECT = /^\[(?!vdso|vsyscall|unknown|heap|stack)[\w.]+\](?:_text)?$|vmlinux|\.ko(?:\.\w+)?$/
/** `-F +tod`: the day and the time of it, before the stamp. */
const TIME_OF_DAY = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6,9} +(?=\d)/
/** Of the kernel's; those of user space are no callers of the allocator. */
const KERNEL_ADDRESS = /^(?:f[0-9a-f]{15}|[c-f][0-9a-f]{7})$/
/** An event without `[cpu]` or without its stamp, as some sets of fields make it. */
const BARE_EVENT = /^(?:.*?\s)?(?:(\d+\.(?:\d{6}|\d{9})):)?\s*(?:\d+\s+)?[a-z]\w*:[a-z_]\w+:(?:[a-zA-Z]+:)?\s/
/** As `readName` reads it; with a name of the letters of modifiers only it is not one for sure. */
const TRACEPOINT = /^[a-zA-Z][\w.-]*:(?![ukhpPGHSDIebW]*:)([\w.-]+):$/
const FIELDS = 'perf script --ns -F comm,tid,cpu,time,event,trace'

/**
 * What `perf script` prints:
 *
 *     comm tid|pid/tid [cpu] [misc] seconds.fraction: [period] group:name: payload
 *
 * Comm and tid may be missing. A comm may hold anything, so a line is read from its `[cpu]` to both sides.
 */
export class PerfScriptLayout implements Layout {
  readonly format = 'perf script text'
  readonly head: Head
  readonly notices = scriptLines
  readonly isBracketed = false
  readonly hasStackBehindEvent = true
  readonly idle = '<idle>'
  readonly uname?: string
  readonly #bytes: Uint8Array
  readonly #view: DataView

  /** `start`: the text's first bytes. */
  constructor(head: Head, start: string) {
    this.head = head
    this.#bytes = head.bytes
    this.#view = new DataView(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
    const uname = unameOf(start)
    if (uname !== undefined) this.uname = uname
  }

  readHead(from: number, to: number): boolean {
    const bytes = this.#bytes
    const view = this.#view
    for (
      let bracket = placeOf(view, OPEN_BRACKET, from, to);
      bracket < to;
      bracket = placeOf(view, OPEN_BRACKET, bracket + 1, to)
    ) {
      if (bracket > from && bytes[bracket - 1] !== SPACE) continue
      let at = bracket + 1
      let cpu = 0
      while (at < to && isDigit(bytes[at]!)) cpu = cpu * 10 + bytes[at++]! - 0x30
      if (at === bracket + 1 || bytes[at] !== CLOSE_BRACKET || bytes[at + 1] !== SPACE || cpu > 0xfffe) continue
      if (!this.#readStamp(at + 1, to)) continue
      this.head.cpu = cpu
      this.#readTask(from, bracket)
      return true
    }
    return false
  }

  wordFrom(): number {
    let at = this.head.bodyFrom
    while (this.#bytes[at] === SPACE) at++
    return at
  }

  nameIn(word: string): string | undefined {
    return TRACEPOINT.exec(word)?.[1]
  }

  takeName(end: number, length: number, to: number): void {
    this.head.nameFrom = end - 1 - length
    this.head.nameTo = end - 1
    this.#takePayload(end, to)
  }

  readName(to: number): 'event' | 'sample' | undefined {
    const bytes = this.#bytes
    const { head } = this
    let at = skipSpaces(bytes, head.bodyFrom, to)
    // The period, which no event's name is: those begin with a letter.
    if (at < to && isDigit(bytes[at]!)) {
      while (at < to && isDigit(bytes[at]!)) at++
      at = skipSpaces(bytes, at, to)
    }
    const start = at
    at = this.#skipName(at, to)
    if (at === start || bytes[at] !== COLON) return undefined
    head.nameFrom = at + 1
    head.nameTo = this.#skipName(at + 1, to)
    if (head.nameTo === head.nameFrom || bytes[head.nameTo] !== COLON)
      return isSpace(bytes[at + 1] ?? 0) ? 'sample' : undefined
    let letter = head.nameFrom
    while (letter < head.nameTo && MODIFIER[bytes[letter]!] === 1) letter++
    if (letter === head.nameTo) return 'sample'
    at = head.nameTo + 1
    if (at < to && MODIFIER[bytes[at]!] === 1) {
      const end = this.#skipName(at, to)
      if (bytes[end] === COLON) at = end + 1
    }
    if (at < to && !isSpace(bytes[at]!)) return undefined
    this.#takePayload(at, to)
    return 'event'
  }

  #skipName(at: number, to: number): number {
    const bytes = this.#bytes
    while (at < to && NAME[bytes[at]!] === 1) at++
    return at
  }

  /** `  comm  tid ` or `  comm  pid/tid  ` in front of `[cpu]`, from its end. */
  #readTask(from: number, bracket: number): void {
    const bytes = this.#bytes
    let at = bracket - 1
    while (at >= from && isSpace(bytes[at]!)) at--
    const end = at
    let pid = 0
    let place = 1
    while (at >= from && isDigit(bytes[at]!)) {
      pid += (bytes[at--]! - 0x30) * place
      place *= 10
    }
    const found = at < end && pid <= 0x7fffffff
    const isNegative = found && at >= from && bytes[at] === DASH
    if (isNegative) at--
    if (found && at >= from && bytes[at] === SLASH) {
      at--
      while (at >= from && (isDigit(bytes[at]!) || bytes[at] === DASH)) at--
    }
    const isTask = found && (at < from || isSpace(bytes[at]!))
    const { head } = this
    head.pid = isTask && !isNegative ? pid : ABSENT_PID
    head.commTo = isTask ? at + 1 : end + 1
    while (head.commTo > from && isSpace(bytes[head.commTo - 1]!)) head.commTo--
    head.commFrom = skipSpaces(bytes, from, head.commTo)
  }

  #readStamp(from: number, to: number): boolean {
    const bytes = this.#bytes
    let at = skipSpaces(bytes, from, to)
    // The column `misc` holds letters.
    if (at < to && !isDigit(bytes[at]!)) {
      while (at < to && !isSpace(bytes[at]!)) at++
      at = skipSpaces(bytes, at, to)
    }
    const { head } = this
    if (bytes[at + 4] === DASH && bytes[at + 7] === DASH) {
      const start = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(40, to - at)).toString('latin1')
      at += TIME_OF_DAY.exec(start)?.[0].length ?? 0
    }
    head.bodyFrom = head.stamp.read(at, to)
    return head.bodyFrom >= 0 && head.stamp.digits > 0 && head.stamp.seconds < 1e12
  }

  /** Old perf puts `(function+0x12)` before the payload. */
  #takePayload(end: number, to: number): void {
    const bytes = this.#bytes
    const { head } = this
    let from = skipSpaces(bytes, end, to)
    if (bytes[from] === OPEN) {
      let at = from
      while (at < to && bytes[at] !== CLOSE && bytes[at] !== SPACE) at++
      const place = Buffer.from(bytes.buffer, bytes.byteOffset + from, at - from)
      if (bytes[at] === CLOSE && place.includes('+0x')) from = skipSpaces(bytes, at + 1, to)
    }
    head.payloadFrom = from
    head.payloadTo = payloadEnd(bytes, from, to)
  }

  mayBegin(line: string): boolean {
    return /\S\s+\d+\s*(?:\[\d{0,5}\]?(?:\s+[\d.]*)?)?\s*$/.test(line)
  }

  isWhole(line: string): boolean {
    return !/[=|]\s*$|rcu_utilization:\s+(?:Start|End)\s*$/.test(line)
  }

  commOf(text: string): string | undefined {
    // A process whose name perf does not know stands as `:505`.
    return text === '' || /^:-?\d+$/.test(text) ? undefined : text
  }

  sourceOf(): undefined {
    return undefined
  }

  nameless(body: string): OddLine | undefined {
    const text = body.trimStart()
    const [, lost] = LOST.exec(text) ?? []
    if (lost !== undefined) return { is: 'loss', cpu: this.head.cpu, count: Number(lost), now: true }
    return text.startsWith('PERF_RECORD_') ? { is: 'skipped', cause: 'perf-record-line' } : undefined
  }

  odd(line: string): OddLine | undefined {
    if (LOST_AT_LARGE.test(line)) return { is: 'skipped', cause: 'lost-line' }
    const [, address, symbol] = STACK_LINE.exec(line) ?? []
    if (address !== undefined) {
      const isCaller = symbol !== '[unknown]' && KERNEL_ADDRESS.test(address)
      return { is: 'frame', symbol: isCaller ? symbol : undefined }
    }
    const [, name, object] = SYMBOL_LINE.exec(line) ?? []
    if (name !== undefined) return { is: 'frame', symbol: KERNEL_OBJECT.test(object!) ? name : undefined }
    return RECORD_LINE.test(line) ? { is: 'skipped', cause: 'perf-record-line' } : undefined
  }

  refusal(text: string, count: number): Refusal {
    return text.split('\n').some((line) => isBareEvent(line.slice(0, 200)))
      ? {
          what: 'the events have no CPU or no time: perf script printed other fields',
          hint: `Print them: ${FIELDS}.`,
        }
      : {
          what: `not one of ${count} lines is a tracepoint in the layout of perf script`,
          hint: "Record tracepoints: perf record -a -e 'kmem:*' -e 'rcu:*'.",
        }
  }
}

/** Other text may hold `a:b: ` too, so where the line has no stamp it must begin with it. */
export function isBareEvent(line: string): boolean {
  const match = BARE_EVENT.exec(line)
  if (match === null) return false
  return match[1] !== undefined
    ? !/\[\d+\]/.test(match[0])
    : /^(?:.{0,60}\[\d{3,5}\])?\s*(?:kmem|rcu|workqueue|vmscan|probe):\w+: /.test(line)
}

/** From `perf script --header`. */
function unameOf(head: string): string | undefined {
  const line = (name: string): string | undefined => new RegExp(`^# ${name} : (.*\\S)`, 'm').exec(head)?.[1]
  const release = line('os release')
  if (release === undefined) return undefined
  return ['Linux', line('hostname') ?? '', release, line('arch') ?? ''].filter((part) => part !== '').join(' ')
}

/** Where the payload ends: perf appends `%16lx symbol (object)`, or less of it, when asked for `ip` or `sym`. */
function payloadEnd(bytes: Uint8Array, from: number, to: number): number {
  const end = trimmed(bytes, from, to)
  // `(object)`
  if (end > from && bytes[end - 1] === 0x29) {
    let at = end - 1
    while (at > from && bytes[at] !== SPACE && bytes[at] !== 0x28) at--
    if (bytes[at] === 0x28 && bytes[at - 1] === SPACE) {
      const before = addressBefore(bytes, from, trimmed(bytes, from, at))
      if (before >= 0) return before
    }
  }
  const before = addressBefore(bytes, from, end)
  return before < 0 ? end : before
}

/** Where `address` or `address symbol` at the end begins, with the space in front; −1 if nothing of the kind stands there. */
function addressBefore(bytes: Uint8Array, from: number, end: number): number {
  let at = end
  for (let word = 0; word < 2; word++) {
    const wordEnd = at
    let hex = true
    while (at > from && bytes[at - 1] !== SPACE) {
      if (HEX[bytes[--at]!] === 1) continue
      if (word === 1) return -1
      hex = false
    }
    const start = at
    while (at > from && bytes[at - 1] === SPACE) at--
    // One space parts it from the payload; the rest is the padding to 16 digits.
    if (hex && wordEnd - start >= 6 && wordEnd - at === 17) return at
  }
  return -1
}

function trimmed(bytes: Uint8Array, from: number, to: number): number {
  while (to > from && isSpace(bytes[to - 1]!)) to--
  return to
}
