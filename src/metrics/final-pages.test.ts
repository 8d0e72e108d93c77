import { expect, test } from 'vitest'
import type { Machine, Zone } from '#kernel'
import type { Script } from '#replay'
import { listCounts } from './final-pages.ts'

/** One CPU's list: zoneinfo.after has `count` and `high`, the replay ended with `predicted` pages at a limit of 1760. */
function after({ count, high }: { count: number; high: number }, predicted: number) {
  const zone = { node: 0, name: 'Normal', pagesets: [{ cpu: 0, count, high, batch: 63 }] } as unknown as Zone
  const script = { zones: [zone], machine: { zonesAfter: [zone] } as unknown as Machine } as unknown as Script
  const [line] = listCounts(script, {
    finalCounts: Int32Array.of(predicted),
    finalHighs: Int32Array.of(1760),
  })
  return { within: line!.within, refilledAfter: line!.refilledAfter }
}

test('pages fetched after the trace are told by a limit that rose by whole batches, and by no fewer pages', () => {
  expect(after({ count: 500, high: 1760 }, 490)).toEqual({ within: true, refilledAfter: undefined })
  expect(after({ count: 175, high: 1760 + 189 }, 0)).toEqual({ within: false, refilledAfter: 189 })
  // Not by refills alone: more pages than they fetched, fewer than before, or a limit that moved otherwise.
  expect(after({ count: 200, high: 1760 + 189 }, 0)).toEqual({ within: false, refilledAfter: undefined })
  expect(after({ count: 0, high: 1760 + 189 }, 175)).toEqual({ within: false, refilledAfter: undefined })
  expect(after({ count: 175, high: 1760 + 188 }, 0)).toEqual({ within: false, refilledAfter: undefined })
  expect(after({ count: 175, high: 1760 - 189 }, 0)).toEqual({ within: false, refilledAfter: undefined })
})
