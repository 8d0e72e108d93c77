import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, open, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { TraceError } from '#kernel/messages'
import { Source } from './source.ts'
import { isTar, tarEntries } from './tar.ts'

/** Standard input, as a path. */
const STDIN = '-'

/** What is read in place of a path that is no folder and no trace file. */
export interface Unpacked {
  /** A folder or a file. */
  readonly path: string
  /** What the capture is called. */
  readonly name: string | undefined
  /** A text with the names of temporary files as the user knows them. */
  readonly shown: (text: string) => string
}

/**
 * Reads what a path stands for: standard input (`-`) is saved first, a tar (plain, gzip, zstd) is unpacked into a folder. Both lie in the
 * folder for temporary files until `read` ends, and messages name the path that was given.
 *
 * @throws TraceError for a tar that is damaged, names files outside itself, or holds several folders with traces
 */
export async function reading<T>(path: string, read: (unpacked: Unpacked) => Promise<T>): Promise<T> {
  const status = path === STDIN ? undefined : await stat(path).catch(() => undefined)
  if (path !== STDIN && (status === undefined || !status.isFile() || status.size === 0))
    return await read({ path, name: undefined, shown: unchanged })
  if (path !== STDIN && !(await isTarFile(path))) return await read({ path, name: undefined, shown: unchanged })
  return await inScratch(async (folder) => {
    const shown = namesIn(folder, path === STDIN ? 'standard input' : path)
    try {
      const found = path === STDIN ? await savedInput(folder) : await untarred(path, nameOf(path), folder)
      return await read({ ...found, shown })
    } catch (error) {
      throw error instanceof TraceError ? renamed(error, shown) : error
    }
  })
}

const unchanged = (text: string): string => text

const isTarFile = (path: string): Promise<boolean> =>
  Source.use(path, undefined, async ({ head }) => isTar(head)).catch(() => false)

/** `box.tar.zst` → `box` */
const nameOf = (path: string): string => basename(path).replace(/\.(tar|tgz|tzst)?(\.(gz|zst))?$/, '') || basename(path)

/** The error with its place in what was given, not in the temporary folder. */
function renamed(error: TraceError, shown: Unpacked['shown']): TraceError {
  const { place, ...complaint } = error.complaint
  return new TraceError({
    ...complaint,
    ...(place === undefined
      ? {}
      : { place: { ...place, ...(place.file === undefined ? {} : { file: shown(place.file) }) } }),
  })
}

/** `/tmp/kreplay-capture-x/files-0/trace.dat` → `box.tar: trace.dat` */
const namesIn =
  (folder: string, path: string): Unpacked['shown'] =>
  (text) =>
    text.replace(new RegExp(`${folder.replaceAll(/[^\w/-]/g, '.')}/(?:input/stdin|[\\w-]+/?)`), (found) =>
      found.endsWith('/') ? `${path}: ` : path,
    )

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A folder for as long as `use` takes; Ctrl-C removes it too. */
async function inScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kreplay-capture-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const stop = (signal: NodeJS.Signals) => {
    remove()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  try {
    return await use(folder)
  } finally {
    forget()
    remove()
  }
}

async function savedInput(folder: string): Promise<Omit<Unpacked, 'shown'>> {
  if (process.stdin.isTTY)
    throw new TraceError({
      place: { file: 'standard input' },
      what: 'is a terminal',
      hint: 'An example: ssh box cat capture.tar | kreplay -',
    })
  await mkdir(join(folder, 'input'))
  const file = join(folder, 'input', 'stdin')
  await save(process.stdin as AsyncIterable<Uint8Array>, file)
  return (await isTarFile(file)) ? await untarred(file, 'stdin', folder) : { path: file, name: 'stdin' }
}

async function save(pieces: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    for await (const piece of pieces) await handle.writeFile(piece)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || error instanceof TraceError) throw error
    throw new TraceError({
      place: { file },
      what: `can't be unpacked into ${tmpdir()} (${code})`,
      hint: 'Set TMPDIR to a folder with more room.',
    })
  } finally {
    await handle.close()
  }
}

/** Unpacks files that lie at most one folder deep; no link is followed, since none is made. */
async function untarred(tar: string, name: string, scratch: string): Promise<Omit<Unpacked, 'shown'>> {
  const folders = new Map<string, string>()
  await Source.use(tar, undefined, async (source) => {
    for await (const { name: entry, body } of tarEntries(source.pieces(), tar)) {
      const parts = entry.split('/').filter((part) => part !== '' && part !== '.')
      if (entry.startsWith('/') || parts.includes('..') || entry.includes('\0'))
        throw new TraceError({
          place: { file: tar },
          what: `the tar names a file outside itself: ${JSON.stringify(entry)}`,
          hint: 'Do not unpack it. A capture’s tar holds one folder.',
        })
      const file = parts.at(-1)
      if (file === undefined || parts.length > 2 || file.length > 200) continue
      const above = parts.length === 2 ? parts[0]! : ''
      const folder = folders.get(above) ?? join(scratch, `files-${folders.size}`)
      if (!folders.has(above)) await mkdir(folder)
      folders.set(above, folder)
      await save(body, join(folder, file))
    }
  })
  const found = [...folders]
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new TraceError({
      place: { file: tar },
      what:
        only === undefined
          ? 'the tar holds no file, so no trace'
          : `the tar holds several folders: ${found.map(([above]) => JSON.stringify(above)).join(', ')}`,
      hint: only === undefined ? 'A capture’s tar holds one folder with a trace.' : 'Unpack it, and give one of them.',
    })
  return { path: only[1], name }
}
