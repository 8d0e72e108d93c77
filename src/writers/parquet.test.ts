import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { fromArrow } from 'arquero'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type Events, eachEvent, eventAt, fieldsOf, type KindName, type Recording } from '#events'
import { metaOf } from '#events/exchange'
import { UsageError } from '#kernel/messages'
import { readCapture } from '#readers'
import { anyEvent, eventsOf, recordingOf } from '../readers/testing/any-events.ts'
import { writeRecording, writerFor } from './index.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'kreplay-parquet-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Row = Record<string, unknown>

async function query(sql: string): Promise<Row[]> {
  const database = await DuckDBInstance.create()
  const connection = await database.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects()
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

let files = 0
async function parquetOf(recording: Recording): Promise<string> {
  const path = join(folder, `${files++}.parquet`)
  await writeRecording(recording, path)
  return path
}

/** An event's row as DuckDB's binding gives it: no nulls, whole numbers as bigint, byte-order marks taken off. */
const plain = (value: unknown): unknown =>
  typeof value === 'number' ? BigInt(value) : typeof value === 'string' ? value.replace(/^\uFEFF/, '') : value

const shown = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, plain(value)]],
    ),
  )

test('any events stand in DuckDB field by field', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEvent, { minLength: 1, maxLength: 200 }), async (some) => {
      const events: Events = eventsOf(some)
      const rows = await query(`SELECT * FROM '${await parquetOf(recordingOf(events))}'`)
      expect(rows.map(shown)).toEqual([...eachEvent(events)].map((event) => shown(event as unknown as Row)))
    }),
    { numRuns: 6 },
  )
})

test('a trace of several parts stands in its order, each event once, and says what it is', async () => {
  const recording = await readCapture(join(root, 'traces/drain-5.10-s'))
  const { events, clock } = recording
  const path = await parquetOf(recording)
  const [counts] = await query(`
    SELECT count(*) n, count(*) FILTER (time < last) backwards
    FROM (SELECT time, lag(time) OVER () AS last FROM '${path}')`)
  const { length } = events
  expect(length).toBeGreaterThan(2048 * 256)
  expect(counts).toMatchObject({ n: BigInt(length), backwards: 0n })
  for (const row of [0, 524_287, 524_288, length - 1]) {
    const [found] = await query(`SELECT time, cpu, event FROM '${path}' OFFSET ${row} LIMIT 1`)
    const event = eventAt(events, row)
    expect(found).toEqual({ time: BigInt(event.time), cpu: event.cpu, event: event.event })
  }
  const settings = await query(`SELECT decode(key) k, decode(value) v FROM parquet_kv_metadata('${path}')`)
  expect(Object.fromEntries(settings.map(({ k, v }) => [k, v]))).toMatchObject({ clock, zero: `${events.zero}` })
})

test('more rows than DuckDB takes at a time, and more words than an enum gets', async () => {
  const events = eventsOf(
    Array.from(
      { length: 12_345 },
      (_, row) => ({ event: 'other', time: row, cpu: row & 3, name: 'x', fields: `n=${row}` }) as const,
    ),
  )
  const path = await parquetOf(recordingOf(events, { clock: "it's" }))
  const [sums] = await query(`SELECT count(*) n, count(DISTINCT fields) m, sum(time)::BIGINT t FROM '${path}'`)
  expect(sums).toEqual({ n: 12_345n, m: 12_345n, t: (12_344n * 12_345n) / 2n })
  const settings = await query(`SELECT decode(key) k, decode(value) v FROM parquet_kv_metadata('${path}')`)
  expect(Object.fromEntries(settings.map(({ k, v }) => [k, v]))).toMatchObject({
    kreplay: 'kreplay-events/1',
    zero: '0',
    clock: "it's",
  })
})

/** `KREPLAY_CAPTURES`: a folder of big captures, where they are at hand. */
const big = (process.env.KREPLAY_CAPTURES ?? '') === '' ? [] : ['drain-5.10', 'slab-6.12']
const grouped = [join(root, 'traces/drain-5.10-s')]
const captures = big.map((name) => join(process.env.KREPLAY_CAPTURES!, name))

test.each([...grouped, ...captures])(
  'captures: %s: the same group-bys in arquero from Arrow and in DuckDB from Parquet agree to the digit',
  async (folderOf) => {
    const capture = await readCapture(folderOf)
    const arrow = join(folder, 'grouped.arrow')
    await writeRecording(capture, arrow)
    const parquet = await parquetOf(capture)
    const table = fromArrow(readFileSync(arrow))
    const byCpu = table
      .derive({ pages: (row: Row) => 2 ** ((row.order as number) ?? 0) } as never)
      .groupby('event', 'cpu')
      .rollup({ n: 'd => op.count()', pages: 'd => op.sum(d.pages)', last: 'd => op.max(d.time)' } as never)
      .orderby('event', 'cpu')
      .objects() as Row[]
    expect(byCpu.length).toBeGreaterThan(5)
    expect(
      (
        await query(
          `SELECT event, cpu, count(*) n, sum(2 ** coalesce("order", 0))::BIGINT pages, max(time) AS last
         FROM '${parquet}' GROUP BY ALL ORDER BY event, cpu`,
        )
      ).map(shown),
    ).toEqual(byCpu.map(shown))

    const byComm = table
      .groupby('comm', 'event')
      .rollup({
        n: 'd => op.count()',
        pids: 'd => op.distinct(d.pid)',
        first: 'd => op.min(d.time)',
        cpus: 'd => op.sum(d.cpu)',
      } as never)
      .objects() as Row[]
    const inDuckDb = await query(
      `SELECT comm, event, count(*) n, count(DISTINCT pid) pids, min(time) AS first, sum(cpu)::BIGINT cpus FROM '${parquet}' GROUP BY ALL`,
    )
    const sorted = (rows: Row[]) => rows.map(shown).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    expect(sorted(inDuckDb)).toEqual(sorted(byComm))
  },
)

test('a null in one batch of Arrow makes none of the next one in arquero', async () => {
  const rows = (1 << 17) + 20
  const events = eventsOf(
    Array.from(
      { length: rows },
      (_, row) => ({ event: 'trace_start', time: row, cpu: 0, ...(row === 5 ? {} : { comm: 'x' }) }) as const,
    ),
  )
  const path = join(folder, 'nulls.arrow')
  await writeRecording(recordingOf(events), path)
  const comm = fromArrow(readFileSync(path)).array('comm') as unknown[]
  expect(comm.flatMap((name, row) => (name === 'x' ? [] : [row]))).toEqual([5])
})

const keyOf = (row: Row): string => `${row.comm} ${row.event}`

test('column types are those of the schemas', async () => {
  const path = await parquetOf(await readCapture(join(root, 'traces/drain-5.10-s')))
  const types = Object.fromEntries(
    (await query(`DESCRIBE SELECT * FROM '${path}'`)).map(({ column_name, column_type }) => [column_name, column_type]),
  )
  expect(types).toMatchObject({ time: 'BIGINT', cpu: 'USMALLINT', pid: 'INTEGER', comm: 'VARCHAR', event: 'VARCHAR' })
  expect(types).toMatchObject({ pfn: 'UINTEGER', gfpFlags: 'UINTEGER', work: 'UBIGINT', changeOwnership: 'BOOLEAN' })
  // 32 bits in the schema, and something one sums.
  expect(metaOf(fieldsOf('mm_vmscan_direct_reclaim_end' as KindName).nrReclaimed!).column).toMatch(/u32|f64/)
  expect(types.nrReclaimed).toBe('BIGINT')
})

test('it is compressed within', () => {
  expect(() => writerFor('a.parquet.gz')).toThrow(UsageError)
  expect(() => writerFor('a.parquet.zst')).toThrow(/compressed within\n.*a\.parquet$/)
})

test('without DuckDB one message says what to do', async () => {
  const hide = join(folder, 'hide.mjs')
  writeFileSync(
    hide,
    `import { registerHooks } from 'node:module'
     registerHooks({
       resolve(name, context, next) {
         if (name === '@duckdb/node-api') throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' })
         return next(name, context)
       },
     })`,
  )
  const out = join(folder, 'none.parquet')
  const args = ['--import', hide, '--conditions=kreplay-src', 'src/cli/main.ts', 'convert', 'traces/pages-7.2-s', out]
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, _, stderr) => resolve({ code: error?.code, stderr }))
  })
  expect(stderr).toMatch(/DuckDB, which is not installed.*\n.*npm install @duckdb\/node-api/)
  expect(code).toBe(2)
})
