import { describe, expect, test } from 'vitest'
import type { MeasureId, Totals } from './measures.ts'
import { modelErrorOf, modelErrors } from './model-error.ts'
import { differencesOf, relative, repeatKey, type Uncertainty } from './verdicts.ts'

const none: Uncertainty = {
  recorded: new Set<MeasureId>(['zoneLocks']),
  modelError: { zoneLocks: 0 },
  lossShare: 0,
  varied: [],
}

/** The verdict on `value` against a baseline of 100 acquisitions. */
function verdictOn(value: number, given: Partial<Uncertainty> = {}, measure: MeasureId = 'zoneLocks') {
  const run = (policy: string, of: number): { policy: string; totals: Totals } => ({
    policy,
    totals: { [measure]: of },
  })
  const [difference] = differencesOf('c', [run('base', 100), run('other', value)], 'base', { ...none, ...given })
  return difference
}

describe('verdicts', () => {
  test('a difference larger than every known error is settled', () => {
    expect(verdictOn(80)).toMatchObject({ value: 80, baseline: 100, verdict: 'settled', because: [] })
  })

  test('what no event records stays unchecked, however large the difference', () => {
    expect(verdictOn(1, {}, 'requesterWaitNs')?.verdict).toBe('unchecked')
  })

  test('a difference as large as the model error is not settled', () => {
    expect(verdictOn(80, { modelError: { zoneLocks: 0.2 } })?.verdict).toBe('within-model-error')
    expect(verdictOn(79, { modelError: { zoneLocks: 0.2 } })?.verdict).toBe('settled')
  })

  test('no difference is no finding', () => {
    expect(verdictOn(100)?.verdict).toBe('within-model-error')
  })

  test('losses come before the model error', () => {
    const given = { lossShare: 0.3, modelError: { zoneLocks: 0.9 } }
    expect(verdictOn(80, given)).toMatchObject({ verdict: 'within-loss', because: ['30 % of the events lost'] })
  })

  test('an assumption that halves the difference is named', () => {
    const varied = (value: number) => [
      { policy: 'other', param: 'gracePeriodNs', end: 'high' as const, totals: { zoneLocks: value } },
    ]
    expect(verdictOn(80, { varied: varied(91) })).toMatchObject({
      verdict: 'depends-on-assumption',
      because: ['gracePeriodNs'],
    })
    expect(verdictOn(80, { varied: varied(110) })?.verdict).toBe('depends-on-assumption')
    expect(verdictOn(80, { varied: varied(89) })?.verdict).toBe('settled')
  })

  test('an assumption that moves both sides alike changes nothing', () => {
    const varied = ['base', 'other'].map((policy) => ({
      policy,
      param: 'workDelayNs',
      end: 'low' as const,
      totals: { zoneLocks: policy === 'base' ? 200 : 180 },
    }))
    expect(verdictOn(80, { varied })?.verdict).toBe('settled')
  })

  test('nothing is settled by rules that leave out how the kernel was built', () => {
    expect(verdictOn(80, { unmodelled: 'PREEMPT_RT' })).toMatchObject({
      verdict: 'not-modelled',
      because: ['PREEMPT_RT is not modelled'],
    })
    expect(verdictOn(80, { unmodelled: 'PREEMPT_RT', modelError: { zoneLocks: 0.2 } })?.verdict).toBe(
      'within-model-error',
    )
  })

  test('captures that repeat each other must agree', () => {
    const repeats = new Map([[repeatKey('other', 'zoneLocks'), [-0.2, 0.1]]])
    expect(verdictOn(80, { repeats })?.verdict).toBe('within-repeats')
  })

  test('it does not matter which side is the baseline', () => {
    expect(relative(80, 100)).toBeCloseTo(-relative(100, 80))
  })
})

describe('model error', () => {
  const even = (value: number) => Array.from({ length: 200 }, () => value)

  test('the whole and ten windows count, and the worst of them is it', () => {
    const shifted = even(10).map((value, step) => (step < 20 ? 15 : step < 40 ? 5 : value))
    expect(modelErrorOf(even(10), even(10))).toBe(0)
    expect(modelErrorOf(even(9), even(10))).toBeCloseTo(0.1)
    expect(modelErrorOf(shifted, even(10))).toBeCloseTo(0.5)
  })

  test('one event in a window where nothing was recorded is judged by the whole', () => {
    const recorded = even(0).map((_, step) => (step < 100 ? 1 : 0))
    const predicted = recorded.map((value, step) => (step === 150 ? 1 : value))
    expect(modelErrorOf(predicted, recorded)).toBeCloseTo(0.1)
  })

  test('something predicted of what was never recorded is an error of 1', () => {
    expect(modelErrorOf(even(1), even(0))).toBe(1)
  })

  test('where the kernel interrupts nobody, requested drains stand for interruptions', () => {
    const recorded = new Map<MeasureId, number[]>([
      ['interruptions', even(0)],
      ['requestedDrains', even(10)],
    ])
    const predicted = new Map<MeasureId, number[]>([
      ['interruptions', even(0)],
      ['requestedDrains', even(8)],
    ])
    expect(modelErrors(predicted, recorded).interruptions).toBeCloseTo(0.2)
  })
})
