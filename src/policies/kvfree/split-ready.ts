import { z } from 'zod'
import { callerAllocates, collect, type KrcRules, rcuWork } from './krc.ts'
import { cookieParam, hurryingParams } from './params.ts'
import { defineKvfreePolicy } from './types.ts'

export const paramsSplit = z.object({ ...hurryingParams(32), ...cookieParam })

export const rulesSplit = (params: z.infer<typeof paramsSplit>): KrcRules => ({
  ...params,
  cookie: 'polled',
  drainsReady: true,
  backsOff: true,
  queue: 'bound',
  fillsUp: false,
  source: callerAllocates,
  batch: rcuWork,
})

/** What the review of the polled patch (December 2022) led to: what is ready goes at once from the monitor, the rest waits by queue_rcu_work(). */
export const splitReady = defineKvfreePolicy({
  id: 'split-ready',
  title: 'as 6.1, but the monitor frees what is ready and batches the rest',
  source: '“Split kfree_rcu()’s ready and not ready”, commit 2ca836b1da17, Linux 6.3',
  leavesOut: 'early boot and CPU hotplug',
  params: paramsSplit,
  create: (params, host) => collect(host, rulesSplit(params)),
})
