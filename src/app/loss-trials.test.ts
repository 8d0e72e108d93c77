import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lossesOf } from '#events'
import { lossModelOf } from '#metrics/losses'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { compared, figuresOf, firstEvents, lossy, summaryOf } from './testing/loss-trial.ts'

const whole = firstEvents(await readCapture(join(import.meta.dirname, '../../traces/pages-6.1-s')), 15_000)
const policies = ['pcp/linux-6.1', 'pcp/linux-7.2']
const truth = await compared(whole, policies)

test('nothing is said of losses where nothing is missing', () => {
  const [row] = truth.recorded
  expect(row).toMatchObject({ lossShare: 0 })
  expect(row!.intervals).toBeUndefined()
  expect(truth.runs.every(({ intervals }) => intervals === undefined)).toBe(true)
  expect(truth.headline).not.toContain('missing')
})

test.each([
  { share: 0.05, burst: 1, marked: true },
  { share: 0.05, burst: 40, marked: false },
])('$share lost in bursts of $burst, marked: $marked: intervals hold most figures of the whole', async (kind) => {
  const tried = await compared(lossy(whole, kind, 1), policies)
  const figures = figuresOf(truth, tried)
  expect(figures.length).toBeGreaterThan(14)
  expect(summaryOf(figures).held).toBeGreaterThan(0.85)
  for (const { observed, interval } of figures) {
    expect(interval.low).toBeLessThanOrEqual(observed)
    expect(interval.high).toBeGreaterThanOrEqual(observed)
  }
  expect(tried.headline).toMatch(kind.marked ? /% of the events are missing/ : /none is marked as lost/)
  for (const { interval, verdict } of tried.differences)
    if (interval !== undefined && interval.low <= 0 && interval.high >= 0)
      expect(['within-loss', 'unchecked']).toContain(verdict)
})

test.each([1, 30])(
  'an unmarked loss of a hundredth in bursts of %i is noticed, and roughly how much it is',
  (burst) => {
    for (const seed of [1, 2, 3]) {
      const recording = lossy(whole, { share: 0.01, burst, marked: false }, seed)
      expect(lossesOf(recording.events).gaps).toBe(0)
      const { isLossy } = scriptOf(recording)
      expect(isLossy).toBe(true)
      const { share, found } = lossModelOf(recording, isLossy)!
      expect(found).toBe('contradictions')
      expect(share).toBeGreaterThan(0.002)
      expect(share).toBeLessThan(0.2)
    }
  },
)

test('marks tell the size of a loss and of its gaps', () => {
  const recording = lossy(whole, { share: 0.1, burst: 20, marked: true }, 1)
  const model = lossModelOf(recording, true)!
  expect(model.share).toBeCloseTo(0.1, 2)
  expect(model.sizes.reduce((sum, size) => sum + size, 0)).toBe(lossesOf(recording.events).events)
})
