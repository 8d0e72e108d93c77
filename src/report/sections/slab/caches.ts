import type { SlabComparison } from '#metrics/slab'
import { perCapture, policyLabel } from '../common.ts'
import { count, type Section, text } from '../section.ts'

/** Caches that a table has room for. */
const SHOWN = 15

export const slabCaches: Section<SlabComparison> = {
  id: 'slab-caches',
  question: 'Which caches take list_lock?',
  short: 'Caches',
  applies: ({ runs }) => runs.some(({ caches }) => caches.length > 0),
  build: (comparison) => ({
    tables: perCapture(comparison, (_capture, runs, of) => {
      const first = runs[0]?.caches ?? []
      const locks = (cache: string, policy: string): number | undefined =>
        runs.find((run) => run.policy === policy)?.caches.find((one) => one.cache === cache)?.listLocks
      const most = first
        .toSorted(
          (a, b) =>
            Math.max(...runs.map(({ policy }) => locks(b.cache, policy) ?? 0)) -
            Math.max(...runs.map(({ policy }) => locks(a.cache, policy) ?? 0)),
        )
        .slice(0, SHOWN)
      return [
        {
          caption: `Acquisitions of list_lock by cache${of}`,
          columns: [
            text('cache'),
            count('bytes an object'),
            count('allocations'),
            ...runs.map(({ policy }) => count(policyLabel(policy, comparison.baseline), 'fewer')),
          ],
          rows: most.map(({ cache, size, allocs }) => [
            cache,
            size,
            allocs,
            ...runs.map(({ policy }) => locks(cache, policy)),
          ]),
        },
      ]
    }),
  }),
}
