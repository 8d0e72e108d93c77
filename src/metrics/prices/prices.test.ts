import { expect, test } from 'vitest'
import { quantilesOf } from '../compared-run.ts'
import { holdTime, priceOf, pricesSchema, publishedPrices } from './prices.ts'

const nothing = {
  allocsFromBuddy: 0,
  freesToBuddy: 0,
  drainRequests: 0,
  drainRequestsSkipped: 0,
  workItemWaits: 0,
  gracePeriodWaits: 0,
  irqSaves: 0,
  pcpLocks: 0,
  dereferences: 0,
  interruptions: 0,
}

test('the fitted lines are the reference’s (§3), to 0.2 µs and 1 ns a page', () => {
  const reference = {
    spr: [0.8, 29, 2.1, 21],
    icx: [0.7, 27, 1.4, 19],
    clx: [0.8, 42, 2.3, 34],
    cfl: [0.5, 44, 0.7, 32],
  } as const
  for (const [id, [freeAt, freePage, refillAt, refillPage]] of Object.entries(reference)) {
    const { bulkFreeUs, refillUs } = publishedPrices.find((prices) => prices.id === id)!
    for (const [points, fixed, perPage] of [
      [bulkFreeUs, freeAt, freePage],
      [refillUs, refillAt, refillPage],
    ] as const) {
      const at = holdTime(points)
      expect(Math.abs(at(0) / 1000 - fixed)).toBeLessThan(0.2)
      expect(Math.abs((at(1001) - at(1)) / 1000 - perPage)).toBeLessThan(1)
    }
  }
})

test('a run is priced by its holds; what has no price is named', () => {
  const [spr] = publishedPrices
  const priced = priceOf({ ...nothing, freesToBuddy: 3, burstSizes: new Map([[63, 2]]), refillSizes: new Map() }, spr!)
  expect(priced.zoneLockHoldNs).toBe(Math.round(2 * holdTime(spr!.bulkFreeUs)(63)))
  expect(priced.unpriced).toEqual(['freesToBuddy'])
  expect(priceOf({ ...nothing, burstSizes: new Map(), refillSizes: new Map() }, spr!)).toMatchObject({
    zoneLockHoldNs: 0,
    unpriced: [],
  })
  expect('longestHoldNs' in priceOf({ ...nothing, burstSizes: new Map(), refillSizes: new Map() }, spr!)).toBe(false)
})

test('what a fast path does has no price in these lists, whichever mechanism does it', () => {
  const [spr] = publishedPrices
  const work = { ...nothing, burstSizes: new Map([[63, 1]]), refillSizes: new Map() }
  for (const field of ['irqSaves', 'pcpLocks', 'dereferences'] as const)
    expect(priceOf({ ...work, [field]: 9 }, spr!).unpriced).toEqual([field])
})

test('a requester’s wait is priced where the list has a price; lock work without any price is left out, not 0', () => {
  const [spr] = publishedPrices
  const waiting = {
    ...nothing,
    drainRequests: 5,
    drainRequestsSkipped: 1,
    workItemWaits: 12,
    burstSizes: new Map([[1, 1]]),
    refillSizes: new Map(),
  }
  expect(priceOf(waiting, { ...spr!, drainWorkNs: 1000 })).toMatchObject({ requesterWaitNs: 4000, unpriced: [] })
  expect(priceOf(waiting, spr!).unpriced).toEqual(['workItemWaits'])
  expect(
    priceOf({ ...nothing, allocsFromBuddy: 9, burstSizes: new Map(), refillSizes: new Map() }, spr!).zoneLockHoldNs,
  ).toBeUndefined()
})

test('holds smaller than any measured cost at least their share of the smallest', () => {
  const [spr] = publishedPrices
  const hold = holdTime(spr!.bulkFreeUs)
  const priced = priceOf(
    {
      ...nothing,
      burstSizes: new Map([
        [21, 3],
        [63, 2],
        [500, 1],
      ]),
      refillSizes: new Map(),
    },
    spr!,
  )
  const { leastNs, ...counts } = priced.smallHolds!
  expect(counts).toEqual({ holds: 3, of: 6, belowPages: 63 })
  expect(Math.abs(leastNs - ((3 * hold(63)) / 3 + 2 * hold(63) + hold(500)))).toBeLessThan(1)
  expect(leastNs).toBeLessThan(priced.zoneLockHoldNs!)
  const large = priceOf({ ...nothing, burstSizes: new Map([[63, 2]]), refillSizes: new Map() }, spr!)
  expect('smallHolds' in large).toBe(false)
})

test('every published list is a valid prices file', () => {
  for (const list of publishedPrices) expect(pricesSchema.parse(list)).toEqual(list)
})

test('quantiles of counted sizes are exact; of nothing there are none', () => {
  expect(
    quantilesOf(
      new Map([
        [10, 50],
        [20, 49],
        [99, 1],
      ]),
    ),
  ).toEqual({ p50: 10, p99: 20, max: 99 })
  expect(quantilesOf(new Map())).toBeUndefined()
})
