import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { countByName, type Events, eachEvent, lossesOf, type Recording, selectEvents, type TraceEvent } from '#events'
import { unameOf } from '#kernel'
import { readCapture } from '#readers'
import { anyEvent, eventsOf, recordingOf } from '../../readers/testing/any-events.ts'
import { differences } from '../../readers/text/testing/same-events.ts'
import { readTraceDat } from '../../readers/trace-dat/index.ts'
import { writeRecording } from '../index.ts'
import { writtenOf } from '../writer.ts'
import { traceDatWriter } from './index.ts'

const traces = join(import.meta.dirname, '../../../traces')
const folder = mkdtempSync(join(tmpdir(), 'kreplay-trace-dat-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function rewritten(recording: Recording): Promise<ReturnType<typeof readTraceDat>> {
  const pieces: Uint8Array[] = []
  for await (const piece of traceDatWriter.write(writtenOf(recording))) pieces.push(piece as Uint8Array)
  return readTraceDat({ name: 'written.dat', bytes: Buffer.concat(pieces) })
}

const list = (events: Events): TraceEvent[] => [...eachEvent(events)]

test.each(['pages-7.2-s', 'kvfree-5.10-s', 'perf-6.1-s'])(
  '%s: written as trace.dat, it is the same capture',
  async (name) => {
    const capture = await readCapture(join(traces, name))
    const again = await rewritten(capture)
    expect(again.tally).toEqual([])
    // perf.data tells when a process took another name.
    const blind = { resolutionNs: 1, fields: name === 'perf-6.1-s' ? ['comm'] : [] }
    expect(differences(again.events, capture.events, blind, true)).toEqual([])
    expect(countByName(again.events)).toEqual(countByName(capture.events))
    expect(again.uname).toBe(unameOf(capture.machine.release!))
  },
)

const at = { cpu: 0, pid: 1, comm: 'sh', context: 0 }

test('what a format can’t say by a value, it says by having no such field', async () => {
  const slab = { bytesReq: 8, bytesAlloc: 8, gfpFlags: 0xcc0 }
  const events: TraceEvent[] = [
    { event: 'kmalloc', time: 0, ...at, callSite: 'f+0x10', ptr: 1n, node: -1, accounted: true, ...slab },
    { event: 'kmalloc', time: 1, ...at, callSite: 'f', ...slab },
    {
      event: 'kmalloc',
      time: 2,
      ...at,
      callSite: 'g+0x20 [mod]',
      ptr: 2n,
      node: 0,
      recordedAs: 'kmalloc_node',
      ...slab,
    },
    { event: 'kmalloc_failed', time: 3, ...at, callSite: '0xffffffff81000000', node: -1, accounted: true, ...slab },
    { event: 'mm_page_alloc_failed', time: 4, ...at, order: 3, migratetype: 1, gfpFlags: 0xcc0 },
    { event: 'kfree', time: 5, ...at, callSite: 'f+0x10', ptr: 0n },
    {
      event: 'rcu_watching',
      time: 6,
      ...at,
      polarity: 'Start',
      oldnesting: 0n,
      newnesting: 1n,
      counter: -3,
      recordedAs: 'rcu_dyntick',
    },
    { event: 'other', time: 7, ...at, name: 'sched_switch', fields: 'prev_comm="a b" prev_pid=7 next=-1' },
  ]
  expect(list((await rewritten(recordingOf(eventsOf(events)))).events)).toEqual(events)
})

test('losses stay, with their number where it is known, and so do long times between events', async () => {
  const free = (time: number, cpu: number): TraceEvent => ({
    event: 'mm_page_free',
    time,
    ...at,
    cpu,
    pfn: 7,
    order: 0,
  })
  const events: TraceEvent[] = [
    free(0, 0),
    { event: 'lost', time: 10, cpu: 1, count: 12 },
    free(3e9, 0),
    { event: 'lost', time: 3e9 + 5, cpu: 0 },
    free(9e12, 0),
    free(9e12 + 2 ** 27, 1),
    { event: 'lost', time: 9e12 + 2 ** 28, cpu: 1, count: 1 },
  ]
  const { events: again } = await rewritten(recordingOf(eventsOf(events, 1_800_000_000)))
  expect(list(again)).toEqual(events)
  expect(again.zero).toBe(1_800_000_000)
  expect(lossesOf(again)).toEqual({ gaps: 3, events: 13, uncounted: 1 })
})

/** Recorded under the probes’ own names: only a file of probes tells what it is. */
const NEEDS_PROBES = 'slab_slow_path'

/** What the kernel can record: no NUL in a text, no line break in a name, code by symbols. */
const recordable = anyEvent
  .filter(({ event }) => !['trace_start', 'trace_end', 'lost', 'other', NEEDS_PROBES].includes(event))
  .map((event) => {
    const plain: Record<string, unknown> = {
      ...event,
      comm: undefined,
      pid: event.pid || 1,
      context: event.context ?? 0,
    }
    // What it records of an allocation that failed is address 0.
    if (plain.ptr === 0n && event.event.includes('alloc')) plain.ptr = 1n
    for (const [key, value] of Object.entries(plain)) {
      if (value === undefined || key === 'recordedAs') delete plain[key]
      else if (key === 'time' || key === 'cpu') plain[key] = Math.abs(value as number) % (key === 'cpu' ? 9 : 2 ** 40)
      else if (typeof value === 'string' && key !== 'event')
        plain[key] = /^(callSite|func|function)$/.test(key) ? `s${value.length}` : value.replaceAll(/\0|\p{Cs}/gu, '?')
    }
    return plain as unknown as TraceEvent
  })

test('any events come back as they went', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(recordable, { minLength: 1, maxLength: 40 }), async (events) => {
      const inOrder = events.toSorted((a, b) => a.time - b.time || a.cpu - b.cpu)
      const { events: again, tally } = await rewritten(recordingOf(eventsOf(inOrder, 3)))
      expect(tally).toEqual([])
      expect(differences(again, eventsOf(inOrder, 3), { resolutionNs: 1, fields: [] }, true)).toEqual([])
    }),
    { numRuns: 200 },
  )
})

const traceCmd = (() => {
  try {
    return execFileSync('trace-cmd', ['--version'], { encoding: 'utf8' })
  } catch (error) {
    return (error as { stdout?: string }).stdout
  }
})()

test.skipIf(!traceCmd)(
  'trace-cmd reads it without a word, and prints what kreplay reads as the same events',
  async () => {
    for (const name of ['drain-7.2-s', 'kvfree-6.12-s']) {
      const whole = await readCapture(join(traces, name))
      const capture = { ...whole, events: selectEvents(whole.events, (row) => row < 50_000) }
      const file = join(folder, `${name}.dat`)
      await writeRecording(capture, file)
      const text = execFileSync('sh', ['-c', 'trace-cmd report -t -i "$1" 2>&1 > "$1.txt"', 'sh', file], {
        encoding: 'utf8',
      })
      expect(text).toBe('')
      const report = await readCapture(`${file}.txt`)
      expect(report.tally).toEqual([])
      expect(countByName(report.events)).toEqual(countByName(capture.events))
      expect(differences(report.events, capture.events, { resolutionNs: 1, fields: ['context'] }, true)).toEqual([])
    }
  },
)
