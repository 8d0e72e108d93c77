import { TraceError } from '#kernel/messages'
import type { Bytes } from '../format.ts'
import { ByteReader } from '../trace-dat/bytes.ts'
import { type Descriptions, parseTracingData } from '../trace-dat/file.ts'
import { REPAIR } from '../trace-dat/parts.ts'
import { type Attr, parseAttr } from './attrs.ts'

/** Number of each section of features. Source: tools/perf/util/header.h, enum `HEADER_TRACING_DATA` and on */
const Feature = { TRACING_DATA: 1, HOSTNAME: 3, OSRELEASE: 4, ARCH: 6, DIR_FORMAT: 24 } as const

/** One event that was recorded, and the ids under which its samples stand: one a CPU. */
interface RecordedEvent {
  readonly attr: Attr
  readonly ids: readonly number[]
}

/** What a perf.data says of itself. In pipe mode it is told by records among the data, and filled in as they are met. */
export interface PerfFile {
  readonly little: boolean
  readonly pipe: boolean
  readonly dataFrom: number
  readonly dataTo: number
  readonly recorded: RecordedEvent[]
  tracing: Descriptions | undefined
  hostname?: string
  release?: string
  arch?: string
}

const MAGIC = Buffer.from('PERFILE2')
const MAGIC_BIG = Buffer.from(MAGIC).reverse()
const PIPE_HEADER = 16
const FILE_HEADER = 104
const RERECORD = "Record again, and let perf end by itself or by Ctrl-C: perf record -a -e 'kmem:*' -e 'rcu:*'."

const starts = (head: Uint8Array, magic: Uint8Array): boolean => magic.every((byte, at) => head[at] === byte)
export const isPerfData = (head: Uint8Array): boolean => starts(head, MAGIC) || starts(head, MAGIC_BIG)

export function openPerfFile(name: string, bytes: Bytes): PerfFile {
  const reader = new ByteReader(name, bytes)
  reader.format = 'perf.data'
  reader.little = starts(bytes.subarray(0, MAGIC.length), MAGIC)
  reader.take(8, 'the magic')
  const headerSize = reader.u64('the header')
  const { little } = reader
  if (headerSize === PIPE_HEADER) {
    return { little, pipe: true, dataFrom: PIPE_HEADER, dataTo: bytes.length, recorded: [], tracing: undefined }
  }
  if (headerSize !== FILE_HEADER) reader.fail(`a header of ${headerSize} bytes is not known`, REPAIR, 8)
  reader.from(0).take(FILE_HEADER, 'the header')
  const attrSize = reader.u64('the header')
  const [attrs, data] = [sectionOf(reader), sectionOf(reader)]
  sectionOf(reader)
  const features: number[] = []
  const flags = reader.viewAt(FILE_HEADER - 32, 32)
  for (let word = 0; word < 4; word++) {
    const bits = flags.getBigUint64(word * 8, little)
    for (let bit = 0; bit < 64; bit++) if (((bits >> BigInt(bit)) & 1n) === 1n) features.push(word * 64 + bit)
  }
  if (data.size === 0)
    reader.fail('the perf.data was never finished: it does not say where its data ends', RERECORD, 40)
  const dataTo = data.at + data.size
  if (!(dataTo <= bytes.length)) {
    reader.fail('the perf.data is cut short, and what describes its events stood at the end', REPAIR, bytes.length)
  }
  const file: PerfFile = {
    little,
    pipe: false,
    dataFrom: data.at,
    dataTo,
    recorded: readAttrs(reader, attrs, attrSize),
    tracing: undefined,
  }
  const table = reader.from(dataTo, bytes.length)
  for (const feature of features) {
    const { at, size } = sectionOf(table)
    if (at + size > bytes.length) table.fail(`section ${feature} lies outside the file`, REPAIR, table.at - 16)
    addFeature(file, feature, reader.from(at, at + size))
  }
  return file
}

function sectionOf(reader: ByteReader): { at: number; size: number } {
  return { at: reader.u64('the place of a section'), size: reader.u64('the size of a section') }
}

function readAttrs(reader: ByteReader, { at, size }: { at: number; size: number }, attrSize: number): RecordedEvent[] {
  if (attrSize < 80 || attrSize > 4096) reader.fail(`a description of ${attrSize} bytes is not possible`, REPAIR, 16)
  const all = reader.from(at, at + size)
  const recorded: RecordedEvent[] = []
  let ids = 0
  while (all.left >= attrSize) {
    const start = all.at
    all.take(attrSize, 'the descriptions of events')
    const attr = parseAttr(all.from(start, start + attrSize - 16))
    const section = sectionOf(all.from(start + attrSize - 16))
    ids += section.size
    if (ids > reader.bytes.length) all.fail('the ids of several events overlap', REPAIR, start)
    recorded.push({ attr, ids: readIds(reader.from(section.at, section.at + section.size), section.size) })
  }
  return recorded
}

function readIds(reader: ByteReader, size: number): number[] {
  return Array.from({ length: Math.floor(size / 8) }, () => reader.u64('the ids of an event'))
}

/** One section of features, or a record that holds the same. */
export function addFeature(file: PerfFile, feature: number, body: ByteReader): void {
  switch (feature) {
    case Feature.TRACING_DATA:
      file.tracing = addTracingData(file, body)
      break
    case Feature.HOSTNAME:
      file.hostname = textOf(body)
      break
    case Feature.OSRELEASE:
      file.release = textOf(body)
      break
    case Feature.ARCH:
      file.arch = textOf(body)
      break
    case Feature.DIR_FORMAT:
      throw new TraceError({
        place: { file: body.file },
        what: 'this perf.data is one file of a folder, recorded with `perf record --threads`',
        hint: 'Record without --threads.',
      })
  }
}

export function addTracingData(file: PerfFile, body: ByteReader): Descriptions {
  const tracing = parseTracingData(body)
  if (tracing.little !== file.little) body.fail('the byte order changes inside the file', REPAIR)
  return tracing
}

const textOf = (body: ByteReader): string =>
  body.left < 4 ? '' : body.from(body.at + 4).string('a text', body.left) || ''

/** A PERF_RECORD_HEADER_ATTR: the description, which says its own size, then ids to the record's end. */
export function addAttr(file: PerfFile, body: ByteReader): void {
  const { at } = body
  if (body.left < 64) body.fail('a description of an event is too short', REPAIR)
  const size = body.viewAt(at + 4, 4).getUint32(0, file.little) || 64
  if (size < 64 || size > body.left) body.fail(`a description of ${size} bytes is not possible`, REPAIR)
  const attr = parseAttr(body.from(at, at + size))
  file.recorded.push({ attr, ids: readIds(body.from(at + size), body.left - size) })
}
