import { z } from 'zod'
import { callerAllocates, collect, type KrcRules, rcuWork } from './krc.ts'
import { hurryingParams } from './params.ts'
import { defineKvfreePolicy } from './types.ts'

export const params61 = z.object(hurryingParams(16))

export const rules61 = (params: z.infer<typeof params61>): KrcRules => ({
  ...params,
  cookie: 'none',
  cookieAt: 'last',
  drainsReady: false,
  backsOff: true,
  queue: 'bound',
  fillsUp: false,
  source: callerAllocates,
  batch: rcuWork,
})

/**
 * Collects for 5 s, or until the next tick once a page's worth has come. A one-argument caller allocates its page itself. Where both
 * batches are busy and less than a page's worth is left, the next try is 5 s away.
 */
export const linux61 = defineKvfreePolicy({
  id: 'linux-6.1',
  title: 'collects for 5 s or a page’s worth; one-argument callers allocate their page',
  source: 'kvfree_call_rcu(), kfree_rcu_monitor(), schedule_delayed_monitor_work(), kernel/rcu/tree.c, Linux 6.1.192',
  leavesOut: 'early boot, CPU hotplug and migration of a caller that allocates',
  params: params61,
  create: (params, host) => collect(host, rules61(params)),
})
