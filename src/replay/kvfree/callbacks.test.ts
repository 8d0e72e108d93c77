import { expect, test } from 'vitest'
import { randomOf } from '#kernel/numbers'
import { RcuSequences } from '#kernel/rcu'
import { RecordedGracePeriods } from '../../sim/grace-periods/index.ts'
import { Callbacks } from './callbacks.ts'
import { KvfreeClock } from './clock.ts'

const MS = 1e6

/** When the callback of a call_rcu() at `ms` is invoked on a CPU whose callbacks are not offloaded; HZ=1000. */
function invoked(ms: number, gracePeriods: readonly (readonly [start: number, end: number])[]): number | undefined {
  const intervals = gracePeriods.map(([start, end]) => ({ expedited: false, start: start * MS, end: end * MS }))
  const clock = new KvfreeClock(0, 1000, new RecordedGracePeriods({ intervals, first: new RcuSequences(0) }))
  const params = { cpus: 1, nocb: 'none', callbackNs: 0, rehomeChance: 0, atHomeChance: 0 } as const
  const callbacks = new Callbacks(params, new Set(), clock, randomOf(1, 'callbacks'))
  let at: number | undefined
  clock.run(ms * MS)
  callbacks.callRcu(0, clock.now, () => {
    at = clock.now / MS
  })
  clock.run(100 * MS)
  return at
}

// None begins or ends at a tick.
const backToBack = Array.from({ length: 10 }, (_, k) => [5 * k + 0.3, 5 * k + 5.28] as const)

test.each([
  ['noticed at the tick at which the CPU reports: the next grace period', 1.5, 11],
  ['after the report: first when the next has begun, so the one after', 2.5, 16],
  ['just before the next begins, no other', 4.9, 16],
])('%s', (_what, ms, at) => {
  expect(invoked(ms, backToBack)).toBe(at)
})

test('while none is in progress, any tick does', () => {
  expect(
    invoked(9.5, [
      [0.02, 5],
      [12, 17],
    ]),
  ).toBe(18)
})
