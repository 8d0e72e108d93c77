import { z } from 'zod'
import { type Calls, Channel, defineKvfreePolicy, Held, type KvfreeHost, State } from './types.ts'

/**
 * Every object has its callback. Objects of a run whose callbacks fall into one stretch of time share one entry here: they get the
 * same grace period.
 */
export const callRcu = defineKvfreePolicy({
  id: 'call-rcu',
  title: 'no collection: one callback for each object',
  source: 'kfree_rcu() up to Linux 5.5',
  leavesOut: 'batch limits of softirq, laziness, and the cache misses of one callback after another',
  params: z.object({}),
  create: (_params, host: KvfreeHost) => ({
    enqueue: (calls: Calls) => {
      // No start or end of a grace period lies within a run, so all of it waits for the same one.
      const held = new Held(Channel.callback, calls.cpu)
      held.add(calls, 0, calls.n)
      host.moved(held.n, State.collected, State.waiting)
      host.callRcu(calls.cpu, held.last, () => {
        host.moved(held.n, State.waiting, State.freeing)
        host.free(
          calls.cpu,
          [held],
          () => {},
          () => {},
        )
      })
      return calls.n
    },
  }),
})
