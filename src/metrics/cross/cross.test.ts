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
  const whole = { predicted: stages([100, 300], [10, 150]), recorded: stages([1000, 100], [100, 50]) }
  expect(errorOf(crossCell(names, whole, whole, none))).toBeCloseTo(0, 12)
})

test('a cell’s error is that of the work both kernels did; that over whole stages stands beside', () => {
  // A list of 100 pages is filled once a stage: after 1000 pages by either kernel, but one went on to 4000.
  const common = { predicted: stages([1000], [100]), recorded: stages([1000], [100]) }
  const whole = { predicted: stages([4000], [100]), recorded: stages([1000], [100]) }
  const cell = crossCell(names, common, whole, none)
  expect(errorOf(cell)).toBe(0)
  expect(errorOf(cell.wholeStages)).toBe(0.75)
  expect(composeCross([cell], [])).toMatchObject({ medianError: 0, medianErrorWholeStages: 0.75 })
})

test('the median is over the cells of two kernels; one that recorded nothing has no error', () => {
  const recorded = stages([1000], [100])
  const cell = (refilled: number, against: string, of: typeof recorded) => {
    const both = { predicted: stages([1000], [refilled]), recorded: of }
    return crossCell({ ...names, against }, both, both, none)
  }
  const off = (refilled: number, against = 'b') => cell(refilled, against, recorded)
  expect(composeCross([off(100, 'a'), off(110), off(150), off(80)], []).medianError).toBeCloseTo(0.2, 12)
  expect(errorOf(cell(5, 'b', stages([1000], [0])))).toBeUndefined()
  expect(composeCross([off(100, 'a')], []).medianError).toBeUndefined()
})
