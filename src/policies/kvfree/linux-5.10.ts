import { z } from 'zod'
import { cacheOnly, collect, type KrcRules, rcuWork } from './krc.ts'
import { krcParams, maxEntriesOf } from './params.ts'
import { defineKvfreePolicy } from './types.ts'

export const params510 = z.object(krcParams({ maxEntries: maxEntriesOf(16), drainMs: 20 }))

export const rules510 = (params: z.infer<typeof params510>): KrcRules => ({
  ...params,
  hurryAt: 0,
  cookie: 'none',
  cookieAt: 'last',
  drainsReady: false,
  backsOff: false,
  queue: 'bound',
  fillsUp: false,
  source: cacheOnly,
  batch: rcuWork,
})

/**
 * Pages of pointers for 20 ms, then a batch which waits by queue_rcu_work(). No caller ever allocates: an empty cache puts the object
 * on a list, and makes a one-argument caller sleep a grace period.
 */
export const linux510 = defineKvfreePolicy({
  id: 'linux-5.10',
  title: 'collects for 20 ms; pages from a cache that a worker refills, else a list',
  source: 'kvfree_call_rcu(), kfree_rcu_monitor(), kfree_rcu_work(), kernel/rcu/tree.c, Linux 5.10.223',
  leavesOut: 'early boot and CPU hotplug',
  params: params510,
  create: (params, host) => collect(host, rules510(params)),
})
