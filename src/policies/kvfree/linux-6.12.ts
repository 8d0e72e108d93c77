import { z } from 'zod'
import { callerAllocates, collect, type KrcRules, rcuWork } from './krc.ts'
import { cookieParam, hurryingParams } from './params.ts'
import { defineKvfreePolicy } from './types.ts'

export const params612 = z.object({ ...hurryingParams(40), ...cookieParam })

/** What 6.12 does with what no sheaf takes, and 7.2 too. */
export const rules612 = (params: z.infer<typeof params612>): KrcRules => ({
  ...params,
  cookie: 'full',
  drainsReady: true,
  backsOff: true,
  queue: 'unbound',
  fillsUp: true,
  hasBarrier: true,
  source: callerAllocates,
  batch: rcuWork,
})

/**
 * As 6.1, but each page knows the grace period of its last object, normal or expedited, and the monitor frees what is ready before it
 * makes a batch of the rest. Work runs on any CPU.
 */
export const linux612 = defineKvfreePolicy({
  id: 'linux-6.12',
  title: 'a snapshot for each page; the monitor frees what is ready, on any CPU',
  source: 'kvfree_rcu_drain_ready(), kvfree_rcu_queue_batch(), kernel/rcu/tree.c, Linux 6.12.107',
  leavesOut: 'early boot and CPU hotplug',
  params: params612,
  create: (params, host) => collect(host, rules612(params)),
})
