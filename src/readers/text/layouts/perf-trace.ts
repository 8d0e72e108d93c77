import { ABSENT_PID } from '#events/columns'
import { type Head, LONGEST_HEAD, take } from '../head.ts'
import { skipSpaces } from './bytes.ts'
import type { Layout, OddLine, Refusal } from './layout.ts'
import { scriptLines } from './perf-notices.ts'

const SPACE = 0x20
const COLON = 0x3a
const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22
const CLOSE = 0x29

// `     0.012 (         ): bash/1234 kmem:mm_page_free(pfn: 1216704, order: 0)`; before 4.19 `kmem:mm_page_free:page=0x… pfn=…)`
const HEAD = /^\s*(\d+)\.(\d{3}) (?:\([^)]{0,40}\):? ?)?(?:(?! )([^()]*?)\/(\d+) +)?([a-z]\w*):([a-z_]\w*)(?=[(:])/

/** What `perf trace -e 'kmem:*'` prints: milliseconds since the first event, no CPU. */
export class PerfTraceLayout implements Layout {
  readonly format = 'perf trace text'
  readonly head: Head
  readonly notices = scriptLines
  readonly isBracketed = true
  readonly hasStackBehindEvent = true
  readonly hasNoCpu = true
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  /** Zeros are left out of `(pfn: 12)`; a line that is cut may lack other fields too. */
  hidesZeros = false
  #name = ''

  constructor(head: Head) {
    this.head = head
    this.#bytes = head.bytes
    this.#buffer = Buffer.from(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
  }

  readHead(from: number, to: number): boolean {
    const found = HEAD.exec(this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD)))
    if (found === null) return false
    const [all, whole, fraction, comm = '', pid, , name] = found
    const commFrom = comm === '' ? 0 : all.lastIndexOf(`${comm}/`)
    const milliseconds = Number(whole)
    this.#name = name!
    return take(this.head, from, {
      commFrom,
      commTo: commFrom + comm.length,
      pid: pid === undefined ? ABSENT_PID : Number(pid),
      cpu: 0,
      flagsFrom: 0,
      flagsTo: 0,
      seconds: Math.floor(milliseconds / 1000),
      nanoseconds: (milliseconds % 1000) * 1e6 + Number(fraction) * 1000,
      digits: 6,
      // With -T they are those of the clock, and far from zero.
      relative: milliseconds < 1e7,
      bodyFrom: all.length,
    })
  }

  /** The payload must be written anew. */
  wordFrom(): number {
    return -1
  }

  nameIn(): undefined {
    return undefined
  }

  takeName(): void {}

  readName(to: number): 'event' {
    const { head } = this
    head.nameTo = head.bodyFrom
    head.nameFrom = head.nameTo - this.#name.length
    this.hidesZeros = plainFields(this.#bytes, head.bodyFrom, to)
    head.payloadFrom = skipSpaces(this.#bytes, head.bodyFrom, to)
    head.payloadTo = to
    return 'event'
  }

  mayBegin(line: string): boolean {
    return /^\s*\d+\.\d{3} /.test(line)
  }

  isWhole(line: string): boolean {
    return /\)\s*$/.test(line)
  }

  commOf(text: string): string | undefined {
    return text === '' ? undefined : text
  }

  sourceOf(): undefined {
    return undefined
  }

  nameless(): undefined {
    return undefined
  }

  odd(line: string): OddLine | undefined {
    const [, lost] = /^\s*(?:.*\()?LOST (\d{1,10}) events!?\)?\s*$/.exec(line) ?? []
    if (lost !== undefined) return { is: 'loss', cpu: 0, count: Number(lost) }
    const [, symbol, object] = /^\s+([\w.$]+)(?:\+0x\S+)? \((.*)\)\s*$/.exec(line) ?? []
    if (symbol !== undefined) {
      const isKernel = /^\[kernel|vmlinux|\.ko|^\[\w+\]$/.test(object!)
      return { is: 'frame', symbol: isKernel ? symbol : undefined }
    }
    return /^\s*\d+\.\d{3} /.test(line) ? { is: 'skipped', cause: 'other-sample' } : undefined
  }

  refusal(_: string, count: number): Refusal {
    return {
      what: `not one of ${count} lines is a tracepoint in the layout of perf trace`,
      hint: "Record with `perf record -a -e 'kmem:*'` and print with `perf script --ns`.",
    }
  }
}

/**
 * Writes `(pfn: 12, order: 0)` as ftrace writes fields, in its old length: ` pfn=12   order=0 `. Returns whether it is such a list, with
 * its end.
 */
function plainFields(bytes: Uint8Array, from: number, to: number): boolean {
  const isList = bytes[from] !== COLON
  bytes[from] = SPACE
  let end = to
  while (end > from && bytes[end - 1]! <= SPACE) end--
  const isClosed = bytes[end - 1] === CLOSE
  if (isClosed) bytes[end - 1] = SPACE
  if (!isList) return false
  let out = from
  let isQuoted = false
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) isQuoted = !isQuoted
    else if (isQuoted) bytes[out++] = byte
    else if (byte === COLON && bytes[at + 1] === SPACE) {
      bytes[out++] = EQUALS
      at++
    } else bytes[out++] = byte === COMMA && bytes[at + 1] === SPACE ? SPACE : byte
  }
  bytes.fill(SPACE, out, to)
  return isClosed
}
