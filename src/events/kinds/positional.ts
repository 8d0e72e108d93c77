import type { KindName } from '../kinds.ts'

/**
 * How the kernel prints events that have no keys: values by their place, after the words between them. Source: `TP_printk` in
 * include/trace/events/rcu.h, 5.10 to 7.2. `{idle}` is four letters, one a flag.
 */
export const positional: { readonly [K in KindName]?: string } = {
  // include/trace/events/lock.h, 5.19 to 7.2.
  contention_begin: '{lockAddr} (flags={flags})',
  contention_end: '{lockAddr} (ret={ret})',
  rcu_utilization: '{s}',
  rcu_stall_warning: '{rcuname} {msg}',
  rcu_grace_period: '{rcuname} {gpSeq} {gpevent}',
  rcu_future_grace_period: '{rcuname} {gpSeq} {gpSeqReq} {level} {grplo} {grphi} {gpevent}',
  rcu_grace_period_init: '{rcuname} {gpSeq} {level} {grplo} {grphi} {qsmask}',
  rcu_exp_grace_period: '{rcuname} {gpSeq} {gpevent}',
  rcu_exp_funnel_lock: '{rcuname} {level} {grplo} {grphi} {gpevent}',
  rcu_nocb_wake: '{rcuname} {rcuCpu} {reason}',
  rcu_preempt_task: '{rcuname} {gpSeq} {taskPid}',
  rcu_unlock_preempted_task: '{rcuname} {gpSeq} {taskPid}',
  rcu_quiescent_state_report: '{rcuname} {gpSeq} {mask}>{qsmask} {level} {grplo} {grphi} {gpTasks}',
  rcu_fqs: '{rcuname} {gpSeq} {rcuCpu} {qsevent}',
  rcu_watching: '{polarity} {oldnesting} {newnesting} {counter}',
  rcu_callback: '{rcuname} rhp={rhp} func={func} {qlen}',
  rcu_kvfree_callback: '{rcuname} rhp={rhp} func={offset} {qlen}',
  rcu_segcb_stats:
    '{ctx} seglen: (DONE={seglenDone}, WAIT={seglenWait}, NEXT_READY={seglenNextReady}, NEXT={seglenNext}) ' +
    'gp_seq: (DONE={gpSeqDone}, WAIT={gpSeqWait}, NEXT_READY={gpSeqNextReady}, NEXT={gpSeqNext})',
  rcu_batch_start: '{rcuname} CBs={qlen} bl={blimit}',
  rcu_invoke_callback: '{rcuname} rhp={rhp} func={func}',
  rcu_invoke_kvfree_callback: '{rcuname} rhp={rhp} func={offset}',
  rcu_invoke_kfree_bulk_callback: '{rcuname} bulk={p} nr_records={nrRecords}',
  rcu_sr_normal: '{rcuname} rhp={rhp} event={srevent}',
  rcu_batch_end: '{rcuname} CBs-invoked={callbacksInvoked} idle={idle}',
  rcu_barrier: '{rcuname} {s} cpu {rcuCpu} remaining {cnt} # {done}',
  rcu_torture_read: '{rcutorturename} torture read {rhp} {secs}us c: {cOld} {c}',
}
