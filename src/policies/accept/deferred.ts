import {
  acceptUnits,
  defineAcceptPolicy,
  guestParams,
  lock,
  run,
  type Steps,
  unacceptedRuns,
  unitParam,
  unlock,
} from './types.ts'

/** Dave Hansen’s proposal: where zone->lock is dropped and the page is prepared. */
export const deferred = defineAcceptPolicy({
  id: 'deferred',
  title: 'when the page is prepared, outside zone->lock',
  source:
    'Dave Hansen and Kirill A. Shutemov in the review of [PATCH 1/5] mm: Add support for unaccepted memory, 12 August 2021: prep_new_page(); each remainder of a split block looks at the bitmap',
  leavesOut: 'that remainders merge again, which would save some looks',
  params: guestParams.extend({ unitPages: unitParam }),
  unitPages: ({ unitPages }) => unitPages,
  drivenBy: 'touch',
  create: ({ unitPages, reversible, checkNs }) => ({
    onPrepare: (host, pfn, order) => {
      if (!host.check(pfn)) return undefined
      return (function* (): Steps {
        if (reversible) yield lock(host.bitmapLock)
        yield run(checkNs)
        if (reversible) yield unlock(host.bitmapLock)
        for (const [from, to] of unacceptedRuns(host, pfn, order)) {
          for (let unit = from; unit < to; unit++) yield lock(host.unitLock(unit))
          // Another CPU may have been at it.
          if (host.isUnaccepted(from)) yield* acceptUnits(host, unitPages, from, to)
          for (let unit = from; unit < to; unit++) yield unlock(host.unitLock(unit))
        }
      })()
    },
  }),
})
