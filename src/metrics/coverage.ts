import type { FidelityRun, ScoredRows } from '#estimate'
import { Op, type Script } from '#record'
import type { PcpFidelity } from './schemas.ts'

type Coverage = PcpFidelity['coverage']

/**
 * What the kernel recorded in the whole trace, and how much of it is scored. A run of pages from the buddy for one list is a refill, but for
 * a page that was allocated at once; a free after which pages were given back is a burst, but for what the replay takes for compaction's.
 */
export function coverageOf(
  script: Script,
  { localDrains }: FidelityRun,
  scored: Pick<PcpFidelity, 'refills' | 'drainBursts' | 'drainedPages'>,
  drainedInTrace: number,
  rows: ScoredRows,
): Coverage {
  const inTrace = recordedIn(script, new Set(localDrains.row), rows)
  // One page alone may have been a refill after all, or compaction's drain have come on top of a burst: the replay tells.
  const part = (all: number, one: number) => ({ inTrace: Math.max(all, one), scored: one })
  return {
    refills: part(inTrace.refills, scored.refills.recorded),
    drainBursts: part(inTrace.drainBursts, scored.drainBursts.recorded),
    drainedPages: { inTrace: drainedInTrace, scored: scored.drainedPages.recorded },
  }
}

function recordedIn(
  script: Script,
  locals: ReadonlySet<number>,
  { first, end: past }: ScoredRows,
): { refills: number; drainBursts: number } {
  const { op, pfn, refillStart, refillEnd, refillPfn, refillOrder, refillMigratetype } = script
  const { drainStart, drainEnd } = script
  let refills = 0
  let drainBursts = 0
  for (let row = first; row < past; row++) {
    // row < length, so every column has it
    const end = refillEnd[row]!
    if (op[row] === Op.free && drainEnd[row]! > drainStart[row]! && !locals.has(row)) drainBursts++
    for (let from = refillStart[row]!, to = from; from < end; from = to) {
      while (to < end && refillOrder[to] === refillOrder[from] && refillMigratetype[to] === refillMigratetype[from])
        to++
      const direct = to - from === 1 && op[row] === Op.alloc && pfn[row] === refillPfn[from]
      if (!direct) refills++
    }
  }
  return { refills, drainBursts }
}
