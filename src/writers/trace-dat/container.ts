import { Bytes } from './bytes.ts'

/** What a trace.dat says before its data. Source: trace-cmd.dat.v6(5). */
export interface TraceDatHead {
  readonly little?: boolean
  readonly longSize?: 4 | 8
  readonly pageSize?: number
  readonly formats: readonly { readonly system: string; readonly text: string | Uint8Array }[]
  readonly kallsyms?: string
  readonly printk?: string
  /** Lines `pid name`. */
  readonly comms?: string | Uint8Array
  readonly clock?: string
  readonly uname?: string
  readonly cpuStats?: readonly string[]
  readonly cpuCount: number
  /** Options beside those. */
  readonly options?: readonly { readonly id: number; readonly data: Uint8Array }[]
}

const Option = { CPUSTAT: 2, BUFFER: 3, TRACECLOCK: 4, UNAME: 5, CPUCOUNT: 8 } as const

/** The bytes of one CPU's pages in a buffer. */
export interface CpuShare {
  readonly cpu: number
  readonly size: number
}

const headerPageText = (longSize: 4 | 8, pageSize: number): string =>
  [
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;',
    `\tfield: local_t commit;\toffset:8;\tsize:${longSize};\tsigned:1;`,
    '\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;',
    `\tfield: char data;\toffset:${8 + longSize};\tsize:${pageSize - 8 - longSize};\tsigned:1;`,
    '',
  ].join('\n')

const HEADER_EVENT =
  '# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n' +
  '\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n'

/** The first bytes of the file, of either version. */
export function startFile(version: 6 | 7, { little = true, longSize = 8, pageSize = 4096 }: TraceDatHead): Bytes {
  return new Bytes(little)
    .add(Uint8Array.of(0x17, 0x08, 0x44))
    .z(`tracing${version}`)
    .number(little ? 0 : 1, 1)
    .number(longSize, 1)
    .u32(pageSize)
}

export function addHeaderPage(out: Bytes, { longSize = 8, pageSize = 4096 }: TraceDatHead): void {
  const header = headerPageText(longSize, pageSize)
  out.z('header_page').u64(header.length).add(header)
  out.z('header_event').u64(HEADER_EVENT.length).add(HEADER_EVENT)
}

export function addFtraceFormats(out: Bytes, { formats }: TraceDatHead): void {
  const own = formats.filter(({ system }) => system === 'ftrace')
  out.u32(own.length)
  for (const { text } of own) out.u64(text.length).add(text)
}

export function addEventFormats(out: Bytes, { formats }: TraceDatHead): void {
  const systems = [...new Set(formats.map(({ system }) => system))].filter((system) => system !== 'ftrace')
  out.u32(systems.length)
  for (const system of systems) {
    const own = formats.filter((format) => format.system === system)
    out.z(system).u32(own.length)
    for (const { text } of own) out.u64(text.length).add(text)
  }
}

export function addOption(out: Bytes, id: number, fill: (option: Bytes) => void): void {
  const option = new Bytes(out.little)
  fill(option)
  out.u16(id).u32(option.length).add(option.bytes)
}

export function addFacts(out: Bytes, { clock, uname, cpuStats = [], cpuCount, options = [] }: TraceDatHead): void {
  addOption(out, Option.CPUCOUNT, (option) => option.u32(cpuCount))
  if (clock !== undefined) addOption(out, Option.TRACECLOCK, (option) => option.z(`[${clock}] other\n`))
  if (uname !== undefined) addOption(out, Option.UNAME, (option) => option.z(uname))
  for (const stats of cpuStats) addOption(out, Option.CPUSTAT, (option) => option.z(stats))
  for (const { id, data } of options) addOption(out, id, (option) => option.add(data))
}

/** What describes the events: the same in a perf.data. */
function addDescriptions(out: Bytes, head: TraceDatHead): void {
  const { kallsyms = '', printk = '', comms = '' } = head
  addHeaderPage(out, head)
  addFtraceFormats(out, head)
  addEventFormats(out, head)
  out.u32(kallsyms.length).add(kallsyms)
  out.u32(printk.length).add(printk)
  out.u64(comms.length).add(comms)
}

/**
 * A file of version 6 up to its data, which follows in the order of `buffers` and their CPUs, each CPU's share filled up to whole
 * pages. The first buffer is the top one, the others are tracing instances.
 */
export function writeHead(
  head: TraceDatHead,
  buffers: readonly { readonly name: string; readonly cpus: readonly CpuShare[] }[],
): Uint8Array {
  const { pageSize = 4096, cpuCount } = head
  const out = startFile(6, head)
  addDescriptions(out, head)
  out.u32(cpuCount).z('options  ')
  addFacts(out, head)
  const [top, ...instances] = buffers
  const instancePlaces = instances.map(({ name }) => {
    const at = out.length + 6
    addOption(out, Option.BUFFER, (option) => option.u64(0).z(name))
    return at
  })
  out.u16(0)
  const places = new Map<CpuShare, number>()
  const addTable = (cpus: readonly CpuShare[]) => {
    out.z('flyrecord')
    for (let cpu = 0; cpu < cpuCount; cpu++) {
      const share = cpus.find((candidate) => candidate.cpu === cpu)
      if (share !== undefined) places.set(share, out.length)
      out.u64(0).u64(0)
    }
  }
  addTable(top?.cpus ?? [])
  instances.forEach(({ cpus }, index) => {
    out.number(out.length, 8, instancePlaces[index]!)
    addTable(cpus)
  })
  out.align(pageSize)
  let at = out.length
  for (const share of buffers.flatMap(({ cpus }) => cpus)) {
    const place = places.get(share)
    if (place !== undefined) out.number(at, 8, place).number(share.size, 8, place + 8)
    at += Math.ceil(share.size / pageSize) * pageSize
  }
  return out.bytes
}

/** `[declaration, offset, size, signed]`, as in the kernel's format files. */
export type FormatField = readonly [declaration: string, offset: number, size: number, signed?: boolean]

/** Bytes of the fields that all records begin with. */
export const COMMON_SIZE = 8
const common: readonly FormatField[] = [
  ['unsigned short common_type', 0, 2],
  ['unsigned char common_flags', 2, 1],
  ['unsigned char common_preempt_count', 3, 1],
  ['int common_pid', 4, 4, true],
]

/** A format file: fields after the common ones. */
export function formatText(name: string, id: number, fields: readonly FormatField[], print = '"", 0'): string {
  const line = ([declaration, offset, size, signed = false]: FormatField) =>
    `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${Number(signed)};\n`
  return `name: ${name}\nID: ${id}\nformat:\n${common.map(line).join('')}\n${fields.map(line).join('')}\nprint fmt: ${print}\n`
}
