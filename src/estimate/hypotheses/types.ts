import type { Pcp, ZoneFlags } from '#policies/pcp'
import type { Belief } from '../belief.ts'
import type { BulkSizes } from '../bulk-sizes.ts'
import type { EstimatorState } from '../state.ts'

/** What explains a miss is one of these unknowns. */
export type Hidden = 'count' | 'high' | 'pacing' | 'zone flags' | 'pages' | 'lock'

/** A refill of another size than the rule gives under the belief. */
export interface RefillSeen {
  readonly pset: number
  readonly list: number
  readonly order: number
  /** Recorded blocks. */
  readonly size: number
  /** The pageset before the rule saw it. */
  readonly saved: Pcp
  readonly flags: ZoneFlags
}

/** What a free led to: what the rule says under the belief, and what the kernel recorded after it. */
export interface BulkFreeSeen {
  readonly row: number
  readonly pset: number
  /** List that the block was freed to. */
  readonly list: number
  readonly order: number
  /** Pages to give back by the rule. */
  readonly n: number
  /** The pageset after the block came to its list, before the rule saw it. */
  readonly saved: Pcp
  /** Recorded drains: rows of `drain*`. */
  readonly from: number
  readonly to: number
  /** Recorded pages, with those that went later since the bulk free was preempted. */
  readonly recorded: number
  /** Whether the miss counts: the belief left one outcome. */
  readonly scored: boolean
  /** Whether the count is as uncertain as what the rule says of it, so that a limit which it crosses shows it. */
  readonly showsCount: boolean
}

export interface Context {
  readonly state: EstimatorState
  readonly belief: Belief
  readonly sizes: BulkSizes
}

/** Adopts the belief under which the rule gives what was recorded. */
export type Correction = () => void

/** One unknown that may explain why a prediction missed. */
export interface Hypothesis {
  readonly id: string
  /** Which unknown it corrects. */
  readonly hidden: Hidden
  /** What in the record speaks for it. */
  readonly evidence: readonly string[]
  readonly help: string
  /** What it explains proves a constant of the machine: such an event is not scored. */
  readonly proves?: true
  /** A correction under which the rule gives the recorded refill; undefined: it cannot explain it. Changes nothing itself. */
  readonly refill?: (seen: RefillSeen, context: Context) => Correction | undefined
  /** The same of a bulk free. */
  readonly bulkFree?: (seen: BulkFreeSeen, context: Context) => Correction | undefined
}
