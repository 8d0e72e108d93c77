import fc from 'fast-check'
import { expect, test } from 'vitest'
import { percentiles, quantile, quantileOfCounts } from './quantiles.ts'

test('a quantile is a value that occurred: the smallest that so large a share does not exceed', () => {
  expect([0, 0.5, 0.75, 0.99, 1].map((share) => quantile([1, 2, 3, 10], share))).toEqual([1, 2, 3, 10, 10])
  expect(quantile([], 0.5)).toBeUndefined()
})

test('values counted have the quantiles of the values one by one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const sorted = values.sort((a, b) => a - b)
      const counts = new Map<number, number>()
      for (const value of sorted) counts.set(value, (counts.get(value) ?? 0) + 1)
      expect(quantileOfCounts(counts, share)).toBe(quantile(sorted, share))
    }),
  )
})

test('fewer than 20 values have no percentile', () => {
  expect([19, 20].map((count) => percentiles(count, () => ({ p50: 1 })))).toEqual([{}, { p50: 1 }])
})
