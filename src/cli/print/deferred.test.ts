import { expect, test } from 'vitest'
import { deferredTable } from './summary.ts'

const works = {
  byFunction: [],
  cells: [],
  drains: [
    {
      subject: 'LRU batches' as const,
      functions: ['lru_add_drain_per_cpu'],
      work: { runs: 8, onIsolated: 2, ns: 5000 },
      remoteLock: { locks: 6, own: 2 },
      deferred: { runs: 5, onIsolated: 1, saved: 3, pending: 0 },
    },
  ],
}

test('work items that empty caches, and the same by remote locks or deferred to the next return; without isolated CPUs no column for them', () => {
  const table = (isolated: number[]) => deferredTable({ works, isolated })!
  expect(table([3]).rows).toEqual([['LRU batches', '8', '2', '6', '2', '5', '–']])
  expect(table([]).rows).toEqual([['LRU batches', '8', '6', '2', '5', '–']])
  expect(table([]).head).toHaveLength(6)
  expect(deferredTable({ isolated: [3] })).toBeUndefined()
})
