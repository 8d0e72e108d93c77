import { expect, test } from 'vitest'
import { EventBuilder, eachEvent, type TraceEvent, withStandIns } from './index.ts'

const probe = (time: number, recordedAs: string, more: { ptr?: bigint; count?: number } = {}): TraceEvent => ({
  event: 'rcu_probe',
  time,
  cpu: 0,
  recordedAs,
  ...more,
})
const eventsOf = (all: readonly TraceEvent[]) => {
  const builder = new EventBuilder()
  for (const one of all) builder.addEvent(one)
  return builder.finish()
}

test('probes become the events that they stand for, and other events stay', () => {
  const events = withStandIns(
    eventsOf([
      probe(1, 'rcu_gp_init'),
      { event: 'workqueue_activate_work', time: 2, cpu: 1, work: 7n },
      probe(3, 'rcu_gp_cleanup'),
      probe(4, 'rcu_gp_init'),
      probe(5, 'queue_rcu_work', { ptr: 9n }),
      probe(6, 'kvfree_rcu_bulk', { count: 507 }),
      probe(7, 'kvfree_rcu_object', { ptr: 11n }),
      probe(8, 'rcu_do_batch'),
    ]),
  )
  expect([...eachEvent(events)]).toMatchObject([
    { event: 'rcu_grace_period', time: 1, gpSeq: 1, gpevent: 'start' },
    { event: 'workqueue_activate_work', time: 2, work: 7n },
    { event: 'rcu_grace_period', time: 3, gpSeq: 1, gpevent: 'end' },
    { event: 'rcu_grace_period', time: 4, gpSeq: 5, gpevent: 'start' },
    { event: 'rcu_callback', rhp: 9n, func: 'rcu_work_rcufn' },
    { event: 'rcu_invoke_kfree_bulk_callback', nrRecords: 507 },
    { event: 'rcu_invoke_kvfree_callback', rhp: 11n, offset: 0 },
    // No replay needs it.
    { event: 'rcu_probe', recordedAs: 'rcu_do_batch' },
  ])
})

test('where the kernel recorded an event itself, probes for it are only probes', () => {
  const kernels: TraceEvent = {
    event: 'rcu_grace_period',
    time: 1,
    cpu: 0,
    rcuname: 'rcu_sched',
    gpSeq: 5,
    gpevent: 'start',
  }
  const events = withStandIns(eventsOf([kernels, probe(1, 'rcu_gp_init'), probe(2, 'kvfree_rcu_bulk', { count: 5 })]))
  expect([...eachEvent(events)].map(({ event }) => event)).toEqual([
    'rcu_grace_period',
    'rcu_probe',
    'rcu_invoke_kfree_bulk_callback',
  ])
})
