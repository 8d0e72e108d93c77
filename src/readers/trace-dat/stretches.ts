import { TraceError } from '#kernel/messages'
import type { Bytes } from '../format.ts'
import { viewOf } from './bytes.ts'
import type { BufferData, CpuData, TraceDat } from './parts.ts'
import { MAX_UNPACKED, type Unpacker } from './unpack.ts'

/** Packed ring-buffer pages are 3 to 20 times smaller; empty ones a few hundred. */
const MAX_RATIO = 1024

/** Of pages that are not packed, so much is taken at a time, so that progress shows. */
const SLICE = 256 * 1024

/** A piece of one CPU's data as it comes out of the file. Its bytes hold until the next one is asked for. */
export interface Stretch {
  /** In the file. */
  readonly at: number
  readonly size: number
  readonly bytes: Uint8Array
  /** Whether nothing of this CPU follows. */
  readonly last: boolean
  readonly problem?: 'cut-short' | 'broken-chunk'
}

const NOTHING = new Uint8Array(0)

/** The file that stretches are taken from. */
export interface StretchSource {
  readonly name: string
  readonly bytes: Bytes
  /** For all CPUs: each has what it unpacks to itself. */
  readonly unpacker: Unpacker
}

export const stretchesOf = (
  dat: TraceDat,
  buffer: BufferData,
  data: CpuData,
  source: StretchSource,
): Iterator<Stretch> => {
  // CPUs are read by turns: each needs its place in the file to itself.
  const own = { ...source, bytes: source.bytes.alongside?.() ?? source.bytes }
  return buffer.compressed ? chunksOf(dat, data, own) : slicesOf(data, own, buffer.pageSize)
}

/** Pages as they stand in the file. */
function* slicesOf({ offset, size }: CpuData, { bytes }: StretchSource, pageSize: number): Generator<Stretch> {
  const end = offset + size
  const present = Math.min(end, bytes.length)
  const step = pageSize * Math.max(1, Math.floor(SLICE / pageSize))
  for (let at = offset; at < present; at += step) {
    const to = Math.min(present, at + step)
    yield { at, size: to - at, bytes: bytes.subarray(at, to), last: to === end }
  }
  if (end > present) yield { at: present, size: 0, bytes: NOTHING, last: true, problem: 'cut-short' }
}

/** Unpacks one CPU's chunks one after another. A broken one is left out; the next one's place is known all the same. */
function* chunksOf(
  { little }: TraceDat,
  { offset, size }: CpuData,
  { name, bytes, unpacker }: StretchSource,
): Generator<Stretch> {
  if (size === 0) return
  // `size` leaves out the number of chunks, which stands first.
  const end = Math.min(offset + 4 + size, bytes.length)
  const cut = (at: number): Stretch => ({ at, size: 0, bytes: NOTHING, last: true, problem: 'cut-short' })
  if (offset + 4 > end) {
    yield cut(bytes.length)
    return
  }
  let unpacked = 0
  let at = offset + 4
  for (let left = viewOf(bytes, offset, 4).getUint32(0, little); left > 0; left--) {
    if (at + 8 > end) {
      yield cut(at)
      return
    }
    const head = viewOf(bytes, at, 8)
    const packedSize = head.getUint32(0, little)
    const unpackedSize = head.getUint32(4, little)
    const start = at + 8
    if (start + packedSize > end) {
      yield cut(at)
      return
    }
    unpacked += unpackedSize
    if (unpacked > MAX_RATIO * size + MAX_UNPACKED) {
      throw new TraceError({
        place: { file: name, byte: at },
        what: `the data of one CPU claims to unpack to more than ${MAX_RATIO} times its size`,
        hint: 'No real trace does; the file is damaged or made to do harm.',
      })
    }
    const chunk = unpacker.unpack(bytes.subarray(start, start + packedSize), unpackedSize)
    const last = left === 1
    if (chunk === undefined) yield { at, size: 8 + packedSize, bytes: NOTHING, last, problem: 'broken-chunk' }
    else {
      yield { at, size: 8 + packedSize, bytes: chunk, last }
      unpacker.free(chunk)
    }
    at = start + packedSize
  }
}
