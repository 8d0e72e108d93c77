import { expect, test } from 'vitest'
import type { KvfreeFidelity } from './fidelity-schema.ts'
import type { KvfreeComparedRun } from './schema.ts'
import { kvfreeRecordedRow, kvfreeVerdicts } from './verdicts.ts'

const run = (policy: string, meanObjects: number, batches: number) =>
  ({
    capture: 'a',
    policy,
    footprint: { meanObjects, peakObjects: 500 },
    quantiles: {},
    work: { bulkFrees: 10, listFallbacks: 0, batches, pagesByRefill: 0, pagesByCaller: 0, pagesByPcp: 0 },
  }) as unknown as KvfreeComparedRun

const fidelity = (predicted: number, frees = 10) =>
  ({
    policy: 'kvfree/linux-6.1',
    bulkFrees: { recorded: frees, predicted: frees },
    listFrees: { recorded: 0, predicted: 0 },
    generatedDelays: {
      bulkFrees: { recorded: 10, predicted: 10 },
      listFrees: { recorded: 0, predicted: 3 },
      footprint: { recorded: { mean: 100, peak: 500 }, predicted: { mean: predicted, peak: 500 } },
    },
  }) as unknown as KvfreeFidelity

test('the record’s row says what the kernel did, and how far its own policy is from it', () => {
  const row = kvfreeRecordedRow('a', fidelity(90))
  expect(row).toMatchObject({
    ownPolicy: 'kvfree/linux-6.1',
    totals: { meanObjects: 100, peakObjects: 500, bulkFrees: 10, listObjects: 0 },
    modelError: { peakObjects: 0, bulkFrees: 0, listObjects: 1 },
  })
  expect(row?.modelError.meanObjects).toBeCloseTo(0.1, 12)
  expect(kvfreeRecordedRow('a', fidelity(90, 0))).toBeUndefined()
  expect(kvfreeVerdicts.largestErrors([row!, kvfreeRecordedRow('b', fidelity(50))!]).meanObjects).toBeCloseTo(0.5, 12)
})

test('the model error is the larger of two: delays learnt from the whole record, and each from others', () => {
  const one = fidelity(90)
  const { generatedDelays } = fidelity(70)
  const error = (leftOut: KvfreeFidelity['leftOut']) =>
    kvfreeRecordedRow('a', { ...one, leftOut })?.modelError.meanObjects
  expect(error(generatedDelays)).toBeCloseTo(0.3, 12)
  expect(error(undefined)).toBeCloseTo(0.1, 12)
  expect(kvfreeRecordedRow('a', { ...one, leftOut: generatedDelays })?.predicted.meanObjects).toBe(90)
})

test('a difference is settled where it is larger than the model error, and unchecked where nothing is recorded', () => {
  const verdicts = (value: number, row = kvfreeRecordedRow('a', fidelity(90))) =>
    Object.fromEntries(
      kvfreeVerdicts
        .differences([run('base', 100, 5), run('other', value, 7)], 'base', row)
        .map(({ measure, verdict }) => [measure, verdict]),
    )
  expect(verdicts(80)).toMatchObject({ meanObjects: 'settled', batches: 'unchecked' })
  expect(verdicts(95)).toMatchObject({ meanObjects: 'within-model-error' })
  expect(
    kvfreeVerdicts.differences([run('base', 100, 5), run('other', 50, 5)], 'base').map(({ verdict }) => verdict),
  ).toEqual(Array(6).fill('unchecked'))
})
