import { join } from 'node:path'
import { compareCaptures, renderMarkdown } from 'kreplay'

/**
 * Every drain mechanism, on one trace: 5.10’s work items, seed 000’s swap as in the RFC (expedited) and in v1, the spinlock that was proposed
 * instead, seed 003’s try-lock in each kind of kernel, with and without what its delta corrects, lists off on isolated CPUs, and what
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
