import type { Pages } from '#kernel'
import { type ListRules, PCP_BATCH_SCALE_MAX, type Pcp } from '#policies/pcp'

/** How a hidden value is known. */
export type Status = 'recorded' | 'proven' | 'guessed' | 'unknown'

/** What is believed of one pageset, and of each hidden field how it is known. */
export interface PagesetBelief {
  readonly pset: number
  readonly cpu: number
  readonly zone: number
  readonly pcp: Pcp
  /** The same, with its pacing begun at the other extreme; undefined once both agree, which proves the pacing. */
  twin: Pcp | undefined
  /** Pages of unknown identity, below the known ones on lists that are not proven. */
  unknown: number
  /** Pages that the lists show but the count disproves: they left unseen, and which they are is not known yet. */
  phantoms: number
  count: Status
  /** So many pages more there may be than a proven count says: a block of several of them crossed the limit that proved it. */
  over: number
  high: Status
  /** Whether the count was proven by a guessed `high` and no tick ran since: both may be off, by the same number of pages. */
  isTied: boolean
  /** Whether the count was inferred from a guessed `high`, so that both are off by the same unknown number of pages; ticks since then do not change that. */
  isRelative: boolean
  /** Whether a bulk free that was due did not come, and none came since: what explains the next one explains that too. */
  isDoubted: boolean
  /** By how much its last tick lowered `high`. */
  decay: number
  /** Row of its last free, if nothing was given back then; else −1. */
  lastSilentFreeRow: number
  /** Pages there were after that free. */
  silentCount: number
}

/** Whether a bulk free at this count shows `high` exactly: the free before it left one page less and caused no bulk free. */
export const pinsHigh = ({ lastSilentFreeRow, silentCount }: PagesetBelief, count: Pages): boolean =>
  lastSilentFreeRow >= 0 && count === silentCount + 1

/** Whether two states of a pageset have the same pacing. */
export const paces = ({ freeFactor, freeCount, allocFactor, prevFreeHighOrder }: Pcp, other: Pcp): boolean =>
  freeFactor === other.freeFactor &&
  freeCount === other.freeCount &&
  allocFactor === other.allocFactor &&
  prevFreeHighOrder === other.prevFreeHighOrder

/** A pageset with its pacing at the other extreme that a kernel can have reached; unchanged where these rules have no pacing. */
export function otherExtreme(pcp: Pcp, rules: ListRules): Pcp {
  const far = pcp.clone()
  far.freeFactor = PCP_BATCH_SCALE_MAX
  far.freeCount = pcp.batch << PCP_BATCH_SCALE_MAX
  far.allocFactor = PCP_BATCH_SCALE_MAX
  far.prevFreeHighOrder = true
  const moved = far.clone()
  const flags = { reclaimActive: false, belowHigh: false }
  rules.onAlloc(moved)
  rules.nrAlloc(moved, 0, flags)
  rules.nrFree(moved, 0, flags)
  if (moved.freeFactor === far.freeFactor) far.freeFactor = pcp.freeFactor
  if (moved.freeCount === far.freeCount) far.freeCount = pcp.freeCount
  if (moved.prevFreeHighOrder === far.prevFreeHighOrder) far.prevFreeHighOrder = pcp.prevFreeHighOrder
  const used = far.clone()
  used.allocFactor = PCP_BATCH_SCALE_MAX
  rules.nrFree(used, 0, flags)
  if (used.allocFactor === PCP_BATCH_SCALE_MAX) far.allocFactor = pcp.allocFactor
  return far
}

/** Before the record has shown anything. `rules`: by zone. */
export const newPagesetBelief = (pcp: Pcp, pset: number, rules: readonly ListRules[]): PagesetBelief => ({
  pset,
  cpu: Math.trunc(pset / rules.length),
  zone: pset % rules.length,
  pcp,
  twin: otherExtreme(pcp, rules[pset % rules.length]!),
  unknown: 0,
  phantoms: 0,
  count: 'unknown',
  over: 0,
  high: 'guessed',
  isTied: false,
  isRelative: false,
  isDoubted: false,
  decay: 0,
  lastSilentFreeRow: -1,
  silentCount: 0,
})
