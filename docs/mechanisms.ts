import { join } from 'node:path'
import { compareCaptures, renderMarkdown } from 'kreplay'

/**
 * Every drain mechanism, on one trace: 5.10’s work items, the pointer swap as in the RFC of October 2021 (expedited) and in v1 of February 2022, the spinlock that was proposed
 * instead, Mel Gorman’s try-lock of April 2022 in each kind of kernel, with and without what its delta corrects, lists off on isolated CPUs, and what
 * the releases made of it.
 */
export const mechanisms: readonly `pcp/${string}`[] = [
  'pcp/linux-5.10',
  'pcp/rcu-swap{expedited=true}',
  'pcp/rcu-swap',
  'pcp/spinlock',
  'pcp/trylock',
  'pcp/trylock{wholeCount=true}',
  'pcp/trylock{kernel=up}',
  'pcp/trylock{kernel=rt}',
  'pcp/trylock{kernel=rt,corrected=false}',
  'pcp/trylock{kernel=rt-up,corrected=false}',
  'pcp/no-isolated',
  'pcp/linux-6.1',
  'pcp/linux-6.12',
  'pcp/linux-7.2',
  'pcp/infinite',
  'pcp/none',
]

/** reports/drain-5.10.md; `captures`: the folder of large captures. */
export const mechanismReport = async (captures: string) =>
  renderMarkdown(
    await compareCaptures({ captures: [join(captures, 'drain-5.10')], policies: mechanisms, isolated: [3] }),
  )
