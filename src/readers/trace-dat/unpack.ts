import { inflateSync, zstdDecompressSync } from 'node:zlib'
import { ZstdDecompress } from 'minizlib'

/** What a trace.dat may be packed by. */
export type Packing = 'zlib' | 'zstd'

/** Unpacked, no section or chunk is larger: kallsyms of a large kernel is 15 MB. */
export const MAX_UNPACKED = 64 * 1024 * 1024
/** No usual chunk is larger: ten pages, of 64 KiB at most. */
const MAX_USUAL = 1 << 20

/** Unpacks a section; undefined if it is broken. */
export function unpack(by: Packing, bytes: Uint8Array, unpackedSize: number): Uint8Array | undefined {
  if (unpackedSize > MAX_UNPACKED) return undefined
  try {
    // One piece of output, where it is of a usual size: Node would put it together from pieces of 16 KiB.
    const chunkSize = Math.max(64, Math.min(unpackedSize + 1, MAX_USUAL))
    const options = { maxOutputLength: Math.max(1, unpackedSize), chunkSize }
    const unpacked = by === 'zstd' ? zstdDecompressSync(bytes, options) : inflateSync(bytes, options)
    return unpacked.length === unpackedSize ? unpacked : undefined
  } catch {
    return undefined
  }
}

/** Unpacks many chunks of one size. For zstd a decompressor is kept: to set one up for each takes as long as to unpack it. */
export class Unpacker {
  readonly #by: Packing
  #stream: ZstdDecompress | undefined
  #room = 0

  constructor(by: Packing) {
    this.#by = by
  }

  /** Undefined if the chunk is broken; those before and after it are not touched by that. */
  unpack(bytes: Uint8Array, unpackedSize: number): Uint8Array | undefined {
    if (this.#by === 'zstd') this.#stream ??= this.#open(unpackedSize)
    if (this.#stream !== undefined && unpackedSize < this.#room) {
      const unpacked = inOne(this.#stream, bytes)
      if (unpacked?.length === unpackedSize) return unpacked
      // What a broken chunk leaves behind would break the next one too.
      this.close()
    }
    return unpack(this.#by, bytes, unpackedSize)
  }

  /** Gives a chunk's memory back at once, and not when the garbage collector is made to look for it. */
  free(chunk: Uint8Array): void {
    // A small one shares memory with others.
    if (chunk.length === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0)
  }

  close(): void {
    this.#stream?.close()
    this.#stream = undefined
  }

  #open(unpackedSize: number): ZstdDecompress {
    this.#room = Math.max(64, Math.min(unpackedSize + 1, MAX_USUAL))
    // minizlib hands its options to Node, and its types lack this one.
    return new ZstdDecompress({ chunkSize: this.#room, maxOutputLength: this.#room } as object)
  }
}

function inOne(stream: ZstdDecompress, bytes: Uint8Array): Uint8Array | null {
  try {
    stream.write(bytes)
    return stream.read() as Uint8Array | null
  } catch {
    return null
  }
}
