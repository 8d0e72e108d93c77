import { expect, test } from 'vitest'
import { readCapture } from '#readers'
import { scriptOf } from './script-of.ts'

test('no drain request is inferred where a probe was on and nobody called', async () => {
  const recording = await readCapture('traces/pages-6.1-s')
  expect(scriptOf(recording).requestsInferred).toBe(true)
  expect(scriptOf({ ...recording, described: ['drain_all_pages'] }).requestsInferred).toBe(false)
})

test('a trace.dat describes its probes, hit or not', async () => {
  expect((await readCapture('traces/drain-6.12-s')).described).toContain('drain_all_pages')
})
