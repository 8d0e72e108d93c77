/** Source: include/uapi/linux/perf_event.h and, from 64 on, tools/lib/perf/include/perf/event.h */
export const Type = {
  LOST: 2,
  COMM: 3,
  THROTTLE: 5,
  FORK: 7,
  SAMPLE: 9,
  LOST_SAMPLES: 13,
  HEADER_ATTR: 64,
  HEADER_TRACING_DATA: 66,
  FINISHED_ROUND: 68,
  ID_INDEX: 69,
  AUXTRACE: 71,
  HEADER_FEATURE: 80,
  COMPRESSED: 81,
  COMPRESSED2: 83,
} as const

/** PERF_RECORD_MMAP … PERF_RECORD_AUX_OUTPUT_HW_ID of the kernel's, and perf's own. */
export const isKnownType = (type: number): boolean => (type > 0 && type <= 21) || (type >= 64 && type <= 84)

/** What every record begins with: u32 type, u16 misc, u16 size. */
export const HEADER = 8
export const MAX_CPU = 0xfffe

/** Bytes of records: of the file from some place on, or of what its compressed records hold. */
export interface Window {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Where it begins in the file; undefined of what was compressed. */
  readonly from: number | undefined
}

export const windowOf = (bytes: Uint8Array, from: number | undefined): Window => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  from,
})

export const u64 = (view: DataView, at: number, little: boolean): number => Number(view.getBigUint64(at, little))

/** The same without a BigInt on the way. */
export const u64Fast = (view: DataView, at: number, little: boolean): number =>
  view.getUint32(at + (little ? 0 : 4), little) + view.getUint32(at + (little ? 4 : 0), little) * 2 ** 32
