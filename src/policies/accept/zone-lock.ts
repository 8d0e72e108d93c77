import type { Order, Pages, Pfn } from '#kernel'
import {
  type AcceptHost,
  type AcceptRules,
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
  source:
    'del_page_from_free_list() and clear_page_offline() of [PATCH 1/5] mm: Add support for unaccepted memory, as reviewed in August 2021',
  leavesOut: 'nothing of what the review discusses',
  params,
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ unitPages }) => ({
    onTake: onTake(function* (host, pfn, order) {
      yield lock(host.bitmapLock)
      yield* acceptRuns(host, unitPages, pfn, order)
      yield unlock(host.bitmapLock)
    }),
  }),
})

/** The same with atomic bit operations: the caller owns the range, so nobody else touches its bits. */
export const zoneLockAtomic = defineAcceptPolicy({
  id: 'zone-lock-atomic',
  title: 'under zone->lock alone, bits cleared atomically',
  source:
    'Kirill A. Shutemov in the review of [PATCH 1/5] mm: Add support for unaccepted memory, 12 August 2021: bitmap_clear() becomes a loop of clear_bit()',
  leavesOut: 'nothing of what the review discusses',
  params,
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ unitPages }) => ({
    onTake: onTake((host, pfn, order) => acceptRuns(host, unitPages, pfn, order)),
  }),
})

/** What to do where a block that leaves the free lists has anything unaccepted. */
const onTake =
  (accept: (host: AcceptHost, pfn: Pfn, order: Order) => Steps): NonNullable<AcceptRules['onTake']> =>
  (host, pfn, order) =>
    touches(host, pfn, order) ? accept(host, pfn, order) : undefined

function* acceptRuns(host: AcceptHost, unitPages: Pages, pfn: Pfn, order: Order): Steps {
  for (const [from, to] of unacceptedRuns(host, pfn, order)) yield* acceptUnits(host, unitPages, from, to)
}

function touches(host: AcceptHost, pfn: Pfn, order: Order): boolean {
  const end = host.unitEnd(pfn, order)
  for (let unit = host.unitOf(pfn); unit < end; unit++) if (host.isUnaccepted(unit)) return true
  return false
}
