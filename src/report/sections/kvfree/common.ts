import type { KvfreeComparedRun } from '#metrics/kvfree'

const MIB = 2 ** 20
export const toMib = (bytes: number): number => Number((bytes / MIB).toPrecision(4))
/** The same for reading: objects of a small trace fill no MiB. */
export const formatBytes = (bytes: number): string =>
  bytes >= MIB ? `${toMib(bytes)} MiB` : `${Number((bytes / 1024).toPrecision(3))} KiB`

/** States in the order in which an object passes them. */
export const STATES = ['collected', 'waiting', 'freeing'] as const
export const STATE_NAMES: Readonly<Record<(typeof STATES)[number], string>> = {
  collected: 'collected, no grace period asked for',
  waiting: 'waiting for a grace period and its work',
  freeing: 'being freed',
}

/** Memory of a state over time, MiB: objects and their share of the pages of pointers. */
export function mibOf({ series }: KvfreeComparedRun, state: (typeof STATES)[number]): number[] {
  return series.t.map((_, at) => {
    const all = STATES.reduce((sum, one) => sum + (series[one][at] ?? 0), 0)
    return all === 0 ? 0 : toMib(((series.bytes[at] ?? 0) * (series[state][at] ?? 0)) / all)
  })
}
