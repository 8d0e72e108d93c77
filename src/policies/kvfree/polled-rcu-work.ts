import { z } from 'zod'
import { condSynchronize } from './cond-sync.ts'
import { type BatchRule, collect, type Krc } from './krc.ts'
import { inOrderOfFree, type Krw, objectsIn } from './krw.ts'
import { cookieParam, hurryingParams } from './params.ts'
import { proposal, takeReady } from './proposals.ts'
import { defineKvfreePolicy, type Held, State } from './types.ts'

/** Frees what is ready; where anything is left it stays in the slot, and the same work comes again by queue_rcu_work(). */
const pollThenRcuWork: BatchRule = {
  detached: condSynchronize.detached,
  begin: (krc, krw, done) => {
    if (krw.again) {
      krw.again = false
      krc.free(krw.item, inOrderOfFree(krc.take(krw)), done)
      return
    }
    const { host } = krc
    const ready = takeReadyOf(krc, krw)
    const n = objectsIn(ready)
    host.counts.readyEarly += n
    host.moved(n, State.waiting, State.freeing)
    krw.again = krw.isBusy
    if (krw.again) host.queueRcuWork(krw.item)
    krc.free(krw.item, ready, done)
  },
}

function takeReadyOf(krc: Krc, krw: Krw): Held[] {
  const ready = [...takeReady(krc, krw.pages[0]), ...takeReady(krc, krw.pages[1])]
  if (krw.head.length > 0 && krc.isPolledOver(krw.detachCookie)) {
    ready.push(...krw.head.reverse())
    krw.head = []
  }
  return ready
}

/** Paul E. McKenney's alternative (December 2022) to the polled patch: a callback waits, not a worker. */
export const polledRcuWork = defineKvfreePolicy({
  id: 'polled-rcu-work',
  title: 'as polled-v2, but what is not ready waits by queue_rcu_work(), so that no worker sleeps',
  source:
    'Paul E. McKenney’s answer to [PATCH v2 4/4] rcu/kvfree: Use a polled API to speedup a reclaim process, 1 December 2022: queue_rcu_work() instead of synchronize_rcu()',
  leavesOut: 'early boot and CPU hotplug',
  params: z.object({ ...hurryingParams(32), ...cookieParam }),
  create: (params, host) => collect(host, { ...proposal, ...params, cookie: 'polled', batch: pollThenRcuWork }),
})
