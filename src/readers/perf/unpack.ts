import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdDecompress } from 'node:zlib'

export interface Unpacked {
  readonly bytes: Uint8Array
  readonly problem?: 'broken' | 'too-large'
}

/**
 * Unpacks the payloads of compressed records. perf writes one zstd stream over all of them, flushed at each record's end and never
 * ended, so they are fed one after another; what came out before a damaged place is kept.
 */
export async function unpackChunks(chunks: readonly Uint8Array[], most: number): Promise<Unpacked> {
  const out: Uint8Array[] = []
  let size = 0
  const sink = new Writable({
    write(bytes: Uint8Array, _encoding, done) {
      size += bytes.length
      if (size <= most) out.push(bytes)
      done(size <= most ? null : new Error('too large'))
    },
  })
  const zstd = createZstdDecompress({ finishFlush: constants.ZSTD_e_flush, chunkSize: 1 << 18 })
  try {
    await pipeline(Readable.from(chunks), zstd, sink)
    return { bytes: Buffer.concat(out) }
  } catch {
    return { bytes: Buffer.concat(out), problem: size > most ? 'too-large' : 'broken' }
  }
}
