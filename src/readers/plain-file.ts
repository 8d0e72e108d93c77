import { constants, readFileSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { systemReason, TraceError } from '#kernel/messages'

/** Larger sidecars and JSON files are none: the largest, kallsyms, has 20 MB. */
const MOST_BYTES = 256 * 1024 * 1024

/** What is at a path that is not a file to read; undefined for a file. */
export function kindOf(found: Stats): string | undefined {
  if (found.isFile()) return undefined
  if (found.isDirectory()) return 'a folder'
  if (found.isFIFO()) return 'a pipe'
  return found.isSocket() ? 'a socket' : 'a device'
}

/** Why the system refuses a path, in words. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file or folder'
  return `can't be read: ${systemReason(error) ?? error.code ?? error.message}`
}

export const unreadable = (error: unknown, file: string, hint: string): TraceError =>
  error instanceof TraceError
    ? error
    : new TraceError({ place: { file }, what: reasonOf(error as NodeJS.ErrnoException), hint })

/** Opens a file and nothing else: a pipe would wait for its writer, a device may never end. */
export async function openPlain(file: string, hint: string): Promise<FileHandle> {
  try {
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const kind = kindOf(await handle.stat())
    if (kind === undefined) return handle
    await handle.close()
    throw new TraceError({ place: { file }, what: `is ${kind}, not a file`, hint })
  } catch (error) {
    throw unreadable(error, file, hint)
  }
}

/** Reads a small file as a whole. A file that is too large is refused before it is read. */
export async function readPlain(file: string, hint: string, most = MOST_BYTES): Promise<Buffer> {
  const handle = await openPlain(file, hint)
  try {
    const { size } = await handle.stat()
    // Files of /proc have no size.
    const bytes = size > most ? undefined : await readUpTo(handle, most)
    if (bytes !== undefined) return bytes
    throw new TraceError({ place: { file }, what: `is larger than ${most >> 20} MiB`, hint })
  } catch (error) {
    throw unreadable(error, file, hint)
  } finally {
    await handle.close()
  }
}

/** The same at once, for what is read in the middle of something else. */
export function readPlainSync(file: string, hint: string, most = MOST_BYTES): Buffer {
  try {
    const found = statSync(file)
    const what = kindOf(found) ?? (found.size > most ? `larger than ${most >> 20} MiB` : undefined)
    if (what !== undefined) throw new TraceError({ place: { file }, what: `is ${what}`, hint })
    return readFileSync(file)
  } catch (error) {
    throw unreadable(error, file, hint)
  }
}

/** All of a file that has no more than so many bytes; undefined if it has more. */
async function readUpTo(handle: FileHandle, most: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  for (let length = 0; length <= most; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(1 << 16), 0, 1 << 16, null)
    if (bytesRead === 0) return Buffer.concat(parts, length)
    parts.push(buffer.subarray(0, bytesRead))
    length += bytesRead
  }
  return undefined
}

/** What stands at a path, through links. */
export async function statPlain(file: string, hint: string): Promise<Stats> {
  try {
    return await stat(file)
  } catch (error) {
    throw unreadable(error, file, hint)
  }
}
