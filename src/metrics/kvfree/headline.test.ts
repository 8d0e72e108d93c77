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

test('gigabytes and seconds are written in figures that people read', () => {
  const runs = [
    run('kvfree/linux-6.1', 75_653_278.4, 6_221_946_880, 1.234e9),
    run('kvfree/polled-v2', 2_102_841, 194_188_288, 13e6),
  ]
  expect(kvfreeHeadline('rcuscale', runs, 'kvfree/linux-6.1', undefined, true)).toBe(
    'In the model of rcuscale, which no record checks, kvfree/polled-v2 cuts mean objects in flight by 97 % (75,653,278 to 2,102,841), ' +
      'cuts peak deferred memory by 97 % (5,930 to 185 MiB) and cuts median latency by 99 % (1,230 ms to 13.0 ms) compared with kvfree/linux-6.1.',
  )
})

/** Recorded: 10,000 objects on average, half of them freed within 120 ms. */
const fidelity = (mean: number, p50: number, frees = 500) =>
  ({
    policy: 'kvfree/linux-7.2',
    bulkFrees: { recorded: frees },
    listFrees: { recorded: 0 },
    generatedDelays: {
      footprint: { recorded: { mean: 10_000, peak: 20_000 }, predicted: { mean, peak: 20_000 } },
      reclaimLatencyNs: { recorded: { p50: 120e6 }, predicted: { p50 } },
    },
  }) as unknown as KvfreeFidelity

/** 7.2 against 6.12, 18 % of the objects and 25 % of the latency apart. */
const told = (of: KvfreeFidelity) =>
  kvfreeHeadline(
    'a',
    [run('kvfree/linux-7.2', 8000, 2 ** 20, 90e6), run('kvfree/linux-6.12', 9800, 2 ** 20, 120e6)],
    'kvfree/linux-6.12',
    of,
  )

test('what differs by less than the model error is no finding', () => {
  expect(told(fidelity(7900, 96e6))).toMatch(
    /^On a, kvfree\/linux-7\.2 cuts median latency by 25 % \(120 ms to 90\.0 ms; model error 20 %\) compared with kvfree\/linux-6\.12\. Differences in mean objects in flight \(21 %\)/,
  )
  expect(told(fidelity(7900, 160e6))).toContain('kvfree/linux-7.2 and kvfree/linux-6.12 are indistinguishable.')
})

test('what differs by more is one', () => {
  expect(told(fidelity(8300, 100e6))).toContain(
    'cuts mean objects in flight by 18 % (9,800 to 8,000; model error 17 %)',
  )
})

test('a trace that records no free checks nothing', () => {
  expect(told(fidelity(7900, 96e6, 0))).toMatch(/is a finding: the trace records no free to check one\.$/)
})
