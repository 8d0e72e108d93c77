import { deflateSync, zstdCompressSync } from 'node:zlib'

/**
 * Writes trace.dat files byte by byte, for tests: every variant of the format that no recorder at hand makes.
 * Source: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5), include/linux/ring_buffer.h.
 */
export interface TraceDatParts {
  readonly version: 6 | 7
  readonly compression?: 'none' | 'zlib' | 'zstd'
  readonly little?: boolean
  readonly longSize?: 4 | 8
  readonly pageSize?: number
  readonly formats: readonly { readonly system: string; readonly text: string | Uint8Array }[]
  readonly kallsyms?: string
  readonly printk?: string
  /** Lines `pid name`. */
  readonly comms?: string
  readonly clock?: string
  readonly uname?: string
  readonly cpuStats?: readonly string[]
  readonly buffers: readonly { readonly name: string; readonly cpus: readonly CpuPart[] }[]
  /** Pages in one compressed chunk. */
  readonly pagesPerChunk?: number
  /** 0 … cpuCount unless given. */
  readonly cpuCount?: number
}

export interface CpuPart {
  readonly cpu: number
  readonly data: Uint8Array
}

/** Bytes that grow, with places to fill in later. */
export class Bytes {
  #bytes = Buffer.alloc(1024)
  length = 0
  readonly little: boolean

  constructor(little = true) {
    this.little = little
  }

  #room(size: number): number {
    const at = this.length
    while (at + size > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)])
    this.length = at + size
    return at
  }

  number(value: number | bigint, size: 1 | 2 | 4 | 8, at = this.#room(size)): this {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)
    const unsigned = BigInt.asUintN(size * 8, BigInt(value))
    if (size === 8) view.setBigUint64(at, unsigned, this.little)
    else if (size === 4) view.setUint32(at, Number(unsigned), this.little)
    else if (size === 2) view.setUint16(at, Number(unsigned), this.little)
    else view.setUint8(at, Number(unsigned))
    return this
  }

  u16 = (value: number) => this.number(value, 2)
  u32 = (value: number) => this.number(value, 4)
  u64 = (value: number | bigint) => this.number(value, 8)

  add(bytes: Uint8Array | string): this {
    const from = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const at = this.#room(from.length)
    this.#bytes.set(from, at)
    return this
  }

  z = (text: string) => this.add(`${text}\0`)

  align(size: number): this {
    this.#room((size - (this.length % size)) % size)
    return this
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }
}

export const headerPageText = (longSize: 4 | 8, pageSize: number): string =>
  [
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;',
    `\tfield: local_t commit;\toffset:8;\tsize:${longSize};\tsigned:1;`,
    `\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;`,
    `\tfield: char data;\toffset:${8 + longSize};\tsize:${pageSize - 8 - longSize};\tsigned:1;`,
    '',
  ].join('\n')

const HEADER_EVENT =
  '# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n' +
  '\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n'

export function writeTraceDat(parts: TraceDatParts): Uint8Array {
  const { version, little = true, longSize = 8, pageSize = 4096 } = parts
  const out = new Bytes(little)
  out
    .add(Uint8Array.of(0x17, 0x08, 0x44))
    .add('tracing')
    .z(String(version))
  out
    .number(little ? 0 : 1, 1)
    .number(longSize, 1)
    .u32(pageSize)
  return version === 6 ? writeV6(out, parts, longSize, pageSize) : writeV7(out, parts, longSize, pageSize)
}

function addHeaderPage(out: Bytes, longSize: 4 | 8, pageSize: number): void {
  const header = headerPageText(longSize, pageSize)
  out.z('header_page').u64(header.length).add(header)
  out.z('header_event').u64(HEADER_EVENT.length).add(HEADER_EVENT)
}

function addFormats(out: Bytes, formats: TraceDatParts['formats'], ftrace: boolean): void {
  const add = ({ text }: { text: string | Uint8Array }) => out.u64(text.length).add(text)
  if (ftrace) {
    const own = formats.filter(({ system }) => system === 'ftrace')
    out.u32(own.length)
    own.forEach(add)
    return
  }
  const systems = [...new Set(formats.map(({ system }) => system))].filter((system) => system !== 'ftrace')
  out.u32(systems.length)
  for (const system of systems) {
    const own = formats.filter((format) => format.system === system)
    out.z(system).u32(own.length)
    own.forEach(add)
  }
}

const cpuCountOf = ({ cpuCount, buffers }: TraceDatParts): number =>
  cpuCount ?? 1 + Math.max(...buffers.flatMap(({ cpus }) => cpus.map(({ cpu }) => cpu)))

function writeV6(out: Bytes, parts: TraceDatParts, longSize: 4 | 8, pageSize: number): Uint8Array {
  const { formats, kallsyms = '', printk = '', comms = '', buffers } = parts
  addHeaderPage(out, longSize, pageSize)
  addFormats(out, formats, true)
  addFormats(out, formats, false)
  out.u32(kallsyms.length).add(kallsyms)
  out.u32(printk.length).add(printk)
  out.u64(comms.length).add(comms)
  const cpuCount = cpuCountOf(parts)
  out.u32(cpuCount)
  const fixups: (() => void)[] = []
  out.z('options  ')
  addOption(out, 8, (option) => option.u32(cpuCount))
  addFacts(out, parts)
  const [top, ...instances] = buffers
  const instancePlaces = instances.map(({ name }) => {
    const at = out.length + 6
    addOption(out, 3, (option) => option.u64(0).z(name))
    return at
  })
  out.u16(0)
  const addTable = (buffer: TraceDatParts['buffers'][number] | undefined) => {
    out.z('flyrecord')
    for (let cpu = 0; cpu < cpuCount; cpu++) {
      const at = out.length
      out.u64(0).u64(0)
      const part = buffer?.cpus.find((candidate) => candidate.cpu === cpu)
      if (part === undefined) continue
      fixups.push(() => {
        out.align(pageSize)
        out.number(out.length, 8, at).number(part.data.length, 8, at + 8)
        out.add(part.data)
      })
    }
  }
  addTable(top)
  instances.forEach((instance, index) => {
    out.number(out.length, 8, instancePlaces[index]!)
    addTable(instance)
  })
  for (const fixup of fixups) fixup()
  return out.bytes
}

function addOption(out: Bytes, id: number, fill: (option: Bytes) => void): void {
  const option = new Bytes(out.little)
  fill(option)
  out.u16(id).u32(option.length).add(option.bytes)
}

function addFacts(out: Bytes, { clock = 'local', uname, cpuStats = [] }: TraceDatParts): void {
  addOption(out, 4, (option) => option.z(`[${clock}] other\n`))
  if (uname !== undefined) addOption(out, 5, (option) => option.z(uname))
  for (const stats of cpuStats) addOption(out, 2, (option) => option.z(stats))
}

function writeV7(out: Bytes, parts: TraceDatParts, longSize: 4 | 8, pageSize: number): Uint8Array {
  const { compression = 'none', little = true, formats, kallsyms = '', printk = '', comms = '', buffers } = parts
  const { clock = 'local', pagesPerChunk = 10 } = parts
  const pack = (bytes: Uint8Array) => (compression === 'zstd' ? zstdCompressSync(bytes) : deflateSync(bytes))
  out.z(compression).z(compression === 'none' ? '' : '1.0')
  const optionsPlace = out.length
  out.u64(0)
  const section = (id: number, body: Bytes, packed = compression !== 'none'): number => {
    const at = out.length
    out
      .u16(id)
      .u16(packed ? 1 : 0)
      .u32(0)
    if (!packed) {
      out.u64(body.length).add(body.bytes)
      return at
    }
    const bytes = pack(body.bytes)
    out
      .u64(bytes.length + 8)
      .u32(bytes.length)
      .u32(body.length)
      .add(bytes)
    return at
  }
  const bodyOf = (fill: (body: Bytes) => void): Bytes => {
    const body = new Bytes(little)
    fill(body)
    return body
  }
  const sections = [
    [
      16,
      section(
        16,
        bodyOf((body) => addHeaderPage(body, longSize, pageSize)),
      ),
    ],
    [
      17,
      section(
        17,
        bodyOf((body) => addFormats(body, formats, true)),
      ),
    ],
    [
      18,
      section(
        18,
        bodyOf((body) => addFormats(body, formats, false)),
      ),
    ],
    [
      19,
      section(
        19,
        bodyOf((body) => body.u32(kallsyms.length).add(kallsyms)),
      ),
    ],
    [
      20,
      section(
        20,
        bodyOf((body) => body.u32(printk.length).add(printk)),
      ),
    ],
    [
      21,
      section(
        21,
        bodyOf((body) => body.u64(comms.length).add(comms)),
      ),
    ],
  ] as const
  out.number(out.length, 8, optionsPlace)
  const options = bodyOf((body) => {
    for (const [id, at] of sections) addOption(body, id, (option) => option.u64(at))
    addOption(body, 8, (option) => option.u32(cpuCountOf(parts)))
    addFacts(body, parts)
    addOption(body, 0, (option) => option.u64(0))
  })
  const nextPlace = out.length + 16 + options.length - 8
  section(0, options, false)
  const bufferOptions = buffers.map(({ name, cpus }) => {
    const at = out.length
    out
      .u16(3)
      .u16(compression === 'none' ? 0 : 1)
      .u32(0)
      .u64(0)
    const placed = cpus.map(({ cpu, data }) => {
      out.align(pageSize)
      const offset = out.length
      if (compression === 'none') out.add(data)
      else {
        const step = pageSize * pagesPerChunk
        out.u32(Math.ceil(data.length / step))
        for (let from = 0; from < data.length; from += step) {
          const chunk = data.subarray(from, from + step)
          const packed = pack(chunk)
          out.u32(packed.length).u32(chunk.length).add(packed)
        }
      }
      return { cpu, offset, size: out.length - offset - (compression === 'none' ? 0 : 4) }
    })
    out.number(out.length - at - 16, 8, at + 8)
    return bodyOf((option) => {
      option.u64(at).z(name).z(clock).u32(pageSize).u32(cpus.length)
      for (const { cpu, offset, size } of placed) option.u32(cpu).u64(offset).u64(size)
    })
  })
  out.number(out.length, 8, nextPlace)
  section(
    0,
    bodyOf((body) => {
      for (const option of bufferOptions) body.u16(3).u32(option.length).add(option.bytes)
      addOption(body, 0, (option) => option.u64(0))
    }),
    false,
  )
  return out.bytes
}

/** What stands in a ring-buffer page, in order. */
export type PageEntry =
  | { readonly kind: 'record'; readonly delta: number; readonly data: Uint8Array; readonly long?: boolean }
  | { readonly kind: 'extend'; readonly ns: number }
  | { readonly kind: 'absolute'; readonly stamp: bigint }
  | { readonly kind: 'discarded'; readonly delta: number; readonly size: number }
  | { readonly kind: 'padding' }

export interface PageOptions {
  readonly little?: boolean
  readonly longSize?: 4 | 8
  readonly pageSize?: number
  /** Events lost before the page; `true` where their number was not kept. */
  readonly missed?: number | true
}

export function page(stamp: bigint, entries: readonly PageEntry[], options: PageOptions = {}): Uint8Array {
  const { little = true, longSize = 8, pageSize = 4096, missed } = options
  const data = new Bytes(little)
  const head = (type: number, delta: number) =>
    data.u32(little ? ((delta << 5) | type) >>> 0 : ((type << 27) | delta) >>> 0)
  for (const entry of entries) {
    switch (entry.kind) {
      case 'record':
        if (entry.data.length % 4 !== 0) throw new Error('records are whole words')
        if (entry.long === true || entry.data.length > 112) head(0, entry.delta).u32(entry.data.length + 4)
        else head(entry.data.length / 4, entry.delta)
        data.add(entry.data)
        break
      case 'extend':
        head(30, entry.ns % 2 ** 27).u32(Math.floor(entry.ns / 2 ** 27))
        break
      case 'absolute':
        head(31, Number(entry.stamp & 0x7ff_ffffn)).u32(Number((entry.stamp >> 27n) & 0xffff_ffffn))
        break
      case 'discarded':
        head(29, entry.delta)
          .u32(entry.size - 4)
          .add(new Uint8Array(entry.size - 8))
        break
      case 'padding':
        head(29, 0)
    }
  }
  const out = new Bytes(little)
  const flags = missed === undefined ? 0 : missed === true ? 0x8000_0000 : 0xc000_0000
  out
    .u64(stamp)
    .number(data.length + flags, longSize)
    .add(data.bytes)
  if (typeof missed === 'number') out.number(missed, longSize)
  if (out.length > pageSize) throw new Error('too much for one page')
  return out.align(pageSize).bytes
}

/** A format file: fields as `[declaration, offset, size, signed]` after the common ones. */
export function formatText(
  name: string,
  id: number,
  fields: readonly (readonly [declaration: string, offset: number, size: number, signed?: boolean])[],
): string {
  const common = [
    ['unsigned short common_type', 0, 2],
    ['unsigned char common_flags', 2, 1],
    ['unsigned char common_preempt_count', 3, 1],
    ['int common_pid', 4, 4, true],
  ] as const
  const line = ([declaration, offset, size, signed = false]: readonly [string, number, number, boolean?]) =>
    `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${Number(signed)};\n`
  return `name: ${name}\nID: ${id}\nformat:\n${common.map(line).join('')}\n${fields.map(line).join('')}\nprint fmt: "", 0\n`
}

/** One record: values at offsets, `[value, offset, size]`, after type, flags and pid. */
export function record(
  {
    id,
    flags = 0,
    pid,
    size,
    little = true,
  }: { id: number; flags?: number; pid: number; size: number; little?: boolean },
  values: readonly (readonly [value: number | bigint | string, offset: number, size?: 1 | 2 | 4 | 8])[],
): Uint8Array {
  const out = new Bytes(little)
  out.add(new Uint8Array(size))
  out.number(id, 2, 0).number(flags, 1, 2).number(pid, 4, 4)
  for (const [value, offset, width = 4] of values) {
    if (typeof value === 'string') out.bytes.set(Buffer.from(`${value}\0`), offset)
    else out.number(value, width, offset)
  }
  return out.bytes
}
