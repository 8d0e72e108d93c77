import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { choosePolicy, type ParamValue } from '#policies'
import { acceptCalls, acceptCost, acceptPolicies, guestParams } from '#policies/accept'
import { touchesOf } from '../../estimate/touches.ts'
import { scriptOf } from '../../record/script-of.ts'
import { type MachineWish, recordingOf } from '../testing/story.ts'
import { type AcceptResult, runAccept } from './accept.ts'

const MIB2 = 512
const MS = 1e6

interface Moment {
  readonly time: number
  readonly cpu: number
  readonly pfn: number
  readonly order?: number
}

/** Each block is fetched from the free lists and handed out at once. */
const touches = (moments: readonly Moment[]): TraceEvent[] =>
  moments.flatMap(({ order = 0, ...at }): TraceEvent[] => [
    { event: 'mm_page_alloc_zone_locked', ...at, order, migratetype: 1 },
    { event: 'mm_page_alloc', ...at, order, migratetype: 1, gfpFlags: 0 },
  ])

function run(
  id: string,
  moments: readonly Moment[],
  set: Record<string, ParamValue> = {},
  wish: MachineWish = {},
): AcceptResult {
  // Nothing costs anything but accepting itself, so that every figure below is the seed’s own arithmetic.
  const quiet = { zeroNs: 0, holdNs: 0, holdPageNs: 0, checkNs: 0, ...set }
  const shown = touchesOf(scriptOf(recordingOf(touches(moments), wish)))
  return runAccept(shown, choosePolicy('accept', acceptPolicies, id, quiet))
}

const total = (waits: AcceptResult['waits'], of: 'zoneNs' | 'bitmapNs' | 'unitNs') =>
  waits.reduce((sum, wait) => sum + wait[of], 0)

describe('the arithmetic of Shutemov’s mail of August 2021', () => {
  const guest = (set: Record<string, ParamValue>) => guestParams.parse({ zeroNs: 0, ...set })

  test('512 calls of a thousand cycles are half a million cycles for 2 MiB', () => {
    const each4k = guest({ mapCalls: 0, acceptCalls: 512, callCycles: 1000, mhz: 1000 })
    // At 1 GHz a cycle is a nanosecond.
    expect(acceptCost(each4k, 1)).toBe(512_000)
    expect(acceptCost({ ...each4k, mhz: 2500 }, 1)).toBeCloseTo(0.2 * MS, -4)
  })

  test('with one call to map and one to accept it takes 2 calls for 2 MiB, 3 for 4 MiB', () => {
    expect(acceptCalls(guest({}), 1)).toBe(2)
    expect(acceptCalls(guest({}), 2)).toBe(3)
    expect(run('zone-lock-atomic{unitPages=1024}', [{ time: 1, cpu: 0, pfn: 1024 }]).work.calls).toBe(3)
  })

  test('the first page of a 2 MiB block accepts it, and its other 511 each look at the bitmap once more', () => {
    const pages = Array.from({ length: MIB2 }, (_, page) => ({ time: 1000 + page * 1000, cpu: 0, pfn: MIB2 + page }))
    const { work } = run('deferred', pages)
    expect(work).toMatchObject({ acceptedPages: MIB2, bitmapChecks: 512, extraChecks: 511 })
  })

  // Two nodes, each with a CPU; both touch memory of their own at the same time.
  const apart = [
    { time: 1000, cpu: 0, pfn: 1024 },
    { time: 1000, cpu: 1, pfn: 9216 },
  ]

  test('under one lock for all, a node waits while the other accepts; with atomic bits it does not', () => {
    const slow = { nodes: 2, acceptCalls: 512 }
    const global = run('zone-lock-global', apart, slow)
    const atomic = run('zone-lock-atomic', apart, slow)
    const cost = acceptCost(guest(slow), 1)
    expect(total(global.waits, 'bitmapNs')).toBe(cost)
    expect(total(global.waits, 'zoneNs')).toBe(0)
    // And its zone->lock is held all that while, interrupts off.
    expect(Math.max(...global.longestIrqsOffNs)).toBe(2 * cost)
    expect(total(atomic.waits, 'bitmapNs') + total(atomic.waits, 'zoneNs')).toBe(0)
    expect(Math.max(...atomic.longestIrqsOffNs)).toBe(cost)
  })

  // On one node, a CPU accepts while the other fetches a page of a unit that is accepted already.
  const together = [
    { time: 1000, cpu: 1, pfn: 1024 },
    { time: 10 * MS, cpu: 0, pfn: 2048 },
    { time: 10 * MS + 500, cpu: 1, pfn: 1025 },
  ]

  test('accepting under zone->lock stops whoever needs the lock; deferring takes the hold back to what it was', () => {
    const held = run('zone-lock-atomic', together, { holdNs: 100 })
    const outside = run('deferred', together, { holdNs: 100 })
    const baseline = run('eager', together, { holdNs: 100 })
    const cost = acceptCost(guest({}), 1)
    expect(total(held.waits, 'zoneNs')).toBe(cost + 100 - 500)
    expect(total(outside.waits, 'zoneNs')).toBe(total(baseline.waits, 'zoneNs'))
    expect(outside.longestIrqsOffNs).toEqual(baseline.longestIrqsOffNs)
    expect(Math.max(...held.longestIrqsOffNs)).toBe(cost + 100)
  })

  test('two CPUs that need one unit at the same time: one accepts, the other waits for it', () => {
    const same = [
      { time: 1000, cpu: 0, pfn: 1024 },
      { time: 1100, cpu: 1, pfn: 1025 },
    ]
    const { work, waits } = run('deferred', same)
    expect(work).toMatchObject({ acceptedPages: MIB2, unitWaits: 1, calls: 2 })
    expect(total(waits, 'unitNs')).toBe(acceptCost(guest({}), 1) - 100)
  })

  test('where memory can be handed back, each look takes the bitmap’s lock', () => {
    const moments = [
      { time: 1000, cpu: 0, pfn: 1024 },
      { time: 1000, cpu: 1, pfn: 9216 },
    ]
    const looks = (reversible: boolean) =>
      total(run('deferred', moments, { reversible, checkNs: 50, nodes: 2 }).waits, 'bitmapNs')
    expect(looks(false)).toBe(0)
    expect(looks(true)).toBe(50)
  })
})

describe('the merged design', () => {
  const wish = { managed: 16_384 }
  const one = [{ time: 1000, cpu: 0, pfn: 1024 }]

  test('accepts 4 MiB blocks until the promo watermark is met; the first takes a guard unit more', () => {
    // 16,384 pages are free and all are in unaccepted blocks; promo is 112 pages.
    const { work, pagesAtStart } = run('watermark', one, {}, wish)
    expect(pagesAtStart).toBe(16_384)
    expect(work).toMatchObject({ acceptedPages: 1536, calls: 1 + 3 })
  })

  test('later blocks take two units, shifted by one', () => {
    const fetches = Array.from({ length: 2000 }, (_, page) => ({ time: 1000 * (page + 1), cpu: 0, pfn: 1024 + page }))
    const { work } = run('watermark', fetches, {}, wish)
    expect(work).toMatchObject({ acceptedPages: 1536 + 1024 + 1024, calls: 4 + 3 + 3 })
  })

  test('zone->lock is free while it accepts, interrupts are not on', () => {
    const { waits, longestIrqsOffNs } = run('watermark', [...one, { time: 2000, cpu: 1, pfn: 3 }], {}, wish)
    expect(total(waits, 'zoneNs')).toBe(0)
    expect(Math.max(...longestIrqsOffNs)).toBe(acceptCost(guestParams.parse({ zeroNs: 0 }), 3))
  })

  test('a background thread accepts everything, no faster than its rate', () => {
    const moments = [...one, { time: 1e9, cpu: 0, pfn: 1025 }]
    const { pagesLeft, allAcceptedNs, addedNs } = run('kthread{rate=256}', moments, {}, wish)
    expect(pagesLeft).toBe(0)
    // 64 MiB at 256 MiB/s; it is seen by the next event.
    expect(allAcceptedNs).toBeGreaterThanOrEqual(0.25e9)
    expect(addedNs.length).toBe(1)
    expect(run('kthread{rate=16}', moments, {}, wish).pagesLeft).toBeGreaterThan(0)
  })
})

describe('laws', () => {
  const anyMoments = fc
    .array(
      fc.record({
        gap: fc.nat(50_000),
        cpu: fc.nat(3),
        page: fc.nat(16_383),
        order: fc.constantFrom(0, 0, 0, 1, 3, 9),
      }),
      { maxLength: 120 },
    )
    .map((steps) => {
      let time = 1
      return steps.map(({ gap, cpu, page, order }) => {
        time += gap
        return { time, cpu, pfn: page - (page % (1 << order)), order }
      })
    })
  const anyId = fc.constantFrom(...acceptPolicies.map(({ id }) => id))
  const anySet = fc.record({
    acceptCalls: fc.constantFrom(1, 512),
    nodes: fc.constantFrom(1, 2, 4),
    unacceptedShare: fc.constantFrom(0, 0.3, 1),
    reversible: fc.boolean(),
    holdNs: fc.constantFrom(0, 500),
  })

  test('every unit is accepted exactly once or not at all, by every policy', () => {
    fc.assert(
      fc.property(anyMoments, anyId, anySet, (moments, id, set) => {
        const { work, pagesAtStart, pagesLeft, acceptedTwice } = run(id, moments, set, { cpus: 4 })
        expect(acceptedTwice).toBe(0)
        expect(work.acceptedPages + pagesLeft).toBe(pagesAtStart)
      }),
    )
  })

  test('the same run gives the same result', () => {
    fc.assert(
      fc.property(anyMoments, anyId, anySet, (moments, id, set) => {
        expect(run(id, moments, set, { cpus: 4 })).toEqual(run(id, moments, set, { cpus: 4 }))
      }),
      { numRuns: 30 },
    )
  })

  test('nobody waits for a lock on one CPU, whatever the policy', () => {
    fc.assert(
      fc.property(anyMoments, anyId, (moments, id) => {
        const alone = moments.map((moment) => ({ ...moment, cpu: 0 }))
        const { waits } = run(id.replace('kthread', 'watermark'), alone, { holdNs: 500 }, { cpus: 1 })
        expect(waits.map(({ zoneNs, bitmapNs, unitNs }) => zoneNs + bitmapNs + unitNs)).toEqual([0])
      }),
    )
  })
})
