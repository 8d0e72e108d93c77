import { ABSENT_PID } from '#events/columns'
import { type Head, LONGEST_HEAD, take } from '../head.ts'
import { isOfName, SPACE, skipSpaces } from './bytes.ts'
import type { Layout, OddLine, Refusal } from './layout.ts'

const EQUALS = 0x3d
const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const OPEN = 0x7b
const CLOSE = 0x7d

// `[18:18:55.358770825] (+0.000003276) host kmem_kmalloc: { cpu_id = 2 }, { … }`; with --clock-seconds and --clock-date too.
// With `--names=all`: `timestamp = …, delta = +…, trace:hostname = host, name = kmem_kmalloc, stream.packet.context = { … }, …`.
const HEAD =
  /^\s*(?:\[|timestamp = )(?:(?:(\d{4}-\d\d-\d\d) )?(\d\d):(\d\d):(\d\d)|(\d+))\.(\d{9})(?:\]|,) (?:(?:\(|delta = )\+[\d?.]+(?:\)|,) )?(?:(?:trace:hostname = )?([^\s={}(),]+),? )?(?:(?:loglevel = )?[A-Z_]+ \(\d+\),? )?(?:name = )?(?:kmem:|rcu:|kmem_(?!cache_))?(?=[A-Za-z_]\w*[:,] (?:[\w.]+ = )?\{)/
const CPU_ID = /\{[^{}]*\bcpu_id\s*=\s*(\d{1,5})\b/
const PROCNAME = /\bprocname\s*=\s*"((?:[^"\\]|\\.)*)"/
const TID = /\b(?:tid|vtid)\s*=\s*(\d+)\b/
const PID = /\bv?pid\s*=\s*(\d+)\b/

/** On standard error, which is often recorded with the rest; streams are called by their CPU. */
const DISCARDED = /\bTracer (?:discarded|may have discarded)(?: (\d{1,10}) event)?/
const STREAM_CPU = /(?:stream|path:?) "[^"]*_(\d{1,5})"/

const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000

/** What babeltrace2 prints of LTTng's and perf's CTF traces. */
export class BabeltraceLayout implements Layout {
  readonly format = 'babeltrace2 text'
  readonly head: Head
  readonly notices = {}
  readonly isBracketed = true
  readonly hasStackBehindEvent = false
  host: string | undefined
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer

  constructor(head: Head) {
    this.head = head
    this.#bytes = head.bytes
    this.#buffer = Buffer.from(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length)
  }

  readHead(from: number, to: number): boolean {
    const line = this.#buffer.toString('latin1', from, Math.min(to, from + LONGEST_HEAD))
    const found = HEAD.exec(line)
    const cpu = CPU_ID.exec(line)?.[1]
    if (found === null || cpu === undefined) return false
    const [all, date, hours, minutes, rest, whole, fraction, host] = found
    this.host = host
    const comm = PROCNAME.exec(line)
    const commFrom = comm === null ? 0 : comm.index + comm[0].indexOf('"') + 1
    const task = TID.exec(line)?.[1] ?? PID.exec(line)?.[1]
    const ofDay = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)
    return take(this.head, from, {
      commFrom,
      commTo: commFrom + (comm?.[1]?.length ?? 0),
      pid: task === undefined ? ABSENT_PID : Number(task),
      cpu: Number(cpu),
      flagsFrom: 0,
      flagsTo: 0,
      seconds: whole !== undefined ? Number(whole) : date === undefined ? ofDay : dayOf(date) + ofDay,
      isOfDay: whole === undefined && date === undefined,
      nanoseconds: Number(fraction),
      digits: 9,
      relative: false,
      bodyFrom: all.length,
    })
  }

  /** Contexts stand between the name and the payload. */
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
    let at = skipSpaces(bytes, head.bodyFrom, to)
    head.nameFrom = at
    while (at < to && isOfName(bytes[at]!)) at++
    head.nameTo = at
    if (at === head.nameFrom || at >= to || (bytes[at] !== COLON && bytes[at] !== COMMA)) return undefined
    head.payloadFrom = skipSpaces(bytes, plainPayload(bytes, at + 1, to), to)
    head.payloadTo = to
    return 'event'
  }

  mayBegin(line: string): boolean {
    return /^(?:\[[\d:. -]+\]|timestamp = )/.test(line)
  }

  isWhole(line: string): boolean {
    return /\}\s*$/.test(line)
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
    const discarded = DISCARDED.exec(line)
    if (discarded === null) return undefined
    const cpu = Number(STREAM_CPU.exec(line)?.[1] ?? 0)
    return { is: 'loss', cpu, count: discarded[1] === undefined ? undefined : Number(discarded[1]) }
  }

  refusal(_: string, count: number): Refusal {
    return {
      what: `not one of ${count} lines is an event as babeltrace2 prints it`,
      hint: 'Print it by `babeltrace2 --clock-seconds --no-delta`.',
    }
  }
}

/**
 * Writes the last group of a line, the payload, as ftrace writes it, in its old length: `{ ptr = 0x10, name = "f" }` becomes
 * `  ptr=0x10   name=f`. What stands before is left as it is. Returns where the payload begins.
 */
function plainPayload(bytes: Uint8Array, from: number, to: number): number {
  let open = to - 1
  while (open > from && bytes[open] !== OPEN) open--
  if (open <= from) return from
  rewrite(bytes, open, to)
  return open
}

function rewrite(bytes: Uint8Array, from: number, to: number): void {
  let out = from
  let isQuoted = false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) isQuoted = !isQuoted
    else if (isQuoted) bytes[out++] = byte
    else if (byte === COMMA && bytes[at + 1] === SPACE) continue
    else if (byte === OPEN || byte === CLOSE || byte === COMMA) bytes[out++] = SPACE
    else if (byte === SPACE && (bytes[at + 1] === EQUALS || bytes[at - 1] === EQUALS)) continue
    else bytes[out++] = byte
  }
  bytes.fill(SPACE, out, to)
}
