import { deflateSync, zstdCompressSync } from 'node:zlib'
import { Bytes } from '../../writers/trace-dat/bytes.ts'
import {
  addEventFormats,
  addFacts,
  addFtraceFormats,
  addHeaderPage,
  addOption,
  startFile,
  type TraceDatHead,
  writeHead,
} from '../../writers/trace-dat/container.ts'

export { formatText } from '../../writers/trace-dat/container.ts'
export { Bytes }

/**
 * Writes trace.dat files byte by byte, for tests: every variant of the format that no recorder at hand makes.
 * Source: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5), include/linux/ring_buffer.h.
 */
export interface TraceDatParts extends Omit<TraceDatHead, 'cpuCount'> {
  readonly version: 6 | 7
  readonly compression?: 'none' | 'zlib' | 'zstd'
  readonly buffers: readonly { readonly name: string; readonly cpus: readonly CpuPart[] }[]
  /** Pages in one compressed chunk. */
  readonly pagesPerChunk?: number
  /** 0 … cpuCount unless given. */
  readonly cpuCount?: number
}

interface CpuPart {
  readonly cpu: number
  readonly data: Uint8Array
}

export function writeTraceDat(parts: TraceDatParts): Uint8Array {
  const { clock = 'local', buffers } = parts
  const cpuCount = parts.cpuCount ?? 1 + Math.max(...buffers.flatMap(({ cpus }) => cpus.map(({ cpu }) => cpu)))
  return parts.version === 6 ? writeV6({ ...parts, clock, cpuCount }) : writeV7({ ...parts, clock, cpuCount })
}

function writeV6(parts: TraceDatParts & TraceDatHead): Uint8Array {
  const { little = true, pageSize = 4096, buffers } = parts
  const out = new Bytes(little)
  const sizes = buffers.map(({ name, cpus }) => ({
    name,
    cpus: cpus.map(({ cpu, data }) => ({ cpu, size: data.length })),
  }))
  out.add(writeHead(parts, sizes))
  for (const { data } of buffers.flatMap(({ cpus }) => cpus)) out.align(pageSize).add(data)
  return out.bytes
}

function writeV7(parts: TraceDatParts & TraceDatHead): Uint8Array {
  const { compression = 'none', little = true, kallsyms = '', printk = '', comms = '', buffers } = parts
  const { clock = 'local', pagesPerChunk = 10, pageSize = 4096 } = parts
  const out = startFile(7, parts)
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
        bodyOf((body) => addHeaderPage(body, parts)),
      ),
    ],
    [
      17,
      section(
        17,
        bodyOf((body) => addFtraceFormats(body, parts)),
      ),
    ],
    [
      18,
      section(
        18,
        bodyOf((body) => addEventFormats(body, parts)),
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
