import type { KindName } from '#app'

/** An event as tracefs names it. */
type Event =
  | `${'kmem' | 'lock' | 'rcu' | 'vmscan' | 'workqueue'}/${KindName}`
  | `kmem/${'kmalloc' | 'kmem_cache_alloc'}_node`

/** Probes at the entry and the return of what is done under zone->lock: all are of kind `hold_probe`. */
type Timer = 'bulk_free_begin' | 'bulk_free_again' | 'bulk_free_end' | 'refill_begin' | 'refill_end'

/** Functions of the slab allocator, each probed under its own name: all are of kind `slab_slow_path`. */
type SlowPath =
  | '___slab_alloc'
  | '__slab_free'
  | 'allocate_slab'
  | 'new_slab'
  | '__free_slab'
  | 'discard_slab'
  | 'put_cpu_partial'
  | '__pcs_replace_empty_main'
  | '__pcs_replace_full_main'
  | '__kfree_rcu_sheaf'

/** What a recording needs to answer a question. */
export interface Question {
  readonly help: string
  /** Without one of these there is nothing to answer with: the script refuses. */
  readonly required: readonly Event[]
  /** Left out with a note where a kernel lacks them. */
  readonly optional: readonly Event[]
  /** Functions probed at their entry; their arguments' registers stand in the script. */
  readonly probes: readonly (KindName | Timer | SlowPath)[]
  /** Functions at whose entry the state of a pageset is fetched. */
  readonly states: readonly string[]
  /** Probes that stand in for an event where a kernel lacks it; `none`: no kernel has an event for it. */
  readonly standIns: Readonly<Record<string, Event | 'none'>>
}

const states = ['free_pcppages_bulk', 'drain_zone_pages', 'decay_pcp_high']

const pages: Question = {
  help: 'per-CPU page lists: refills, drains, fidelity',
  required: [
    'kmem/mm_page_alloc',
    'kmem/mm_page_free',
    'kmem/mm_page_free_batched',
    'kmem/mm_page_alloc_zone_locked',
    'kmem/mm_page_pcpu_drain',
  ],
  // Each tick of vmstat, which shrinks page lists: the script filters for vmstat_update().
  optional: ['kmem/mm_page_alloc_extfrag', 'workqueue/workqueue_execute_start'],
  probes: [],
  states,
  standIns: {},
}

const works: readonly Event[] = [
  'workqueue/workqueue_queue_work',
  'workqueue/workqueue_execute_start',
  'workqueue/workqueue_execute_end',
]

/** Who waits for zone->lock: few events, since only a lock that is held has them. */
const waits: readonly Event[] = ['lock/contention_begin', 'lock/contention_end']

const drain: Question = {
  help: 'who empties the lists of other CPUs, and how: pages, reclaim, work items, drain_all_pages()',
  required: pages.required,
  optional: [
    'kmem/mm_page_alloc_extfrag',
    'vmscan/mm_vmscan_direct_reclaim_begin',
    'vmscan/mm_vmscan_direct_reclaim_end',
    'vmscan/mm_vmscan_kswapd_wake',
    'vmscan/mm_vmscan_kswapd_sleep',
    ...works,
    ...waits,
  ],
  probes: ['drain_all_pages'],
  states,
  standIns: {},
}

const kvfree: Question = {
  help: 'kvfree_rcu(): enqueues, grace periods, callbacks, bulk frees',
  required: [],
  optional: [
    'rcu/rcu_grace_period',
    'rcu/rcu_callback',
    'rcu/rcu_batch_start',
    'rcu/rcu_invoke_callback',
    'rcu/rcu_batch_end',
    'rcu/rcu_exp_grace_period',
    'rcu/rcu_nocb_wake',
    'rcu/rcu_kvfree_callback',
    'rcu/rcu_invoke_kvfree_callback',
    'rcu/rcu_invoke_kfree_bulk_callback',
    ...works,
  ],
  probes: ['kvfree_call_rcu'],
  states: [],
  standIns: {
    rcu_gp_init: 'rcu/rcu_grace_period',
    rcu_gp_cleanup: 'rcu/rcu_grace_period',
    rcu_do_batch: 'rcu/rcu_batch_start',
    synchronize_rcu_expedited: 'rcu/rcu_exp_grace_period',
    sync_rcu_exp_select_cpus: 'rcu/rcu_exp_grace_period',
    rcu_exp_done: 'rcu/rcu_exp_grace_period',
    queue_rcu_work: 'rcu/rcu_callback',
    call_rcu_sheaf: 'rcu/rcu_callback',
    rcu_free_sheaf: 'rcu/rcu_invoke_callback',
    kvfree_rcu_bulk: 'rcu/rcu_invoke_kfree_bulk_callback',
    kvfree_rcu_object: 'rcu/rcu_invoke_kvfree_callback',
    __kfree_rcu_sheaf: 'none',
    kvfree_rcu_barrier: 'none',
    kvfree_rcu_barrier_on_cache: 'none',
    kfree_rcu_shrink_scan: 'none',
  },
}

/** No page event among them: each page that is moved would write one under the lock, and the hold would be that of tracing. */
const prices: Question = {
  help: 'what zone->lock costs here: how long refills and bulk frees take, and waits for locks',
  required: [],
  optional: waits,
  probes: ['bulk_free_begin', 'bulk_free_again', 'bulk_free_end', 'refill_begin', 'refill_end'],
  states: [],
  standIns: {},
}

/** Beside it the script reads slabinfo and /sys/kernel/slab before and after. */
const slab: Question = {
  help: 'slab caches: objects, slow paths, pages of slabs, what the slab allocator counts of itself',
  required: [
    'kmem/kmalloc',
    'kmem/kfree',
    'kmem/kmem_cache_alloc',
    'kmem/kmem_cache_free',
    'kmem/mm_page_alloc',
    'kmem/mm_page_free',
  ],
  optional: ['kmem/kmalloc_node', 'kmem/kmem_cache_alloc_node'],
  probes: [
    '___slab_alloc',
    '__slab_free',
    'allocate_slab',
    'new_slab',
    '__free_slab',
    'discard_slab',
    'put_cpu_partial',
    '__pcs_replace_empty_main',
    '__pcs_replace_full_main',
    '__kfree_rcu_sheaf',
  ],
  states: [],
  standIns: {},
}

const all: Question = {
  help: 'pages, drains and kvfree_rcu() at once',
  required: [...drain.required, ...kvfree.required],
  optional: [...new Set([...drain.optional, ...kvfree.optional])],
  probes: [...drain.probes, ...kvfree.probes],
  states,
  standIns: kvfree.standIns,
}

export const questions = { pages, drain, kvfree, prices, slab, all } as const satisfies Record<string, Question>
export type QuestionName = keyof typeof questions
