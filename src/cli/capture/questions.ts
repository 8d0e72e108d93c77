import type { KindName } from '#app'

/** An event as tracefs names it. */
type Event = `${'kmem' | 'rcu' | 'vmscan' | 'workqueue'}/${KindName}`

/** What a recording needs to answer a question. */
export interface Question {
  readonly help: string
  /** Without one of these there is nothing to answer with: the script refuses. */
  readonly required: readonly Event[]
  /** Left out with a note where a kernel lacks them. */
  readonly optional: readonly Event[]
  /** Functions probed at their entry; their arguments' registers stand in the script. */
  readonly probes: readonly KindName[]
}

const pages: Question = {
  help: 'per-CPU page lists: refills, drains, fidelity',
  required: [
    'kmem/mm_page_alloc',
    'kmem/mm_page_free',
    'kmem/mm_page_free_batched',
    'kmem/mm_page_alloc_zone_locked',
    'kmem/mm_page_pcpu_drain',
  ],
  optional: ['kmem/mm_page_alloc_extfrag'],
  probes: [],
}

const works: readonly Event[] = [
  'workqueue/workqueue_queue_work',
  'workqueue/workqueue_execute_start',
  'workqueue/workqueue_execute_end',
]

const drain: Question = {
  help: 'who empties the lists of other CPUs, and how: pages, reclaim, work items, drain_all_pages()',
  required: pages.required,
  optional: [
    ...pages.optional,
    'vmscan/mm_vmscan_direct_reclaim_begin',
    'vmscan/mm_vmscan_direct_reclaim_end',
    'vmscan/mm_vmscan_kswapd_wake',
    'vmscan/mm_vmscan_kswapd_sleep',
    ...works,
  ],
  probes: ['drain_all_pages'],
}

const kvfree: Question = {
  help: 'kvfree_rcu(): enqueues, grace periods, callbacks, bulk frees',
  required: [
    'rcu/rcu_grace_period',
    'rcu/rcu_callback',
    'rcu/rcu_batch_start',
    'rcu/rcu_invoke_callback',
    'rcu/rcu_batch_end',
  ],
  optional: [
    'rcu/rcu_exp_grace_period',
    'rcu/rcu_nocb_wake',
    'rcu/rcu_kvfree_callback',
    'rcu/rcu_invoke_kvfree_callback',
    'rcu/rcu_invoke_kfree_bulk_callback',
    ...works,
  ],
  probes: ['kvfree_call_rcu'],
}

const all: Question = {
  help: 'all of these',
  required: [...drain.required, ...kvfree.required],
  optional: [...new Set([...drain.optional, ...kvfree.optional])],
  probes: [...drain.probes, ...kvfree.probes],
}

export const questions = { pages, drain, kvfree, all } as const satisfies Record<string, Question>
export type QuestionName = keyof typeof questions
