/** The face of kernel/rcu: Sequence numbers of grace periods. */
export {
  type FullCookie,
  RCU_SEQ_INITIAL,
  RCU_SEQ_STATE_MASK,
  RCU_SEQ_STEP,
  RcuSequences,
  rcuSeqDiff,
  rcuSeqDone,
  rcuSeqEnd,
  rcuSeqSnap,
  rcuSeqStart,
  rcuSeqState,
} from './rcu-sequence.ts'
