import type { Pages, Pageset, Zone } from '#kernel'
import type { PcpChoice } from '#policies'
import type { Pcp } from '#policies/pcp'
import type { Script } from '#record'
import { pagesets } from '#sim'
import { firstWhere } from './invert.ts'
import type { HighBegun, HighShown } from './limit-evidence.ts'
import type { FidelityRun } from './scores.ts'

/** Assumption: where only a zone’s managed pages are guessed, `high` from the formula is off by at most this share. */
const ROUNDING = 0.01

/** Assumption: shown values of `high` within this share of each other confirm each other. */
const NEAR = 0.05

/** Assumption: `high` is fixed (set by percpu_pagelist_high_fraction) if it is shown this often, and nearly always at one value. */
const LEAST_EPISODES = 6
const NEARLY_ALL = 0.9

/** How often each value of `high` is shown; bulk frees between which nothing moved `high` count once. */
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

/** The value shown most often; of several, the largest. */
const mostShown = (episodes: Iterable<readonly [Pages, number]>): Pages | undefined =>
  [...episodes].sort(([a, many], [b, more]) => more - many || b - a)[0]?.[0]

const isNear = (high: Pages, guess: Pages): boolean => Math.abs(high - guess) <= Math.max(1, guess * ROUNDING)

/** The fixed `high` of a zone: the largest of the values that its pagesets show nearly always; undefined where `high` moves, or is shown too rarely. */
function fixedAt(shown: readonly HighShown[]): Pages | undefined {
  let [all, same] = [0, 0]
  const values: Pages[] = []
  for (const of of Map.groupBy(shown, ({ pset }) => pset).values()) {
    const episodes = episodesOf(of)
    const most = mostShown(episodes)!
    values.push(most)
    same += episodes.get(most)!
    for (const times of episodes.values()) all += times
  }
  return all >= LEAST_EPISODES && same >= NEARLY_ALL * all ? Math.max(...values) : undefined
}

/** Bounds of `high` in one zone, from where the record shows `high`; undefined where it only confirms those of the formulas. */
function boundsOf(
  all: readonly HighShown[],
  { highMin, highMax, batch }: Pcp,
): Pick<Pcp, 'highMin' | 'highMax'> | undefined {
  // No kernel sets `high` lower: zone_highsize(), mm/page_alloc.c, v5.14 to v7.2.
  const shown = all.filter(({ high }) => high >= 4 * batch)
  const known = shown.filter(({ isExact }) => isExact)
  const exact = episodesOf(known)
  const near = mostShown([...episodesOf(shown)].filter(([high]) => isNear(high, highMin)))
  if (highMin === highMax) {
    const high = mostShown(exact) ?? near
    return high === undefined ? undefined : { highMin: high, highMax: high }
  }
  const fixed = near === undefined ? (fixedAt(known) ?? fixedAt(shown)) : undefined
  if (fixed !== undefined) return { highMin: fixed, highMax: fixed }
  // Decay ends at the lower bound again and again. A single value far from all others is taken for an error of the estimate.
  const values = [...exact.keys()]
  const isLone = (high: Pages): boolean =>
    exact.get(high) === 1 && !values.some((other) => other !== high && Math.abs(other - high) <= high * NEAR)
  const repeated = values.filter((high) => exact.size === 1 || !isLone(high))
  const [least] = repeated.filter((high) => high < highMin || high / highMin < highMax / high).sort((a, b) => a - b)
  const low = near ?? least ?? highMin
  const most = Math.max(0, ...exact.keys())
  const high = most > highMax ? 2 * most : Math.max(low, highMax)
  return low === highMin && high === highMax ? undefined : { highMin: low, highMax: high }
}

/** The smallest initial `high` from which the recorded refills and ticks lead to where `high` is first shown; `highMin` where it never is. Source: nr_pcp_alloc(), decay_pcp_high(), v6.7 to v7.2. */
function startHigh(begun: HighBegun | undefined, highMin: Pages, highMax: Pages): Pages {
  if (begun === undefined) return highMin
  const endsAt = (start: Pages): Pages =>
    begun.moves.reduce(
      (high, pages) => (pages === 0 ? Math.max(highMin, high - (high >> 3)) : Math.min(highMax, high + pages)),
      start,
    )
  return firstWhere(highMin, highMax, (start) => endsAt(start) >= begun.high) ?? highMax
}

/**
 * The guessed zones of a capture without zoneinfo, corrected by what a first pass learnt of `high` and of the lists’ initial contents. Undefined with
 * zoneinfo, or where the record never shows `high`. The third argument is of a pass that follows the record.
 */
export function learntZones(
  script: Script,
  choice: PcpChoice,
  {
    limits: shown,
    highBegun,
    surfaced,
    atFirstWake,
  }: Pick<FidelityRun, 'limits' | 'highBegun' | 'surfaced' | 'atFirstWake'>,
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
        high: startHigh(highBegun[cpu * zones.length + at], highMin, highMax),
        batch: pcp.batch,
        ...(isFixed && bounds === undefined ? {} : { highMin }),
        // Without a file that tells the upper bound it is learnt as the trace goes.
        ...(isFixed || highMax !== pcp.highMax ? { highMax } : {}),
      }
    })
    const low = scaled(zone.low)
    // kswapd wakes where an allocation finds the zone below its low watermark.
    const woke = atFirstWake[at]!
    return {
      ...zone,
      free: Number.isNaN(woke) ? 0 : Math.max(0, Math.trunc(low - woke)),
      min: scaled(zone.min),
      low,
      high: scaled(zone.high),
      pagesets: sets,
    }
  })
}
