import { z } from 'zod'
import { collect, type Krc, type PageSource } from './krc.ts'
import { maxEntriesOf } from './params.ts'
import { pairedRules, singleParams } from './single.ts'
import { type Calls, defineKvfreePolicy } from './types.ts'

/** Takes a page only where the CPU's page lists hold one. */
class ListedPages implements PageSource {
  readonly refills = false
  /** Asked in vain, and no page has come since. */
  readonly #missing = new Set<Krc>()

  page(krc: Krc, calls: Calls): 'page' | 'none' {
    if (krc.host.allocatePage(krc.cpu, calls.at(0), 'pcp')) {
      this.#missing.delete(krc)
      return 'page'
    }
    if (!this.#missing.has(krc)) krc.host.counts.pcpMisses++
    this.#missing.add(krc)
    return 'none'
  }

  /** Every object asks again, since the allocation of the next may fill the lists. */
  room(krc: Krc): number {
    return this.#missing.has(krc) ? 1 : Number.POSITIVE_INFINITY
  }
}

/** Pages come off the CPU's own page lists with no lock taken; where these are empty, the list or a grace period in the caller. */
export const singleNoLocks = defineKvfreePolicy({
  id: 'single-no-locks',
  title: 'pages straight from the per-CPU page lists with no lock; empty lists mean a list or an inline grace period',
  source: '[RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag, 9 August 2020',
  leavesOut: 'what else the machine allocates and frees, which fills and empties the page lists too',
  params: z.object({
    ...singleParams,
    maxEntries: singleParams.maxEntries.default(maxEntriesOf(16)),
    pages: singleParams.pages.default(0),
  }),
  create: (params, host) => collect(host, pairedRules(params, new ListedPages())),
})
