import { z } from 'zod'
import { condSynchronize } from './cond-sync.ts'
import { type BatchRule, collect } from './krc.ts'
import { objectsIn } from './krw.ts'
import { cookieParam, hurryingParams } from './params.ts'
import { proposal, takeReady } from './proposals.ts'
import { defineKvfreePolicy, type Held } from './types.ts'

/** Channel by channel: frees what is ready, sleeps a grace period where anything is left, frees the rest, newest page first. */
const pollThenSynchronize: BatchRule = {
  detached: condSynchronize.detached,
  begin: (krc, krw, done) => {
    const { item, detachCookie } = krw
    const { host } = krc
    const { pages, head } = krc.take(krw)
    const list = () => {
      const free = () => krc.free(item, head.toReversed(), done)
      if (head.length === 0 || krc.isPolledOver(detachCookie)) free()
      else host.synchronizeRcu(item, free)
    }
    const channel = (own: Held[], next: () => void) => {
      const ready = takeReady(krc, own)
      host.counts.readyEarly += objectsIn(ready)
      krc.free(item, ready, () => {
        const rest = () => krc.free(item, own.toReversed(), next)
        if (own.length === 0) next()
        else host.synchronizeRcu(item, rest)
      })
    }
    channel(pages[0], () => channel(pages[1], list))
  },
}

/** Rezki, November 2022: each page knows the grace period of its last object; the work frees what is ready and sleeps for the rest. */
export const polledV2 = defineKvfreePolicy({
  id: 'polled-v2',
  title: 'a snapshot for each page; the work frees what is ready, sleeps a grace period, frees the rest',
  source:
    'Uladzislau Rezki, [PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process, 29 November 2022',
  leavesOut: 'early boot and CPU hotplug',
  params: z.object({ ...hurryingParams(32), ...cookieParam }),
  create: (params, host) => collect(host, { ...proposal, ...params, cookie: 'polled', batch: pollThenSynchronize }),
})
