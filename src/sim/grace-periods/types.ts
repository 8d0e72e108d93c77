import type { Cpu, Ns } from '#kernel'
import type { RcuSequences } from '#kernel/rcu'

export interface GpInterval {
  readonly expedited: boolean
  /** Absent where nobody was seen to ask, or no start or end was recorded. */
  readonly requested?: Ns | undefined
  readonly start: Ns
  readonly end?: Ns | undefined
  /** The last to report: `CPU 3`, or the scan for idle CPUs. */
  readonly endedBy?: string | undefined
}

/** Grace periods as time goes on. Two makers: the trace, and a generator. */
export interface GracePeriods {
  /** Counters at the moment of the last `advance`. */
  readonly sequences: RcuSequences
  /** When the next start or end comes, as far as is known; Infinity where none is under way or asked for. */
  readonly next: Ns
  /** When the normal grace period in progress began. */
  readonly startedAt: Ns | undefined
  /** Those begun so far, in order of start. */
  readonly intervals: readonly GpInterval[]
  /** Makes all starts and ends up to and including `until` happen. */
  advance(until: Ns): void
  /** Somebody on `cpu` needs a grace period that begins at or after `now`. */
  request(now: Ns, cpu: Cpu, expedited?: boolean): void
}
