import { firstIndex } from '#kernel/numbers'
import type { ListRules, Pcp, ZoneFlags } from '#policies/pcp'

/** The smallest whole number in a range at which a test that turns true once holds; undefined where it never does. */
export function firstWhere(from: number, to: number, holds: (value: number) => boolean): number | undefined {
  if (from > to || !holds(to)) return undefined
  return from + firstIndex(to - from, (index) => holds(from + index))
}

/** Pages: more than the lists of any machine hold. */
const MOST_PAGES = 2 ** 26

const trialOf = (pcp: Pcp, change: Partial<Pcp>): Pcp => {
  const trial = pcp.clone()
  Object.assign(trial, change)
  return trial
}

/** The smallest count at which a free of a block of `order` leads to a bulk free; undefined: it never does. */
export const bulkFreeLimit = (rules: ListRules, pcp: Pcp, order: number, flags: ZoneFlags): number | undefined =>
  firstWhere(1, MOST_PAGES, (count) => rules.nrFree(trialOf(pcp, { count }), order, flags) > 0)

/** The largest `high` at which a free still leads to a bulk free; undefined: there is none. */
export function highestHigh(rules: ListRules, pcp: Pcp, order: number, flags: ZoneFlags): number | undefined {
  const { highMin, highMax } = pcp
  const silent = (high: number) => rules.nrFree(trialOf(pcp, { high }), order, flags) === 0
  if (silent(highMin)) return undefined
  const first = firstWhere(highMin, highMax, silent)
  return first === undefined ? highMax : first - 1
}

/** Pacing states in which a rule gives `wanted`: small counters are tried, the running count of frees is bisected. */
export function* pacings(pcp: Pcp, wanted: number, rule: (pcp: Pcp) => number, most: number): Generator<Pcp> {
  for (const prevFreeHighOrder of [pcp.prevFreeHighOrder, !pcp.prevFreeHighOrder]) {
    for (let factor = 0; factor <= most; factor++) {
      const trial = trialOf(pcp, { freeFactor: factor, prevFreeHighOrder })
      if (rule(trial) === wanted) yield trial
    }
    const freeCount = firstWhere(
      0,
      pcp.batch << most,
      (value) => rule(trialOf(pcp, { freeCount: value, prevFreeHighOrder })) >= wanted,
    )
    if (freeCount === undefined) continue
    const trial = trialOf(pcp, { freeCount, prevFreeHighOrder })
    if (rule(trial) === wanted) yield trial
  }
}
