import { expect, test } from 'vitest'
import { differenceOf, formatCount, formatDuration, formatShare } from './format.ts'

test('only all is 100 %, and only nothing is 0 %', () => {
  expect([1, 0, 0.99999, 0.98765, 0.00002].map(formatShare)).toEqual(['100 %', '0 %', '99.99 %', '98.8 %', '<0.01 %'])
})

test('counts stand as they are, means keep three figures', () => {
  expect([0, 139_432, 62.94, 1204.6].map(formatCount)).toEqual(['0', '139,432', '62.9', '1,205'])
})

test('a duration takes the unit in which it is at least 1', () => {
  expect([5e9, 1.5e6, 2_440, 24].map((ns) => formatDuration(ns))).toEqual(['5 s', '1.5 ms', '2.44 µs', '24 ns'])
})

test('a difference says direction and size, and judges nothing', () => {
  expect(differenceOf(50, 100, 'count')).toBe('▼ 50.0 %')
  expect(differenceOf(5, 0, 'count')).toBe('▲ from 0')
  expect(differenceOf(4590, 100, 'count')).toBe('▲ 45.9 ×')
  expect(differenceOf(0, 0, 'count')).toBe('= same')
  expect(differenceOf(0.25, 0.5, 'share')).toBe('▼ 25.0 points')
})
