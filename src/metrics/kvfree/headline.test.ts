import { expect, test } from 'vitest'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import { kvfreeHeadline } from './headline.ts'
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

/** Recorded: 10,000 objects on the mean, half of them freed within 120 ms. */
const fidelity = (mean: number, p50: number, frees = 500) =>
  ({
    policy: 'kvfree/linux-7.2',
    bulkFrees: { recorded: frees },
    listFrees: { recorded: 0 },
    generatedDelays: {
      footprint: { recorded: { mean: 10_000 }, predicted: { mean } },
      reclaimLatencyNs: { recorded: { p50: 120e6 }, predicted: { p50 } },
    },
  }) as unknown as KvfreeFidelity

/** Sheaves against 6.12, 1,800 objects and 30 ms apart. */
const told = (of: KvfreeFidelity) =>
  kvfreeHeadline(
    'a',
    [run('kvfree/linux-7.2', 8000, 2 ** 20, 90e6), run('kvfree/linux-6.12', 9800, 2 ** 20, 120e6)],
    'kvfree/linux-7.2',
    of,
  )

test('where the delays lead further from the record than policies differ, their order is not settled', () => {
  const finding = told(fidelity(7900, 96e6))
  expect(finding).toContain(
    'Under the same delays, counted call by call, the recording kernel’s own kvfree/linux-7.2 has 7,900 objects in flight on the mean (recorded: 10,000, so −21.0 %) and a median wait of 96.0 ms (recorded: 120 ms, so −20.0 %).',
  )
  expect(finding).toMatch(
    / By mean objects in flight the order of kvfree\/linux-7.2 and kvfree\/linux-6.12 \(1,800 apart\) is not settled: the difference is smaller than what the model’s delays are off \(2,100\)\.$/,
  )
  expect(told(fidelity(10_100, 160e6))).toMatch(
    /%\)\. By median wait the order of .* \(30.0 ms apart\) is not settled: .* \(40.0 ms\)\.$/,
  )
})

test('where they lead less far than policies differ, the order stands', () => {
  expect(told(fidelity(8300, 100e6))).not.toContain('not settled')
  expect(told(fidelity(11_700, 130e6))).toMatch(/so \+17\.0 %\).* so \+8\.3 %\)\.$/)
})

test('a trace that records no free can’t say how far the delays are off', () => {
  expect(told(fidelity(7900, 96e6, 0))).toMatch(/The trace records no free: .* is not known\.$/)
})
