import { expect, test } from 'vitest'
import { type CrossRates, type CrossRun, type CrossSetting, crossPairs, medianPairError } from './cross-pairs.ts'

const setting = (wish: Partial<CrossSetting> = {}): CrossSetting => ({
  rules: 'pcp/linux-6.12',
  highFraction: 0,
  minPages: 11_264,
  isolated: [],
  ...wish,
})
const rates = (refills: number): CrossRates => ({
  refills,
  refilledPages: 63 * refills,
  bulkFrees: 1,
  bulkFreedPages: 63,
  zoneLocks: refills + 1,
})
const run = (capture: string, against: string, predicted: number, recorded: number): CrossRun => ({
  capture,
  against,
  predicted: rates(predicted),
  recorded: rates(recorded),
})

test('repeats of one setting are pooled, and the error is printed with their spread', () => {
  const settings = new Map([
    ['a1', setting()],
    // The kernel manages a few pages fewer: still the same setting.
    ['a2', setting({ minPages: 11_260 })],
    ['b', setting({ highFraction: 64 })],
  ])
  const pairs = crossPairs(
    [run('a1', 'b', 10, 20), run('a2', 'b', 14, 20), run('b', 'a1', 8, 9), run('b', 'a2', 8, 11)],
    settings,
  )
  expect(pairs.map(({ from, to, differs }) => [from, to, differs])).toEqual([
    [['a1', 'a2'], ['b'], ['percpu_pagelist_high_fraction 0 → 64']],
    [['b'], ['a1', 'a2'], ['percpu_pagelist_high_fraction 64 → 0']],
  ])
  const [there, back] = pairs
  expect(there!.measures.refills).toMatchObject({ predicted: 12, recorded: 20, error: 12 / 20 - 1 })
  expect(there!.measures.refills.spread).toBeUndefined()
  expect(there!.measures.refills.spreadPredicted).toBeCloseTo(4 / 12, 12)
  expect(back!.measures.refills).toMatchObject({ predicted: 8, recorded: 10 })
  expect(back!.measures.refills.spread).toBeCloseTo(2 / 10, 12)
})

test('min_free_kbytes, isolated CPUs and the release each make a setting of their own', () => {
  const settings = new Map([
    ['plain', setting()],
    ['min × 4', setting({ minPages: 45_056 })],
    ['isolated', setting({ isolated: [3] })],
    ['7.2', setting({ rules: 'pcp/linux-7.2' })],
  ])
  const names = [...settings.keys()]
  const runs = names.flatMap((from) => names.map((to) => run(from, to, 10, 10)))
  const pairs = crossPairs(runs, settings)
  expect(pairs.filter(({ from }) => from[0] === 'plain').map(({ differs }) => differs)).toEqual([
    ['min watermarks 11264 → 45056 pages'],
    ['isolated CPUs none → 3'],
    ['pcp/linux-6.12 → pcp/linux-7.2'],
  ])
  expect(medianPairError(pairs)).toBe(0)
})

test('a measure that was never recorded has no error', () => {
  const settings = new Map([
    ['a', setting()],
    ['b', setting({ highFraction: 8 })],
  ])
  const [pair] = crossPairs([run('a', 'b', 3, 0), run('b', 'a', 3, 3)], settings)
  expect(pair!.measures.refills.error).toBeUndefined()
})

test('an error is told apart: what the other’s own demand would give, and what demand makes', () => {
  const settings = new Map([
    ['a1', setting()],
    ['a2', setting()],
    ['b', setting({ rules: 'pcp/linux-7.2' })],
  ])
  const runs = [run('a1', 'b', 10, 20), run('a2', 'b', 14, 20), run('b', 'b', 19, 20)]
  const demands = new Map([
    ['a1', [700, 0, 0, 300]],
    ['a2', [680, 0, 0, 320]],
    ['b', [690, 5, 0, 245, 0, 0, 0, 0, 0, 60]],
  ])
  const [pair] = crossPairs(runs, settings, demands)
  expect(pair!.measures.refills).toMatchObject({ predicted: 12, ownDemand: 19, recorded: 20 })
  expect(pair!.demand).toEqual(['order 3: 310 → 245', 'order 9 (huge pages): 0 → 60'])
})

test('an error is within what repeats differ by, on whichever side', () => {
  const settings = new Map([
    ['a1', setting()],
    ['a2', setting()],
    ['b', setting({ highFraction: 8 })],
  ])
  const within = (first: number, second: number) =>
    crossPairs([run('a1', 'b', first, 20), run('a2', 'b', second, 20)], settings)[0]!.measures.refills.within
  expect([within(18, 18), within(17, 17), within(14, 18)]).toEqual([true, false, true])
})
