/**
 * Sequence numbers of grace periods: the two low bits are the state (0 idle, else one is in progress), the rest counts. All are
 * whole numbers below 2⁵³, negative ones included: kernels boot at −1200. Source: kernel/rcu/rcu.h, 5.10 to 7.2.
 */
export const RCU_SEQ_STATE_MASK = 3
/** What a kernel boots with: 300 grace periods before 0. */
export const RCU_SEQ_INITIAL = -1200
/** One grace period on. */
export const RCU_SEQ_STEP = 4

// Not `&`, which would cut to 32 bits.
const counted = (seq: number): number => Math.floor(seq / RCU_SEQ_STEP) * RCU_SEQ_STEP

/** 0: no grace period is in progress. */
export const rcuSeqState = (seq: number): number => seq - counted(seq)
export const rcuSeqStart = (seq: number): number => seq + 1
export const rcuSeqEnd = (seq: number): number => counted(seq) + RCU_SEQ_STEP
/** The value which, once reached, proves that a whole grace period has passed since now. */
export const rcuSeqSnap = (seq: number): number => counted(seq + RCU_SEQ_STEP + RCU_SEQ_STATE_MASK)
export const rcuSeqDone = (seq: number, snap: number): boolean => seq >= snap

/** Grace periods between two values as rcuscale counts its `batches`: parts count as whole ones, and one more is added. */
export function rcuSeqDiff(later: number, earlier: number): number {
  if (later === earlier) return 0
  const partial = rcuSeqState(later) !== 0 || rcuSeqState(earlier) !== 0 ? 1 : 0
  const whole = counted(later) - counted(earlier + RCU_SEQ_STATE_MASK) + partial
  return Math.max(1, Math.floor(whole / RCU_SEQ_STEP) + 1)
}

/** A snapshot of both kinds: reached as soon as one of them is. */
export interface FullCookie {
  readonly normal: number
  readonly expedited: number
}

/**
 * The counters of one RCU flavour: normal, expedited, and the polled one (6.1 and later), which merges both. Moved by `start` and
 * `end` in order of time; all questions are about the moment of the last move.
 */
export class RcuSequences {
  normal: number
  expedited: number
  polled: number
  /** What the polled counter was moved to by the grace period of that kind in progress; 0 where it was not. */
  #ofNormal = 0
  #ofExpedited = 0

  constructor(normal = RCU_SEQ_INITIAL, expedited = RCU_SEQ_INITIAL, polled = RCU_SEQ_INITIAL) {
    this.normal = normal
    this.expedited = expedited
    this.polled = polled
  }

  start(expedited: boolean): void {
    if (expedited) this.expedited = rcuSeqStart(this.expedited)
    else this.normal = rcuSeqStart(this.normal)
    if (rcuSeqState(this.polled) === 0) this.polled = rcuSeqStart(this.polled)
    if (expedited) this.#ofExpedited = this.polled
    else this.#ofNormal = this.polled
  }

  end(expedited: boolean): void {
    const recorded = expedited ? this.#ofExpedited : this.#ofNormal
    if (recorded !== 0 && recorded === this.polled) {
      this.polled = rcuSeqEnd(this.polled)
      if (expedited) this.#ofNormal = 0
      else this.#ofExpedited = 0
    }
    if (expedited) {
      this.#ofExpedited = 0
      this.expedited = rcuSeqEnd(this.expedited)
    } else {
      this.#ofNormal = 0
      this.normal = rcuSeqEnd(this.normal)
    }
  }

  /** get_state_synchronize_rcu() of 5.10, and the number a callback queued now would be given: normal grace periods alone. */
  snapNormal(): number {
    return rcuSeqSnap(this.normal)
  }

  /** get_state_synchronize_rcu() of 6.1 and later. */
  snapPolled(): number {
    return rcuSeqSnap(this.polled)
  }

  snapExpedited(): number {
    return rcuSeqSnap(this.expedited)
  }

  snapFull(): FullCookie {
    return { normal: this.snapNormal(), expedited: this.snapExpedited() }
  }

  isDoneFull(cookie: FullCookie): boolean {
    return rcuSeqDone(this.normal, cookie.normal) || rcuSeqDone(this.expedited, cookie.expedited)
  }
}
