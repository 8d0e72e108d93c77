import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type * as Duckdb from '@duckdb/node-api'
import { UsageError } from '#kernel/messages'
import { withScratch } from './scratch.ts'
import { isThere, type WideCells, WideTable } from './wide.ts'
import type { WideColumn } from './wide-columns.ts'
import { settingsOf, type Writer, type Written } from './writer.ts'

type Library = typeof Duckdb

/** As many as DuckDB takes at a time. */
const ROWS = 2048
/** So many times as many rows stand in a part of their own: what DuckDB needs for a table grows with it. */
const PART = 32
/** Above it a text column is handed over text by text, since DuckDB takes the words of an enum in one statement. */
const MOST_WORDS = 10_000

async function library(): Promise<Library> {
  try {
    return await import('@duckdb/node-api')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new UsageError(
      'Parquet is written by DuckDB, which is not installed (it is 70 MB)',
      'run `npm install @duckdb/node-api` beside kreplay, or write .arrow, which needs nothing else',
    )
  }
}

/** A column as DuckDB has it, and how a run of its cells is put into a vector. */
interface DuckColumn {
  readonly name: string
  readonly type: Duckdb.DuckDBType
  /** SQL type of the column. */
  readonly sql: string
  put(vector: Duckdb.DuckDBVector, cells: WideCells): void
}

const quoted = (text: string, mark: string): string => `${mark}${text.replaceAll(mark, mark + mark)}${mark}`

function duckColumn(duckdb: Library, { name, type }: WideColumn, words: readonly string[] | undefined): DuckColumn {
  const plain = (duck: Duckdb.DuckDBType): DuckColumn => ({ name, type: duck, sql: `${duck}`, put: putNumbers })
  switch (type) {
    case 'bool':
      return { ...plain(duckdb.BOOLEAN), put: putFlags }
    case 'uint8':
      return plain(duckdb.UTINYINT)
    case 'uint16':
      return plain(duckdb.USMALLINT)
    case 'uint32':
      return plain(duckdb.UINTEGER)
    case 'int32':
      return plain(duckdb.INTEGER)
    case 'int64':
      return plain(duckdb.BIGINT)
    case 'uint64':
      return plain(duckdb.UBIGINT)
    case 'text': {
      const list = words ?? []
      // NUL ends a statement.
      if (list.length === 0 || list.length > MOST_WORDS || list.some((word) => word.includes('\0'))) {
        return {
          name,
          type: duckdb.VARCHAR,
          sql: 'VARCHAR',
          put: (vector, cells) => putTexts(vector, cells, cells.words ?? list),
        }
      }
      const sql = `ENUM(${list.map((word) => quoted(word, "'")).join(', ')})`
      return { name, type: duckdb.ENUM([...list]), sql, put: putNumbers }
    }
  }
}

/** The parts of DuckDB's vectors that its types keep to themselves: a call for each cell would cost ten times as much. */
interface RawVector {
  readonly items?: { set(values: unknown): void }
  readonly validity: { data: BigUint64Array | null }
}

function putNumbers(vector: Duckdb.DuckDBVector, cells: WideCells): void {
  ;(vector as unknown as RawVector).items!.set(cells.values)
  putNulls(vector, cells)
}

function putFlags(vector: Duckdb.DuckDBVector, cells: WideCells): void {
  const { values } = cells
  for (let row = 0; row < values.length; row++)
    if (isThere(cells, row)) vector.setItem(row, (values[row] === 1) as never)
  putNulls(vector, cells)
}

function putTexts(vector: Duckdb.DuckDBVector, cells: WideCells, words: readonly string[]): void {
  const { values } = cells
  for (let row = 0; row < values.length; row++) {
    if (isThere(cells, row)) vector.setItem(row, words[values[row] as number]! as never)
  }
  putNulls(vector, cells)
}

/** DuckDB's bitmaps are those of `WideCells`, in words of 64. */
function putNulls(vector: Duckdb.DuckDBVector, { values, validity, nulls }: WideCells): void {
  if (nulls === 0) return
  const bits = new BigUint64Array(Math.ceil(values.length / 64))
  new Uint8Array(bits.buffer).set(validity)
  ;(vector as unknown as RawVector).validity.data = bits
}

type Chunks = ReturnType<WideTable['chunks']>

/** Puts the next rows into a table of a database of their own; says whether there were any. */
async function append(
  duckdb: Library,
  connection: Duckdb.DuckDBConnection,
  columns: readonly DuckColumn[],
  chunks: Chunks,
): Promise<boolean> {
  const declared = columns.map(({ name, sql }) => `${quoted(name, '"')} ${sql}`)
  await connection.run(`CREATE TABLE events (${declared.join(', ')})`)
  const appender = await connection.createAppender('events')
  const chunk = duckdb.DuckDBDataChunk.create(columns.map(({ type }) => type))
  let left = PART
  for (; left > 0; left--) {
    const next = chunks.next()
    if (next.done === true) break
    const { rows, cells } = next.value
    chunk.reset()
    chunk.rowCount = rows
    columns.forEach(({ put }, at) => {
      const vector = chunk.getColumnVector(at)
      put(vector, cells[at]!)
      vector.flush()
    })
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
  return left < PART
}

/** The same as Arrow's metadata. */
const metadataOf = (written: Written): string =>
  Object.entries(settingsOf(written))
    .map(([key, value]) => `${key}: ${quoted(`${value}`, "'")}`)
    .join(', ')

/** Runs `work` on a database of its own: what DuckDB holds in memory of one is free when it is closed. */
async function withDatabase<T>(
  duckdb: Library,
  path: string,
  work: (connection: Duckdb.DuckDBConnection) => Promise<T>,
): Promise<T> {
  // In a file, since in memory a table would take ten times what the events do; what DuckDB is done with goes back at once.
  const database = await duckdb.DuckDBInstance.create(path, {
    memory_limit: '32MB',
    threads: '1',
    allocator_flush_threshold: '1MB',
  })
  const connection = await database.connect()
  try {
    return await work(connection)
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

async function* writeIn(folder: string, written: Written): AsyncGenerator<Uint8Array> {
  const duckdb = await library()
  const table = new WideTable(written.batches)
  const columns = table.columns.map((column) => duckColumn(duckdb, column, table.words.get(column.name)))
  const selected = columns.map(({ name, type }) =>
    type.typeId === duckdb.DuckDBTypeId.ENUM
      ? `${quoted(name, '"')}::VARCHAR AS ${quoted(name, '"')}`
      : quoted(name, '"'),
  )
  const copy = (query: string, file: string): string =>
    `COPY (${query}) TO ${quoted(file, "'")} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480, KV_METADATA {${metadataOf(written)}})`
  const chunks = table.chunks(ROWS)
  const parts: string[] = []
  for (let isMore = true; isMore; ) {
    const part = join(folder, `${parts.length}.parquet`)
    isMore = await withDatabase(duckdb, join(folder, `${parts.length}.duckdb`), async (connection) => {
      const isFilled = await append(duckdb, connection, columns, chunks)
      // Without any event there is one part all the same: the columns.
      if (!isFilled && parts.length > 0) return false
      await connection.run(copy(`SELECT ${selected.join(', ')} FROM events`, part))
      parts.push(part)
      return isFilled
    })
    await rm(join(folder, `${parts.length - 1}.duckdb`), { force: true })
  }
  const [first] = parts
  const whole = join(folder, 'events.parquet')
  const list = parts.map((part) => quoted(part, "'")).join(', ')
  if (parts.length > 1)
    await withDatabase(duckdb, ':memory:', (connection) =>
      connection.run(copy(`SELECT * FROM read_parquet([${list}])`, whole)),
    )
  yield* createReadStream(parts.length > 1 ? whole : first!)
}

/** Parquet, compressed within by zstd: the table that Arrow has, texts as plain strings. For DuckDB, polars, pandas, Spark. */
export const parquetWriter: Writer = {
  id: 'parquet',
  extension: '.parquet',
  packed: true,
  write: (written) => withScratch((folder) => writeIn(folder, written)),
}
