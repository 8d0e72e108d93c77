import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLimit, parseObjective } from './objective.ts'
import { ranked } from './ranking.ts'
import type { SweepRun } from './results.ts'

const run = (policy: string, measures: SweepRun['measures'], capture = 'c'): SweepRun => ({
  capture,
  policy,
  params: {},
  prices: 'p',
  measures,
})
const known = ['cost', 'memory', 'isolatedInterruptions']
const question = (limits: string[] = [], besides = ['memory']) => ({
  baseline: 'a',
  objective: parseObjective('cost', known),
  limits: limits.map((text) => parseLimit(text, known)),
  besides,
})

test('limits come first, then the objective; the front is of those that keep them', () => {
  const rows = ranked(
    [
      run('a', { cost: 10, memory: 5 }),
      run('cheap', { cost: 5, memory: 50 }),
      run('small', { cost: 20, memory: 1 }),
      run('worse', { cost: 20, memory: 5 }),
      run('unknown', { cost: 1 }),
    ],
    question(['memory<=20']),
  )
  expect(rows.map(({ policy, breaks, onFront }) => [policy, breaks.length, onFront])).toEqual([
    ['a', 0, true],
    ['small', 0, true],
    ['worse', 0, false],
    ['unknown', 1, false],
    ['cheap', 1, false],
  ])
  expect(rows.find(({ policy }) => policy === 'cheap')!.difference).toBe(-0.5)
})

test('a limit must hold on every capture; runs with other assumptions are none', () => {
  const rows = ranked(
    [
      run('a', { cost: 1, memory: 0 }, 'x'),
      run('a', { cost: 1, memory: 9 }, 'y'),
      { ...run('a{delay=1}', { cost: 0, memory: 0 }, 'x'), assumed: { of: 'a', param: 'delay', value: 1 } },
    ],
    question(['memory=0']),
  )
  expect(rows.map(({ policy, breaks }) => [policy, breaks])).toEqual([['a', ['memory=0']]])
})

test('`interruptions[isolated]` is a measure; a wrong one is named', () => {
  expect(parseLimit('interruptions[isolated]=0', known)).toMatchObject({ measure: 'isolatedInterruptions', is: '=' })
  expect(() => parseLimit('memmory<1', known)).toThrow('did you mean memory')
  expect(() => parseLimit('memory~1', known)).toThrow('is no limit')
})

test('the front is what a search of all pairs finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ cost: fc.nat(6), memory: fc.nat(6) }), { minLength: 1, maxLength: 30 }),
      (points) => {
        const rows = ranked(
          points.map((point, at) => run(at === 0 ? 'a' : `p${at}`, point)),
          question(),
        )
        const better = (of: SweepRun['measures'], than: SweepRun['measures']) =>
          of.cost! <= than.cost! && of.memory! <= than.memory! && (of.cost! < than.cost! || of.memory! < than.memory!)
        for (const { means, onFront } of rows) expect(onFront).toBe(!rows.some((other) => better(other.means, means)))
      },
    ),
  )
})
