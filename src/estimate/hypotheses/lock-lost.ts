import type { Hypothesis } from './types.ts'

export const lockLost: Hypothesis = {
  id: 'lock-lost',
  hidden: 'lock',
  evidence: ['a bulk free in batches that stops at the end of one'],
  help: 'Between two batches, as from 7.2 on, another operation took the lists’ lock, and the rest was given up.',
  bulkFree: (seen, { sizes, belief }) => {
    const { pset, n, saved, row } = seen
    if (n === 0 || seen.recorded === 0) return undefined
    const chunk = sizes.chunkOf(pset, n)
    const ranges = [seen, ...sizes.later(row)]
    if (!sizes.isGivenUp(seen, n, chunk, sizes.expected(row, saved.count, n, chunk, ranges))) return undefined
    void belief
    return () => {}
  },
}
