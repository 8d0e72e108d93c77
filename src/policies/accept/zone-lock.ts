import type { Order, Pfn } from '#kernel'
import {
  type AcceptHost,
  acceptUnits,
  defineAcceptPolicy,
  guestParams,
  lock,
  type Steps,
  unacceptedRuns,
  unitParam,
  unlock,
} from './types.ts'

const params = guestParams.extend({ unitPages: unitParam })

/** As first posted: a block is accepted while it leaves the free lists, under zone->lock and one lock for all nodes. */
export const zoneLockGlobal = defineAcceptPolicy({
  id: 'zone-lock-global',
  title: 'under zone->lock and a global spinlock, when a block leaves the free lists',
  source: 'del_page_from_free_list() and clear_page_offline() of the first posting, as reviewed in seed 004, Aug 2021',
  leavesOut: 'nothing of what the review discusses',
  params,
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ unitPages }) => ({
    onTake: (host, pfn, order) => {
      if (!touches(host, pfn, order)) return undefined
      return (function* (): Steps {
        yield lock(host.bitmapLock)
        for (const [from, to] of unacceptedRuns(host, pfn, order)) yield* acceptUnits(host, unitPages, from, to)
        yield unlock(host.bitmapLock)
      })()
    },
  }),
})

/** The same with atomic bit operations: the caller owns the range, so nobody else touches its bits. */
export const zoneLockAtomic = defineAcceptPolicy({
  id: 'zone-lock-atomic',
  title: 'under zone->lock alone, bits cleared atomically',
  source: 'Kirill A. Shutemov in seed 004: bitmap_clear() becomes a loop of clear_bit()',
  leavesOut: 'nothing of what the review discusses',
  params,
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ unitPages }) => ({
    onTake: (host, pfn, order) => {
      if (!touches(host, pfn, order)) return undefined
      return (function* (): Steps {
        for (const [from, to] of unacceptedRuns(host, pfn, order)) yield* acceptUnits(host, unitPages, from, to)
      })()
    },
  }),
})

function touches(host: AcceptHost, pfn: Pfn, order: Order): boolean {
  const end = host.unitEnd(pfn, order)
  for (let unit = host.unitOf(pfn); unit < end; unit++) if (host.isUnaccepted(unit)) return true
  return false
}
