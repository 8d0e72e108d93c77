import { expect, test } from 'vitest'
import { TickEvidence } from './tick-evidence.ts'
import type { TickLine } from './tick-search.ts'

const SECOND = 1e9

/** One entry a second; `high` began at 8000, and refills at 10 and 20 raise it by 800 each, up to a bound. */
const lineTo = (highMax: number): TickLine => ({
  start: 8000,
  raises: [
    { entry: 10, by: 800 },
    { entry: 20, by: 800 },
  ],
  ticks: [],
  last: 30,
  since: 0,
  bounds: { highMin: 1000, highMax },
  timeOf: (entry) => entry * SECOND,
  after: (entry) => entry + 1,
})

test('that `high` is as believed proves that no tick ran, unless refills brought it back to its bound', () => {
  const free = new TickEvidence()
  free.confirmed(1, lineTo(20_000), (high) => high === 9600, 30 * SECOND)
  expect(free.windows).toEqual([{ cpu: 1, from: 0, to: 30 * SECOND, ticks: 0 }])
  // 8000 → 7000 → 7800 → 8600: a tick before both refills leaves it at this bound, as none does.
  const bounded = new TickEvidence()
  bounded.confirmed(1, lineTo(8500), (high) => high === 8500, 30 * SECOND)
  expect(bounded.windows).toEqual([])
})

test('where `high` is shown to be tells between which refills a tick ran', () => {
  const at = (high: number) => {
    const evidence = new TickEvidence()
    const explains = evidence.lowered(1, lineTo(20_000), (value) => value === high, 30 * SECOND)
    return { explains, ...evidence.windows[0] }
  }
  expect(at(8600)).toMatchObject({ explains: true, from: 0, to: 10 * SECOND, ticks: 1 })
  expect(at(8500)).toMatchObject({ from: 10 * SECOND, to: 20 * SECOND, ticks: 1 })
  expect(at(8400)).toMatchObject({ from: 20 * SECOND, to: 30 * SECOND, ticks: 1 })
  // 8000 → 7000 → 6125 → 7725
  expect(at(7725)).toMatchObject({ explains: true, ticks: 2 })
  expect(at(9000).explains).toBe(false)
})
