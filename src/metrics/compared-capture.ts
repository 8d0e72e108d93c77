import type { Foresight, PolicyRun } from '#replay'
import type { CaptureFacts } from './capture-facts.ts'
import type { LossTrials } from './losses/trials.ts'

/** What a comparison says of a capture by itself, and the runs of every policy on it. */
export interface ComparedCapture {
  readonly facts: CaptureFacts
  /** Absent: runs have no bounds. */
  readonly foresight: Foresight | undefined
  readonly runs: readonly PolicyRun[]
  /** The recording kernel’s own policy with its defaults, free-running. */
  readonly own: PolicyRun
  /** Policies again, with an assumed input at either end of its range. */
  readonly varied: readonly VariedPolicy[]
  /** Where events were lost: the same figures with as many lost once more. */
  readonly losses?: LossTrials | undefined
}

export interface VariedPolicy {
  readonly policy: string
  readonly param: string
  readonly end: 'low' | 'high'
  readonly run: PolicyRun
}
