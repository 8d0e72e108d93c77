import { constants, createZstdDecompress } from 'node:zlib'

/**
 * Unpacks the payloads of compressed records, one after another: perf writes one zstd stream over all of them, flushed at each record's
 * end and never ended.
 */
export class Unpacker {
  readonly #zstd = createZstdDecompress({ finishFlush: constants.ZSTD_e_flush, chunkSize: 1 << 18 })
  #out: Uint8Array[] = []
  #size = 0
  readonly #most: number
  #error: Error | undefined
  /** Bytes of payloads so far. */
  taken = 0

  /** No payload may unpack to more than `most` bytes. */
  constructor(most: number) {
    this.#most = most
    this.#zstd.on('error', (error) => {
      this.#error = error
    })
    this.#zstd.on('data', (piece: Uint8Array) => {
      this.#size += piece.length
      if (this.#size > this.#most) this.#zstd.destroy()
      else this.#out.push(piece)
    })
  }

  /** What a payload holds, as far as it is not damaged. */
  async take(payload: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly problem?: 'broken' | 'too-large' }> {
    this.taken += payload.length
    const zstd = this.#zstd
    this.#size = 0
    this.#out = []
    if (!zstd.destroyed) {
      // At its end or at damage it never says that it took the payload.
      await new Promise<void>((resolve) => {
        zstd.once('close', resolve)
        zstd.write(payload, () => {
          zstd.off('close', resolve)
          resolve()
        })
      })
      // What came out may still be on its way to the listener.
      if (zstd.readableLength > 0) await new Promise(setImmediate)
    }
    const bytes = this.#out.length === 1 ? this.#out[0]! : Buffer.concat(this.#out)
    if (this.#size > this.#most) return { bytes, problem: 'too-large' }
    return this.#error !== undefined || zstd.destroyed ? { bytes, problem: 'broken' } : { bytes }
  }

  close(): void {
    this.#zstd.destroy()
  }
}
