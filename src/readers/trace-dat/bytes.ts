import { TraceError } from '#kernel/messages'
import type { Bytes } from '../format.ts'

export function viewOf(bytes: Bytes, at: number, size: number): DataView {
  const { buffer, byteOffset, byteLength } = bytes.subarray(at, at + size)
  return new DataView(buffer, byteOffset, byteLength)
}

/** Reads numbers and strings one after another; ends in a TraceError where the bytes do. */
export class ByteReader {
  readonly file: string
  readonly bytes: Bytes
  /** Whether numbers are little-endian. */
  little = true
  /** What the file is, for messages. */
  format = 'trace.dat'
  at: number
  readonly end: number
  /** What `at` 0 is in the file, for messages; undefined inside a decompressed section. */
  readonly base: number | undefined

  constructor(file: string, bytes: Bytes, at = 0, end = bytes.length, base: number | undefined = 0) {
    this.file = file
    this.bytes = bytes
    this.at = at
    this.end = end
    this.base = base
  }

  /** The same bytes from another place on. */
  from(at: number, end = this.end): ByteReader {
    const reader = new ByteReader(this.file, this.bytes, at, Math.min(end, this.end), this.base)
    reader.little = this.little
    reader.format = this.format
    return reader
  }

  /** All bytes: for those in memory. */
  get view(): DataView {
    return viewOf(this.bytes, 0, this.bytes.length)
  }

  /** So many bytes, wherever they stand. */
  viewAt = (at: number, size: number): DataView => viewOf(this.bytes, at, size)

  get left(): number {
    return this.end - this.at
  }

  fail(what: string, hint: string, at = this.at): never {
    const place = this.base === undefined ? { file: this.file } : { file: this.file, byte: this.base + at }
    throw new TraceError({ place, what, hint })
  }

  #take(size: number, what: string): number {
    const { at } = this
    // Also refuses NaN and negative sizes.
    if (!(size >= 0 && size <= this.end - at)) {
      this.fail(
        `the ${this.format} ends inside ${what} (${size} bytes wanted, ${Math.max(0, this.end - at)} left)`,
        'The file is cut short or damaged; copy or record it again.',
      )
    }
    this.at = at + size
    return at
  }

  u8(what: string): number {
    return this.viewAt(this.#take(1, what), 1).getUint8(0)
  }

  u16(what: string): number {
    return this.viewAt(this.#take(2, what), 2).getUint16(0, this.little)
  }

  u32(what: string): number {
    return this.viewAt(this.#take(4, what), 4).getUint32(0, this.little)
  }

  /** A file offset or size: exact up to 2⁵³, far above any file. */
  u64(what: string): number {
    return Number(this.viewAt(this.#take(8, what), 8).getBigUint64(0, this.little))
  }

  i64(what: string): bigint {
    return this.viewAt(this.#take(8, what), 8).getBigInt64(0, this.little)
  }

  take(size: number, what: string): Uint8Array {
    const at = this.#take(size, what)
    return this.bytes.subarray(at, at + size)
  }

  /** Text up to a NUL. */
  string(what: string, max = 256): string {
    const { at } = this
    const nul = this.bytes.subarray(at, Math.min(this.end, at + max)).indexOf(0)
    this.#take(nul < 0 ? this.left + 1 : nul + 1, what)
    return latin1(this.bytes.subarray(at, at + nul))
  }
}

/** Kernel text is ASCII; bytes above stay one character each. */
export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** A comm or a string field: UTF-8, up to the first NUL. */
export function cString(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0)
  const text = nul < 0 ? bytes : bytes.subarray(0, nul)
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8')
}
