import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expanded, valuesOfRange } from './ranges.ts'

test('a range has both ends; steps of 0.1 do not drift', () => {
  expect(valuesOfRange('0..64 step 8')).toEqual([0, 8, 16, 24, 32, 40, 48, 56, 64])
  expect(valuesOfRange('0..1 step 0.1')).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
  expect(valuesOfRange('1..4')).toEqual([1, 2, 3, 4])
  expect(valuesOfRange('0..10 step 4')).toEqual([0, 4, 8])
})

test('a log range has equal ratios, whole numbers between whole ends, and no value twice', () => {
  expect(valuesOfRange('1000..1e9 log 7')).toEqual([1000, 10_000, 100_000, 1_000_000, 1e7, 1e8, 1e9])
  expect(valuesOfRange('1..4 log 9')).toEqual([1, 2, 3, 4])
})

test('what is no range says why', () => {
  for (const [text, why] of [
    ['4..1', 'ends (1) before it begins (4)'],
    ['1..2 step 0', 'it must be more than 0'],
    ['0..9 log 3', 'a log range begins above 0'],
    ['1..1e9', 'at most 10000'],
    ['1..many', 'is no range'],
    ['1..2 log 1', '2 to 10000'],
  ])
    expect(valuesOfRange(text!)).toContain(why)
  expect(expanded([1, 'trace', '2..3', true])).toEqual([1, 'trace', 2, 3, true])
  expect(expanded(['x', '3..2'])).toContain('"3..2" ends')
})

test('a linear range stays within its ends, in order', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(5000), fc.integer({ min: 1, max: 500 }), (from, length, step) => {
      const values = valuesOfRange(`${from}..${from + length} step ${step}`) as number[]
      expect(values[0]).toBe(from)
      expect(values.at(-1)).toBeLessThanOrEqual(from + length)
      expect(values.at(-1)).toBeGreaterThan(from + length - step)
      expect(values).toHaveLength(Math.floor(length / step) + 1)
    }),
  )
})
