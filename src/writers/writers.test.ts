import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import type { Recording } from '#events'
import { UsageError } from '#kernel/messages'
import { eventsOf, recordingOf } from '../readers/testing/any-events.ts'
import { writeRecording, writerFor } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-writers-'))
afterAll(() => rmSync(folder, { recursive: true }))

const recording = (rows = 3): Recording =>
  recordingOf(
    eventsOf(
      Array.from(
        { length: rows },
        (_, row) => ({ event: 'mm_page_free', time: row, cpu: 0, pfn: row, order: 0 }) as const,
      ),
      7,
    ),
  )

test('the extension chooses format and compression', async () => {
  for (const name of ['a.csv', 'a.csv.gz', 'a.csv.zst']) await writeRecording(recording(), join(folder, name))
  const plain = readFileSync(join(folder, 'a.csv'), 'utf8')
  expect(plain.split('\n')[0]).toBe('# kreplay-events/1 zero=7 resolutionNs=1')
  expect(plain.split('\n').length).toBe(2 + 3 + 1)
  expect(gunzipSync(readFileSync(join(folder, 'a.csv.gz'))).toString()).toBe(plain)
  expect(zstdDecompressSync(readFileSync(join(folder, 'a.csv.zst'))).toString()).toBe(plain)
  expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
})

test('an unknown extension is refused with the known ones', () => {
  expect(() => writerFor('a.xlsx')).toThrow(UsageError)
  expect(() => writerFor('a.gz')).toThrow(/\.csv/)
})

test('a path that can’t be written is one clear message', async () => {
  await expect(writeRecording(recording(), join(folder, 'none', 'a.csv'))).rejects.toThrow(/its folder does not exist/)
})

test('an abort or an error leaves the old file as it was and nothing beside it', async () => {
  const path = join(folder, 'kept.csv')
  writeFileSync(path, 'old')
  const abort = new AbortController()
  const written = writeRecording(recording(200_000), path, abort.signal)
  setImmediate(() => abort.abort())
  await expect(written).rejects.toThrow()
  const broken = {
    ...recording(),
    get events(): never {
      throw new Error('broken')
    },
  }
  await expect(writeRecording(broken, path)).rejects.toThrow('broken')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(existsSync(`${path}.partial`)).toBe(false)
})
