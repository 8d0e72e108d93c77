import { expect, test } from 'vitest'
import { choosePolicy, kvfreePolicies } from '#policies'
import { readCapture } from '#readers'
import { kvfreeRecord, replayKvfree } from '#replay'
import { kvfreeHeadline, measureKvfree } from './comparison.ts'
import type { KvfreeComparedRun } from './schema.ts'

const run = (policy: string, meanObjects: number, peakBytes: number, p50: number) =>
  ({
    policy,
    footprint: { meanObjects, peakBytes },
    quantiles: { reclaimLatencyNs: { p50, p90: p50, p99: p50, max: p50 } },
  }) as unknown as KvfreeComparedRun

test('gigabytes and seconds are told in figures that people read', () => {
  const runs = [
    run('kvfree/linux-6.1', 75_653_278.4, 6_221_946_880, 1.234e9),
    run('kvfree/polled-v2', 2_102_841, 194_188_288, 13e6),
  ]
  expect(kvfreeHeadline('rcuscale', runs, 'kvfree/linux-6.1')).toBe(
    'On rcuscale, kvfree/polled-v2: 2,102,841 objects in flight on the mean, 185 MiB at the peak, half of the objects freed within 13.0 ms; ' +
      'baseline kvfree/linux-6.1: 75,653,278 objects in flight on the mean, 5,930 MiB at the peak, half of the objects freed within 1,230 ms.',
  )
})

test('batches wait as long as the series says that objects do', async () => {
  const record = kvfreeRecord(await readCapture('traces/kvfree-6.1-s'))
  const own = choosePolicy('kvfree', kvfreePolicies, 'kvfree/linux-6.1')
  const { batches, work, meanWaitNs } = measureKvfree(
    'kvfree-6.1-s',
    replayKvfree(record, own, { works: 'generated', steps: 400 }),
  )
  const waited = batches.reduce((sum, { queued, begun, objects }) => sum + (begun - queued!) * objects, 0)
  expect(meanWaitNs.waiting).toBeGreaterThan(40e6)
  expect(Math.abs(waited / work.enqueued / meanWaitNs.waiting - 1)).toBeLessThan(0.05)
})
