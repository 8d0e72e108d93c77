import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { TraceError } from '#kernel'

const GIB = 1024 ** 3
/** No trace unpacks to more than this, nor to more than `MAX_RATIO` times its packed size. */
const MAX_OUTPUT = 4 * GIB
const MAX_RATIO = 1000
const ALWAYS_ALLOWED = 64 * 1024 * 1024

/**
 * All frames of a zstd file: `zstdDecompressSync` stops after the first, and parallel compressors write many. Skippable frames
 * give nothing.
 */
function unzstd(bytes: Uint8Array, { maxOutputLength }: { maxOutputLength: number }): Uint8Array {
  const frames: Uint8Array[] = []
  let left = maxOutputLength
  for (let at = 0; at < bytes.length; ) {
    // The types leave out `info`, which Node's zlib has for every `…Sync`: https://nodejs.org/api/zlib.html#class-options
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), {
      maxOutputLength: Math.max(1, left),
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    if (engine.bytesWritten === 0) throw new Error('a frame is empty')
    at += engine.bytesWritten
    left -= buffer.length
    frames.push(buffer)
  }
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames)
}

const wrappers = [
  { name: 'gzip', magic: [0x1f, 0x8b], unwrap: gunzipSync },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], unwrap: unzstd },
] as const

/** Takes off gzip or zstd, told by the first bytes; other bytes come back as they are. */
export function unwrap(bytes: Uint8Array, file: string): { bytes: Uint8Array; wrapper?: string } {
  const wrapper = wrappers.find(({ magic }) => magic.every((byte, at) => bytes[at] === byte))
  if (wrapper === undefined) return { bytes }
  const limit = Math.min(MAX_OUTPUT, Math.max(ALWAYS_ALLOWED, bytes.length * MAX_RATIO))
  try {
    return { bytes: wrapper.unwrap(bytes, { maxOutputLength: limit }), wrapper: wrapper.name }
  } catch (error) {
    const tooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    throw new TraceError({
      place: { file },
      what: tooLarge
        ? `the ${wrapper.name} file unpacks to more than ${limit} bytes`
        : `the ${wrapper.name} file can't be unpacked: ${(error as Error).message}`,
      hint: tooLarge
        ? 'Unpack it yourself and give the unpacked file, if it is what you expect.'
        : 'The file is cut short or damaged; copy it again.',
    })
  }
}
