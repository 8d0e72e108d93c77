import type { Pages, Pageset, Zone } from '#kernel'
import type { PcpChoice } from '#policies'
import type { Pcp } from '#policies/pcp'
import type { Script } from '#record'
import { pagesets } from '#sim'
import type { HighShown } from './limit-evidence.ts'

/** A formula is taken to be off by no more than so large a share where only what a zone manages is guessed. */
const ROUNDING = 0.01

/** So often the same `high`, and no other, shows that nothing tunes it. */
const SHOWS_FIXED = 16

/** A value counts by its episodes: bulk frees between which nothing moved `high` show it once. */
function episodesOf(shown: readonly HighShown[]): Map<Pages, number> {
  const episodes = new Map<Pages, Set<string>>()
  for (const { high, pset, episode } of shown) {
    const seen = episodes.get(high)
    const key = `${pset} ${episode}`
    if (seen === undefined) episodes.set(high, new Set([key]))
    else seen.add(key)
  }
  return new Map([...episodes].map(([high, { size }]) => [high, size]))
}

/** What most show; the larger of two that as many do. */
const mostShown = (episodes: Iterable<readonly [Pages, number]>): Pages | undefined =>
  [...episodes].sort(([a, many], [b, more]) => more - many || b - a)[0]?.[0]

const isNear = (high: Pages, guess: Pages): boolean => Math.abs(high - guess) <= Math.max(1, guess * ROUNDING)

/** Bounds of `high` in one zone, as the record shows them; undefined where it shows nothing that the formulas do not give. */
function boundsOf(
  shown: readonly HighShown[],
  { highMin, highMax }: Pcp,
): Pick<Pcp, 'highMin' | 'highMax'> | undefined {
  const exact = episodesOf(shown.filter(({ isExact }) => isExact))
  const near = mostShown([...episodesOf(shown)].filter(([high]) => isNear(high, highMin)))
  const rows = shown.filter(({ isExact }) => isExact).length
  if (highMin === highMax) {
    const high = mostShown(exact) ?? near
    return high === undefined ? undefined : { highMin: high, highMax: high }
  }
  const [only] = exact.keys()
  if (only !== undefined && exact.size === 1 && rows >= SHOWS_FIXED) return { highMin: only, highMax: only }
  // Decay ends at the lower bound again and again; elsewhere `high` hardly comes to the same value twice.
  const repeated = [...exact].filter(([, times]) => times > 1 || exact.size === 1).map(([high]) => high)
  const [least] = repeated.filter((high) => high < highMin || high / highMin < highMax / high).sort((a, b) => a - b)
  const low = near ?? least ?? highMin
  const most = Math.max(0, ...exact.keys())
  const high = most > highMax ? 2 * most : Math.max(low, highMax)
  return low === highMin && high === highMax ? undefined : { highMin: low, highMax: high }
}

/**
 * The zones of a capture without zoneinfo, with what the record shows of `high` and of what lay on the lists; undefined where it shows
 * nothing. `shown`: from a pass that followed the record. `surfaced`: by pageset, pages that lay there before the trace.
 */
export function learntZones(
  script: Script,
  choice: PcpChoice,
  shown: readonly HighShown[],
  surfaced: readonly Pages[],
): Zone[] | undefined {
  if (script.machine.zones.length > 0 || shown.length === 0) return undefined
  const { zones, cpus } = script
  const { pcps } = pagesets(script, choice)
  return zones.map((zone, at) => {
    const pcp = pcps[at]!
    const bounds = boundsOf(
      shown.filter(({ pset }) => pset % zones.length === at),
      pcp,
    )
    const { highMin, highMax } = bounds ?? pcp
    const scaled = (pages: Pages): Pages => Math.trunc((pages * highMin) / pcp.highMin)
    const sets = Array.from({ length: cpus }, (_, cpu): Pageset => {
      const isFixed = highMin === highMax
      return {
        cpu,
        count: surfaced[cpu * zones.length + at]!,
        high: highMin,
        batch: pcp.batch,
        ...(isFixed && bounds === undefined ? {} : { highMin }),
        // Without a file that tells the upper bound it is learnt as the trace goes.
        ...(isFixed || highMax !== pcp.highMax ? { highMax } : {}),
      }
    })
    return {
      ...zone,
      min: scaled(zone.min),
      low: scaled(zone.low),
      high: scaled(zone.high),
      pagesets: sets,
    }
  })
}
