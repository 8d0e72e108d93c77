import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { fatesOf } from '../record/fates.ts'
import { PageIndex } from '../record/places.ts'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { Books } from './books.ts'
import { BulkSizes } from './bulk-sizes.ts'
import { Explanations } from './explanations.ts'
import { infer, ownPolicy } from './inferred.ts'

const HIGH = 20

/** A pageset that holds these pages, the last one on top. */
function holding(release: string, ...pfns: readonly number[]) {
  const script = scriptOf(recordingOf([], { release, cpus: 1, high: HIGH, batch: 4 }))
  const index = new PageIndex(script.zones)
  const books = new Books(script, ownPolicy(script), true, index, fatesOf(script, index))
  const { held } = books
  for (const pfn of pfns) held.lists.pushHead(1, index.at(pfn, 0))
  const [pcp] = held.pcps
  pcp!.count = pfns.length
  const pages = () => pfns.filter((pfn) => held.lists.where[index.at(pfn, 0)]! >= 0)
  return { books, held, pcp: pcp!, pages }
}

describe('pages that left their lists before their event', () => {
  test('are heads by then, or once the others have left; what lies below others stays', () => {
    const { held, pages } = holding('6.12.107', 8, 9, 10)
    held.popEarly([8])
    expect(pages()).toEqual([8, 9, 10])
    held.popEarly([9, 10])
    expect(pages()).toEqual([8])
  })

  test('pace the lists as any allocation: each halves what frees have led up to', () => {
    const { held, pcp } = holding('6.12.107', 8, 9, 10)
    pcp.freeCount = 12
    held.popEarly([9, 10])
    expect([pcp.freeCount, pcp.count]).toEqual([3, 1])
  })
})

describe('a page that the bulk allocator took before the limit', () => {
  /** A free that brings so many pages beside a list of ten: whether one of these that is gone explains that nothing went. */
  function explains(count: number) {
    const pfns = Array.from({ length: 10 }, (_, page) => 8 + page)
    const { books, pcp, pages } = holding('6.1.192', ...pfns)
    pcp.count = count
    const burst = { row: 0, pset: 0, list: 0, order: 0, n: 4, limit: HIGH, saved: { ...pcp }, from: 0, to: 0 }
    return { is: new Explanations(books, new BulkSizes(books)).takenBefore(burst), left: pages().length }
  }

  test('explains a free that reached it', () => {
    expect(explains(HIGH)).toEqual({ is: true, left: 9 })
  })

  test('does not where the count is at the limit without it', () => {
    expect(explains(HIGH + 1)).toEqual({ is: false, left: 10 })
  })
})

test('a burst so far below the limit that no age of zoneinfo explains it is a miss, though the count is not proven', () => {
  const at = { cpu: 0, pid: 7, comm: 'task', context: 0, order: 0 }
  const burstAt = (high: number) => {
    const events: TraceEvent[] = [
      { event: 'mm_page_free', time: 1000, ...at, pfn: 600 },
      ...Array.from({ length: 10 }, (_, page): TraceEvent => {
        return { event: 'mm_page_pcpu_drain', time: 2000, ...at, pfn: 700 + page, migratetype: 1 }
      }),
    ]
    const { run } = infer(scriptOf(recordingOf(events, { release: '6.1.192', cpus: 1, high, count: 50 })))
    return [run.cpus[0]!.bursts.recorded, run.misses.get('burst-not-predicted') ?? 0]
  }
  expect(burstAt(1000)).toEqual([1, 1])
  // What zoneinfo counted may have changed by so much until the trace began.
  expect(burstAt(100)).toEqual([0, 0])
})
