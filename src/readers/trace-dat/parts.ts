import type { ByteReader } from './bytes.ts'
import type { ClockOptions } from './clock.ts'
import type { EventFormat } from './layout.ts'
import type { Packing } from './unpack.ts'

export const REPAIR = 'The file is cut short or damaged; copy or record it again.'

/** Source: Documentation of trace-cmd, trace-cmd.dat.v6(5) and .v7(5). */
export const Option = {
  DONE: 0,
  CPUSTAT: 2,
  BUFFER: 3,
  TRACECLOCK: 4,
  UNAME: 5,
  CPUCOUNT: 8,
  TIME_SHIFT: 12,
  TSC2NSEC: 14,
  HEADER_INFO: 16,
  FTRACE_EVENTS: 17,
  EVENT_FORMATS: 18,
  KALLSYMS: 19,
  PRINTK: 20,
  CMDLINES: 21,
  BUFFER_TEXT: 22,
} as const

/** One CPU's share of a buffer. `size` may run over the file's end where the file is cut short. */
export interface CpuData {
  readonly cpu: number
  readonly offset: number
  readonly size: number
}

export interface BufferData {
  /** Empty for the top buffer; else the tracing instance's. */
  readonly name: string
  readonly clock: string | undefined
  readonly pageSize: number
  readonly compressed: boolean
  readonly cpus: readonly CpuData[]
}

/** What a trace.dat says of itself, all versions alike. Texts that may not be needed are unpacked when asked for. */
export interface TraceDat extends ClockOptions {
  readonly version: number
  readonly compression: 'none' | Packing
  readonly little: boolean
  readonly headerPage: Uint8Array
  readonly formats: ReadonlyMap<number, EventFormat>
  readonly kallsyms: () => Uint8Array
  readonly printk: () => string
  readonly comms: () => string
  readonly buffers: readonly BufferData[]
  /** In place of buffers: what a latency tracer's file holds, the text of ftrace's `trace`. */
  readonly text?: Uint8Array
  readonly clock: string | undefined
  readonly uname: string | undefined
  /** One text a CPU, as tracefs' per_cpu/cpuN/stats. */
  readonly cpuStats: readonly string[]
  /** `found`: the list of CPUs' data was missing and was rebuilt by scanning the data; `guessed`: rebuilt, CPU numbers uncertain. */
  readonly index: 'recorded' | 'found' | 'guessed'
}

export interface Facts extends ClockOptions {
  readonly clock: string | undefined
  readonly uname: string | undefined
  readonly cpuCount: number | undefined
  readonly cpuStats: readonly string[]
}

export const statOf = (stats: string, name: string): number | undefined => {
  const [, value] = new RegExp(`^${name}: *(\\d+)`, 'm').exec(stats) ?? []
  return value === undefined ? undefined : Number(value)
}

export function checkCpuCount(reader: ByteReader, count: number, least = 1): void {
  if (count < least || count > 0xffff) reader.fail(`${count} CPUs are not possible`, REPAIR, reader.at - 4)
}
