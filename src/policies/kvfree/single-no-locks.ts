import { z } from 'zod'
import { collect, type Krc, type PageSource } from './krc.ts'
import { maxEntriesOf, PAGE_SIZE } from './params.ts'
import { pairedRules, singleParams } from './single.ts'
import { type Calls, defineKvfreePolicy } from './types.ts'

/** One CPU's page lists: refilled by a batch when an allocation of others finds them empty. */
interface Pcp {
  count: number
  /** Bytes that callers allocated since the last whole page. */
  bytes: number
  /** A page was asked for in vain, and none has come since. */
  missing: boolean
}

class PcpPages implements PageSource {
  readonly refills = false
  readonly #batch: number
  readonly #bytesPerPage: number
  readonly #pcps = new Map<Krc, Pcp>()

  constructor({ batch, freshShare }: { batch: number; freshShare: number }) {
    this.#batch = batch
    this.#bytesPerPage = PAGE_SIZE / freshShare
  }

  #of(krc: Krc): Pcp {
    let pcp = this.#pcps.get(krc)
    if (pcp === undefined) {
      pcp = { count: this.#batch, bytes: 0, missing: false }
      this.#pcps.set(krc, pcp)
    }
    return pcp
  }

  page(krc: Krc, calls: Calls): 'page' | 'none' {
    const pcp = this.#of(krc)
    if (pcp.count > 0 && krc.host.allocatePage(krc.cpu, calls.at(0), 'pcp')) {
      pcp.count--
      pcp.missing = false
      return 'page'
    }
    if (!pcp.missing) krc.host.counts.pcpMisses++
    pcp.missing = true
    return 'none'
  }

  /** While a page is missing: until the next page that the callers' own objects take, which may refill the list. */
  room(krc: Krc, { bytes }: Calls): number {
    const pcp = this.#of(krc)
    return pcp.missing ? Math.max(1, Math.ceil((this.#bytesPerPage - pcp.bytes) / bytes)) : Number.POSITIVE_INFINITY
  }

  came(krc: Krc, calls: Calls, k: number): void {
    const pcp = this.#of(krc)
    pcp.bytes += k * calls.bytes
    for (; pcp.bytes >= this.#bytesPerPage; pcp.bytes -= this.#bytesPerPage) {
      if (pcp.count === 0) pcp.count = this.#batch
      pcp.count--
    }
  }
}

/** Pages come off the CPU's own page lists with no lock taken; where these are empty, the list or a grace period in the caller. */
export const singleNoLocks = defineKvfreePolicy({
  id: 'single-no-locks',
  title: 'pages straight from the per-CPU page lists with no lock; empty lists mean a list or an inline grace period',
  source: 'seed 002: the RFC of __GFP_NO_LOCKS, 9 August 2020',
  leavesOut:
    'what else the CPU allocates than the objects themselves, and pages that frees put on the lists: both make misses rarer',
  params: z.object({
    ...singleParams,
    maxEntries: singleParams.maxEntries.default(maxEntriesOf(16)),
    pages: singleParams.pages.default(0),
    batch: z
      .int()
      .min(1)
      .max(1 << 16)
      .default(63)
      .meta({ unit: 'pages', help: 'Pages that refill an empty per-CPU list.' }),
    freshShare: z
      .number()
      .min(0.001)
      .max(1)
      .default(1)
      .meta({ unit: 'share', help: 'Objects that come from a fresh slab and not from freed ones.' }),
  }),
  create: (params, host) => collect(host, pairedRules(params, new PcpPages(params))),
})
