import { z } from 'zod'
import { type BatchRule, collect } from './krc.ts'
import { inOrderOfFree } from './krw.ts'
import { hurryingParams } from './params.ts'
import { proposal } from './proposals.ts'
import { defineKvfreePolicy } from './types.ts'

/** The work waits itself where the batch's own snapshot, taken at its detach, is not reached. */
export const condSynchronize: BatchRule = {
  detached: (krc, krw) => krc.host.queue(krw.item, krc.host.now),
  begin: (krc, krw, done) => {
    const { detachCookie } = krw
    const free = () => krc.free(krw.item, inOrderOfFree(taken), done)
    const taken = krc.take(krw)
    if (krc.isPolledOver(detachCookie)) free()
    else krc.host.synchronizeRcu(krw.item, free)
  },
}

/** No callback: the batch's work is queued at once, and sleeps the grace period itself. */
export const condSync = defineKvfreePolicy({
  id: 'cond-sync',
  title: 'as 6.1, but the work begins at once and waits itself until the batch’s snapshot is reached',
  source: 'RFC of queue_work() and cond_synchronize_rcu() in place of queue_rcu_work(), 2 November 2022',
  leavesOut: 'early boot and CPU hotplug',
  params: z.object(hurryingParams(16)),
  create: (params, host) =>
    collect(host, { ...proposal, ...params, cookie: 'none', cookieAt: 'last', batch: condSynchronize }),
})
