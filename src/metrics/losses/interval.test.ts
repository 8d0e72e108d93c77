import { expect, test } from 'vitest'
import { intervalOf } from './interval.ts'

test('a count that halves with each loss lies above what was observed', () => {
  const { low, high } = intervalOf(100, [50, 50], 0.01, 'recorded')
  expect(low).toBeCloseTo(100, 0)
  expect(high).toBeGreaterThan(200)
  expect(high).toBeLessThan(250)
})

test('trials that disagree widen an interval on both sides', () => {
  const [calm, wild] = [
    [90, 90],
    [80, 100],
  ].map((again) => intervalOf(100, again, 0, 'replayed'))
  expect(wild!.low).toBeLessThan(calm!.low)
  expect(wild!.high).toBeGreaterThan(calm!.high)
})

test('a larger loss leaves more open, and no trial nothing', () => {
  const width = (share: number) => {
    const { low, high } = intervalOf(100, [100], share, 'replayed')
    return high - low
  }
  expect(width(0.2)).toBeGreaterThan(width(0.01))
  expect(intervalOf(100, [], 0.2, 'replayed')).toEqual({ low: 100, high: 100 })
})
