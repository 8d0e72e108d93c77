import { expect, test } from 'vitest'
import { type Bounds, savedOf, type Work } from './index.ts'

const bounds = (least: Bounds['least'], none: Bounds['none']): Bounds => ({
  peakPages: 12,
  least,
  unlimited: { pages: 0, takes: 0 },
  none,
})
const work = (zoneLockPages: number, zoneLocks: number) => ({ zoneLockPages, zoneLocks }) as Work

test('saved is 1 at the best possible, 0 without lists, and less for who does more than that', () => {
  const between = bounds({ pages: 40, takes: 10 }, { pages: 140, takes: 110 })
  expect(savedOf({ bounds: between, work: work(40, 10) })).toEqual({ pages: 1, takes: 1 })
  expect(savedOf({ bounds: between, work: work(90, 110) })).toEqual({ pages: 0.5, takes: 0 })
  expect(savedOf({ bounds: between, work: work(240, 60) })).toEqual({ pages: -1, takes: 0.5 })
})

test('where no list has room nothing can be saved; a result without bounds says nothing', () => {
  const none = { pages: 140, takes: 110 }
  expect(savedOf({ bounds: bounds(none, none), work: work(140, 110) })).toEqual({ pages: undefined, takes: undefined })
  expect(savedOf({ work: work(140, 110) })).toEqual({ pages: undefined, takes: undefined })
})
