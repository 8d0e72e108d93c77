import { expect, test } from 'vitest'
import { gracePeriodEndOf, mutexHoldsOf, workDelaysOf } from './recorded-waits.ts'

const works = {
  cpu: [0, 1, 0],
  queued: [100, 100, 900],
  delay: [7, 8, 9],
  holds: { asked: [90, 880], held: [40, 50] },
}

test('a work item waits as the recorded one of its CPU that was queued nearest in time', () => {
  const delay = workDelaysOf(works)
  expect([delay(0, 99), delay(0, 800), delay(1, 800), delay(2, 0)]).toEqual([7, 9, 8, undefined])
})

test('a request holds the mutex as long as the recorded one that was made nearest in time', () => {
  const held = mutexHoldsOf(works)
  expect([held(0), held(2000)]).toEqual([40, 50])
  expect(mutexHoldsOf()(0)).toBeUndefined()
})

test('a grace period that is asked for ends with the first that begins later', () => {
  const end = gracePeriodEndOf({ start: [10, 50], end: [30, 70] })
  expect([end(10), end(11), end(51)]).toEqual([30, 70, undefined])
})
