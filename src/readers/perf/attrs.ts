import type { ByteReader } from '../trace-dat/bytes.ts'

/** Bits of `perf_event_attr.sample_type`. Source: include/uapi/linux/perf_event.h */
export const Sample = {
  IP: 1 << 0,
  TID: 1 << 1,
  TIME: 1 << 2,
  ADDR: 1 << 3,
  READ: 1 << 4,
  CALLCHAIN: 1 << 5,
  ID: 1 << 6,
  CPU: 1 << 7,
  PERIOD: 1 << 8,
  STREAM_ID: 1 << 9,
  RAW: 1 << 10,
  IDENTIFIER: 1 << 16,
} as const

/** Bits of `perf_event_attr.read_format`. */
const Read = { TOTAL_TIME_ENABLED: 1, TOTAL_TIME_RUNNING: 2, ID: 4, GROUP: 8, LOST: 16 } as const

const SAMPLE_ID_ALL = 18
const USE_CLOCKID = 25
export const TRACEPOINT = 2

/** Names of the kernel's clocks, as ftrace has them where it has them. */
const CLOCKS: Readonly<Record<number, string>> = { 0: 'realtime', 1: 'mono', 4: 'mono_raw', 7: 'boot', 11: 'tai' }

/** What one recorded event's `perf_event_attr` says about its samples. */
export interface Attr {
  readonly type: number
  readonly sampleType: number
  readonly readFormat: number
  /** Whether records other than samples end in time, CPU and id too. */
  readonly sampleIdAll: boolean
  /** `perf` is the clock that perf takes unless told otherwise. */
  readonly clock: string
}

/** Reads the head of a `perf_event_attr`, which has at least 64 bytes. */
export function parseAttr(reader: ByteReader): Attr {
  const what = 'a description of an event'
  const { at, little } = reader
  const size = reader.left
  reader.take(64, what)
  const view = reader.viewAt(at, size)
  // Bit fields are counted from the other end in big-endian kernels.
  const flags = view.getBigUint64(40, little)
  const flag = (bit: number): boolean => ((flags >> BigInt(little ? bit : 63 - bit)) & 1n) === 1n
  const low = (offset: number): number => view.getUint32(offset + (little ? 0 : 4), little)
  const clock = flag(USE_CLOCKID) && size >= 96 ? view.getInt32(92, little) : undefined
  return {
    type: view.getUint32(0, little),
    sampleType: low(24),
    readFormat: low(32),
    sampleIdAll: flag(SAMPLE_ID_ALL),
    clock: clock === undefined ? 'perf' : (CLOCKS[clock] ?? `clock ${clock}`),
  }
}

/** Where things stand in the records of one event. Offsets count from the record's start; −1 is absent. */
export interface RecordLayout {
  readonly isTracepoint: boolean
  readonly hasTime: boolean
  readonly hasCpu: boolean
  readonly idAt: number
  readonly tidAt: number
  readonly timeAt: number
  readonly cpuAt: number
  /** End of what has a fixed size: values read, the call chain and the raw data follow. */
  readonly fixedEnd: number
  readonly readFormat: number | undefined
  readonly callchain: boolean
  readonly raw: boolean
  /** In records other than samples, counted back from the record's end; −1 is absent. */
  readonly fromEnd: { readonly size: number; readonly time: number; readonly cpu: number; readonly id: number }
}

const HEADER = 8

/** Source: the layout comment of PERF_RECORD_SAMPLE and `struct sample_id` in include/uapi/linux/perf_event.h */
export function layoutOf({ type, sampleType, readFormat, sampleIdAll }: Attr): RecordLayout {
  const has = (bit: number): boolean => (sampleType & bit) !== 0
  let at = HEADER
  const next = (bit: number): number => {
    if (!has(bit)) return -1
    at += 8
    return at - 8
  }
  const identifierAt = next(Sample.IDENTIFIER)
  next(Sample.IP)
  const tidAt = next(Sample.TID)
  const timeAt = next(Sample.TIME)
  next(Sample.ADDR)
  const ownIdAt = next(Sample.ID)
  next(Sample.STREAM_ID)
  const cpuAt = next(Sample.CPU)
  next(Sample.PERIOD)
  let back = 0
  const before = (bit: number): number => {
    if (!has(bit) || !sampleIdAll) return -1
    back += 8
    return back
  }
  const identifierBack = before(Sample.IDENTIFIER)
  const cpu = before(Sample.CPU)
  before(Sample.STREAM_ID)
  const idBack = before(Sample.ID)
  const time = before(Sample.TIME)
  before(Sample.TID)
  return {
    isTracepoint: type === TRACEPOINT && has(Sample.RAW),
    hasTime: has(Sample.TIME),
    hasCpu: has(Sample.CPU),
    idAt: identifierAt >= 0 ? identifierAt : ownIdAt,
    tidAt,
    timeAt,
    cpuAt,
    fixedEnd: at,
    readFormat: has(Sample.READ) ? readFormat : undefined,
    callchain: has(Sample.CALLCHAIN),
    raw: has(Sample.RAW),
    fromEnd: { size: back, time, cpu, id: identifierBack >= 0 ? identifierBack : idBack },
  }
}

/** Where a sample's call chain has its length; −1 where what stands before it runs over the record's end. */
export function chainAt(layout: RecordLayout, view: DataView, little: boolean, at: number, end: number): number {
  let place = at + layout.fixedEnd
  const { readFormat } = layout
  if (readFormat !== undefined) {
    const has = (bit: number): number => ((readFormat & bit) === 0 ? 0 : 1)
    const times = has(Read.TOTAL_TIME_ENABLED) + has(Read.TOTAL_TIME_RUNNING)
    const each = 1 + has(Read.ID) + has(Read.LOST)
    if (has(Read.GROUP) === 0) place += 8 * (times + each)
    else {
      if (place + 8 > end) return -1
      place += 8 * (1 + times + each * count(view, little, place))
    }
  }
  return place
}

/** Where a sample's raw data has its size; −1 where what stands before it runs over the record's end. */
export function rawAt(layout: RecordLayout, view: DataView, little: boolean, at: number, end: number): number {
  let place = chainAt(layout, view, little, at, end)
  if (layout.callchain && place >= 0) {
    if (place + 8 > end) return -1
    place += 8 + 8 * count(view, little, place)
  }
  return place + 4 > end ? -1 : place
}

/** A u64 that counts; far beyond any record where it is damage. */
const count = (view: DataView, little: boolean, at: number): number =>
  view.getUint32(at + (little ? 0 : 4), little) + view.getUint32(at + (little ? 4 : 0), little) * 2 ** 32
