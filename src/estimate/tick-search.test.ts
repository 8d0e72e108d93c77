import { expect, test } from 'vitest'
import type { HighLine } from './history.ts'
import { tickPlacements } from './tick-search.ts'
import { movedTicks } from './tick-times.ts'

/** One entry a second; refills at 10 and 20 raise `high` by 800 each, a tick is thought to have run at 12. */
const line: HighLine = {
  start: 8000,
  raises: [
    { entry: 10, by: 800 },
    { entry: 20, by: 800 },
  ],
  ticks: [12],
  last: 30,
}
const placedFor = (high: number) =>
  tickPlacements(
    {
      ...line,
      since: 0,
      bounds: { highMin: 1000, highMax: 20_000 },
      timeOf: (entry) => entry * 1e9,
      after: (entry) => entry + 1,
    },
    (value) => value === high,
  )

test('a tick takes an eighth of what refills had raised `high` to by then: where it ends tells on which side of them it ran', () => {
  // 8000 → 7000 → 8600; 8800 → 7700 → 8500; 9600 → 8400.
  expect(placedFor(8600)[0]).toEqual({ skip: [12], add: [10] })
  expect(placedFor(8400)[0]).toEqual({ skip: [12], add: [21] })
})

test('where it ends as believed, the tick may have run later between the same refills', () => {
  expect(placedFor(8500)).toEqual([{ skip: [12], add: [20] }])
})

test('one tick less, or one more, is thought of last', () => {
  expect(placedFor(9600)[0]).toEqual({ skip: [12], add: [] })
  // 8000 → 7000 → 7800 → 6825 → 7625
  expect(placedFor(7625)[0]).toEqual({ skip: [], add: [10] })
})

test('what no ticks explain has no placement', () => {
  expect(placedFor(8555)).toEqual([])
})

test('moved ticks leave where they were thought to be, once', () => {
  const ticks = { row: [5, 9], cpu: [0, 1] }
  const late = { cpu: 0, from: 5, to: 12 }
  expect(movedTicks(ticks, [late, late])).toEqual({ row: [9, 12], cpu: [1, 0] })
  expect(movedTicks(ticks, [{ cpu: 1, from: 9, to: -1 }])).toEqual({ row: [5], cpu: [0] })
  expect(movedTicks(ticks, [{ cpu: 1, from: -1, to: 6 }])).toEqual({ row: [5, 6, 9], cpu: [0, 1, 1] })
})
