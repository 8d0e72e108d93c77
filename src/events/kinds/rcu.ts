import { type FieldSchema, field } from '../exchange/fields.ts'

const rcuname = field.text('RCU flavour: rcu_sched, rcu_preempt, …')
const gpSeq = field.long('Grace-period sequence number; its two low bits are the state, 0 is idle.')
const gpevent = field.text('What happened: start, end, cpuqs, AccWaitCB, …')
const level = field.count('Level of the node in the tree; 0 is the root.')
const grplo = field.signed('First CPU of the node.')
const grphi = field.signed('Last CPU of the node.')
const rcuCpu = field.signed('CPU that it is about.')
const taskPid = field.signed('Task that it is about.')
const qlen = field.long('Callbacks on the list.', 'callbacks')
const rhp = field
  .pointer('The rcu_head: an address, or in text without `nohash-ptr` a hash of it; absent where even that is hidden.')
  .optional()
const func = field.text('The callback function.')
const offset = field.count('Offset of the rcu_head in its object.', 'bytes')
const idle = (help: string) => field.flag(`${help} trace-cmd’s text lacks it.`).optional()

/** events/rcu.h, Linux 5.10 to 7.2. All but the first two need CONFIG_RCU_TRACE. */
export const rcu = {
  rcu_utilization: { s: field.text('`Start` or `End`, and of what.') },
  rcu_stall_warning: { rcuname, msg: field.text('Kind of stall.') },
  rcu_grace_period: { rcuname, gpSeq, gpevent },
  rcu_future_grace_period: {
    rcuname,
    gpSeq,
    gpSeqReq: field.long('Grace period asked for.'),
    level,
    grplo,
    grphi,
    gpevent,
  },
  rcu_grace_period_init: { rcuname, gpSeq, level, grplo, grphi, qsmask: field.bits('CPUs or nodes to wait for.') },
  rcu_exp_grace_period: { rcuname, gpSeq, gpevent },
  rcu_exp_funnel_lock: { rcuname, level, grplo, grphi, gpevent },
  rcu_nocb_wake: { rcuname, rcuCpu, reason: field.text('Why the callback thread was woken, or not.') },
  rcu_preempt_task: { rcuname, gpSeq, taskPid },
  rcu_unlock_preempted_task: { rcuname, gpSeq, taskPid },
  rcu_quiescent_state_report: {
    rcuname,
    gpSeq,
    mask: field.bits('CPUs or nodes that report.'),
    qsmask: field.bits('CPUs or nodes still to wait for.'),
    level,
    grplo,
    grphi,
    gpTasks: field.count('Whether tasks block the grace period.'),
  },
  rcu_fqs: { rcuname, gpSeq, rcuCpu, qsevent: field.text('dti: was idle; kick: asked to reschedule; …') },
  rcu_watching: {
    polarity: field.text(
      '`Start`: RCU begins to watch the CPU; `rcu_dyntick` of 5.10 and 6.1 says it the other way round.',
    ),
    oldnesting: field.bits('Nesting before.'),
    newnesting: field.bits('Nesting after.'),
    counter: field.signed('The CPU’s counter; 5.10 and 6.1 call it dynticks.'),
    recordedAs: field.text('The name it was recorded by, where that is an older one: `rcu_dyntick`.').optional(),
  },
  rcu_callback: { rcuname, rhp, func, qlen },
  rcu_kvfree_callback: { rcuname, rhp, offset, qlen },
  rcu_segcb_stats: {
    ctx: field.text('Where it was taken.'),
    seglenDone: field.long('Callbacks in segment DONE.', 'callbacks'),
    seglenWait: field.long('Callbacks in segment WAIT.', 'callbacks'),
    seglenNextReady: field.long('Callbacks in segment NEXT_READY.', 'callbacks'),
    seglenNext: field.long('Callbacks in segment NEXT.', 'callbacks'),
    gpSeqDone: field.long('Grace period of segment DONE.'),
    gpSeqWait: field.long('Grace period of segment WAIT.'),
    gpSeqNextReady: field.long('Grace period of segment NEXT_READY.'),
    gpSeqNext: field.long('Grace period of segment NEXT.'),
  },
  rcu_batch_start: { rcuname, qlen, blimit: field.long('Most callbacks to invoke in this batch.', 'callbacks') },
  rcu_invoke_callback: { rcuname, rhp, func },
  rcu_invoke_kvfree_callback: { rcuname, rhp, offset },
  rcu_invoke_kfree_bulk_callback: {
    rcuname,
    nrRecords: field.count('Objects freed at once.', 'objects'),
    p: field.pointer('Array of the objects’ addresses.').optional(),
  },
  rcu_sr_normal: { rcuname, rhp, srevent: field.text('What became of the synchronize_rcu() call.') },
  rcu_batch_end: {
    rcuname,
    callbacksInvoked: field.signed('Callbacks invoked.', 'callbacks'),
    cb: idle('More callbacks are pending.'),
    nr: idle('A reschedule is due.'),
    iit: idle('The task is idle.'),
    risk: idle('It ran in an rcuc or rcuo thread.'),
  },
  rcu_barrier: {
    rcuname,
    s: field.text('Step of rcu_barrier().'),
    rcuCpu,
    cnt: field.signed('Callbacks remaining.', 'callbacks'),
    done: field.long('Barriers done.'),
  },
  rcu_torture_read: {
    rcutorturename: field.text('Flavour under test.'),
    rhp,
    secs: field.long('Seconds since the start.', 's'),
    cOld: field.long('Grace periods before the read.'),
    c: field.long('Grace periods after it.'),
  },
  /** A probe on kvfree_call_rcu(head, func) or (head, ptr). */
  kvfree_call_rcu: {
    head: field.pointer('First argument: the rcu_head; 0 for a call of one argument.'),
    arg: field.pointer('Second argument: the object; up to 6.1, where there is a head, its offset in the object.'),
    recordedAs: field.text('The probe’s event, where it has another name.').optional(),
  },
  /** A probe on a function of RCU or of kvfree_rcu(), where the kernel lacks the event that it stands for. */
  rcu_probe: {
    ptr: field
      .pointer('What the function is about: an rcu_head, a struct rcu_work, an object; absent where it has nothing.')
      .optional(),
    count: field.count('Objects freed at once.', 'objects').optional(),
    recordedAs: field.text('The probe’s event: as a rule the function’s name.').optional(),
  },
} as const satisfies Record<string, Record<string, FieldSchema>>
