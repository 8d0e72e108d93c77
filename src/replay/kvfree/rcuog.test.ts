import { expect, test } from 'vitest'
import { RcuSequences } from '#kernel/rcu'
import { RecordedGracePeriods } from '../../sim/grace-periods/index.ts'
import { KvfreeClock } from './clock.ts'
import { Rcuog, rcuogStride } from './rcuog.ts'

const MS = 1e6
const WAKE = 0.1 * MS

/** Grace periods of 5 ms, each starting 20 µs after the one before. `at`: when what is called back. */
function stage() {
  const intervals = Array.from({ length: 20 }, (_, k) => ({
    expedited: false,
    start: 5 * k * MS + 0.02 * MS,
    end: (5 * k + 5) * MS,
  }))
  const clock = new KvfreeClock(0, 1000, new RecordedGracePeriods({ intervals, first: new RcuSequences(0) }))
  const ready: Record<string, number> = {}
  return {
    clock,
    ready,
    note: (name: string) => () => (ready[name] = clock.now / MS),
    rcuog: new Rcuog(clock, () => WAKE),
  }
}

test('a callback on an empty list wakes rcuog, and needs the next grace period', () => {
  const { clock, ready, note, rcuog } = stage()
  clock.run(1 * MS)
  rcuog.queue(0, clock.now, false, note('a'))
  clock.run(50 * MS)
  expect(ready).toEqual({ a: 10.1 })
})

test('with interrupts off, rcuog is woken at the next tick', () => {
  const { clock, ready, note, rcuog } = stage()
  clock.run(4.5 * MS)
  rcuog.queue(0, clock.now, true, note('a'))
  clock.run(50 * MS)
  // At 5.1 the grace period of 5.02 runs already.
  expect(ready).toEqual({ a: 15.1 })
})

test('a callback behind another of its CPU has no grace period until rcuog runs again', () => {
  const { clock, ready, note, rcuog } = stage()
  clock.run(1 * MS)
  rcuog.queue(0, clock.now, false, note('first'))
  clock.run(2 * MS)
  rcuog.queue(0, clock.now, false, note('second'))
  clock.run(50 * MS)
  // Its turn is at 10.1, after the first is ready and 80 µs after the next grace period began.
  expect(ready).toEqual({ first: 10.1, second: 20.1 })
})

test('… which the callback of another CPU of the group brings about', () => {
  const { clock, ready, note, rcuog } = stage()
  clock.run(1 * MS)
  rcuog.queue(0, clock.now, false, note('first'))
  clock.run(2 * MS)
  rcuog.queue(0, clock.now, false, note('second'))
  rcuog.queue(1, clock.now, false, note('other'))
  clock.run(50 * MS)
  expect(ready).toEqual({ first: 10.1, second: 10.1, other: 10.1 })
})

test('a callback that wakes it earlier than another would, wakes it for both', () => {
  const { clock, ready, note, rcuog } = stage()
  clock.run(4.5 * MS)
  rcuog.queue(0, clock.now, true, note('at the tick'))
  clock.run(4.6 * MS)
  rcuog.queue(1, clock.now, false, note('at once'))
  clock.run(50 * MS)
  expect(ready).toEqual({ 'at the tick': 10.1, 'at once': 10.1 })
})

test.each([
  [1, 1],
  [4, 2],
  [8, 4],
  [64, 8],
])('of %i CPUs, one rcuog looks after %i', (cpus, stride) => {
  expect(rcuogStride(cpus)).toBe(stride)
})
