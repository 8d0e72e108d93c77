import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { Recording } from '#events'
import { UsageError } from '#kernel/messages'
import { arrowWriter } from './arrow.ts'
import { csvWriter } from './csv.ts'
import { ndjsonWriter } from './ndjson.ts'
import { clearPartial, targetOf } from './output-file.ts'
import { parquetWriter } from './parquet.ts'
import { traceDatWriter } from './trace-dat/index.ts'
import { unwritable } from './unwritable.ts'
import { type Writer, type Written, writtenOf } from './writer.ts'

export const writers = [
  csvWriter,
  ndjsonWriter,
  arrowWriter,
  parquetWriter,
  traceDatWriter,
] as const satisfies readonly Writer[]

const compressions: Readonly<Record<string, () => Transform>> = {
  '.gz': () => createGzip(),
  '.zst': () => createZstdCompress(),
}

/** The writer that a path's extension asks for, and the compression around it. */
export function writerFor(path: string): { readonly writer: Writer; readonly compress?: () => Transform } {
  const outer = Object.keys(compressions).find((extension) => path.endsWith(extension))
  const inner = outer === undefined ? path : path.slice(0, -outer.length)
  const writer: Writer | undefined = writers.find(({ extension }) => inner.endsWith(extension))
  if (writer === undefined) {
    const known = writers.map(({ extension }) => extension).join(', ')
    throw new UsageError(`no writer for ${path}`, `name it with one of ${known}, and .gz or .zst after it to compress`)
  }
  if (writer.packed === true && outer !== undefined)
    throw new UsageError(`${writer.extension} is compressed within`, `leave ${outer} off: ${inner}`)
  const compress = outer === undefined ? undefined : compressions[outer]
  return compress === undefined ? { writer } : { writer, compress }
}

/** Writes a recording in the format of the path's extension. */
export async function writeRecording(recording: Recording, path: string, signal?: AbortSignal): Promise<void> {
  await writeBatches(writtenOf(recording), path, signal)
}

/**
 * Writes events in batches, in the format of the path's extension. What is half written stands beside the path and takes its name only
 * when whole; on an error or an abort nothing of it stays.
 */
export async function writeBatches(written: Written, path: string, signal?: AbortSignal): Promise<void> {
  const { writer, compress } = writerFor(path)
  const target = targetOf(path)
  const partial = clearPartial(path)
  const pieces = Readable.from(writer.write(written), { highWaterMark: 1 })
  const options = signal === undefined ? {} : { signal }
  try {
    const file = createWriteStream(partial, { flags: 'wx' })
    if (compress === undefined) await pipeline(pieces, file, options)
    else await pipeline(pieces, compress(), file, options)
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw unwritable(error, path)
  }
}
