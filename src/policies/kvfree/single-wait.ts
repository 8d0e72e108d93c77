import { z } from 'zod'
import { collect } from './krc.ts'
import { allocParam, pairedRules, SleepingPages, singleParams } from './single.ts'
import { defineKvfreePolicy } from './types.ts'

/**
 * Four pages in advance; who finds none drops the lock and allocates as anybody does, and all others wait for that. The flooder is
 * slowed by the allocator, and there is no fallback.
 */
export const singleWait = defineKvfreePolicy({
  id: 'single-wait',
  title: 'one-argument callers sleep in the page allocator, one at a time; the others wait for its page',
  source: 'Thomas Gleixner’s answer to [RFC-PATCH 1/2] mm: Add __GFP_NO_LOCKS flag, 15 August 2020',
  leavesOut: 'migration of the caller that allocates; reclaim by the allocator, whose time is one constant',
  params: z.object({ ...singleParams, ...allocParam }),
  create: (params, host) =>
    collect(host, pairedRules(params, new SleepingPages(params.allocUs, (_krc, retry) => retry()))),
})
