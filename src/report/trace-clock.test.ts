import { expect, test } from 'vitest'
import { compose } from './page.ts'
import { comparisonFixture } from './testing/fixture.ts'
import { onTraceClock } from './trace-clock.ts'

test('a trace that begins at second 7,000 is drawn there, in charts and in the tables behind them', () => {
  const comparison = comparisonFixture()
  const first = (comparison.runs[0]!.series.bursts.t[0] ?? 0) / 1e9
  for (const capture of comparison.captures) capture.zero = 7000
  const { parts } = compose(comparison)
  const table = (id: string) => parts.find(({ section }) => section.id === id)?.charts[0]?.table
  expect(table('bursts')?.rows[0]?.[1]).toBeCloseTo(7000 + first, 5)
  for (const id of ['stranded', 'zone-lock']) expect(table(id)?.rows[0]?.[0]).toBeGreaterThan(7000)
  expect(comparison.runs[0]!.series.bursts.t[0]).toBe(first * 1e9)
})

test('without a clock nothing moves', () => {
  const comparison = comparisonFixture()
  for (const capture of comparison.captures) delete capture.zero
  expect(onTraceClock(comparison).runs).toEqual(comparison.runs)
})
