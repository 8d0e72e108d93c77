import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { systemReason, TraceError } from '#kernel/messages'
import { unwritable } from '#writers'
import { captureDigest } from './capture-digest.ts'
import { type CaptureRef, isAddress, shownAddress } from './captures.ts'
import { openObject } from './objects.ts'

/** A capture that lies on this machine, known by its bytes. */
export interface LocalCapture extends CaptureRef {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

/** Where captures from elsewhere are kept, unless told: `$XDG_CACHE_HOME/kreplay`. */
export const usualCache = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kreplay', 'captures')

/**
 * A capture by its digest: one on disk is hashed, one from elsewhere is fetched into `cache` unless it is there. Without `fetch` one that
 * is named by its digest stays where it is: it has no path and no size.
 *
 * @throws TraceError where it can’t be read, or its bytes are not those of the digest that is asked for
 */
export async function localCapture(ref: CaptureRef, cache: string, fetch = true): Promise<LocalCapture> {
  if (!isAddress(ref.at)) {
    const { sha256, bytes } = await captureDigest(ref.at)
    checkDigest(ref, sha256)
    return { ...ref, path: ref.at, sha256, bytes }
  }
  const cached = ref.sha256 === undefined ? undefined : inCache(cache, ref.sha256)
  if (cached === undefined && ref.sha256 !== undefined && !fetch)
    return { ...ref, path: '', sha256: ref.sha256, bytes: 0 }
  const path = cached ?? (await fetched(ref, cache))
  const sha256 = ref.sha256 ?? path.split('/').at(-2)!
  return { ...ref, path, sha256, bytes: statSync(path).size }
}

function checkDigest({ at, sha256: wanted }: CaptureRef, found: string): void {
  if (wanted !== undefined && wanted !== found)
    throw new TraceError({
      place: { file: shownAddress(at) },
      what: `its bytes are others than the scenario names: sha256 ${found.slice(0, 16)}…, not ${wanted.slice(0, 16)}…`,
      hint: 'The capture was changed or came incomplete; it is not used.',
    })
}

function inCache(cache: string, sha256: string): string | undefined {
  const folder = join(cache, sha256)
  const [name] = existsSync(folder) ? readdirSync(folder) : []
  return name === undefined ? undefined : join(folder, name)
}

/** Of a name from an address, what any file system takes and no path is. */
const fileName = (name: string): string =>
  name
    .replace(/[^\w.+-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(-100) || 'capture'

/** Fetches into a file beside, whose digest then is its folder's name. */
async function fetched(ref: CaptureRef, cache: string): Promise<string> {
  const partial = join(cache, `.${process.pid}-${Math.random().toString(36).slice(2)}.partial`)
  try {
    await mkdir(cache, { recursive: true })
  } catch (error) {
    throw unwritable(error, cache)
  }
  const hash = createHash('sha256')
  let size = 0
  const counted = new Transform({
    transform(bytes: Buffer, _, done) {
      size += bytes.length
      hash.update(bytes)
      done(null, bytes)
    },
  })
  const fail = (what: string): TraceError =>
    new TraceError({ place: { file: shownAddress(ref.at) }, what, hint: 'Nothing of it is used.' })
  try {
    const { body, length } = await openObject(ref.at)
    await pipeline(Readable.fromWeb(body as never), counted, createWriteStream(partial, { flags: 'wx' }))
    if (length !== undefined && size !== length) throw fail(`came incomplete: ${size} of ${length} bytes`)
    const sha256 = hash.digest('hex')
    checkDigest(ref, sha256)
    const folder = join(cache, sha256)
    await mkdir(folder, { recursive: true })
    const path = join(folder, fileName(ref.name))
    await rename(partial, path)
    return path
  } catch (error) {
    if (error instanceof TraceError) throw error
    throw fail(`can't be fetched: ${systemReason(error) ?? causeOf(error)}`)
  } finally {
    await rm(partial, { force: true })
  }
}

const causeOf = (error: unknown): string => {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} (${cause.message})` : message
}
