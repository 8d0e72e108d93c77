import { once } from 'node:events'
import { createZstdCompress } from 'node:zlib'
import { Bytes, formatText, record, writeTraceDat } from '../../testing/trace-dat-writer.ts'
import { Sample, TRACEPOINT } from '../attrs.ts'

/**
 * Writes perf.data files byte by byte, for tests: every variant of the format that no recorder at hand makes.
 * Source: tools/perf/Documentation/perf.data-file-format.txt, include/uapi/linux/perf_event.h.
 */
export interface AttrPart {
  readonly type?: number
  /** Of a tracepoint: its format's id. */
  readonly config?: number
  readonly sampleType: number
  readonly readFormat?: number
  readonly clockId?: number
  readonly ids: readonly number[]
}

/** What a sample holds. Those that its event's sample type has not are left out. */
export interface SamplePart {
  readonly id?: number
  readonly pid?: number
  readonly tid?: number
  readonly time: bigint
  readonly cpu: number
  /** Words of the part READ, as the read format has them. */
  readonly read?: readonly number[]
  readonly callchain?: readonly bigint[]
  readonly raw: Uint8Array
}

/** What perf asks for when it records tracepoints of several kinds. */
export const USUAL = Sample.IP | Sample.TID | Sample.TIME | Sample.CPU | Sample.PERIOD | Sample.RAW | Sample.IDENTIFIER

export class PerfWriter {
  readonly little: boolean

  constructor(little = true) {
    this.little = little
  }

  #bytes(fill: (out: Bytes) => void): Uint8Array {
    const out = new Bytes(this.little)
    fill(out)
    return out.bytes
  }

  record(type: number, body: Uint8Array, misc = 0): Uint8Array {
    return this.#bytes((out) =>
      out
        .u32(type)
        .u16(misc)
        .u16(8 + body.length)
        .add(body),
    )
  }

  sample(sampleType: number, part: SamplePart): Uint8Array {
    const { id = 0, tid = 0, pid = tid, time, cpu, read = [], callchain = [], raw } = part
    const fields: [bit: number, fill: (out: Bytes) => unknown][] = [
      [Sample.IDENTIFIER, (out) => out.u64(id)],
      [Sample.IP, (out) => out.u64(0xffff_ffff_8100_0000n)],
      [Sample.TID, (out) => out.number(pid, 4).number(tid, 4)],
      [Sample.TIME, (out) => out.u64(time)],
      [Sample.ADDR, (out) => out.u64(7)],
      [Sample.ID, (out) => out.u64(id)],
      [Sample.STREAM_ID, (out) => out.u64(99)],
      [Sample.CPU, (out) => out.u32(cpu).u32(0)],
      [Sample.PERIOD, (out) => out.u64(1)],
      [Sample.READ, (out) => words(out, read)],
      [Sample.CALLCHAIN, (out) => words(out, [callchain.length, ...callchain])],
      [
        Sample.RAW,
        (out) =>
          out
            .u32(raw.length + ((12 - (raw.length % 8)) % 8))
            .add(raw)
            .align(8),
      ],
    ]
    return this.record(
      9,
      this.#bytes((out) => {
        for (const [bit, fill] of fields) if ((sampleType & bit) !== 0) fill(out)
      }),
    )
  }

  /** What stands at the end of records other than samples. */
  #tail(out: Bytes, sampleType: number, { tid = 0, time, cpu, id = 0 }: Tail): void {
    if ((sampleType & Sample.TID) !== 0) out.u32(tid).u32(tid)
    if ((sampleType & Sample.TIME) !== 0) out.u64(time)
    if ((sampleType & Sample.ID) !== 0) out.u64(id)
    if ((sampleType & Sample.STREAM_ID) !== 0) out.u64(99)
    if ((sampleType & Sample.CPU) !== 0) out.u32(cpu).u32(0)
    if ((sampleType & Sample.IDENTIFIER) !== 0) out.u64(id)
  }

  comm(sampleType: number, tid: number, comm: string, tail: Tail): Uint8Array {
    const body = this.#bytes((out) => {
      out.u32(tid).u32(tid).z(comm).align(8)
      this.#tail(out, sampleType, { tid, ...tail })
    })
    return this.record(3, body)
  }

  fork(sampleType: number, child: number, parent: number, tail: Tail): Uint8Array {
    const body = this.#bytes((out) => {
      out.u32(child).u32(parent).u32(child).u32(parent).u64(tail.time)
      this.#tail(out, sampleType, tail)
    })
    return this.record(7, body)
  }

  lost(sampleType: number, count: number, tail: Tail | undefined): Uint8Array {
    const body = this.#bytes((out) => {
      out.u64(tail?.id ?? 0).u64(count)
      if (tail !== undefined) this.#tail(out, sampleType, tail)
    })
    return this.record(2, body)
  }

  lostSamples(sampleType: number, count: number, tail: Tail, misc = 0): Uint8Array {
    const body = this.#bytes((out) => {
      out.u64(count)
      this.#tail(out, sampleType, tail)
    })
    return this.record(13, body, misc)
  }

  idIndex(entries: readonly { id: number; cpu: number }[]): Uint8Array {
    const body = this.#bytes((out) => {
      out.u64(entries.length)
      for (const { id, cpu } of entries) out.u64(id).u64(0).u64(cpu).u64(0xffff_ffff_ffff_ffffn)
    })
    return this.record(69, body)
  }

  finishedRound = (): Uint8Array => this.record(68, new Uint8Array(0))

  /** `struct perf_event_attr` of 128 bytes. */
  attr({ type = TRACEPOINT, config = 0, sampleType, readFormat = 0, clockId }: AttrPart): Uint8Array {
    const bit = (at: number): bigint => 1n << BigInt(this.little ? at : 63 - at)
    const flags = bit(18) | (clockId === undefined ? 0n : bit(25))
    return this.#bytes((out) => {
      out.add(new Uint8Array(128))
      out.number(type, 4, 0).number(128, 4, 4).number(config, 8, 8).number(1, 8, 16)
      out.number(sampleType, 8, 24).number(readFormat, 8, 32).number(flags, 8, 40)
      out.number(clockId ?? 0, 4, 92)
    })
  }

  /** A trace.dat of version 6, up to its CPUs, under perf's version number. */
  tracingData(formats: readonly { system: string; text: string }[], printk = ''): Uint8Array {
    const dat = writeTraceDat({ version: 6, little: this.little, formats, printk, cpuCount: 1, buffers: [] })
    const end = Buffer.from(dat.buffer, dat.byteOffset, dat.length).indexOf('options  \0') - 4
    return this.#bytes((out) => out.add(dat.subarray(0, 10)).z('0.6').add(dat.subarray(12, end)))
  }

  text = (text: string): Uint8Array =>
    this.#bytes((out) => {
      const size = Math.ceil((text.length + 1) / 64) * 64
      out
        .u32(size)
        .z(text)
        .add(new Uint8Array(size - text.length - 1))
    })

  /** As `perf record -o FILE` writes it. Features: sections by number. */
  file(
    attrs: readonly AttrPart[],
    data: readonly Uint8Array[],
    features: readonly (readonly [feature: number, section: Uint8Array])[],
  ): Uint8Array {
    return this.#bytes((out) => {
      out.u64(0x32454c4946524550n).u64(104).u64(144)
      out.add(new Uint8Array(80))
      const idPlaces = attrs.map(({ ids }) => {
        const at = out.length
        for (const id of ids) out.u64(id)
        return at
      })
      const attrsAt = out.length
      attrs.forEach((attr, index) => {
        out
          .add(this.attr(attr))
          .u64(idPlaces[index]!)
          .u64(attr.ids.length * 8)
      })
      const dataAt = out.length
      for (const record of data) out.add(record)
      const dataEnd = out.length
      out.number(attrsAt, 8, 24).number(dataAt - attrsAt, 8, 32)
      out.number(dataAt, 8, 40).number(dataEnd - dataAt, 8, 48)
      const sorted = [...features].sort(([a], [b]) => a - b)
      out.number(
        sorted.reduce((bits, [feature]) => bits | (1n << BigInt(feature)), 0n),
        8,
        72,
      )
      const table = out.length
      out.add(new Uint8Array(16 * sorted.length))
      sorted.forEach(([, section], index) => {
        out.number(out.length, 8, table + 16 * index).number(section.length, 8, table + 16 * index + 8)
        out.add(section)
      })
    })
  }

  /** As `perf record -o -` writes it. */
  pipe(
    attrs: readonly AttrPart[],
    data: readonly Uint8Array[],
    features: readonly (readonly [feature: number, section: Uint8Array])[],
  ): Uint8Array {
    return this.#bytes((out) => {
      out.u64(0x32454c4946524550n).u64(16)
      for (const attr of attrs) {
        const body = this.#bytes((inner) => {
          inner.add(this.attr(attr))
          for (const id of attr.ids) inner.u64(id)
        })
        out.add(this.record(64, body))
      }
      for (const [feature, section] of features) {
        if (feature === 1) {
          const size = Math.ceil(section.length / 8) * 8
          out.add(
            this.record(
              66,
              this.#bytes((inner) => inner.u32(size).u32(0)),
            ),
          )
          out.add(section).add(new Uint8Array(size - section.length))
        } else {
          out.add(
            this.record(
              80,
              this.#bytes((inner) => inner.u64(feature).add(section)),
            ),
          )
        }
      }
      for (const record of data) out.add(record)
    })
  }

  /**
   * As `perf record -z` writes records: one zstd stream flushed at the end of each compressed record, each of which may end in the
   * middle of what it holds.
   */
  async compressed(data: readonly Uint8Array[], step: number, type: 81 | 83 = 81): Promise<Uint8Array[]> {
    const all = Buffer.concat(data)
    const zstd = createZstdCompress()
    const out: Uint8Array[] = []
    let chunks: Uint8Array[] = []
    zstd.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    for (let at = 0; at < all.length; at += step) {
      zstd.write(all.subarray(at, at + step))
      await new Promise<void>((resolve) => zstd.flush(resolve))
      await new Promise(setImmediate)
      const packed = Buffer.concat(chunks)
      chunks = []
      const body = type === 81 ? packed : this.#bytes((inner) => inner.u64(packed.length).add(packed).align(8))
      out.push(this.record(type, body))
    }
    zstd.destroy()
    await once(zstd, 'close')
    return out
  }
}

const words = (out: Bytes, list: readonly (number | bigint)[]): void => {
  for (const word of list) out.u64(word)
}

interface Tail {
  readonly time: bigint
  readonly cpu: number
  readonly tid?: number
  readonly id?: number
}

/** One recording of 1200 freed pages on two CPUs, in rounds, as a file and by a pipe, each also with records in zstd. */
export async function perfSamples() {
  const FREE = 301
  const writer = new PerfWriter()
  const text = formatText('mm_page_free', FREE, [
    ['unsigned long pfn', 8, 8],
    ['unsigned int order', 16, 4],
  ])
  const free = (at: number): Uint8Array =>
    writer.sample(USUAL, {
      id: 10 + (at & 1),
      tid: 7,
      time: 50_000_000_000n + BigInt(at * 100),
      cpu: at & 1,
      raw: record({ id: FREE, pid: 7, size: 20 }, [
        [at, 8, 8],
        [0, 16],
      ]),
    })
  const round = (number: number): Uint8Array[] => {
    const all = Array.from({ length: 100 }, (_, at) => number * 100 + at)
    // One CPU's buffer is written out after the other's.
    return [...all.filter((at) => at & 1), ...all.filter((at) => !(at & 1))].map(free).concat(writer.finishedRound())
  }
  const data = [
    writer.comm(USUAL, 7, 'sh', { time: 0n, cpu: 0 }),
    ...Array.from({ length: 12 }, (_, at) => round(at)).flat(),
  ]
  const packed = await writer.compressed(data, 5000)
  const attrs = [{ config: FREE, sampleType: USUAL, ids: [10, 11] }]
  const features = [[1, writer.tracingData([{ system: 'kmem', text }])]] as const
  return {
    file: writer.file(attrs, data, features),
    pipe: writer.pipe(attrs, data, features),
    packedFile: writer.file(attrs, packed, features),
    packedPipe: writer.pipe(attrs, packed, features),
  }
}
