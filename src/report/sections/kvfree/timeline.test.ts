import { expect, test } from 'vitest'
import type { KvfreeComparison } from '#metrics/kvfree'
import { kvfreeTimeline } from './timeline.ts'

const told = (batch: Readonly<Record<string, number>>) => {
  const [chart] = kvfreeTimeline.build({
    captures: [{ name: 'a' }],
    baseline: 'kvfree/linux-6.1',
    runs: [
      {
        capture: 'a',
        policy: 'kvfree/linux-6.1',
        work: {},
        batches: [{ cpu: 0, begun: 20e6, freed: 21e6, objects: 510, ...batch }],
        gracePeriods: [{ start: 5e6, end: 19e6, expedited: false }],
      },
    ],
  } as unknown as KvfreeComparison).charts!
  const { values } = (chart!.spec as unknown as { data: { values: { kind: string; from: number; to: number }[] } }).data
  return { bars: values.map(({ kind, from, to }) => `${kind} ${to - from}`), waits: chart!.table!.rows[0]![2] }
}

test('a batch is drawn from its handing over, then as it is freed', () => {
  expect(told({ slot: 1, queued: 2e6 })).toEqual({ bars: ['gp 14', 'waits 18', 'freed 1'], waits: 18e6 })
})

test('a result that does not hold when a batch was handed over says no wait, not one of 0 ns', () => {
  expect(told({})).toEqual({ bars: ['gp 14', 'freed 1'], waits: undefined })
})
