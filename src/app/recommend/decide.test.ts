import { expect, test } from 'vitest'
import { randomOf } from '#kernel/numbers'
import type { CaptureContext } from '../sweep/measure.ts'
import { parseLimit } from '../sweep/objective.ts'
import type { SweepRun } from '../sweep/results.ts'
import { pairedInterval } from './bootstrap.ts'
import { decide } from './recommendation.ts'
import { turningPoint } from './turning-points.ts'

const known = ['zoneLockPages', 'isolatedInterruptions', 'strandedPages']

const context = (name: string, about: Partial<CaptureContext> = {}): CaptureContext => ({
  name,
  kernel: '6.1',
  isolated: [],
  events: 1,
  ownPolicy: 'own',
  recorded: { zoneLockPages: 1000, isolatedInterruptions: 5 },
  modelError: { zoneLockPages: 0.05, isolatedInterruptions: 0 },
  lossShare: 0,
  drains: true,
  gracePeriods: false,
  ...about,
})

const run = (policy: string, zoneLockPages: number, more: SweepRun['measures'] = {}, capture = 'c'): SweepRun => ({
  capture,
  policy,
  params: {},
  prices: 'p',
  measures: { zoneLockPages, isolatedInterruptions: 0, ...more },
})

const ask = (runs: SweepRun[], limits: string[] = [], contexts = [context('c')]) => {
  const objective = { measure: 'zoneLockPages', goal: 'min' as const }
  const question = { baseline: 'own', objective, limits: limits.map((text) => parseLimit(text, known)), besides: [] }
  return decide(runs, question, { contexts, runs, objective, seed: 1 }, 10)
}

test('what is better by more than the model error is recommended', () => {
  expect(ask([run('own', 1000), run('better', 800), run('worse', 1200)])).toMatchObject({
    recommended: 'better',
    ties: ['better'],
    best: 'better',
  })
})

test('that the best lies at the edge of what was tried is said', () => {
  const high = (value: number, pages: number) => ({
    ...run(`better{high=${value}}`, pages),
    params: { high: value, batch: 31 },
  })
  const edge = 'high=300 is the largest of 3 values that were tried: a better one may lie beyond (--set high=…).'
  expect(ask([run('own', 1000), high(100, 900), high(200, 700), high(300, 500)]).because).toContain(edge)
  expect(ask([run('own', 1000), high(100, 900), high(200, 500), high(300, 700)]).because).toHaveLength(1)
})

test('an A/A comparison recommends nothing, neither of the same nor within the model error', () => {
  expect(ask([run('own', 1000), run('same', 1000)]).recommended).toBeUndefined()
  const near = ask([run('own', 1000), run('near', 960)])
  expect(near.recommended).toBeUndefined()
  expect(near.because).toEqual(['near differs from own by −4.0 %, which is no finding: model error 5.0 %.'])
})

test('of policies that can’t be told from the best, the one that was named first is recommended', () => {
  expect(ask([run('own', 1000), run('simple', 700), run('tuned', 690)])).toMatchObject({
    recommended: 'simple',
    ties: ['simple', 'tuned'],
    best: 'tuned',
  })
})

test('limits come first: where the baseline breaks one, what keeps it is recommended, better or not', () => {
  const runs = [
    run('own', 1000, { isolatedInterruptions: 5 }),
    run('quiet', 1010),
    run('cheap', 10, { isolatedInterruptions: 9 }),
  ]
  const { recommended, because } = ask(runs, ['interruptions[isolated]=0'])
  expect(recommended).toBe('quiet')
  expect(because).toEqual([
    'own breaks interruptions[isolated]=0; quiet keeps it.',
    'By zoneLockPages it differs from own by +1.0 %, which is no finding.',
  ])
  expect(ask(runs, ['zoneLockPages<5'])).toMatchObject({
    ties: [],
    because: ['No policy keeps zoneLockPages<5 on every capture.'],
  })
})

test('a limit that nothing checks is said to be one', () => {
  const runs = [run('own', 1000, { strandedPages: 9 }), run('b', 500, { strandedPages: 9 })]
  expect(ask(runs, ['strandedPages<=10']).because.at(-1)).toBe(
    'strandedPages<=10: c does not record it, so nothing checks it',
  )
})

test('a difference that rests on an assumed input recommends nothing', () => {
  const assumed = (value: number, pages: number): SweepRun => ({
    ...run(`b{delayNs=${value}}`, pages),
    assumed: { of: 'b', param: 'delayNs', value },
  })
  const runs = [run('own', 1000), run('b', 800), assumed(1, 500), assumed(100, 1100)]
  expect(ask(runs).recommended).toBeUndefined()
  expect(ask(runs.slice(0, 3)).recommended).toBe('b')
})

test('over captures the interval decides: noise around nothing recommends nothing, a shift is found', () => {
  const random = randomOf(7, 'noise')
  const contexts = Array.from({ length: 6 }, (_, at) => context(`c${at}`, { modelError: { zoneLockPages: 0.01 } }))
  let [noise, shifted] = [0, 0]
  for (let trial = 0; trial < 40; trial++) {
    const runs = (shift: number) =>
      contexts.flatMap(({ name }) => [
        run('own', 1000, {}, name),
        run('b', 1000 * shift * (0.9 + 0.2 * random.uniform()), {}, name),
      ])
    if (ask(runs(1), [], contexts).recommended !== undefined) noise++
    if (ask(runs(0.7), [], contexts).recommended === 'b') shifted++
  }
  expect(noise).toBeLessThanOrEqual(4)
  expect(shifted).toBe(40)
})

test('an interval holds the mean, and two captures have none', () => {
  expect(pairedInterval([0.1, 0.2], 1)).toBeUndefined()
  const { low, high } = pairedInterval([-0.3, -0.1, -0.2, -0.2], 1)!
  expect(low).toBeLessThan(-0.2)
  expect(high).toBeGreaterThan(-0.2)
  expect([low, high]).toEqual(Object.values(pairedInterval([-0.3, -0.1, -0.2, -0.2], 1)!))
})

test('a turning point is where the rival begins to win; none where it never does', async () => {
  const pages = (policy: string): number => {
    const delay = Number(/delayNs=(\d+)/.exec(policy)?.[1] ?? 1000)
    return policy.startsWith('slow') ? delay : 2000
  }
  const evaluator = { run: async (choices: readonly { id: string }[]) => choices.map(({ id }) => run(id, pages(id))) }
  const question = {
    baseline: 'own',
    objective: { measure: 'zoneLockPages', goal: 'min' as const },
    limits: [],
    besides: [],
  }
  const has = (id: string): boolean => id === 'slow'
  const assumed = { param: 'delayNs', value: 1000, low: 100, high: 10_000 }
  const { at, factor } = await turningPoint(evaluator, { winner: 'slow', rival: 'steady', has }, assumed, question)
  expect(Math.abs(at! - 2000)).toBeLessThan(20)
  expect(factor).toBeCloseTo(2, 1)
  const never = await turningPoint(
    evaluator,
    { winner: 'slow', rival: 'steady', has },
    { ...assumed, high: 1500 },
    question,
  )
  expect(never.at).toBeUndefined()
})
