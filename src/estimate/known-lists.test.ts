import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { BulkSizes } from './bulk-sizes.ts'
import { bulkTaken } from './hypotheses/bulk-taken.ts'
import { noInferences } from './inferences.ts'
import { infer, sharedOf } from './inferred.ts'
import { EstimatorState } from './state.ts'

const HIGH = 20

/** A pageset that holds these pages, the last one on top. */
function holding(release: string, ...pfns: readonly number[]) {
  const script = scriptOf(recordingOf([], { release, cpus: 1, high: HIGH, batch: 4 }))
  const state = new EstimatorState(sharedOf(script), true, noInferences())
  const { belief, index } = state
  for (const pfn of pfns) belief.lists.pushHead(1, index.at(pfn, 0))
  const { pcp } = belief.psets[0]!
  pcp.count = pfns.length
  const pages = () => pfns.filter((pfn) => belief.lists.where[index.at(pfn, 0)]! >= 0)
  return { state, belief, pcp, pages }
}

describe('pages that left their lists before their event', () => {
  test('are heads by then, or once the others have left; what lies below others stays', () => {
    const { belief, pages } = holding('6.12.107', 8, 9, 10)
    belief.popEarly([8], () => {})
    expect(pages()).toEqual([8, 9, 10])
    belief.popEarly([9, 10], () => {})
    expect(pages()).toEqual([8])
  })

  test('pace the lists as any allocation: each halves what frees have led up to', () => {
    const { belief, pcp } = holding('6.12.107', 8, 9, 10)
    pcp.freeCount = 12
    belief.popEarly([9, 10], () => {})
    expect([pcp.freeCount, pcp.count]).toEqual([3, 1])
  })
})

describe('a page that the bulk allocator took before the limit', () => {
  /** A free that brings so many pages beside a list of ten: whether one of these that is gone explains that nothing went. */
  function explains(count: number) {
    const pfns = Array.from({ length: 10 }, (_, page) => 8 + page)
    const { state, belief, pcp, pages } = holding('6.1.192', ...pfns)
    pcp.count = count
    const burst = {
      row: 0,
      pset: 0,
      list: 0,
      order: 0,
      n: 4,
      saved: pcp.clone(),
      from: 0,
      to: 0,
      recorded: 0,
      scored: true,
      showsCount: false,
    }
    const correct = bulkTaken.bulkFree?.(burst, { state, belief, sizes: new BulkSizes(state) })
    correct?.()
    return { is: correct !== undefined, left: pages().length }
  }

  test('explains a free that reached it', () => {
    expect(explains(HIGH)).toEqual({ is: true, left: 9 })
  })

  test('does not where the count is at the limit without it', () => {
    expect(explains(HIGH + 1)).toEqual({ is: false, left: 10 })
  })
})

test('a first bulk free proves the count, however far from zoneinfo: it is not scored, and the next one is exact', () => {
  const at = { cpu: 0, pid: 7, comm: 'task', context: 0, order: 0 }
  const high = 1000
  let time = 0
  let pfn = 600
  const frees = (pages: number): TraceEvent[] =>
    Array.from({ length: pages }, () => ({ event: 'mm_page_free', time: ++time * 1000, ...at, pfn: pfn++ }))
  /** What lay below all that the trace shows goes first. */
  const drains = (pages: number): TraceEvent[] =>
    Array.from({ length: pages }, (_, page) => {
      return { event: 'mm_page_pcpu_drain', time: ++time * 1000, ...at, pfn: time + page, migratetype: 1 }
    })
  // An allocation halves what nothing shows of the pacing, so three prove it.
  const allocs: TraceEvent[] = Array.from({ length: 3 }, (_, page) => {
    return { event: 'mm_page_alloc', time: ++time * 1000, ...at, pfn: 500 + page, migratetype: 1, gfpFlags: 0 }
  })
  const events = [...allocs, ...frees(1), ...drains(4), ...frees(3), ...frees(1), ...drains(8)]
  for (const count of [50, 990, 5000]) {
    const { run } = infer(scriptOf(recordingOf(events, { release: '6.1.192', cpus: 1, high, batch: 4, count })))
    expect(run.cpus[0]!.bursts).toEqual({ recorded: 1, predicted: 1, exact: 1 })
    expect([...run.misses.keys()].filter((cause) => cause.startsWith('burst'))).toEqual([])
  }
})
