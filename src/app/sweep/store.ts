import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemReason, TraceError } from '#kernel/messages'
import { unwritable } from '#writers'
import { textDigest } from './capture-digest.ts'
import type { CaptureContext } from './measure.ts'

/** The result of one run. */
export interface Row {
  /** Of all that the result depends on: see `runDigest`. */
  readonly digest: string
  readonly capture: string
  readonly captureSha256: string
  readonly policy: string
  /** As the run had them, defaults filled in; JSON. */
  readonly params: string
  readonly prices: string
  /** Of kreplay and its code: a store keeps rows of earlier ones. */
  readonly version: string
  readonly seed?: number
  /** Of a run with another assumed input: JSON of `{of, param, value}`. */
  readonly assumed?: string
  readonly measures: Readonly<Record<string, number>>
}

/** Runs of one capture that were finished together: one file. */
export interface Chunk {
  readonly context: CaptureContext
  readonly rows: readonly Row[]
}

const CONTEXT = 'kreplay.capture'
const TEXTS = ['digest', 'capture', 'captureSha256', 'policy', 'params', 'prices', 'version', 'assumed'] as const
const META: readonly string[] = [...TEXTS, 'seed']

const contextSchema = z.object({
  name: z.string(),
  kernel: z.string(),
  isolated: z.array(z.number()),
  events: z.number(),
  ownPolicy: z.string(),
  recorded: z.record(z.string(), z.number()),
  modelError: z.record(z.string(), z.number()),
  lossShare: z.number(),
  unmodelled: z.string().optional(),
  drains: z.boolean(),
  gracePeriods: z.boolean(),
})

/** Name of a chunk's file: the same runs have the same, whoever made them. */
const nameOf = ({ rows }: Chunk): string =>
  `${textDigest(rows.map(({ digest }) => digest).join('\n')).slice(0, 32)}.parquet`

/**
 * Results of runs: a folder with one Parquet file for each chunk of runs that were finished together. A file is written beside and
 * renamed, so that every `.parquet` is whole; files of several machines may be put into one folder.
 */
export class Store {
  readonly folder: string
  readonly #files = new Map<string, string>()

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Opens a store, or begins one. @throws TraceError for a file in it that is no chunk */
  static async open(folder: string): Promise<Store> {
    const store = new Store(folder)
    try {
      mkdirSync(folder, { recursive: true })
    } catch (error) {
      throw unwritable(error, folder)
    }
    for (const name of store.#names())
      for (const { digest } of await readColumns(join(folder, name), ['digest'])) store.#files.set(String(digest), name)
    return store
  }

  has(digest: string): boolean {
    return this.#files.has(digest)
  }

  get size(): number {
    return this.#files.size
  }

  /** Writes a chunk; after it the runs count as done, whatever happens to this process. */
  async put(chunk: Chunk): Promise<void> {
    if (chunk.rows.length === 0) return
    const name = nameOf(chunk)
    const target = join(this.folder, name)
    const partial = `${target}.${process.pid}.partial`
    try {
      const handle = await open(partial, 'w')
      try {
        await handle.writeFile(await bytesOf(chunk))
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(partial, target)
    } catch (error) {
      rmSync(partial, { force: true })
      throw unwritable(error, target)
    }
    for (const { digest } of chunk.rows) this.#files.set(digest, name)
  }

  /** All chunks that hold one of these runs, in no order. */
  async chunks(digests: ReadonlySet<string>): Promise<Chunk[]> {
    const names = new Set([...digests].flatMap((digest) => this.#files.get(digest) ?? []))
    return await Promise.all([...names].map((name) => readChunk(join(this.folder, name))))
  }

  #names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.parquet'))
      .sort()
  }
}

async function bytesOf({ context, rows }: Chunk): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer')
  const names = [...new Set(rows.flatMap(({ measures }) => Object.keys(measures)))].sort()
  const texts = TEXTS.map((name) => ({ name, type: 'STRING' as const, data: rows.map((row) => row[name] ?? null) }))
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        ...texts,
        { name: 'seed', type: 'INT32', data: rows.map(({ seed }) => seed ?? null) },
        ...names.map((name) => ({
          name,
          type: 'DOUBLE' as const,
          data: rows.map(({ measures }) => measures[name] ?? null),
        })),
      ],
      kvMetadata: [{ key: CONTEXT, value: JSON.stringify(context) }],
      createdBy: 'kreplay',
    }),
  )
}

const broken = (file: string, why: string): TraceError =>
  new TraceError({
    place: { file },
    what: `this is no file of results: ${why}`,
    hint: 'Remove it; its runs are done again.',
  })

function fileOf(file: string): ArrayBuffer {
  try {
    const bytes = readFileSync(file)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  } catch (error) {
    throw broken(file, systemReason(error) ?? (error as Error).message)
  }
}

async function readColumns(file: string, columns?: string[]): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import('hyparquet')
  const buffer = fileOf(file)
  try {
    return await parquetReadObjects({ file: buffer, ...(columns === undefined ? {} : { columns }) })
  } catch (error) {
    throw broken(file, (error as Error).message)
  }
}

async function readChunk(file: string): Promise<Chunk> {
  const { parquetMetadata } = await import('hyparquet')
  const buffer = fileOf(file)
  const cells = await readColumns(file)
  const said = parquetMetadata(buffer).key_value_metadata?.find(({ key }) => key === CONTEXT)?.value
  let context: unknown
  try {
    context = JSON.parse(said ?? '')
  } catch {
    throw broken(file, 'it does not say which capture it is of')
  }
  const known = contextSchema.safeParse(context)
  if (!known.success) throw broken(file, 'what it says of its capture is incomplete')
  return { context: known.data, rows: cells.map(rowOf) }
}

function rowOf(cells: Readonly<Record<string, unknown>>): Row {
  const text = (name: (typeof TEXTS)[number]): string => String(cells[name] ?? '')
  return {
    digest: text('digest'),
    capture: text('capture'),
    captureSha256: text('captureSha256'),
    policy: text('policy'),
    params: text('params'),
    prices: text('prices'),
    version: text('version'),
    ...(cells.seed === null || cells.seed === undefined ? {} : { seed: Number(cells.seed) }),
    ...(typeof cells.assumed === 'string' ? { assumed: cells.assumed } : {}),
    measures: Object.fromEntries(
      Object.entries(cells).flatMap(([name, value]) =>
        META.includes(name) || typeof value !== 'number' ? [] : [[name, value] as const],
      ),
    ),
  }
}
