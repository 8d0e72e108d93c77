/** readers: bytes → events, with counts of what was skipped; sidecar files → the machine. One folder per format. */
import { existsSync, lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { defaultProbes, EventBuilder, type Events, type Probe, type Recording } from '#events'
import type { Selection } from '#events/columns'
import { parseRelease, type Release } from '#kernel'
import { type TallyEntry, TraceError } from '#kernel/messages'
import { kreplayArrow } from './arrow/index.ts'
import { BoundsCheck } from './bounds-check.ts'
import { kreplayCsv } from './csv/index.ts'
import { Fit } from './fits.ts'
import { HEAD, type ReadTrace, type TraceFormat, type TraceSource } from './format.ts'
import { looksLike } from './looks-like.ts'
import { machineOf, SIDECARS, type Sidecars, zonesOf } from './machine/sidecars.ts'
import { parseVmstat } from './machine/vmstat.ts'
import { kreplayNdjson } from './ndjson/index.ts'
import { perfData } from './perf/index.ts'
import { openPlain, readPlain, readPlainSync, statPlain, unreadable } from './plain-file.ts'
import { PROBES, readProbes } from './probes.ts'
import { scenario } from './scenario/index.ts'
import { Source } from './source.ts'
import { babeltraceText, ftraceText, perfScript, traceCmdReport } from './text/index.ts'
import { traceDat } from './trace-dat/index.ts'
import { reading, type Unpacked } from './unpacked.ts'

export type { ReadTrace } from './format.ts'
export { readJson } from './json-file.ts'
export { readPlain } from './plain-file.ts'
export { readProbes } from './probes.ts'
export { SCENARIO_SCHEMA } from './scenario/index.ts'

/** Every format that kreplay reads, in the order in which they are tried. */
export const formats: readonly TraceFormat[] = [
  traceDat,
  ftraceText,
  traceCmdReport,
  babeltraceText,
  perfData,
  perfScript,
  kreplayCsv,
  scenario,
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
  /** What probes’ events are, beside the usual ones and those in the capture’s own `probes.json`. */
  readonly probes?: readonly Probe[]
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** Names tried first in a capture folder. */
const TRACE_NAMES = ['trace.dat', 'trace.txt', 'trace.csv', 'trace.ndjson', 'trace.arrow', 'perf.data']

/** Reads a capture: a folder with a trace and its sidecars, a tar of one, a trace file by itself, or standard input (`-`). */
export const readCapture = (path: string, options: ReadOptions = {}): Promise<Capture> =>
  reading(path, (unpacked) => readFrom(unpacked, options))

async function readFrom(unpacked: Unpacked, options: ReadOptions): Promise<Capture> {
  const { trace, sidecarFolder, name } = await locate(unpacked)
  const sidecars = sidecarFolder === undefined ? {} : await readSidecars(sidecarFolder)
  const known = await knownOf(sidecars, sidecarFolder, options)
  const read = await Source.use(trace, options.onProgress, (source) => readTrace(source, known))
  const { maxPageOrder } = machineOf(sidecars, [], read.uname)
  const bounds = new BoundsCheck(trace)
  const possible = bounds.keep(read.events, { maxPageOrder })
  const fit = new Fit(zonesOf(sidecars))
  fit.add(possible)
  fit.check(trace)
  const events = bounds.keep(possible, { maxPageOrder, isMemory: fit.isMemory })
  const machine = machineOf(sidecars, fit.cpus, read.uname)
  const vmstat = (when: 'before' | 'after') => {
    const sidecar = sidecars[`vmstat.${when}`]
    return sidecar === undefined ? undefined : parseVmstat(sidecar.text, sidecar.file)
  }
  const [vmstatBefore, vmstatAfter] = [vmstat('before'), vmstat('after')]
  return {
    name,
    format: read.format,
    resolutionNs: read.resolutionNs,
    events,
    machine,
    tally: [...read.tally, ...bounds.entries()].map((entry) => withName(entry, unpacked)),
    ...(read.scenario === undefined ? {} : { scenario: read.scenario }),
    ...clockOf(sidecars, read),
    ...(read.gfpNames === undefined ? {} : { gfpNames: read.gfpNames }),
    ...(read.described === undefined ? {} : { described: read.described }),
    ...(read.lines === undefined ? {} : { lines: { ...read.lines, events: read.lines.events - bounds.total } }),
    ...(vmstatBefore === undefined ? {} : { vmstatBefore }),
    ...(vmstatAfter === undefined ? {} : { vmstatAfter }),
  }
}

/** trace-cmd extract writes the main buffer's clock for an instance's trace: what the capture itself says goes first. */
function clockOf(sidecars: Sidecars, read: Pick<ReadTrace, 'clock'>): { readonly clock?: string } {
  const own = /^[a-z0-9_-]{1,20}(?=\s*$)/.exec(sidecars.clock?.text ?? '')?.[0]
  const clock = own ?? read.clock
  return clock === undefined ? {} : { clock }
}

/** Its place as the user knows it. */
const withName = (entry: TallyEntry, { shown }: Unpacked): TallyEntry =>
  entry.first === undefined ? entry : { ...entry, first: shown(entry.first) }

/** What is known of a trace before it is read. */
type Known = Pick<TraceSource, 'release' | 'probes' | 'kallsyms' | 'onProgress'>

async function knownOf(sidecars: Sidecars, folder: string | undefined, options: ReadOptions): Promise<Known> {
  const { onProgress, probes = [] } = options
  const release = sidecars.uname === undefined ? undefined : parseRelease(sidecars.uname.text)
  const kallsyms = folder === undefined ? undefined : join(folder, 'kallsyms')
  return {
    probes: defaultProbes.with(await probesIn(folder)).with(probes),
    ...(release === undefined ? {} : { release }),
    ...(kallsyms === undefined || !existsSync(kallsyms)
      ? {}
      : { kallsyms: () => readPlainSync(kallsyms, 'Make it a readable file, or remove it: it is optional.') }),
    ...(onProgress === undefined ? {} : { onProgress }),
  }
}

async function readTrace(source: Source, known: Known): Promise<ReadTrace> {
  const format = formatOf(source.head, source.name)
  if (format.open !== undefined) {
    const builder = new EventBuilder()
    const read = await readPieces(format.open, source, known, builder)
    return { ...read, events: builder.finish() }
  }
  const { name } = source
  const read =
    format.readFetched === undefined
      ? await format.read({ name, bytes: await source.bytes(), ...known })
      : await format.readFetched({ name, bytes: await source.fetchable(), ...known })
  return { ...read, format: formatIn(source, read.format) }
}

async function readPieces(
  open: NonNullable<TraceFormat['open']>,
  source: Source,
  known: Known,
  builder: EventBuilder,
): Promise<Omit<ReadTrace, 'events'>> {
  const reader = open({ name: source.name, head: source.head, builder, ...known })
  builder.progress.share = () => source.share
  for await (const piece of source.pieces()) await reader.push(piece)
  const read = await reader.end()
  return { ...read, format: formatIn(source, read.format) }
}

const formatIn = ({ wrapper }: Source, format: string): string =>
  wrapper === undefined ? format : `${format}, in ${wrapper}`

/** Events of a batch. */
export const BATCH = 1 << 17

export interface BatchOptions extends ReadOptions {
  /** Takes the next batch of wanted events, in order. It is read no further before this returns. */
  readonly take: (batch: Events) => void
  readonly selection: Selection
}

/** What a trace in batches says of itself, after the last. */
export interface BatchedTrace extends Omit<ReadTrace, 'events'> {
  readonly name: string
  /** First whole second of the trace's clock. */
  readonly zero: number
  readonly release?: Release
  /** Whether a zoneinfo stands beside it, which no other format holds. */
  readonly hasZones: boolean
}

/**
 * Reads the wanted events of a capture in batches. Text, CSV, NDJSON, trace.dat and perf.data of any size take the memory of one
 * batch (trace.dat a stretch of each CPU more, perf.data two rounds; packed in gzip or zstd, they are unpacked into the folder for
 * temporary files first); Arrow is read as a whole first.
 */
export const readBatches = (path: string, options: BatchOptions): Promise<BatchedTrace> =>
  reading(path, (unpacked) => readBatchesFrom(unpacked, options))

async function readBatchesFrom(
  unpacked: Unpacked,
  { take, selection, ...options }: BatchOptions,
): Promise<BatchedTrace> {
  const { trace, sidecarFolder, name } = await locate(unpacked)
  const sidecars = sidecarFolder === undefined ? {} : await readSidecars(sidecarFolder)
  const known = await knownOf(sidecars, sidecarFolder, options)
  const fit = new Fit(zonesOf(sidecars))
  const { maxPageOrder } = machineOf(sidecars, [], undefined)
  const bounds = new BoundsCheck(trace)
  let before = 0
  const takeFitting = (batch: Events) => {
    const possible = bounds.keep(batch, { maxPageOrder }, before)
    before += batch.length
    fit.add(possible)
    take(possible)
  }
  const read = await Source.use(trace, options.onProgress, async (source) => {
    const { open, readFrom } = formatOf(source.head, trace)
    const builder = new EventBuilder({ rows: BATCH, take: takeFitting, keeps: selection.keepsAdded })
    if (readFrom !== undefined) {
      const { events, ...read } = await readFrom({ name: trace, bytes: await source.fetchable(), ...known }, builder)
      if (events.length > 0) takeFitting(events)
      return { ...read, format: formatIn(source, read.format), zero: events.zero }
    }
    if (open === undefined) {
      const { events, ...read } = await readTrace(source, known)
      takeFitting(selection.of(events))
      return { ...read, zero: events.zero }
    }
    const read = await readPieces(open, source, known, builder)
    builder.cut()
    return { ...read, zero: builder.zero }
  })
  fit.check(trace)
  const release = known.release ?? (read.uname === undefined ? undefined : parseRelease(read.uname))
  return {
    ...read,
    tally: [...read.tally, ...bounds.entries()].map((entry) => withName(entry, unpacked)),
    name,
    hasZones: sidecars['zoneinfo.before'] !== undefined,
    ...(release === undefined ? {} : { release }),
  }
}

interface Located {
  readonly trace: string
  readonly sidecarFolder?: string
  /** Short, for tables. */
  readonly name: string
}

async function locate({ path, name: given }: Unpacked): Promise<Located> {
  const found = await statPlain(
    path,
    'Give a capture: a folder, such as traces/pages-6.1-s, a tarball, a trace file, or - for standard input.',
  )
  if (found.isDirectory()) {
    return { trace: await traceIn(path), sidecarFolder: path, name: given ?? basename(resolve(path)) }
  }
  const name = given ?? basename(path)
  // Beside a file of any other name, `uname` and the like may be anything.
  return { trace: path, name, ...(name.startsWith('trace.') ? { sidecarFolder: dirname(path) } : {}) }
}

/** The trace of a capture folder: by name, else the one file there that some format takes. */
async function traceIn(folder: string): Promise<string> {
  const names = (await namesIn(folder)).sort()
  for (const name of TRACE_NAMES) {
    const found = [name, `${name}.zst`, `${name}.gz`].find((candidate) => names.includes(candidate))
    if (found !== undefined) return join(folder, found)
  }
  const others: string[] = []
  let tried = 0
  for (const name of names) {
    if (
      (SIDECARS as readonly string[]).includes(name) ||
      /^(README|probes\.json|workload\.sh|meminfo\.|rcuscale\.)/.test(name)
    )
      continue
    if (tried++ < MOST_TRIED && (await isTrace(join(folder, name)))) others.push(name)
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

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw unreadable(error, folder, 'Give a capture folder that you may read.')
  }
}

/** So many files of other names are looked into for the one that is a trace. */
const MOST_TRIED = 200

/** A file that can't be opened, a link to nowhere among them, is no trace. */
async function isTrace(file: string): Promise<boolean> {
  const handle = await openPlain(file, '').catch(() => undefined)
  if (handle === undefined) return false
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0)
    const head = buffer.subarray(0, bytesRead)
    return bytesRead > 0 && formats.some((format) => format.sniff(head))
  } finally {
    await handle.close()
  }
}

function formatOf(head: Uint8Array, file: string): TraceFormat {
  const format = formats.find((candidate) => candidate.sniff(head))
  if (format !== undefined) return format
  throw new TraceError({
    place: { file },
    what: `this is no trace that kreplay knows; it looks like ${looksLike(head)}`,
    hint: `Formats read: ${formats.map(({ id }) => id).join(', ')}; each also in gzip or zstd.`,
  })
}

/** The capture’s own, which are none as a rule. */
async function probesIn(folder: string | undefined): Promise<readonly Probe[]> {
  if (folder === undefined) return []
  const file = join(folder, PROBES)
  return existsSync(file) ? await readProbes(file) : []
}

async function readSidecars(folder: string): Promise<Sidecars> {
  const found: { -readonly [Name in keyof Sidecars]: Sidecars[Name] } = {}
  for (const name of SIDECARS) {
    const file = join(folder, name)
    // A folder named `config` or `nodes` beside a trace is something else.
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory() !== false) continue
    const bytes = await readPlain(file, 'Make it a readable file, or remove it: it is optional.')
    found[name] = { file, text: bytes.toString('latin1') }
  }
  return found
}
