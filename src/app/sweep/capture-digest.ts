import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { systemReason, TraceError } from '#kernel/messages'

const HINT = 'Give a capture that you may read.'

/** SHA-256 of a file’s bytes, in hex. @throws TraceError where it can’t be read */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  } catch (error) {
    throw new TraceError({ place: { file }, what: `can't be read: ${reasonOf(error)}`, hint: HINT })
  }
  return hash.digest('hex')
}

/** Identifies a capture on any machine: a digest of its trace and its sidecars. */
export interface CaptureDigest {
  readonly sha256: string
  readonly bytes: number
}

/**
 * Of a file: of its bytes. Of a folder, or of a `trace.*` whose folder holds its sidecars: of the names and digests of the files in it.
 *
 * @throws TraceError where something can’t be read
 */
export async function captureDigest(path: string): Promise<CaptureDigest> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await folderDigest(path)
    if (basename(path).startsWith('trace.')) {
      const { sha256, bytes } = await folderDigest(dirname(path))
      return { sha256: textDigest(`${basename(path)}\n${sha256}`), bytes }
    }
    return { sha256: await fileDigest(path), bytes: found.size }
  } catch (error) {
    if (error instanceof TraceError) throw error
    throw new TraceError({ place: { file: path }, what: `can't be read: ${reasonOf(error)}`, hint: HINT })
  }
}

async function folderDigest(folder: string): Promise<CaptureDigest> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.isDirectory())
  const lines: string[] = []
  let bytes = 0
  for (const name of entries.map((entry) => entry.name).sort()) {
    const found = await stat(join(folder, name))
    if (!found.isFile()) continue
    bytes += found.size
    lines.push(`${name}\0${await fileDigest(join(folder, name))}`)
  }
  return { sha256: textDigest(lines.join('\n')), bytes }
}

export const textDigest = (text: string): string => createHash('sha256').update(text).digest('hex')

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'there is no such file or folder' : (systemReason(error as Error) ?? code ?? message)
}
