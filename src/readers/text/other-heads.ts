import { ABSENT_PID } from '#events'

/** A head in another layout than `comm-pid [cpu] stamp:`; places count from the line's begin. */
export interface OtherHead {
  readonly commFrom: number
  readonly commTo: number
  readonly pid: number
  readonly cpu: number
  readonly flagsFrom: number
  readonly flagsTo: number
  /** The record's own flag bits, where the layout prints them as a number. */
  readonly flagBits?: number
  readonly seconds: number
  readonly nanoseconds: number
  readonly digits: number
  /** Whether the stamp counts from the trace's first event. */
  readonly relative: boolean
  /** Behind the stamp's colon. */
  readonly bodyFrom: number
  /** Where the payload begins, if not behind the event's name. */
  readonly payloadFrom?: number
}

/** Longest head; comms have 16 bytes at most, but contexts of babeltrace may be many. */
export const LONGEST_HEAD = 1024

/** What the kernel's console puts before a line: `[  191.085702][   T12] `. */
export const PRINTK = /^(?:<\d{1,3}>)?\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? ?/

// Lines of blanks must not make these try every place for each part: the indent ends at no blank, and so does a comm.
// `      sh-44        0d..1 27743us!: `, and from `trace-cmd report -l` `      sh-61      0d....     3.306330: `
const LATENCY = /^( *)(?! )(.*)-(\d+) +(\d{1,5})([.a-zA-Z][.a-zA-Z0-9]{2,8}) +(?:(\d+)us.?|(\d+)\.(\d{6}|\d{9})|(\d+)):/
// `              sh      44   1 0 00000000 00000000 [00431b7d] 27.492ms (+0.312ms): `
const VERBOSE =
  /^( *)(?! )(?:(.*?[^ ]) +)?(\d+) +(\d{1,5}) (\d{1,3}) [0-9a-f]{8} [0-9a-f]{8,16} \[([0-9a-f]{8,13})\] \d+\.\d{3}ms \(\+\d+\.\d{3}ms\):/

function latencyHead(line: string): OtherHead | undefined {
  const skip = PRINTK.exec(line)?.[0].length ?? 0
  const found = LATENCY.exec(skip === 0 ? line : line.slice(skip))
  if (found === null) return undefined
  const [all, indent = '', comm = '', pid, cpu = '', flags = '', us, seconds, fraction] = found
  const commFrom = skip + indent.length
  const flagsFrom = skip + all.indexOf(`${cpu}${flags} `, commFrom - skip + comm.length + 1) + cpu.length
  const stamp =
    us !== undefined
      ? { seconds: Math.floor(Number(us) / 1e6), nanoseconds: (Number(us) % 1e6) * 1000, digits: 6 }
      : fraction !== undefined
        ? { seconds: Number(seconds), nanoseconds: Number(fraction.padEnd(9, '0')), digits: fraction.length }
        : { seconds: 0, nanoseconds: 0, digits: 0 }
  return {
    commFrom,
    commTo: commFrom + comm.length,
    pid: Number(pid),
    cpu: Number(cpu),
    flagsFrom,
    flagsTo: flagsFrom + flags.length,
    ...stamp,
    relative: us !== undefined,
    bodyFrom: skip + all.length,
  }
}

function verboseHead(line: string): OtherHead | undefined {
  const found = VERBOSE.exec(line)
  if (found === null) return undefined
  const [all, indent = '', comm = '', pid, cpu, bits, hex] = found
  const us = Number.parseInt(hex!, 16)
  return {
    commFrom: indent.length,
    commTo: indent.length + comm.length,
    pid: Number(pid),
    cpu: Number(cpu),
    flagsFrom: 0,
    flagsTo: 0,
    flagBits: Number(bits),
    // The time since the first event stands there too, but this one is the clock's own.
    seconds: Math.floor(us / 1e6),
    nanoseconds: (us % 1e6) * 1000,
    digits: 6,
    relative: false,
    bodyFrom: all.length,
  }
}

// `[18:18:55.358770825] (+0.000003276) host kmem_kmalloc: { cpu_id = 2 }, { … }`; with --clock-seconds and --clock-date too
const BABELTRACE =
  /^\[(?:(?:(\d{4}-\d\d-\d\d) )?(\d\d):(\d\d):(\d\d)|(\d+))\.(\d{9})\] (?:\(\+[\d?.]+\) )?(?:\S+ )?(?:kmem:|rcu:|kmem_(?!cache_))?(?=[A-Za-z_]\w*: \{)/
const CPU_ID = /\{[^{}]*\bcpu_id = (\d{1,5})\b/
const PROCNAME = /\bprocname = "((?:[^"\\]|\\.)*)"/
const TID = /\b(?:tid|vtid) = (\d+)\b/
const PID = /\bv?pid = (\d+)\b/

/** Line by line, since times of day begin again at midnight. */
export class BabeltraceHeads {
  #days = 0
  #last = 0

  read(line: string): OtherHead | undefined {
    const found = BABELTRACE.exec(line)
    const cpu = CPU_ID.exec(line)?.[1]
    if (found === null || cpu === undefined) return undefined
    const [all, date, hours, minutes, rest, whole, fraction] = found
    const comm = PROCNAME.exec(line)
    const commFrom = comm === null ? 0 : comm.index + comm[0].indexOf('"') + 1
    const task = TID.exec(line)?.[1] ?? PID.exec(line)?.[1]
    const ofDay = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)
    return {
      commFrom,
      commTo: commFrom + (comm?.[1]?.length ?? 0),
      pid: task === undefined ? ABSENT_PID : Number(task),
      cpu: Number(cpu),
      flagsFrom: 0,
      flagsTo: 0,
      seconds: whole !== undefined ? Number(whole) : date === undefined ? this.#unwrap(ofDay) : dayOf(date) + ofDay,
      nanoseconds: Number(fraction),
      digits: 9,
      relative: false,
      bodyFrom: all.length,
      // The groups before it hold contexts; its own braces are gone.
      payloadFrom: line.lastIndexOf('},') + 2,
    }
  }

  #unwrap(ofDay: number): number {
    if (ofDay < this.#last - 43_200) this.#days++
    this.#last = ofDay
    return this.#days * 86_400 + ofDay
  }
}

const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000

/** The head of a line in ftrace's latency or verbose layout, from a file or from the console. */
export const otherHead = (line: string): OtherHead | undefined => latencyHead(line) ?? verboseHead(line)
