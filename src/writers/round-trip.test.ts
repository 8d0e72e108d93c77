import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { countByName } from '#events'
import { readCapture } from '#readers'
import { differences } from '../readers/text/testing/same-events.ts'
import { writeRecording } from './index.ts'

const traces = join(import.meta.dirname, '../../traces')
const folder = mkdtempSync(join(tmpdir(), 'kreplay-round-trip-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a capture written in kreplay’s own formats, compressed or not, is the same capture', async () => {
  const capture = await readCapture(join(traces, 'pages-7.2-s'))
  for (const extension of ['.csv.gz', '.csv.zst', '.ndjson.gz', '.arrow', '.arrow.zst']) {
    const path = join(folder, `pages${extension}`)
    await writeRecording(capture, path)
    const again = await readCapture(path)
    expect(differences(again.events, capture.events, { resolutionNs: 1, fields: [] }, true)).toEqual([])
    expect(countByName(again.events)).toEqual(countByName(capture.events))
    expect([again.clock, again.resolutionNs]).toEqual([capture.clock, capture.resolutionNs])
    expect(again.machine.release).toEqual(capture.machine.release)
  }
})

test('a capture folder may hold text in place of trace.dat', async () => {
  const there = join(folder, 'as-text')
  mkdirSync(there)
  const original = join(traces, 'drain-5.10-s')
  copyFileSync(join(traces, 'formats/drain-5.10-s.report.txt.gz'), join(there, 'trace.txt.gz'))
  for (const sidecar of ['uname', 'zoneinfo.before']) copyFileSync(join(original, sidecar), join(there, sidecar))
  const text = await readCapture(there)
  const dat = await readCapture(original)
  expect(text.format).toMatch(/^trace-cmd report text/)
  expect(text.tally).toEqual([])
  const blind = { resolutionNs: 1, fields: ['context', 'percpuRefill'] }
  expect(differences(text.events, dat.events, blind, false)).toEqual([])
})
