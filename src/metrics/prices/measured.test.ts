import { describe, expect, test } from 'vitest'
import { EventBuilder, type Recording, type TraceEvent } from '#events'
import { unknownMachine } from '#kernel'
import { randomOf } from '#kernel/numbers'
import { fitHolds } from './fit.ts'
import { measuredHolds } from './holds.ts'
import { measuredPricesSchema, measurePrices } from './measured.ts'

type Said = readonly [time: number, cpu: number, name: string, fields?: Readonly<Record<string, number | bigint>>]

function recorded(story: readonly Said[]): Recording {
  const builder = new EventBuilder()
  for (const [time, cpu, name, fields] of story) {
    const event = name.startsWith('contention') ? { event: name } : { event: 'hold_probe', recordedAs: name }
    builder.addEvent({ time, cpu, ...event, ...fields } as TraceEvent)
  }
  const machine = { ...unknownMachine, cpus: [0, 1] }
  return { name: 'box', format: 'test', resolutionNs: 1, events: builder.finish(), machine, tally: [] }
}

describe('holds are paired on each CPU', () => {
  test('from the second probe at the entry to the return; the wait for the lock is taken off', () => {
    const holds = measuredHolds(
      recorded([
        [0, 0, 'bulk_free_begin', { count: 63 }],
        [100, 0, 'bulk_free_again', { count: 63 }],
        [150, 1, 'refill_begin', { count: 4, order: 3 }],
        [200, 0, 'contention_begin', { lockAddr: 1n }],
        [700, 0, 'contention_end', { lockAddr: 1n }],
        [950, 1, 'refill_end', { moved: 2 }],
        [2100, 0, 'bulk_free_end'],
      ]),
    )
    expect(holds.bulkFree).toEqual({ pages: [63], ns: [1500] })
    expect(holds.refill).toEqual({ pages: [16], ns: [800] })
    expect([holds.probeNs, holds.waitNs, holds.unpaired]).toEqual([[100], [500], 0])
  })

  test('a wait for another lock is not one of these; a return without an entry is counted, a refill without a page is no hold', () => {
    const holds = measuredHolds(
      recorded([
        [0, 0, 'contention_begin', { lockAddr: 1n }],
        [10, 0, 'bulk_free_end'],
        [20, 0, 'contention_end', { lockAddr: 1n }],
        [30, 0, 'refill_begin', { count: 8, order: 0 }],
        [40, 0, 'refill_end', { moved: 0 }],
        [50, 0, 'refill_begin', { count: 8, order: 0 }],
      ]),
    )
    expect([holds.refill.ns, holds.waitNs, holds.unpaired]).toEqual([[], [], 2])
  })
})

/** Holds of `base + page · pages` ns with some noise; one in 200 is interrupted. */
function noisy(base: number, page: number, count: number) {
  const random = randomOf(7, 'noise')
  const pages = Array.from({ length: count }, () => 1 + random.below(255))
  const ns = pages.map(
    (size) => (base + page * size) * (0.9 + 0.2 * random.uniform()) + (random.chance(0.005) ? 1e6 : 0),
  )
  return { pages, ns }
}

test('the line is found, whatever interrupts a few holds; what a probe costs comes off the fixed part', () => {
  const fit = fitHolds(noisy(500, 30, 5000), 200)!
  expect(Math.abs(fit.baseNs - 300)).toBeLessThan(30)
  expect(fit.baseInterval[0]).toBeLessThan(fit.baseNs)
  expect(fit.baseInterval[1]).toBeGreaterThan(fit.baseNs)
  expect(fit.pageNs).toBeGreaterThan(29)
  expect(fit.pageNs).toBeLessThan(31)
  expect(fit.classes.every(({ holds, p99Ns }) => holds < 20 === (p99Ns === undefined))).toBe(true)
})

test('one size makes no line, and no price list', () => {
  expect(fitHolds({ pages: Array(100).fill(63), ns: Array(100).fill(2000) }, 0)).toBeUndefined()
  expect(measurePrices(recorded([])).prices).toBeUndefined()
})

test('a price list says where it comes from, and is one that compare takes', () => {
  const { pages, ns } = noisy(500, 30, 400)
  let now = 0
  const story = pages.flatMap((count, at): Said[] => {
    const begin = now + 1e7
    const end = begin + ns[at]!
    now = end
    const refill: Said[] = [
      [end + 1e6, 1, 'refill_begin', { count, order: 0 }],
      [end + 1e6 + ns[at]!, 1, 'refill_end', { moved: count }],
    ]
    return [[begin, 0, 'bulk_free_begin', { count }], [end, 0, 'bulk_free_end'], ...refill]
  })
  const measured = measurePrices(recorded(story))
  expect(measuredPricesSchema.parse(measured)).toEqual(measured)
  expect(measured.prices).toMatchObject({ id: 'box', source: 'kreplay prices box' })
  expect(measured.recordedWaits).toBeUndefined()
})
