import { expect, test } from 'vitest'
import { Lock } from './lock.ts'
import { Timers } from './timers.ts'

test('who comes while a lock is held waits for all who came before', () => {
  const lock = new Lock()
  expect(lock.take(0, 100)).toBe(0)
  expect(lock.take(40, 100)).toBe(60)
  expect(lock.take(50, 10)).toBe(150)
  expect(lock.take(1000, 10)).toBe(0)
  expect(lock).toMatchObject({ taken: 4, contended: 2, heldNs: 220, waitedNs: 210 })
})

test('who comes while a hold of parts runs waits for the part alone, and the rest is put off', () => {
  const lock = new Lock()
  expect(lock.takeInParts(0, 100, 25, 7)).toEqual({ wait: 0, letGo: -1 })
  // Parts end at 25, 50, 75; the rest of the first hold is put off by 10.
  expect(lock.takeInParts(30, 10, 10, 8)).toEqual({ wait: 20, letGo: 7 })
  expect(lock.isHeld(109)).toBe(true)
  // The holder had its turn from 60 on: the next part ends at 85.
  expect(lock.takeInParts(55, 10, 10, 9)).toEqual({ wait: 30, letGo: 7 })
  expect(lock.takeInParts(119, 1, 1, 8)).toEqual({ wait: 1, letGo: -1 })
  expect(lock).toMatchObject({ taken: 4, contended: 3, heldNs: 121, waitedNs: 51 })
})

test('what goes on with its hold is as one hold of parts', () => {
  const [whole, parts] = [new Lock(), new Lock()]
  whole.takeInParts(0, 75, 25, 1)
  for (const now of [0, 25, 50]) parts.takeInParts(now, 25, 25, 1, now > 0)
  for (const lock of [whole, parts]) expect(lock.takeInParts(20, 5, 5, 2)).toEqual({ wait: 5, letGo: 1 })
  expect(parts.isHeld(79)).toBe(true)
})

test('a try on a held lock takes nothing and delays nobody', () => {
  const lock = new Lock()
  expect(lock.tryTake(0, 100)).toBe(true)
  expect(lock.tryTake(99, 100)).toBe(false)
  expect(lock.tryTake(100, 5)).toBe(true)
  expect(lock).toMatchObject({ taken: 2, contended: 1, waitedNs: 0 })
})

test('timers run in order of time, equals in the order in which they were set, and may set more', () => {
  const timers = new Timers()
  const ran: string[] = []
  timers.set(5, () => ran.push('e'))
  for (const name of ['b', 'c', 'd']) timers.set(2, () => ran.push(name))
  timers.set(1, () => {
    ran.push('a')
    timers.set(3, () => ran.push('d2'))
  })
  const cancelled = timers.set(4, () => ran.push('never'))
  expect(timers.cancel(cancelled)).toBe(true)
  const moments: number[] = []
  timers.run(4, (now) => moments.push(now))
  expect(ran).toEqual(['a', 'b', 'c', 'd', 'd2'])
  expect(moments).toEqual([1, 2, 2, 2, 3])
  expect(timers.next).toBe(5)
  timers.run(Number.POSITIVE_INFINITY, () => {})
  expect(timers.next).toBe(Number.POSITIVE_INFINITY)
  expect(timers.cancel(cancelled)).toBe(false)
})
