import { constants } from 'node:buffer'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Recording } from '#events'
import { parseRelease, TraceError } from '#kernel'
import { kreplayArrow } from './arrow/index.ts'
import { kreplayCsv } from './csv/index.ts'
import { checkFits, cpusOf } from './fits.ts'
import type { ReadTrace, TraceFormat } from './format.ts'
import { looksLike } from './looks-like.ts'
import { kreplayNdjson } from './ndjson/index.ts'
import { perfData, perfScript } from './perf/index.ts'
import { machineOf, parseVmstat, SIDECARS, type Sidecars } from './sidecars.ts'
import { babeltraceText, ftraceText, traceCmdReport } from './text/index.ts'
import { traceDat } from './trace-dat/index.ts'
import { unwrap } from './unwrap.ts'

export type { ReadTrace, TraceFormat, TraceSource } from './format.ts'

/** Every format that kreplay reads, in the order in which they are tried. */
export const formats: readonly TraceFormat[] = [
  traceDat,
  ftraceText,
  traceCmdReport,
  babeltraceText,
  perfData,
  perfScript,
  kreplayCsv,
  kreplayNdjson,
  kreplayArrow,
]

/** A recording with what only its capture folder or its text can tell. */
export interface Capture extends Recording {
  readonly vmstatBefore?: Readonly<Record<string, number>>
  readonly vmstatAfter?: Readonly<Record<string, number>>
  /** Text formats: lines = comments + events + the sum of the tally. */
  readonly lines?: NonNullable<ReadTrace['lines']>
}

export interface ReadOptions {
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** Names tried first in a capture folder. */
const TRACE_NAMES = ['trace.dat', 'trace.txt', 'trace.csv', 'trace.ndjson', 'trace.arrow', 'perf.data']
const HEAD = 64 * 1024

/** Reads a capture: a folder with a trace and its sidecars, or a trace file by itself. */
export async function readCapture(path: string, options: ReadOptions = {}): Promise<Capture> {
  const { trace, sidecarFolder, name } = await locate(path)
  const sidecars = sidecarFolder === undefined ? {} : await readSidecars(sidecarFolder)
  const { bytes, wrapper } = unwrap(await readBytes(trace), trace)
  const format = formatOf(bytes, trace)
  const release = sidecars.uname === undefined ? undefined : parseRelease(sidecars.uname.text)
  const read = await format.read({
    name: trace,
    bytes,
    ...(release === undefined ? {} : { release }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
  const cpus = cpusOf(read.events)
  const machine = machineOf(sidecars, cpus, read.uname)
  checkFits(read.events, machine, cpus, trace)
  const vmstat = (when: 'before' | 'after') => {
    const sidecar = sidecars[`vmstat.${when}`]
    return sidecar === undefined ? undefined : parseVmstat(sidecar.text, sidecar.file)
  }
  const [vmstatBefore, vmstatAfter] = [vmstat('before'), vmstat('after')]
  return {
    name,
    format: wrapper === undefined ? read.format : `${read.format}, in ${wrapper}`,
    resolutionNs: read.resolutionNs,
    events: read.events,
    machine,
    tally: read.tally,
    ...(read.clock === undefined ? {} : { clock: read.clock }),
    ...(read.lines === undefined ? {} : { lines: read.lines }),
    ...(vmstatBefore === undefined ? {} : { vmstatBefore }),
    ...(vmstatAfter === undefined ? {} : { vmstatAfter }),
  }
}

interface Located {
  readonly trace: string
  readonly sidecarFolder?: string
  /** Short, for tables. */
  readonly name: string
}

async function locate(path: string): Promise<Located> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new TraceError({
      place: { file: path },
      what: error.code === 'ENOENT' ? 'there is no such file or folder' : `can't be opened (${error.code})`,
      hint: 'Give a capture folder, such as traces/pages-6.1-s, or a trace file.',
    })
  })
  if (found.isDirectory()) {
    return { trace: await traceIn(path), sidecarFolder: path, name: basename(resolve(path)) }
  }
  const name = basename(path)
  // Beside a file of any other name, `uname` and the like may be anything.
  return { trace: path, name, ...(name.startsWith('trace.') ? { sidecarFolder: dirname(path) } : {}) }
}

/** The trace of a capture folder: by name, else the one file there that some format takes. */
async function traceIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort()
  for (const name of TRACE_NAMES) {
    const found = [name, `${name}.zst`, `${name}.gz`].find((candidate) => names.includes(candidate))
    if (found !== undefined) return join(folder, found)
  }
  const others: string[] = []
  for (const name of names) {
    if ((SIDECARS as readonly string[]).includes(name) || /^(README|workload\.sh|meminfo\.|rcuscale\.)/.test(name))
      continue
    const file = join(folder, name)
    if ((await stat(file)).isFile() && (await isTrace(file))) others.push(name)
  }
  const [only] = others
  if (only !== undefined && others.length === 1) return join(folder, only)
  throw new TraceError({
    place: { file: folder },
    what:
      only === undefined
        ? `the folder holds no trace${names.length === 0 ? ', it is empty' : ` (only ${listed(names)})`}`
        : `the folder holds several traces: ${listed(others)}`,
    hint:
      only === undefined
        ? 'A capture folder holds a trace.dat, or a trace.txt or trace.csv.'
        : 'Name one of the files.',
  })
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ')

async function isTrace(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0)
    const head = buffer.subarray(0, bytesRead)
    return bytesRead > 0 && formats.some((format) => format.sniff(head))
  } finally {
    await handle.close()
  }
}

/** The whole file; `readFile` stops at 2 GiB. */
async function readBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new TraceError({ place: { file }, what: `can't be opened (${error.code})`, hint: 'Is it readable for you?' })
  })
  try {
    const status = await handle.stat()
    if (!status.isFile())
      throw new TraceError({ place: { file }, what: 'is not a file', hint: 'Save the trace to a file.' })
    if (status.size === 0) {
      throw new TraceError({ place: { file }, what: 'the file is empty', hint: 'Record or copy the trace again.' })
    }
    if (status.size > constants.MAX_LENGTH) {
      throw new TraceError({
        place: { file },
        what: 'the file is too large to read',
        hint: 'Cut it: `trace-cmd split`.',
      })
    }
    const bytes = Buffer.allocUnsafe(status.size)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 1 << 30), at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
  } finally {
    await handle.close()
  }
}

function formatOf(bytes: Uint8Array, file: string): TraceFormat {
  const head = bytes.subarray(0, HEAD)
  const format = formats.find((candidate) => candidate.sniff(head))
  if (format !== undefined) return format
  throw new TraceError({
    place: { file },
    what: `this is no trace that kreplay knows; it looks like ${looksLike(head)}`,
    hint: `Formats read: ${formats.map(({ id }) => id).join(', ')}; each also in gzip or zstd.`,
  })
}

async function readSidecars(folder: string): Promise<Sidecars> {
  const found: { -readonly [Name in keyof Sidecars]: Sidecars[Name] } = {}
  for (const name of SIDECARS) {
    const file = join(folder, name)
    const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw new TraceError({ place: { file }, what: `can't be read (${error.code})`, hint: 'Is it a readable file?' })
    })
    if (text !== undefined) found[name] = { file, text }
  }
  return found
}
