import { expect, test } from 'vitest'
import { composeCross, crossCell, errorOf, rateLike } from './cross.ts'

const stages = (allocated: number[], refilled: number[], drained = refilled) => ({ allocated, refilled, drained })
const names = { capture: 'a', rules: 'pcp/linux-6.1', against: 'b' }
const none = { predicted: 0, recorded: 0 }

test('a rate is that of the whole, where the stages came as far', () => {
  expect(rateLike([10, 40], [100, 100], [100, 100])).toBe(250)
})

test('a machine that came further in one stage does not change the rate of the other', () => {
  // Half of what it allocates in the first stage is refilled, nothing in the second; the other machine has no second stage to speak of.
  expect(rateLike([50, 0], [100, 900], [100, 100])).toBe(250)
  expect(rateLike([50, 0], [100, 900], [100, 0])).toBe(500)
})

test('a prediction that fits stage by stage has no error, however long the stages were', () => {
  const cell = crossCell(names, stages([100, 300], [10, 150]), stages([1000, 100], [100, 50]), none)
  expect(errorOf(cell)).toBeCloseTo(0, 12)
})

test('the median is over the cells of two kernels; one that recorded nothing has no error', () => {
  const recorded = stages([1000], [100])
  const off = (refilled: number, against = 'b') =>
    crossCell({ ...names, against }, stages([1000], [refilled]), recorded, none)
  expect(composeCross([off(100, 'a'), off(110), off(150), off(80)]).medianError).toBeCloseTo(0.2, 12)
  expect(errorOf(crossCell(names, stages([1000], [5]), stages([1000], [0]), none))).toBeUndefined()
  expect(composeCross([off(100, 'a')]).medianError).toBeUndefined()
})
