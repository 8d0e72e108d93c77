import { ABSENT_PID } from '#events/columns'
import { type Head, LONGEST_HEAD, take } from '../head.ts'
import { isOfName, skipSpaces } from './bytes.ts'
import type { Layout, OddLine, Refusal } from './layout.ts'

const COLON = 0x3a
const STAR = 0x2a
const SLASH = 0x2f

/** A line of the function_graph tracer: ` 1287587.105140 |   1)               |  __alloc_pages_nodemask() {`. */
export const GRAPH_LINE = /^\s*(?:\d+\.\d{6,9}\s*\|\s*)?\d{1,5}\)[^|]{0,80}\||^\s*\d{1,5}\)\s+\S.*=>\s+\S/
/** Around a change of tasks. */
const RULE = /^\s*-{20,}\s*$/
/** An event among them: a comment. The columns of task, flags and duration stand there by option. */
const EVENT =
  /^\s*(?:(\d+)\.(\d{6}|\d{9})\s*\|\s*)?(\d{1,5})\)\s+(?:(?! )([^|]*?)-(\d+)\s*\|\s*)?(?:([.a-zA-Z0-9]{3,9})\s*\|?\s*)?(?:[^|]{0,30}\|)?\s*\/\* (?=[\w.]+: )/

/** Kernel events as the function_graph tracer prints them: `/* mm_page_alloc: … *\/`, with `funcgraph-abstime` for their time. */
export class GraphLayout implements Layout {
  readonly format = 'ftrace text'
  readonly head: Head
  readonly notices = {}
  readonly isBracketed = true
  readonly hasStackBehindEvent = false
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  #timeless = 0

  constructor(head: Head) {
    this.head = head
    this.#bytes = head.bytes
    this.#buffer = Buffer.from(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
  }

  readHead(from: number, to: number): boolean {
    const found = EVENT.exec(this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD)))
    if (found === null) return false
    const [all, seconds, fraction, cpu, comm = '', pid, flags = ''] = found
    if (seconds === undefined) {
      this.#timeless++
      return false
    }
    const commFrom = comm === '' ? 0 : all.indexOf(comm, all.indexOf(')') + 1)
    const flagsFrom = flags === '' ? 0 : all.lastIndexOf(flags)
    return take(this.head, from, {
      commFrom,
      commTo: commFrom + comm.length,
      pid: pid === undefined ? ABSENT_PID : Number(pid),
      cpu: Number(cpu),
      flagsFrom,
      flagsTo: flagsFrom + flags.length,
      seconds: Number(seconds),
      nanoseconds: Number(fraction!.padEnd(9, '0')),
      digits: fraction!.length,
      relative: false,
      bodyFrom: all.length,
    })
  }

  /** The payload ends before the comment does. */
  wordFrom(): number {
    return -1
  }

  nameIn(): undefined {
    return undefined
  }

  takeName(): void {}

  readName(to: number): 'event' | undefined {
    const bytes = this.#bytes
    const { head } = this
    let at = head.bodyFrom
    head.nameFrom = at
    while (at < to && isOfName(bytes[at]!)) at++
    head.nameTo = at
    if (at === head.nameFrom || bytes[at] !== COLON) return undefined
    head.payloadFrom = skipSpaces(bytes, at + 1, to)
    let end = to
    while (end > head.payloadFrom && bytes[end - 1]! <= 0x20) end--
    if (bytes[end - 1] === SLASH && bytes[end - 2] === STAR) end -= 2
    while (end > head.payloadFrom && bytes[end - 1]! <= 0x20) end--
    head.payloadTo = end
    return 'event'
  }

  mayBegin(line: string): boolean {
    return /\/\* /.test(line)
  }

  isWhole(line: string): boolean {
    return /\*\/\s*$/.test(line)
  }

  commOf(text: string): string | undefined {
    return text === '' || text === '<...>' ? undefined : text
  }

  sourceOf(): undefined {
    return undefined
  }

  nameless(): undefined {
    return undefined
  }

  odd(line: string): OddLine | undefined {
    const [, cpu, lost] = /^\s*CPU:(\d{1,5}) \[LOST (?:(\d{1,10}) )?EVENTS\]\s*$/.exec(line) ?? []
    if (cpu !== undefined) return { is: 'loss', cpu: Number(cpu), count: lost === undefined ? undefined : Number(lost) }
    return GRAPH_LINE.test(line) || RULE.test(line) ? { is: 'skipped', cause: 'function-line' } : undefined
  }

  refusal(_: string, count: number): Refusal {
    return this.#timeless > 0
      ? {
          what: 'the events stand without their time between the calls that function_graph traced',
          hint: 'record again after `echo 1 > options/funcgraph-abstime`, or with `echo nop > current_tracer`',
        }
      : {
          what: `not one of ${count} lines is a kernel event: all are calls that function_graph traced`,
          hint: 'record kmem and rcu events too: `echo 1 > events/kmem/enable`',
        }
  }
}
