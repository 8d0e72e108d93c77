import { share } from '#kernel'
import type { Foresight, ReplayResult } from '#replay'
import type { Bounds, Run } from './schemas.ts'

/** Between what a run stands: the least that any list rules of its room could need, and every operation on its own. */
export function boundsOf(foresight: Foresight, { held }: Pick<ReplayResult, 'held'>): Bounds {
  return {
    peakPages: held.peak.reduce((sum, pages) => sum + pages, 0),
    least: foresight.least(held),
    unlimited: foresight.least({ ...held, peak: held.peak.map(() => 2 ** 31 - 1) }),
    none: { ...foresight.none },
  }
}

/**
 * What a run saves of what could be saved with its room, compared with no lists at all: 1 is the best possible, 0 is no better than
 * none, less is worse. Undefined where nothing can be saved, or bounds are not known.
 */
export function savedOf({ bounds, work }: Pick<Run, 'bounds' | 'work'>): {
  readonly pages: number | undefined
  readonly takes: number | undefined
} {
  if (bounds === undefined) return { pages: undefined, takes: undefined }
  const { least, none } = bounds
  return {
    pages: share(none.pages - work.zoneLockPages, none.pages - least.pages),
    takes: share(none.takes - work.zoneLocks, none.takes - least.takes),
  }
}
