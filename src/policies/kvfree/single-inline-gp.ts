import { z } from 'zod'
import { collect } from './krc.ts'
import { allocParam, pairedRules, SleepingPages, singleParams } from './single.ts'
import { defineKvfreePolicy } from './types.ts'

/**
 * As single-wait, but the allocation may fail, and then the caller waits for a grace period and frees its object itself. While a grace
 * period is stalled no page is asked for: it would only put off the end.
 */
export const singleInlineGp = defineKvfreePolicy({
  id: 'single-inline-gp',
  title: 'as single-wait, but who gets no page sleeps a grace period; no page while one is stalled',
  source: 'Paul E. McKenney in the thread of [RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag, 14 and 16 August 2020',
  leavesOut: 'migration of the caller that allocates; reclaim by the allocator, whose time is one constant',
  params: z.object({
    ...singleParams,
    ...allocParam,
    stalledMs: z
      .number()
      .min(0)
      .max(1e7)
      .default(1000)
      .meta({ unit: 'ms', help: 'A grace period older than this is stalled; 0: never.' }),
  }),
  create: (params, host) =>
    collect(
      host,
      pairedRules(
        params,
        new SleepingPages(
          params.allocUs,
          (krc) => {
            for (const sleeper of krc.sleepers.splice(0)) host.freeInline(sleeper)
          },
          (_krc, at) => params.stalledMs > 0 && (host.gracePeriodAge(at) ?? 0) > params.stalledMs * 1e6,
        ),
      ),
    ),
})
