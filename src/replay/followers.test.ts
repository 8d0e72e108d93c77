import { describe, expect, test } from 'vitest'
import { choosePcp } from '#policies'
import { infer } from '../estimate/inferred.ts'
import { whatIfOf } from '../estimate/what-if.ts'
import { scriptOf } from '../record/script-of.ts'
import type { LockPrices } from '../sim/clocks.ts'
import { Replay } from './replay.ts'
import { runPolicy } from './run.ts'
import { story } from './testing/story.ts'

const list = (id: string, baseNs: number, pageNs: number): LockPrices => ({
  id,
  bulkFree: { baseNs, pageNs },
  refill: { baseNs: 2 * baseNs, pageNs: 2 * pageNs },
})
const [cheap, dear] = [list('cheap', 300, 5), list('dear', 600, 10)] as const

// A request, operations on the CPUs that it drains, and another request soon after the first.
const busy =
  'cpu0 free a free b free c\ncpu1 free d free e\ncpu2 drain-all\ncpu0 free f\ncpu1 alloc g\ncpu2 drain-all\ncpu0 free h\ncpu1 drain-all'
const whatIf = whatIfOf(infer(scriptOf(story(busy, {}))))
const choice = (id: string) => choosePcp(id, '5.10')

/** Whether the replay under the first list was the second one’s too. */
const isShared = (id: string): boolean =>
  new Replay(whatIf, choice(id), { prices: cheap, morePrices: [dear] }).run().moreTimes[0] !== undefined

describe('several price lists', () => {
  test.each([
    'pcp/work{workDelayNs=0}',
    'pcp/work{workDelayNs=500}',
    'pcp/work{workDelayNs=2500}',
    'pcp/work{workDelayNs=9000}',
    'pcp/no-isolated',
    'pcp/rcu-swap{gracePeriodNs=1500}',
    'pcp/spinlock',
    'pcp/trylock',
    'pcp/trylock{kernel=up}',
    'pcp/linux-5.10+none',
  ])('give what a replay under each alone gives: %s', (id) => {
    const alone = [cheap, dear].flatMap((prices) => runPolicy(whatIf, choice(id), { prices: [prices] }).times)
    expect(runPolicy(whatIf, choice(id), { prices: [cheap, dear] }).times).toEqual(alone)
  })

  test('take one replay where drains do not depend on prices, as long as requests do not meet', () => {
    expect(isShared('pcp/linux-5.10+none')).toBe(true)
    expect(isShared('pcp/work{workDelayNs=500}')).toBe(true)
    // The second request comes while the first is at work under the dear list alone.
    expect(isShared('pcp/work{workDelayNs=1750}')).toBe(false)
  })

  test('take a replay each where a drain’s length decides what it meets', () => {
    expect(isShared('pcp/trylock')).toBe(false)
    expect(isShared('pcp/rcu-swap{gracePeriodNs=1500}')).toBe(false)
  })
})
